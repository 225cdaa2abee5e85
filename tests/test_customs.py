"""Columns that are not read, whose values would change a total: each is told with its money, sound ones never are.

The company of the corpus: C1 100,000 for ever, C2 200,000 until 30 September 2024, C3 300,000 from the day after.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from corpus.company import ACCOUNTS, AS_OF, HEADER, LINES, Rows, text_of

import cs_analysis as cs
from cs_analysis.data.book import check
from cs_analysis.errors import InputError

ENDLESS = ("C2", "A2", "Std", "2024-02-01", "", "200000")


def folder(place: Path, *, config: str = "", **tables: Rows) -> Path:
    """A folder of the sound company, with some of its tables replaced or added."""
    sound: dict[str, Rows] = {"accounts": ACCOUNTS}
    if not {"contracts", "mrr_months"} & set(tables):
        sound["contracts"] = (HEADER, *LINES)
    for name, rows in (sound | tables).items():
        (place / f"{name}.csv").write_text(text_of(rows), encoding="utf-8")
    if config:
        (place / "cs-analysis.toml").write_text(config, encoding="utf-8")
    return place


def told(place: Path, as_of: str | None = AS_OF) -> list[tuple]:
    """severity, file, row, column, money of every problem but what was read in a form of its own."""
    frame = check(place, as_of=as_of).problems
    frame = frame[~frame["problem"].str.startswith("Cells in a form")]
    columns = ["severity", "file", "row", "column", "money"]
    return [tuple(None if pd.isna(v) else v for v in row) for row in frame[columns].itertuples(index=False)]


def said(place: Path) -> str:
    frame = check(place, as_of=AS_OF).problems
    return " ".join(frame["problem"] + " " + frame["effect"] + " " + frame["action"])


def mrr(place: Path, day: str = AS_OF) -> float:
    lines, when = cs.load(place, as_of=AS_OF).contracts, pd.Timestamp(day)
    return float(lines.loc[(lines["start"] <= when) & ~(lines["stop"] <= when), "mrr"].sum())


def with_column(header: str, values: Sequence[str], lines: Rows = LINES) -> Rows:
    return ((*HEADER, header), *((*line, value) for line, value in zip(lines, values, strict=True)))


def renamed(old: str, new: str) -> Rows:
    return (tuple(new if h == old else h for h in HEADER), *LINES)


# --------------------------------------------------------------------------------------------------------------- ends


@pytest.mark.parametrize(
    "header",
    ["利用終了日", "サービス終了日", "満了日", "終了年月日", "contract_end_date", "Expiry Date"],
)
def test_usual_names_of_the_end_are_the_end(tmp_path, header):
    place = folder(tmp_path, contracts=renamed("終了日", header))
    assert told(place) == []
    assert mrr(place) == 400_000


@pytest.mark.parametrize(
    "header",
    [
        "解約日",
        "終了予定日",
        "契約終了年月",
        "契約期間終了",
        "契約終了日（解約日）",
        "終了日（空欄は継続）",
        "cancel_date",
        "endDate2",
        "End Date (service)",
        "Cancelled at",
    ],
)
def test_an_end_under_a_name_of_its_own_is_told_with_what_goes_on_for_ever(tmp_path, header):
    place = folder(tmp_path, contracts=renamed("終了日", header))
    assert told(place) == [("warning", "contracts.csv", None, header, 200_000.0)]
    assert "1 of 3 rows, the first 2024-09-30" in said(place)
    (tmp_path / "cs-analysis.toml").write_text(f'[mapping.contracts]\ncolumns = {{"{header}" = "end_date"}}\n')
    assert told(place) == []
    assert mrr(place) == 400_000
    (tmp_path / "cs-analysis.toml").write_text(f'[mapping.contracts]\nignore = ["{header}"]\n')
    assert told(place) == []


@pytest.mark.parametrize(
    "header",
    ["トライアル終了日", "解約予告期限", "支払期限", "weekend", "解約可能日", "更新期限", "vendor", "保証期限"],
)
def test_days_on_which_something_else_ends_are_no_ends(tmp_path, header):
    rows = [["契約ID", "顧客ID", "開始日", "月額", header], ["C1", "A1", "2024-01-01", "100000", "2024-03-31"]]
    assert told(folder(tmp_path, contracts=[*rows, ["C2", "A2", "2024-10-01", "200000", ""]])) == []


def test_reasons_are_no_ends(tmp_path):
    assert told(folder(tmp_path, contracts=with_column("終了理由", ["価格", "", "価格"]))) == []


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2024-09-30", []), ("2024-12-31", []), ("2024-05-31", [("warning", "contracts.csv", None, "解約日", 200_000.0)])],
)
def test_a_day_of_leaving_beside_the_end(tmp_path, day, expected):
    assert told(folder(tmp_path, contracts=with_column("解約日", ["", day, ""]))) == expected


def test_a_day_of_leaving_beside_an_empty_end(tmp_path):
    place = folder(tmp_path, contracts=with_column("退会日", ["", "2024-09-30", ""], (LINES[0], ENDLESS, LINES[2])))
    assert told(place) == [("warning", "contracts.csv", None, "退会日", 200_000.0)]
    assert "By “終了日” these go on longer: 1 row, ¥200,000 a month." in said(place)


def test_accounts_that_bring_the_revenue_and_leave_under_another_name(tmp_path):
    head = ("顧客ID", "契約開始日", "月額")
    rows = ((*head, "利用終了日"), ("A1", "2024-01-01", "100", "2024-05-31"), ("A2", "2024-10-01", "200", ""))
    place = folder(tmp_path, accounts=rows, contracts=(HEADER,))
    (place / "contracts.csv").unlink()
    assert told(place) == [("warning", "accounts.csv", None, "利用終了日", 100.0)]
    (place / "accounts.csv").write_text(text_of(((*head, "退会日"), *rows[1:])), encoding="utf-8")
    assert told(place) == []
    assert mrr(place) == 200


def test_steps_tasks_and_people_without_our_end(tmp_path):
    steps = (("顧客ID", "ステップ", "完了実施日", "完了予定"), ("A1", "設定", "2024-05-10", "2024-05-01"))
    tasks = (("タスクID", "件名", "closed on", "due by"), ("T1", "電話", "2024-05-10", "2024-05-01"))
    csms = (("担当者", "退職年月日"), ("佐藤", "2024-05-10"))
    place = folder(tmp_path, onboarding_steps=steps, tasks=tasks, csms=csms)
    assert told(place) == [
        ("warning", "csms.csv", None, "退職年月日", None),
        ("warning", "onboarding_steps.csv", None, "完了実施日", None),
        ("warning", "tasks.csv", None, "closed on", None),
    ]
    assert "Nothing is read as completed_date (完了日), so all count as open: 1 row." in said(place)


# ------------------------------------------------------------------------------------------------------------- states


@pytest.mark.parametrize(
    ("header", "values", "money", "listed"),
    [
        ("ステータス", ["有効", "解約済", "見込"], 300_000, "見込 (1 row, ¥300,000 a month)"),  # C2 ended: rightly so
        ("契約状態", ["解約", "解約", "契約中"], 100_000, "解約 (1 row, ¥100,000 a month)"),
        ("Status", ["Cancelled", "active", "Trial"], 400_000, "Cancelled (1 row"),
        ("解約フラグ", ["○", "○", ""], 100_000, "○ (1 row"),
        ("継続", ["いいえ", "", "はい"], 100_000, "いいえ (1 row"),
        ("Stage", ["Closed Won", "Closed Won", "Negotiation"], 300_000, "Negotiation (1 row"),
    ],
)  # fmt: skip
def test_lines_that_a_column_calls_over_or_none_yet(tmp_path, header, values, money, listed):
    place = folder(tmp_path, contracts=with_column(header, values))
    assert told(place) == [("warning", "contracts.csv", None, header, money)]
    assert listed in said(place)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("ステータス", ["有効", "解約済", "有効"]),
        ("契約状況", ["更新検討中", "終了", "新規"]),
        ("status", ["active", "canceled", "past_due"]),
        ("解約", ["", "○", ""]),
        ("解約リスク", ["有", "無", "有"]),
        ("自動継続", ["いいえ", "いいえ", "はい"]),
        ("備考", ["解約の相談あり", "", "見込"]),
        ("契約区分", ["新規", "更新", "新規"]),
    ],
)
def test_a_column_that_agrees_with_the_dates_is_not_told(tmp_path, header, values):
    assert told(folder(tmp_path, contracts=with_column(header, values))) == []


def test_the_filter_that_is_proposed_leaves_out_what_never_was(tmp_path):
    place = folder(tmp_path, contracts=with_column("ステータス", ["", "解約済", "商談中"]))
    assert 'filter = {"ステータス" = ["解約済", ""]}' in said(place)
    (place / "cs-analysis.toml").write_text('[mapping.contracts]\nfilter = {"ステータス" = ["解約済", ""]}\n')
    assert [row[:4] for row in told(place) if row[3]] == [("note", "contracts.csv", None, "ステータス")]  # set aside
    assert (mrr(place, "2024-06-30"), mrr(place)) == (300_000, 100_000)


def test_a_status_of_which_nothing_is_known_is_listed(tmp_path):
    place = folder(tmp_path, contracts=with_column("ステータス", ["甲", "乙", "甲"]))
    assert told(place) == [("note", "contracts.csv", None, "ステータス", None)]
    assert "甲 (2 rows, ¥400,000 a month), 乙 (1 row, ¥200,000 a month)" in said(place)


def test_charges_made_once_and_the_mapping_that_is_proposed(tmp_path):
    place = folder(tmp_path, contracts=with_column("課金区分", ["月額", "月額", "初期費用（一括）"]))
    assert told(place) == [("warning", "contracts.csv", None, "課金区分", 300_000.0)]
    (place / "cs-analysis.toml").write_text(
        '[mapping.contracts]\ncolumns = {"課金区分" = "recurring"}\n'
        'values.recurring = {"月額" = true, "初期費用（一括）" = false}\n',
        encoding="utf-8",
    )
    assert [row[0] for row in told(place)] == ["note"]
    assert mrr(place) == 100_000
    (place / "cs-analysis.toml").unlink()
    assert told(folder(tmp_path, contracts=with_column("支払区分", ["月払", "年一括", "月払"]))) == [
        ("note", "contracts.csv", None, "支払区分", None)
    ]


# ---------------------------------------------------------------------------------------------------------- currencies


def test_amounts_in_another_currency_are_refused_where_no_column_is_read_as_one(tmp_path):
    place = folder(tmp_path, contracts=with_column("Currency (ISO)", ["JPY", "usd", ""]))
    assert told(place) == [("error", "contracts.csv", 3, "Currency (ISO)", 200_000.0)]
    months = (("顧客ID", "通貨", "2024年9月", "2024年10月"), ("A1", "円", "100", "100"), ("A2", "ドル", "5", "5"))
    (place / "contracts.csv").unlink()
    assert told(folder(tmp_path, mrr_months=months)) == [("error", "mrr_months.csv", 3, "通貨", 5.0)]
    with pytest.raises(InputError, match="write all its amounts in JPY"):
        cs.load(place, as_of=AS_OF)


def test_a_column_of_the_clients_own_currency_is_nothing_to_tell(tmp_path):
    months = (("顧客ID", "通貨", "年月", "月額"), ("A1", "ＪＰＹ", "2024-10", "100"), ("A2", "円", "2024-10", "5"))
    assert told(folder(tmp_path, mrr_months=months)) == []


@pytest.mark.parametrize("header", ["通貨単位", "取引通貨", "通貨種別"])
def test_other_names_of_the_currency(tmp_path, header):
    rows = with_column(header, ["ＪＰＹ", "USD", ""])
    place = folder(tmp_path, contracts=rows, config="[money]\nfx = {USD = 2}\n")
    assert told(place) == []
    assert mrr(place, "2024-06-30") == 100_000 + 2 * 200_000


# ----------------------------------------------------------------------------------------------- accounts and headers


@pytest.mark.parametrize(
    ("header", "value", "match"),
    [("顧客名", "青空商事", True), ("お客様", "A1", False), ("案件", "㈱星野", True), ("Project", "移行", False)],
)
def test_hours_without_an_account(tmp_path, header, value, match):
    entries = (("日付", "担当者", header, "作業区分", "工数"), ("2024-05-01", "佐藤", value, "定例会", "2"))
    place = folder(tmp_path, time_entries=entries)
    assert told(place) == [("warning", "time_entries.csv", None, header, None)]
    assert "All hours count as internal work, for no account: 1 row, 2 hours." in said(place)
    mapping = f'[mapping.time_entries]\ncolumns = {{"{header}" = "account_id"}}\n' + 'match = "name"\n' * match
    (place / "cs-analysis.toml").write_text(mapping, encoding="utf-8")
    if value != "移行":
        assert told(place) == []
        assert set(cs.load(place, as_of=AS_OF).time_entries["account_id"]) <= {"A1", "A3"}


def test_hours_by_project_alone_are_internal_by_right(tmp_path):
    entries = (("日付", "担当者", "場所", "作業区分", "工数"), ("2024-05-01", "佐藤", "大阪", "定例会", "2"))
    assert told(folder(tmp_path, time_entries=entries)) == []


@pytest.mark.parametrize(
    ("header", "words"),
    [("月額（千円）", 'units = {mrr = "千円"}'), ("月額（税込）", "but with tax"), ("月額（予定）", "Did you mean")],
)
def test_a_missing_amount_that_is_there_in_a_unit_of_its_own(tmp_path, header, words):
    place = folder(tmp_path, contracts=renamed("月額", header))
    assert told(place) == [("error", "contracts.csv", None, "mrr", None)]
    assert words in said(place)


def test_a_remark_without_meaning_is_not_part_of_the_header(tmp_path):
    place = folder(tmp_path, contracts=renamed("月額", "月額（円・税抜）"))
    assert told(place) == []
    assert mrr(place) == 400_000


# ------------------------------------------------------------------------------------------------------ monthly revenue


@pytest.mark.parametrize("header", ["2024年10月(速報)", "2024/10 見込", "2024-10実績"])
def test_a_month_whose_header_says_more_is_told_with_its_revenue(tmp_path, header):
    months = (("顧客ID", "2024年8月", "2024年9月", header), ("A1", "100", "100", "90"), ("A2", "7", "7", "7"))
    place = folder(tmp_path, mrr_months=months)
    assert told(place, None) == [("warning", "mrr_months.csv", None, header, 97.0)]
    (place / "cs-analysis.toml").write_text(f'[mapping.mrr_months]\ncolumns = {{"{header}" = "2024-10"}}\n')
    assert told(place, None) == []
    assert mrr(place) == 97


def test_a_second_column_of_a_month_that_is_there_is_the_clients_own(tmp_path):
    months = (("顧客ID", "2024年9月", "2024年10月", "2024年10月(計画)", "2024年度計"), ("A1", "100", "100", "90", "5"))
    assert told(folder(tmp_path, mrr_months=months), None) == []


@pytest.mark.parametrize(
    ("last", "money"),
    [(["", "", "50"], 200.0), (["0", "0", "50"], 200.0), (["", "80", "50"], None), (["", "", "80", "50"], None)],
)
def test_a_last_month_that_is_hardly_filled_in(tmp_path, last, money):
    rows = [(f"A{i}", "100", value) for i, value in enumerate(last, start=1)]
    months = (("顧客ID", "2024年9月", "2024年10月"), *rows)
    expected = [] if money is None else [("warning", "mrr_months.csv", None, "", money)]
    place = folder(tmp_path, accounts=(*ACCOUNTS, ("A4", "川口")), mrr_months=months)
    assert told(place, None) == expected
    assert told(place, "2024-09-30")[1:] == []  # beyond that day nothing is used


def test_a_cell_of_the_wide_form_is_named_by_its_month(tmp_path):
    months = (("顧客ID", "2024年9月", "2024年10月"), ("A1", "100", "x"), ("A2", "-", "200"))
    assert told(folder(tmp_path, mrr_months=months), None) == [
        ("error", "mrr_months.csv", 3, "2024年9月", None),
        ("error", "mrr_months.csv", 2, "2024年10月", None),
    ]


# ------------------------------------------------------------------------------------------- cells and missing columns


@pytest.mark.parametrize("amount", ["1E+16", "99999999999999999", "-20000000000000"])
def test_an_amount_that_can_be_none_is_told_at_its_cell(tmp_path, amount):
    lines = ((*LINES[0][:5], amount), *LINES[1:])
    place = folder(tmp_path, contracts=(HEADER, *lines))
    assert [row for row in told(place) if row[0] == "error"] == [("error", "contracts.csv", 2, "月額", None)]
    assert "too large for an amount of money" in said(place)


@pytest.mark.parametrize("header", ["親会社ID", "統合先ID"])
def test_words_for_nobody_are_no_account(tmp_path, header):
    rows = (("顧客ID", "顧客名", header), ("A1", "青空", "-"), ("A2", "海山", "なし"), ("A3", "星野", "N/A"))
    place = folder(tmp_path, accounts=rows, config='[rules]\naccount_level = "parent"\n')
    assert told(place) == [("note", "accounts.csv", None, header, None)]
    assert cs.load(place, as_of=AS_OF).accounts["account_id"].tolist() == ["A1", "A2", "A3"]


def test_an_account_whose_id_is_such_a_word_stays_a_parent(tmp_path):
    rows = (
        ("顧客ID", "顧客名", "親会社ID"),
        ("NA", "北米", ""),
        ("A1", "青空", "NA"),
        ("A2", "海", ""),
        ("A3", "星", ""),
    )
    place = folder(tmp_path, accounts=rows, config='[rules]\naccount_level = "parent"\n')
    assert told(place) == []
    assert cs.load(place, as_of=AS_OF).accounts["account_id"].tolist() == ["A2", "A3", "NA"]


def test_a_row_of_accounts_with_an_id_alone(tmp_path):
    rows = (*ACCOUNTS, ("担当 佐藤", ""), ("A9", ""))
    usage = (("顧客ID", "年月", "指標", "値"), ("A9", "2024-10", "m", "1"))
    assert told(folder(tmp_path, accounts=rows, usage=usage)) == [("warning", "accounts.csv", 5, "顧客ID", None)]
    (tmp_path / "usage.csv").unlink()
    only_ids = (("顧客ID", "顧客名"), *((f"A{i}", "") for i in range(1, 6)))
    assert told(folder(tmp_path, accounts=only_ids)) == []


@pytest.mark.parametrize(
    ("table", "rows", "missing"),
    [
        ("usage", (("顧客ID", "指標", "値"), ("A1", "m", "1")), "month"),
        ("usage", (("年月", "指標", "値"), ("2024-10", "m", "1")), "account_id"),
        ("survey_responses", (("顧客ID", "回答者", "点数"), ("A1", "R", "9")), "wave"),
    ],
)
def test_a_missing_column_of_another_table_is_told_and_nothing_breaks(tmp_path, table, rows, missing):
    place = folder(tmp_path, **{table: rows})
    assert told(place) == [("error", f"{table}.csv", None, missing, None)]
