"""Proposed mappings: the shipped examples without their client files, judged by those; questions, never guesses."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import cs_analysis as cs
from cs_analysis.cli import app
from cs_analysis.data.propose import Guess, Proposal, Question, propose
from cs_analysis.data.propose_toml import PROPOSED, proposed_text, summary_lines
from cs_analysis.data.read import Source
from cs_analysis.data.sample import make_sample, write_sample
from cs_analysis.data.schema import TABLES, find_column
from cs_analysis.data.settings import Settings, read_settings
from cs_analysis.data.vocabulary import CERTAIN, HINTS, LIKELY, UNSURE
from cs_analysis.display.language import set_language
from cs_analysis.errors import InputError

EXAMPLES = Path(__file__).parent.parent / "data_templates" / "examples"
NONE = Settings()
# what each folder of exports holds, besides the tables that are in our own form
HOLDS = {
    "salesforce": ["accounts", "contracts"],
    "kintone": ["accounts", "contracts"],
    "hubspot": ["accounts", "contracts"],
    "stripe": ["accounts", "contracts"],
    "survey_form": ["survey_responses"],
    "task_tool": ["onboarding_steps"],
    "time_sheet": ["time_entries"],
    "monthly_sheet": ["accounts", "mrr_months"],
}


def exports(name: str, folder: Path) -> Path:
    """The files of an example without its client file."""
    return Path(
        shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("cs-analysis.toml", "*.md"))
    )


def sure(proposal: Proposal) -> dict[str, str]:
    return {g.header: g.column for g in proposal.guesses if g.certainty != UNSURE}


def answered(text: str, answers: dict[str, str]) -> str:
    """The proposal with each line that holds a question replaced by its answer."""
    for question, answer in answers.items():
        assert question in text
        text = text.replace(question, answer)
    return text


@pytest.mark.parametrize("name", HOLDS)
def test_files_are_recognised(name, tmp_path):
    assert [p.table for p in propose(exports(name, tmp_path), NONE)] == HOLDS[name]


@pytest.mark.parametrize("name", HOLDS)
def test_what_is_said_to_be_sure_agrees_with_the_mapping_somebody_made(name, tmp_path):
    truth = read_settings(EXAMPLES / name / "cs-analysis.toml").mapping
    for proposal in propose(exports(name, tmp_path), NONE):
        table = TABLES[proposal.table]
        rule = truth[proposal.table].derive.amount
        for header, column in sure(proposal).items():
            made = "amount" if rule and rule.amount == header else truth[proposal.table].columns.get(header, header)
            ours = find_column(table, made)
            assert header in truth[proposal.table].ignore or (ours is not None and ours.name == column), header
        assert proposal.by_name == (truth[proposal.table].match == "name")


@pytest.mark.parametrize("name", HOLDS)
def test_no_unit_currency_or_owner_is_ever_filled_in(name, tmp_path):
    proposals = propose(exports(name, tmp_path), NONE)
    text = proposed_text(proposals, NONE)
    data = tomllib.loads(text)
    assert set(data.get("client", {}).values()) <= {"?"}
    for section in data["mapping"].values():
        assert set(section.get("units", {}).values()) <= {"?"}
        assert set(section.get("constants", {}).values()) <= {"?"}
        assert all(set(pairs.values()) == {"?"} for pairs in section.get("values", {}).values())
    assert summary_lines(proposals, "x")[-1].startswith("The proposed mapping is in x")


@pytest.mark.parametrize("name", ["salesforce", "kintone", "hubspot", "stripe", "survey_form", "task_tool"])
def test_a_proposal_is_refused_until_its_questions_are_answered(name, tmp_path):
    folder = exports(name, tmp_path)
    proposals = propose(folder, NONE)
    assert any(p.questions for p in proposals)
    (folder / "cs-analysis.toml").write_text(proposed_text(proposals, NONE), encoding="utf-8")
    with pytest.raises(InputError, match=r"answer the question|but it must be"):
        read_settings(folder / "cs-analysis.toml")


def test_an_answered_proposal_gives_the_answers_of_the_survey(tmp_path):
    folder = exports("survey_form", tmp_path)
    text = proposed_text(propose(folder, NONE), NONE)
    text = answered(text, {'constants."wave" = "?"': 'constants."wave" = "2026年上期"'})
    (folder / "cs-analysis.toml").write_text(text, encoding="utf-8")
    mine, shipped = (cs.load(f, as_of="2026-10-31", lang="en") for f in (folder, EXAMPLES / "survey_form"))
    assert mine.survey_responses.equals(shipped.survey_responses)
    assert len(mine.survey_responses) == 4


def test_an_answered_proposal_gives_the_revenue_of_the_months(tmp_path):
    folder = exports("monthly_sheet", tmp_path)
    text = proposed_text(propose(folder, NONE), NONE)
    text = answered(text, {'currency = "?"': 'currency = "JPY"', 'units."mrr" = "?"': 'units."mrr" = "千円"'})
    (folder / "cs-analysis.toml").write_text(text, encoding="utf-8")
    mine, shipped = (cs.load(f, as_of="2026-10-31", lang="en") for f in (folder, EXAMPLES / "monthly_sheet"))
    columns = ["account_id", "start", "stop", "mrr"]
    assert mine.contracts[columns].equals(shipped.contracts[columns])


def test_time_sheets_of_several_months_are_proposed_as_one_table_with_its_clock(tmp_path):
    folder = exports("time_sheet", tmp_path)
    [proposal] = propose(folder, NONE)
    assert [s.file for s in proposal.sources] == ["工数_2026-09.csv", "工数_2026-10.csv"]
    assert proposal.clock == {"start": "開始", "end": "終了", "break": "休憩（分）"}
    (folder / "cs-analysis.toml").write_text(proposed_text([proposal], NONE), encoding="utf-8")
    assert cs.load(folder, as_of="2026-10-31", lang="en").time_entries["hours"].sum() == 23.75


def test_which_rows_count_is_asked_with_what_there_is(tmp_path):
    asked = {q.key: q for p in propose(exports("salesforce", tmp_path), NONE) for q in p.questions}
    assert asked["filter"].names == ("Stage",)
    assert "Closed Won (8), Closed Lost (1), Negotiation (1)" in asked["filter"].asked
    assert "Contract Term (months)" in asked["constants"].asked


def test_whose_court_a_value_means_is_asked(tmp_path):
    [proposal] = propose(exports("task_tool", tmp_path), NONE)
    [owner] = [q for q in proposal.questions if q.key == "values.owner"]
    assert owner.names == ("先方", "当社")
    assert sure(proposal)["Customer"] == "account_id"


def test_a_header_that_is_nearly_ours_is_proposed(tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id,segmnet,統合先,Colour\nA1,x,,red\n", encoding="utf-8")
    [proposal] = propose(tmp_path, NONE)
    got = {g.header: (g.column, g.certainty) for g in proposal.guesses}
    assert got == {
        "account_id": ("account_id", CERTAIN), "segmnet": ("segment", LIKELY), "統合先": ("merged_into", LIKELY),
    }  # fmt: skip


def test_values_that_do_not_fit_make_a_guess_unsure(tmp_path):
    (tmp_path / "form.csv").write_text(
        "Timestamp,Company,Name,How likely are you to recommend us?\nyes,A,B,very\nno,C,D,not at all\n",
        encoding="utf-8",
    )
    [proposal] = propose(tmp_path, NONE)
    assert proposal.table == "survey_responses"
    assert {g.certainty for g in proposal.guesses if g.column in ("score", "responded_date")} == {UNSURE}
    text = proposed_text([proposal], NONE)
    assert '# "Timestamp" = "responded_date"  # unsure' in text
    assert "Timestamp" not in tomllib.loads(text)["mapping"]["survey_responses"]["columns"]


@pytest.mark.parametrize("name", [*HOLDS, "telco"])
def test_nothing_is_proposed_where_all_is_mapped(name):
    assert propose(EXAMPLES / name, read_settings(EXAMPLES / name / "cs-analysis.toml")) == []


def test_nothing_is_proposed_for_files_in_our_form(tmp_path):
    folder = write_sample(make_sample(accounts=20, months=24), tmp_path / "sample", "csv")
    assert propose(folder, NONE) == []
    (folder / "notes.csv").write_text("wish,who\nmore sun,Ken\n", encoding="utf-8")
    shutil.copy(folder / "contracts.csv", folder / "contracts copy.csv")
    assert propose(folder, NONE) == []


def test_what_the_client_file_says_already_is_kept(tmp_path):
    folder = exports("hubspot", tmp_path)
    before = (EXAMPLES / "hubspot" / "cs-analysis.toml").read_text(encoding="utf-8")
    before = before[: before.index("[mapping.contracts]")]
    (folder / "cs-analysis.toml").write_text(before, encoding="utf-8")
    settings = read_settings(folder / "cs-analysis.toml")
    text = proposed_text(propose(folder, settings), settings)
    data = tomllib.loads(text)
    assert data["client"] == {"name": "HubSpot (example)", "currency": "USD"}
    assert list(data["mapping"]) == ["accounts", "contracts"]


TRICKY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(TRICKY, min_size=1, max_size=4, unique=True), TRICKY, TRICKY)
def test_whatever_stands_in_a_header_the_proposal_is_sound(headers, file, why):
    names = ["account_id", "account_name", "segment", "industry"]
    guesses = tuple(
        Guess(h, c, k, "") for h, c, k in zip(headers, names, [LIKELY, CERTAIN, LIKELY, CERTAIN], strict=False)
    )
    question = Question("filter", why, (headers[0],))
    proposal = Proposal("accounts", (Source(file),), guesses, (question,), True, fixed={"ignore": [why]})
    section = tomllib.loads(proposed_text([proposal], NONE))["mapping"]["accounts"]
    assert section["columns"] == {g.header: g.column for g in guesses}
    assert section["file"] == file
    assert section["filter"] == {headers[0]: ["?"]}
    assert section["ignore"] == [why]


def test_hints_speak_of_columns_that_there_are():
    for hint in HINTS:
        for name in hint.tables:
            assert TABLES[name].column(hint.column) is not None, hint


# ------------------------------------------------------------------------------------------------------ command line


def test_check_writes_the_proposal_and_says_so(tmp_path):
    folder = exports("salesforce", tmp_path)
    result = CliRunner().invoke(app, ["check", "--data", str(folder)])
    assert result.exit_code == 2  # without accounts there is nothing to check yet
    assert "seems to hold contracts; its columns: " in result.stderr
    assert PROPOSED in result.stderr
    assert set(tomllib.loads((folder / PROPOSED).read_text(encoding="utf-8"))["mapping"]) == {"accounts", "contracts"}


def test_check_as_json_tells_the_proposal_and_writes_nothing(tmp_path):
    folder = exports("survey_form", tmp_path)
    result = CliRunner().invoke(app, ["check", "--data", str(folder), "--json", "--lang", "ja"])
    [found] = json.loads(result.stdout).values()
    assert [p["table"] for p in found["proposals"]] == ["survey_responses"]
    assert found["proposals"][0]["match"] == "name"
    assert not (folder / PROPOSED).exists()


def test_check_of_a_mapped_folder_writes_nothing(tmp_path):
    folder = Path(shutil.copytree(EXAMPLES / "stripe", tmp_path / "stripe"))
    result = CliRunner().invoke(app, ["check", "--data", str(folder)])
    assert result.exit_code == 0
    assert not (folder / PROPOSED).exists()
    assert "proposal" not in result.stderr


def test_a_proposal_speaks_the_language_in_force(tmp_path):
    set_language("ja")
    text = proposed_text(propose(exports("kintone", tmp_path), NONE), NONE)
    assert tomllib.loads(text)["mapping"]["contracts"]["fill_down"] == ["顧客コード"]
