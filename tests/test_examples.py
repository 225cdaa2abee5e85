"""The shipped examples of exports: each comes out at figures counted by hand from its rows, and its faults are told."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import cs_analysis as cs
from cs_analysis.data.book import check

EXAMPLES = Path(__file__).parent.parent / "data_templates" / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
AS_OF = "2026-10-31"


def book_of(name: str) -> cs.Book:
    book = cs.load(EXAMPLES / name, as_of=AS_OF, lang="en")
    assert not (book.problems["severity"] == "error").any()
    return book


def mrr(book: cs.Book, day: str = AS_OF) -> dict[str, float]:
    """MRR by account on a day."""
    lines, at = book.contracts, pd.Timestamp(day)
    active = lines[(lines["start"] <= at) & ~(lines["stop"] <= at)]
    return active.groupby("account_id")["mrr"].sum().to_dict()


def set_aside(book: cs.Book) -> dict[str, str]:
    """Column → what is told of the rows that a filter set aside."""
    found = book.problems[book.problems["problem"].str.contains("set aside by the filter")]
    return dict(zip(found["column"], found["problem"] + " " + found["action"], strict=True))


def test_salesforce_counts_won_subscriptions_over_their_term():
    book = book_of("salesforce")
    ids = {name: f"0012w00000AbCd{letter}AA1" for name, letter in zip("AUYKH", "EFGHI", strict=True)}
    # 3,600,000 / 24 · 9,000,000 / 36 + 480,000 / 16 · 240,000 / 12 · 900,000 / 6; Umi ended on 2026-05-31
    assert mrr(book) == {ids["A"]: 150_000, ids["Y"]: 280_000, ids["K"]: 20_000, ids["H"]: 150_000}
    # before its renewal Aozora paid 1,440,000 / 12; its set-up fee does not recur
    assert mrr(book, "2024-04-15") == {ids["A"]: 120_000}
    assert len(book.accounts) == 5
    assert "12,660,000" in set_aside(book)["Stage"]  # 660,000 lost and 12,000,000 still in negotiation
    footers = book.problems[book.problems["problem"].str.contains("footer")]
    assert footers["problem"].str.extract(r"rows (\d+) to (\d+)").values.tolist() == [["9", "13"], ["14", "18"]]


def test_kintone_records_become_accounts_and_their_tables_contracts():
    book = book_of("kintone")
    assert book.accounts["account_id"].tolist() == ["0001", "0002", "0003", "0004", "0005", "0006"]
    assert book.accounts["account_name"][1] == "海山物産㈱"
    assert mrr(book) == {"0001": 150_000, "0003": 60_000, "0004": 15_000, "0006": 45_000}
    assert mrr(book, "2025-09-30") == {"0001": 120_000, "0002": 80_000, "0003": 80_000, "0004": 15_000}
    lines = ["0001-1", "0001-2", "0002-1", "0003-1", "0003-2", "0004-1", "0006-1"]
    assert book.contracts["contract_id"].tolist() == lines
    assert "月額（税抜） 200,000" in set_aside(book)["商品名"]
    assert "月額（税抜）" not in book.accounts


def test_hubspot_counts_won_deals_by_their_annual_value():
    book = book_of("hubspot")
    assert mrr(book) == {"17450031201": 1300, "17450031203": 2750, "17450031204": 200}
    assert mrr(book, "2025-06-30") == {"17450031201": 1250, "17450031202": 500, "17450031203": 2500}
    assert len(book.accounts) == 4  # an opportunity is no account yet
    assert "amount 54,600" in set_aside(book)["Deal Stage"]


def test_stripe_counts_seats_intervals_cents_and_yen():
    book = book_of("stripe")
    # 49.00 × 10 + 9.90 × 10 · 1,080.00 × 25 / 12 · 15,000 yen × 2 / 3 months at 0.0065
    got = mrr(book)
    assert got == pytest.approx({"cus_P0aozora": 589, "cus_P0yama": 2250, "cus_P0kawa": 65})
    assert mrr(book, "2026-02-28")["cus_P0umi"] == 147  # its last day
    assert "cus_P0umi" not in mrr(book, "2026-03-01")
    assert "trialing (1)" in set_aside(book)["status"]
    assert not book.accounts.astype(str).apply(lambda column: column.str.contains("@")).any(axis=None)


def test_a_survey_form_finds_its_accounts_by_name():
    book = book_of("survey_form")
    answers = book.survey_responses
    assert answers[["account_id", "respondent", "score"]].values.tolist() == [
        ["A001", "伊藤", 7], ["A001", "高橋", 8], ["A003", "山本", 10], ["A004", "中村", 3],
    ]  # fmt: skip
    assert answers["wave"].unique().tolist() == ["2026年上期"]
    lost = book.problems[book.problems["value"] == "さくら不動産(本社)"]
    assert lost[["file", "row", "column"]].values.tolist() == [["顧客満足度アンケート（2026年上期）.csv", 7, "貴社名"]]
    assert "さくら不動産" in lost["action"].iloc[0]


def test_a_task_tools_export_becomes_onboarding_steps():
    book = book_of("task_tool")
    steps = book.onboarding_steps
    assert steps.groupby("account_id").size().to_dict() == {"A003": 3, "A004": 2, "A005": 2}
    assert steps[steps["is_go_live"] == True]["account_id"].tolist() == ["A003", "A005"]  # noqa: E712
    assert steps["owner"].value_counts().to_dict() == {"us": 5, "customer": 2}
    assert steps["completed_date"].isna().sum() == 1
    assert set_aside(book)["Section/Column"].startswith("1 rows")
    assert "みなと運輸" in set(book.problems["value"])


def test_time_sheets_of_several_months_become_hours():
    book = book_of("time_sheet")
    hours = book.time_entries.assign(account_id=book.time_entries["account_id"].fillna("internal"))
    # the misspelt name keeps its 45 minutes, under the name as it was written
    assert hours.groupby("account_id")["hours"].sum().to_dict() == {
        "A001": 2.5, "A002": 1.5, "A003": 3.5, "A004": 8.0, "A005": 3.0, "internal": 4.5, "北斗電気": 0.75,
    }  # fmt: skip
    assert hours["date"].dt.month.value_counts().to_dict() == {9: 5, 10: 4}
    told = book.problems[book.problems["value"] == "北斗電気"]
    assert set(told["file"]) == {"工数_2026-10.csv"}
    assert set(told["row"]) == {3}
    assert told["action"].str.contains("北斗電機株式会社").any()


def test_monthly_sheets_of_two_years_become_revenue():
    book = book_of("monthly_sheet")
    assert mrr(book) == {"0001": 150_000, "0003": 70_000, "0004": 15_000}
    assert mrr(book, "2025-12-31") == {"0001": 150_000, "0002": 80_000, "0003": 60_000}
    # every cell of both sheets: 12 months of the first year, 7 of the second, in thousands
    months = pd.date_range("2025-04-30", "2026-10-31", freq="ME")
    assert sum(sum(mrr(book, str(day.date())).values()) for day in months) == 1000 * (3345 + 1855)
    assert sorted(c for c in book.accounts if "年" in c) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_example_has_its_instructions_in_both_languages(name):
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert f"cs-analysis run --data data_templates/examples/{name} --as-of 2026-10-31" in text
    assert "## 日本語" in text
    assert (EXAMPLES / name / "cs-analysis.toml").is_file()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "telco"])
def test_examples_are_made_up_and_have_no_errors(name):
    checked = check(EXAMPLES / name, lang="en")
    assert checked.n_errors == 0
    for path in (EXAMPLES / name).rglob("*"):
        text = path.read_bytes().decode("latin-1") if path.suffix == ".csv" else ""
        assert all(host.endswith(".example") for host in re.findall(r"[\w.]+@([\w.]+\w)", text))


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "row"),
    [
        ("salesforce", "report1793577600000.csv", '"480,000","16"', '"480,000","16 moons"', 8),
        ("kintone", "顧客管理.csv", "30,000", "30,OOO", 3),
        ("hubspot", "hubspot-crm-exports-all-deals-2026-11-02.csv", "30000.00", "thirty", 7),
        ("stripe", "subscriptions.csv", "108000,year,1,25", "108000,week,1,25", 4),
        ("task_tool", "導入2026.csv", "山本,2026-01-12", "山本,soon", 3),
        ("time_sheet", "工数_2026-10.csv", "13:00", "1pm", 4),
    ],
)
def test_one_broken_cell_is_told_with_its_file_and_row(name, file, old, new, row, tmp_path):
    folder = shutil.copytree(EXAMPLES / name, tmp_path / name)
    encoding = "cp932" if name in ("kintone", "time_sheet") else "utf-8"
    text = (folder / file).read_bytes().decode(encoding)
    assert text.count(old) >= 1
    (folder / file).write_bytes(text.replace(old, new, 1).encode(encoding))
    errors = check(folder, lang="en").problems.query("severity == 'error'")
    assert (file, row) in set(zip(errors["file"], errors["row"], strict=True))
