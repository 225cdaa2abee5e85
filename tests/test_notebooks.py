"""The notebooks we ship: run on the sample, on degenerate companies, by papermill alone, in both languages.

Here the cells are run in this process, which shows what they show without a kernel; the runner's own tests and the
demo at the end of this file start real kernels.
"""

import ast
import json
import math
from pathlib import Path

import IPython.display
import nbformat
import pandas as pd
import papermill
import pytest

from cs_analysis.data.sample import make_sample, write_sample
from cs_analysis.report import run as runner
from cs_analysis.report.request import Request

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
AS_OF = "2026-10-31"

# the tables of interfaces.md: key columns and value columns each must have
TABLES = {
    "01_time_per_account": {
        "headline": "metric value low high n unit previous year_ago",
        "findings": "rank kind text money account_id",
        "hours": "account_id phase task csm month hours",
        "set_aside": "account_id nearest hours",
        "cost_to_serve": "account_id hours cost mrr margin",
        "csm_comparison": "csm hours expected ratio low high n",
        "task_standards": "task hours share median p90 hours_to_win",
        "logging_coverage": "csm week logged available coverage",
        "initiatives": "initiative estimate low high n",
        "capacity": "touch_model phase hours_per_account accounts break_even",
    },
    "04_nrr_cohorts": {
        "headline": "metric value low high n unit previous year_ago",
        "findings": "rank kind text money account_id",
        "bridge": "month opening new reactivation expansion contraction churn closing complete",
        "movements": "month movement amount accounts",
        "retention": "month span measure estimate low high n opening_mrr closing_mrr",
        "definitions": "definition estimate why",
        "cohorts": "cohort measure age estimate mrr accounts",
        "cohort_average": "measure age estimate cohorts",
        "projection": "cohort measure age estimate low high",
        "concentration": "account_id share nrr_without",
        "movers": "month account_id movement amount",
        "expansion_split": "month kind amount accounts",
    },
    "02_onboarding": {
        "headline": "metric value low high n unit previous year_ago",
        "findings": "rank kind text money account_id",
        "curve": "group day estimate low high at_risk",
        "durations": "group n completed open churned median median_low median_high p80 rmst rmst_low rmst_high "
        "day30 day60 day90 completed_only_mean",
        "comparison": "group_a group_b rmst_difference low high p",
        "steps": "step owner n median_wait p80_wait share_of_wait",
        "stuck": "account_id step days_open p80 csm",
    },
    "03_churn_survival": {
        "headline": "metric value low high n unit previous year_ago",
        "findings": "rank kind text money account_id",
        "curve": "group weighting month estimate low high at_risk",
        "summary": "group n events median median_low median_high s12 s12_low s12_high s24 rmst rmst_low rmst_high",
        "comparison": "group_a group_b chi2 p p_holm rmst_difference low high",
        "renewals": "renewal due lost estimate low high",
        "reasons": "reason month estimate low high",
        "drivers": "covariate hazard_ratio low high p ph_p",
        "validation": "decile predicted observed n",
        "risk": "account_id mrr probability low high mrr_at_risk",
    },
    "05_nps": {
        "headline": "metric value low high n unit previous year_ago",
        "findings": "rank kind text money account_id",
        "score": "wave group weighting estimate low high n promoters passives detractors invited response_rate",
        "comparison": "wave group_a group_b difference low high p p_holm",
        "distribution": "wave score n",
        "switches": "from to n",
        "churn_link": "answer n churned estimate low high",
        "loyalty": "attitude behaviour accounts mrr",
        "follow_up": "account_id respondent score comment",
    },
    "00_data_check": {
        "headline": "metric value n unit",
        "findings": "rank kind text money account_id",
        "problems": "severity file sheet row column value problem action",
        "coverage": "table rows_read rows_used first_day last_day",
    },
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_sample(make_sample(), folder)
    return folder


def shown_by(path, monkeypatch, **parameters):
    """What the notebook's cells display, as the objects themselves."""
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *things: shown.extend(things))
    names = {}
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop().value if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell.id, "exec"), names)
        if "parameters" in cell.metadata.get("tags", []):
            names.update(parameters)
        if last is not None:
            value = eval(compile(ast.Expression(last), cell.id, "eval"), names)
            shown.extend([] if value is None else [value])
    return shown


def words(things):
    """Everything a reader sees as text: sentences, tables, alt texts."""
    return [thing.html if hasattr(thing, "html") else thing.alt for thing in things]


def company(folder, contracts, accounts=None):
    table = pd.DataFrame(contracts, columns=["contract_id", "account_id", "start_date", "end_date", "mrr"])
    known = accounts or sorted(table["account_id"].unique())
    pd.DataFrame({"account_id": known, "account_name": [f"Company {a}" for a in known]}).to_csv(
        folder / "accounts.csv", index=False
    )
    table.to_csv(folder / "contracts.csv", index=False)
    day = pd.to_datetime(table["start_date"]).dt.strftime("%Y-%m-%d")
    entries = pd.DataFrame({"date": day, "csm": "Sato", "account_id": table["account_id"], "task": "call"})
    entries.assign(hours=1.5).to_csv(folder / "time_entries.csv", index=False)
    first = known[0]
    onboarding = {"account_id": [first], "step": ["Kickoff"], "started_date": ["2026-10-31"], "completed_date": [""]}
    pd.DataFrame(onboarding).to_csv(folder / "onboarding_steps.csv", index=False)
    return folder


LATE = "2026-02-01"
DEGENERATE = {
    "one account": [("C1", "A1", LATE, "", 100)],
    "one account for a year and more": [("C1", "A1", "2024-02-01", "2026-01-31", 100), ("C2", "A1", LATE, "", 120)],
    "one account for a day": [("C1", "A1", "2026-10-31", "", 100)],
    "all churned": [(f"C{i}", f"A{i}", "2024-04-01", "2026-03-31", 100 + i) for i in range(12)]
    + [("C12", "A12", LATE, "2026-03-31", 50)],
    "none churned": [(f"C{i}", f"A{i}", "2024-04-01", "", 100 + i) for i in range(11)] + [("C12", "A12", LATE, "", 50)],
    "all ended before the first month end": [("C1", "A1", "2026-09-02", "2026-09-20", 100)],
    "all new this month": [(f"C{i}", f"A{i}", "2026-10-01", "", 100) for i in range(12)],
}


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_answers_in_words_where_there_is_little_to_compute(path, case, language, tmp_path, monkeypatch):
    folder = company(tmp_path, DEGENERATE[case])
    shown = shown_by(path, monkeypatch, data_dir=str(folder), as_of=AS_OF, lang=language)
    assert len(shown) > 5
    for text in words(shown):
        lowered = text.lower()
        for fault in (">nan<", " nan ", "nan %", ">inf<", "inf %", "none %", "nat", "100.0–100.0"):
            assert fault not in lowered.replace("alternat", "").replace("signat", ""), (fault, text[:400])
    for thing in shown:
        if hasattr(thing, "alt"):
            assert thing.alt.strip()
            assert len(thing.svg()) > 2000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_segment_nobody_filled_in_is_one_group(path, tmp_path, monkeypatch):
    folder = company(tmp_path, DEGENERATE["none churned"], accounts=[f"A{i}" for i in range(13)])
    assert shown_by(path, monkeypatch, data_dir=str(folder), as_of=AS_OF)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_interface(name, sample, tmp_path, monkeypatch):
    path = ROOT / "notebooks" / f"{name}.ipynb"
    shown_by(path, monkeypatch, data_dir=str(sample), as_of=AS_OF, out_dir=str(tmp_path))
    for table, columns in TABLES[name].items():
        found = pd.read_csv(tmp_path / f"{table}.csv", encoding="utf-8-sig")
        assert [c for c in columns.split() if c not in found] == [], table


def test_headline_figures_agree_with_the_truth(sample, tmp_path, monkeypatch):
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))["figures"]
    path = ROOT / "notebooks" / "04_nrr_cohorts.ipynb"
    shown_by(path, monkeypatch, data_dir=str(sample), as_of=AS_OF, out_dir=str(tmp_path))
    headline = pd.read_csv(tmp_path / "headline.csv", encoding="utf-8-sig").set_index("metric")
    for metric, key in (("nrr", "nrr"), ("grr", "grr"), ("logo_retention", "logo")):
        at = truth["at_until"][key]
        row = headline.loc[metric]
        assert row["low"] <= at["expected"] <= row["high"], metric
        assert math.isclose(row["value"], at["realised"], abs_tol=1e-6), metric
        assert math.isclose(row["previous"], truth["at_previous"][key]["realised"], abs_tol=1e-6), metric
        assert math.isclose(row["year_ago"], truth["at_year_ago"][key]["realised"], abs_tol=1e-6), metric
        change = at["expected"] - truth["at_year_ago"][key]["expected"]
        assert row["year_low"] <= change <= row["year_high"], metric


def test_the_pages_recover_what_was_put_into_the_sample(sample, tmp_path, monkeypatch):
    """The change of the onboarding, the risk while a champion is gone, and that losses fall on renewals."""
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))

    def saved(notebook, table):
        out = tmp_path / notebook
        if not out.exists():
            path = ROOT / "notebooks" / f"{notebook}.ipynb"
            shown_by(path, monkeypatch, data_dir=str(sample), as_of=AS_OF, out_dir=str(out))
        return pd.read_csv(out / f"{table}.csv", encoding="utf-8-sig")

    change = saved("02_onboarding", "initiatives").query("group == 'all' and measure == 'median_ratio'").iloc[0]
    assert change["low"] <= truth["onboarding"]["step_days_factor"] <= change["high"] < 1
    champion = saved("03_churn_survival", "drivers").set_index("covariate").loc["champion_gone"]
    assert 1 < champion["low"] <= truth["parameters"]["champion_factor"] <= champion["high"]
    due = saved("03_churn_survival", "renewals")
    known = truth["renewals"].values()
    share = sum(k["expected_lost"] for k in known) / sum(k["due"] for k in known)
    first = due[due["renewal"] <= 3]
    assert (first["low"] <= share).all()
    assert (first["high"] >= share).all()
    spike = saved("03_churn_survival", "spike")
    assert set(spike.nlargest(3, "lost")["month"]) <= {12, 24, 36, 48}


@pytest.mark.parametrize("notebook", [name for name in TABLES if name != "00_data_check"])
def test_language_changes_no_number(notebook, sample, tmp_path, monkeypatch):
    path = ROOT / "notebooks" / f"{notebook}.ipynb"
    for language in ("en", "ja"):
        out = str(tmp_path / language)
        shown_by(path, monkeypatch, data_dir=str(sample), as_of=AS_OF, lang=language, out_dir=out)
    prose = {"headline", "findings", "definitions", "left_out"}
    names = sorted(p.stem for p in (tmp_path / "en").glob("*.csv"))
    assert len(names) > 8
    for name in names:
        tables = [pd.read_csv(tmp_path / lang / f"{name}.csv", encoding="utf-8-sig") for lang in ("en", "ja")]
        tables[1] = tables[1].replace("(未入力)", "(not given)")  # the one group that has no name of its own
        if name in prose:
            tables = [t.drop(columns=["label", "sentence", "note", "text", "why"], errors="ignore") for t in tables]
        pd.testing.assert_frame_equal(*tables, obj=name)


def test_papermill_alone_gives_the_tables_of_a_run(sample, tmp_path):
    """The runner adds checks, pages and an index; the figures are those of plain papermill."""
    out = tmp_path / "report"
    request = Request(data=sample, as_of=AS_OF, out=out, only=("04",))
    assert runner.run(request).exit_code == 0
    path = ROOT / "notebooks" / "04_nrr_cohorts.ipynb"
    plain = tmp_path / "plain"
    papermill.execute_notebook(
        str(path),
        str(tmp_path / "out.ipynb"),
        parameters={"data_dir": str(sample), "as_of": AS_OF, "out_dir": str(plain)},
        progress_bar=False,
    )
    ours = sorted((out / "tables" / "04_nrr_cohorts").glob("*.csv"))
    assert len(ours) > 12
    assert [p.name for p in ours] == sorted(p.name for p in plain.glob("*.csv"))
    for table in ours:
        assert table.read_bytes() == (plain / table.name).read_bytes(), table.name
