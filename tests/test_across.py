"""Faults over time and across tables: each is told at its cell, with the revenue that hangs on it by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import cs_analysis as cs
from cs_analysis.data.book import check
from cs_analysis.data.checking.stake import stake
from cs_analysis.data.problems import by_kind, touched
from cs_analysis.report.checked import as_dict, summary

ACCOUNTS = "account_id,account_name\nA1,青空\nA2,海山\n"
HEAD = "contract_id,account_id,product,start_date,end_date,mrr,notice_date,churn_reason\n"
OPEN = "C9,A2,x,2023-01-01,,50,,\n"  # goes on, so that ends of the others are no terms


def folder(place: Path, contracts: str = "", config: str = "", **files: str) -> Path:
    place.mkdir(exist_ok=True)
    texts = {"accounts": ACCOUNTS} | ({"contracts": HEAD + contracts + OPEN} if contracts else {}) | files
    for name, text in texts.items():
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    if config:
        (place / "cs-analysis.toml").write_text(config, encoding="utf-8")
    return place


def told(place: Path, as_of: str | None = None) -> list[tuple]:
    """severity, file, row, column, value, money of each problem of a cell or a column."""
    frame = check(place, as_of=as_of).problems
    frame = frame[frame["row"].notna() | (frame["column"] != "")]
    columns = ["severity", "file", "row", "column", "value", "money"]
    return [tuple(None if pd.isna(v) else v for v in row) for row in frame[columns].itertuples(index=False)]


def effects(place: Path, as_of: str | None = None) -> str:
    return " | ".join(check(place, as_of=as_of).problems["effect"])


# --------------------------------------------------------------------------------------------------- contract lines


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("C2,A1,x,2024-01-01,2024-12-31,120,,", False),  # begins the day after
        ("C2,A1,x,2023-12-31,2024-12-31,120,,", False),  # begins on the last day: counts once
        ("C2,A1,x,2023-11-01,2024-10-31,120,,", True),  # renewed two months early
        ("C2,A1,y,2023-11-01,2024-10-31,120,,", False),  # another product
        ("C2,A1,x,2023-03-01,2024-10-31,30,,", False),  # an addition
        ("C2,A1,x,2023-03-01,2023-10-31,100,,", True),  # the same amount
        ("C2,A1,x,2023-01-01,2023-12-31,100,,", True),  # a twin under another id
    ],
)
def test_lines_side_by_side_that_look_like_a_renewal(tmp_path, second, said):
    place = folder(tmp_path, f"C1,A1,x,2023-01-01,2023-12-31,100,,\n{second}\n")
    start = second.split(",")[3]
    expected = [("warning", "contracts.csv", 3, "start_date", start, 100.0)] if said else []
    assert told(place, "2024-10-31") == expected


def test_an_overlap_says_from_when_to_when_and_how_much_counts_twice(tmp_path):
    place = folder(tmp_path, "C1,A1,x,2023-01-01,2023-12-31,100,,\nC2,A1,x,2023-11-01,2024-10-31,120,,\n")
    assert "counts twice from 2023-11-01 to 2023-12-31: ¥100 a month." in effects(place, "2024-10-31")


def test_two_chains_of_one_product_are_no_overlap(tmp_path):
    lines = "".join(
        f"C{i}{j},A1,x,{2020 + i}-{m}-01,{2020 + i + (j > 0)}-{last},100,,\n"
        for i in range(3)
        for j, (m, last) in enumerate((("01", "12-31"), ("07", "06-30")))
    )
    assert told(folder(tmp_path, lines), "2023-01-31") == []


@pytest.mark.parametrize(("back", "said"), [("2024-01-01", False), ("2024-01-15", True), ("2024-06-01", False)])
def test_a_short_gap_counts_as_a_loss_and_a_win_back(tmp_path, back, said):
    place = folder(tmp_path, f"C1,A1,x,2023-01-01,2023-12-31,100,,\nC2,A1,x,{back},,120,,\n")
    expected = [("warning", "contracts.csv", 3, "start_date", back, 100.0)] if said else []
    assert told(place, "2024-06-30") == expected
    if said:
        assert "lost and won back 14 days later: ¥100 a month." in effects(place, "2024-06-30")
        assert told(folder(tmp_path, config="[rules]\ngrace_days = 14\n"), "2024-06-30") == []


def test_a_month_left_out_of_monthly_revenue(tmp_path):
    months = "account_id,month,mrr\nA1,2024-01,100\nA1,2024-03,100\nA2,2024-01,9\nA2,2024-02,9\nA2,2024-03,9\n"
    assert told(folder(tmp_path, mrr_months=months)) == [("warning", "mrr_months.csv", 3, "mrr", "2024-03", 100.0)]


def test_a_notice_or_a_reason_without_an_end(tmp_path):
    place = folder(tmp_path, "C1,A1,x,2023-01-01,,100,2024-01-10,\nC2,A1,y,2023-01-01,,30,,価格\n")
    assert told(place, "2024-01-31") == [
        ("warning", "contracts.csv", 2, "notice_date", "2024-01-10", 100.0),
        ("warning", "contracts.csv", 3, "churn_reason", "価格", 30.0),
    ]


def test_an_account_that_left_and_still_pays(tmp_path):
    accounts = "account_id,churn_date\nA1,2023-06-30\nA2,\n"
    place = folder(tmp_path, "C1,A1,x,2023-01-01,,100,,\n", accounts=accounts)
    assert told(place, "2023-12-31") == [("warning", "accounts.csv", 2, "churn_date", "2023-06-30", 100.0)]
    assert "It does not count as lost: ¥100 a month." in effects(place, "2023-12-31")
    assert told(place, "2023-07-15") == []  # may still be paid for
    place = folder(tmp_path, "C1,A1,x,2023-01-01,2023-06-30,100,,\n", accounts=accounts)
    assert told(place, "2023-12-31") == []


def test_monthly_revenue_beside_contracts_that_differs(tmp_path):
    months = "account_id,month,mrr\nA1,2023-06,100\nA1,2023-07,100\nA1,2023-05,90\nA2,2023-07,50\n"
    place = folder(tmp_path, "C1,A1,x,2023-01-01,2023-06-30,100,,\n", mrr_months=months)
    assert told(place) == [
        ("warning", "mrr_months.csv", 3, "mrr", "¥100", 100.0),
        ("warning", "mrr_months.csv", 4, "mrr", "¥90", 10.0),
    ]


def test_usage_before_the_first_contract_and_after_the_last(tmp_path):
    usage = (
        "account_id,month,metric,value\nA1,2022-11,m,5\nA1,2022-12,m,5\nA1,2023-01,m,5\nA1,2023-12,m,0\n"
        "A1,2023-07,m,1\nA2,2023-03,m,1\n"
    )
    place = folder(tmp_path, "C1,A1,x,2023-01-10,2023-06-30,100,,\n", usage=usage)
    assert told(place) == [
        ("warning", "usage.csv", 2, "month", "2022-11", 100.0),
        ("warning", "usage.csv", 6, "month", "2023-07", 100.0),
    ]


# ------------------------------------------------------------------------------------------------------------- dates


def many(n: int = 120) -> str:
    return "".join(f"D{i},A2,p{i},2023-{i % 12 + 1:02d}-01,,1,,\n" for i in range(n))


def test_a_date_far_from_all_others_does_not_decide_how_far_the_data_reach(tmp_path):
    place = folder(tmp_path, many() + "C1,A1,x,2062-04-01,,100,,\nC2,A1,x,2023-01-01,,70,,\n")
    assert told(place) == [("warning", "contracts.csv", 122, "start_date", "2062-04-01", 100.0)]
    book = cs.load(place)
    assert book.as_of.isoformat() == "2023-11-30"  # the last starts are of 1 December
    assert book.contracts["mrr"].sum() == 110 + 70 + 50
    place = folder(tmp_path, many() + "C1,A1,x,1923-04-01,,100,,\n")
    assert told(place) == [("warning", "contracts.csv", 122, "start_date", "1923-04-01", 100.0)]
    place = folder(tmp_path, many() + "C1,A1,x,2023-04-01,2104-03-31,100,,\n")
    assert told(place) == [("warning", "contracts.csv", 122, "end_date", "2104-03-31", 100.0)]


def test_rows_after_the_as_of_date_are_counted_with_what_they_hold(tmp_path):
    entries = "date,csm,account_id,task,hours\n2023-01-05,佐藤,A1,t,2\n2023-02-05,佐藤,A1,t,1:30\n"
    place = folder(tmp_path, "C1,A1,x,2023-01-01,,100,,\nC2,A1,y,2023-02-10,,30,,\n", time_entries=entries)
    problems = check(place, as_of="2023-01-31").problems
    assert problems["severity"].tolist() == ["note", "note"]
    assert problems["effect"].tolist() == ["Not used: 1 row, ¥30 a month.", "Not used: 1 row, 1.5 hours."]


@pytest.mark.parametrize(
    ("contracts", "files", "day"),
    [
        ("C1,A1,x,2023-01-01,2023-05-31,100,,\n", {}, "2023-05-31"),  # an end that nobody announced has happened
        ("C1,A1,x,2023-01-01,2023-05-31,100,2023-03-02,\n", {}, "2023-02-28"),  # an announced one may not have
        ("C1,A1,x,2023-01-01,2023-05-31,100,,\n", {"ledger": "month,mrr\n2023-03,150\n"}, "2023-03-31"),
        ("C1,A1,x,2023-01-01,2023-05-31,100,,\n", {"costs": "month,kind,amount\n2023-03,cs,1\n"}, "2022-12-31"),
    ],
)
def test_past_ends_of_open_ended_contracts_show_how_far_the_data_reach(tmp_path, contracts, files, day):
    place = folder(tmp_path, contracts, **files)
    assert cs.load(place).as_of.isoformat() == day


def test_the_end_of_all_time_is_no_end(tmp_path):
    place = folder(tmp_path, "C1,A1,x,2023-01-01,9999-12-31,100,,\nC2,A1,y,2023-01-01,2999/12/31,5,,\n")
    assert cs.load(place).contracts["stop"].isna().all()
    assert [(s, c) for s, _f, _r, c, _v, _m in told(place)] == [("note", "end_date")]


# ----------------------------------------------------------------------------------------- ids, headers and mergers


@pytest.mark.parametrize(("written", "near"), [("123", "00123"), ("a-00123", "A-00123")])
def test_an_id_that_lost_its_zeros_or_capitals_is_named(tmp_path, written, near):
    accounts = f"account_id,account_name\n{near},青空\nA2,海山\n"
    place = folder(tmp_path, f"C1,{written},x,2023-01-31,,70,,\n", accounts=accounts)
    action = check(place).problems["action"].tolist()
    assert action == [f"Probably {near}: Excel drops leading zeros and people mix capitals. Format the column as text "
                      "and write the id as it stands in accounts."]  # fmt: skip


def test_ids_match_whatever_their_width(tmp_path):
    entries = "date,csm,account_id,task,hours\n2023-01-05,佐藤,Ａ１,t,2\n"
    book = cs.load(folder(tmp_path, "C1,Ａ１,x,2023-01-01,,100,,\n", time_entries=entries), as_of="2023-01-31")
    assert set(book.contracts["account_id"]) == {"A1", "A2"}
    assert book.time_entries["account_id"].tolist() == ["A1"]
    assert set(book.problems["severity"]) <= {"note"}


def test_a_header_that_is_nearly_ours_is_told(tmp_path):
    accounts = "account_id,統合先,Colour\nA1,A2,red\nA2,,blue\n"
    place = folder(tmp_path, "C1,A1,x,2023-01-01,,100,,\n", accounts=accounts)
    assert told(place) == [("warning", "accounts.csv", None, "統合先", "", None)]
    assert "Nothing is read as merged_into (統合先ID)" in effects(place)


def test_an_account_merged_into_one_that_is_not_listed_gets_a_row(tmp_path):
    accounts = "account_id,merged_into,merged_date\nA1,A7,2023-02-01\nA2,,\n"
    place = folder(tmp_path, "C1,A1,x,2023-01-01,,100,,\n", accounts=accounts)
    book = cs.load(place, as_of="2023-02-28")
    assert sorted(book.accounts["account_id"]) == ["A2", "A7"]
    assert set(book.contracts["account_id"]) == {"A2", "A7"}
    assert "without name, segment or CSM: ¥100 a month." in effects(place, "2023-02-28")


# ---------------------------------------------------------------------------------------------- what a fault touches


def faulty(place: Path) -> Path:
    contracts = (
        "C1,A8,x,2023-01-01,2023-12-31,100,,\nC2,A8,x,2024-01-01,2024-12-31,120,,\nC3,A1,x,2024-01-01,2024-12-31,7,,\n"
    )
    entries = "date,csm,account_id,task,hours\n2024-01-05,佐藤,A7,t,2\n2024-01-06,佐藤,A7,t,1:30\n"
    answers = "account_id,respondent,wave,responded_date,score\nA7,R,w,2024-01-05,9\nA7,S,w,2024-01-05,\n"
    ledger = "month,mrr\n2024-01,170\n"
    return folder(place, contracts, time_entries=entries, survey_responses=answers, ledger=ledger)


def test_a_fault_says_the_revenue_the_hours_and_the_answers_on_its_rows(tmp_path):
    problems = check(faulty(tmp_path), as_of="2024-01-31").problems
    said = problems.drop_duplicates("effect").set_index("file")["effect"]
    assert "2 rows, ¥120 a month" in said["contracts.csv"]  # a renewal follows what it renews
    assert said["time_entries.csv"] == "Their cost is set against no revenue: 2 rows, 3.5 hours."
    assert said["survey_responses.csv"] == "Set aside: 2 rows, 1 answer."
    assert problems[problems["file"] == "contracts.csv"]["money"].tolist() == [100.0, 120.0]
    ledger = problems[problems["file"] == "ledger.csv"].iloc[0]
    assert ledger["money"] == 7  # 120 + 7 + 50 against 170
    assert "exactly the contract line C3" in ledger["action"]
    assert ledger["effect"].endswith("off by as much: 4.1 % of the ledger.")
    assert tuple(touched(problems)) == (227.0, 3.5, 1.0)


def test_every_warning_says_what_it_means_and_what_to_do(tmp_path):
    problems = check(faulty(tmp_path), as_of="2024-01-31").problems
    warnings = problems[problems["severity"] == "warning"]
    assert len(warnings) == 7
    assert (warnings["effect"] != "").all()
    assert (warnings["action"] != "").all()


def test_findings_come_by_money_one_for_each_kind(tmp_path):
    faults = check(faulty(tmp_path), as_of="2024-01-31").faults
    kinds = by_kind(faults)
    assert [held for _said, held in kinds][:2] == [120.0, 7.0]
    assert kinds[0][0].startswith("The account A8 is not in accounts")
    assert "(1 more row like it)" in kinds[0][0]
    book = cs.load(faulty(tmp_path), as_of="2024-01-31")
    findings = cs.overview.findings(book)
    assert findings["money"].tolist()[:2] == [120.0, 7.0]
    assert findings["rank"].tolist() == list(range(1, len(findings) + 1))


def test_the_json_and_the_last_line_carry_what_is_touched(tmp_path):
    checked = check(faulty(tmp_path), as_of="2024-01-31")
    records = json.loads(json.dumps(as_dict(checked)))["problems"]
    assert {"effect", "money", "hours", "answers"} <= set(records[0])
    assert summary(checked).endswith("on rows that hold ¥227 a month, 3.5 hours, 1 answer")


def test_faults_over_time_are_told_in_the_same_pass_as_errors(tmp_path):
    place = folder(
        tmp_path,
        "C1,A1,x,2023-01-01,2023-12-31,100,,\nC2,A1,x,2023-11-01,2024-10-31,120,,\nC3,A3,x,soon,,1,,\n",
        accounts=ACCOUNTS + "A3,川\n",
    )
    assert [(s, r) for s, _f, r, _c, _v, _m in told(place, "2024-10-31")] == [("error", 4), ("warning", 3)]


def test_many_repeated_entries_look_pasted_twice(tmp_path):
    day = "".join(f"2023-01-{d:02d},佐藤,A1,t,2\n" for d in range(1, 21))
    contracts = "C1,A1,x,2023-01-01,,100,,\n"
    place = folder(
        tmp_path, contracts, time_entries="date,csm,account_id,task,hours\n" + day + "2023-01-01,佐藤,A1,t,2\n"
    )
    assert told(place) == []
    place = folder(tmp_path, contracts, time_entries="date,csm,account_id,task,hours\n" + day + day)
    assert "counts twice: 20 rows, 40 hours." in effects(place)


def test_discounts_one_after_the_other_are_never_there_together():
    """By hand: −1,000, then −300, then −200; the lowest at one time is −1,000."""
    starts, ends = ["2024-08-01", "2024-09-01", "2024-10-01"], ["2024-08-31", "2024-09-30", "2024-10-31"]
    rows = pd.DataFrame({"start_date": pd.to_datetime(starts), "end_date": pd.to_datetime(ends)})
    assert stake("contracts", rows.assign(mrr=[-1000.0, -300.0, -200.0]), "JPY").total == -1000
    assert stake("contracts", rows.assign(mrr=[1000.0, 300.0, 200.0]), "JPY").total == 1000
