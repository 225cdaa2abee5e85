"""A client's own file under a mapping: names, values, units, the derive rules, what is said when it does not fit."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cs_analysis as cs
from cs_analysis.data.book import check
from cs_analysis.data.mapping import apply_mapping
from cs_analysis.data.mapping_keys import TableMapping
from cs_analysis.data.match import match_accounts
from cs_analysis.data.read import Source
from cs_analysis.data.schema import TABLES
from cs_analysis.errors import InputError


def table_of(**columns: list[str]) -> pd.DataFrame:
    """Text columns, with the row numbers that Excel would show."""
    frame = pd.DataFrame(columns, dtype=object)
    return frame.assign(__row__=range(2, len(frame) + 2))


def mapped(frame: pd.DataFrame, table: str = "accounts", currency: str = "JPY", **mapping):
    """The mapped frame and the problems as (severity, row, column, value)."""
    rule = TableMapping.model_validate(mapping)
    place = Source("own.xlsx", "Sheet1")
    out, problems = apply_mapping(frame, rule, table=TABLES[table], where=place, currency=currency)
    assert all(p.source == place for p in problems)
    return out, [(p.severity, p.row, p.column, p.value) for p in problems]


def refused(frame: pd.DataFrame, table: str = "accounts", **mapping) -> str:
    with pytest.raises(InputError) as caught:
        mapped(frame, table, **mapping)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_mapped_changes_nothing():
    frame = table_of(顧客ID=["A1"], Colour=["red"])
    out, problems = mapped(frame)
    pd.testing.assert_frame_equal(out, frame)
    assert problems == []


def test_headers_become_our_names_and_the_others_stay():
    frame = table_of(Kunde=["A1"], 売上=["5"], Colour=["red"])
    out, _ = mapped(frame, columns={"kunde ": "顧客ID", "売上": "mrr", "Colour": "region"})
    assert list(out.columns) == ["account_id", "mrr", "region", "__row__"]
    assert frame.columns[0] == "Kunde"


def test_a_header_that_is_not_there_is_refused_with_the_nearest():
    said = refused(table_of(Customer=["A1"], Plan=["x"]), columns={"Custmer": "account_id"})
    assert "'Custmer'" in said
    assert "own.xlsx [Sheet1]" in said
    assert "did you mean 'Customer'?" in said


def test_two_headers_for_one_column_are_refused():
    assert "account_id" in refused(table_of(a=["1"], b=["2"]), columns={"a": "account_id", "b": "account_id"})
    said = refused(table_of(顧客コード=["1"], b=["2"]), columns={"b": "account_id"})
    assert "顧客コード" in said


def test_the_filter_keeps_the_values_named_and_counts_the_rest():
    frame = table_of(Status=["Active", "ACTIVE ", "test", "left", "test"], n=list("12345"))
    out, problems = mapped(frame, filter={"Status": ["active", "left"]})
    assert out["n"].tolist() == ["1", "2", "4"]
    assert out["__row__"].tolist() == [2, 3, 5]
    assert [(p[0], p[1]) for p in problems] == [("note", None)]
    _, found = apply_mapping(frame, TableMapping(filter={"Status": "left"}), table=TABLES["accounts"], where="own.csv")
    assert found[0].sentence(found[0].problem).startswith("4 rows are set aside")
    assert found[0].source == Source("own.csv")


def test_values_are_translated_and_unknown_ones_stay():
    segments = {"大手": "Enterprise", "X": "wide", "x": "small"}
    out, _ = mapped(table_of(区分=["大手", "中堅", "Ｘ", "x"]), values={"segment": segments})
    assert out["区分"].tolist() == ["Enterprise", "中堅", "wide", "small"]
    flags = {"定期": True, "単発": False}
    out, _ = mapped(table_of(recurring=["定期", "単発"]), "contracts", values={"recurring": flags})
    assert out["recurring"].tolist() == ["yes", "no"]


def test_constants_fill_a_column_that_is_not_there():
    out, _ = mapped(table_of(a=["1", "2"]), constants={"獲得経路": "web", "rank": 3})
    assert out[["channel", "rank"]].values.tolist() == [["web", "3"]] * 2
    assert "keep one" in refused(table_of(獲得経路=["web"]), constants={"channel": "x"})


def test_units_are_exact_and_what_is_no_number_is_an_error():
    out, problems = mapped(table_of(mrr=["1,234.567", "0.1", "", "12万", "n/a"]), units={"月額": "千円"})
    assert out["mrr"].tolist() == ["1234567", "100", "", "12万", "n/a"]
    assert problems == [("error", 5, "mrr", "12万"), ("error", 6, "mrr", "n/a")]
    out, _ = mapped(table_of(mrr=["1999", "-5"]), currency="USD", units={"mrr": "cents"})
    assert out["mrr"].tolist() == ["19.99", "-0.05"]
    out, _ = mapped(table_of(hours=["90", "20"]), "time_entries", units={"hours": "minutes"})
    assert [float(h) for h in out["hours"]] == [1.5, 20 / 60]


def test_a_unit_must_fit_its_column():
    assert "minutes" in refused(table_of(mrr=["1"]), units={"mrr": "minutes"})
    assert "千円" in refused(table_of(hours=["1"]), "time_entries", units={"hours": "千円"})
    assert "there are" in refused(table_of(x=["1"]), units={"mrr": "千円"})


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20))
def test_cents_lose_nothing(cents: list[int]):
    out, problems = mapped(table_of(mrr=[str(c) for c in cents]), currency="USD", units={"mrr": "cents"})
    assert [round(float(text) * 100) for text in out["mrr"]] == cents
    assert problems == []


TENURE = {"months": "tenure", "left": "Churn", "left_values": ["Yes"], "reference_day": "2026-10-01"}


def test_tenure_and_a_flag_become_dates():
    frame = table_of(tenure=["0", "1", "12", "72"], Churn=["No", "Yes", "no", "YES"])
    out, problems = mapped(frame, derive={"tenure": TENURE})
    assert out["contract_start"].tolist() == ["2026-10-01", "2026-09-01", "2025-10-01", "2020-10-01"]
    assert out["churn_date"].tolist() == ["", "2026-09-30", "", "2026-09-30"]
    assert out["tenure"].tolist() == ["0", "1", "12", "72"]
    assert problems == []


def test_tenure_goes_by_their_header_even_when_it_was_renamed():
    frame = table_of(tenure=["3"], Churn=["Yes"])
    out, _ = mapped(frame, "contracts", columns={"tenure": "age"}, derive={"tenure": TENURE})
    assert out[["start_date", "end_date"]].values.tolist() == [["2026-07-01", "2026-09-30"]]


def test_a_tenure_or_a_flag_that_cannot_be_read_is_an_error():
    frame = table_of(tenure=["", "-1", "1.5", "x", "3"], Churn=["No", "No", "No", "No", ""])
    out, problems = mapped(frame, derive={"tenure": TENURE})
    assert out["contract_start"].tolist() == ["", "", "", "", "2026-07-01"]
    assert [p[:2] for p in problems] == [("error", 2), ("error", 3), ("error", 4), ("error", 5), ("error", 6)]


def test_derive_does_not_overwrite_what_the_file_has():
    frame = table_of(tenure=["3"], Churn=["Yes"], 契約開始日=["2024-04-01"])
    assert "契約開始日" in refused(frame, derive={"tenure": TENURE})
    assert "'Leaver'" in refused(table_of(tenure=["3"]), derive={"tenure": {**TENURE, "left": "Leaver"}})


def test_an_amount_and_its_period_become_mrr():
    frame = table_of(
        Fee=["1,200", "¥300", "100", "70", "5", "x", "8"],
        Billing=["年払い", "Quarterly", "月", "6ヶ月", "weekly", "月", "0"],
    )
    rule = {"amount": "Fee", "period": "Billing", "periods": {"Weekly?": 0.25}}
    out, problems = mapped(frame, derive={"amount": rule})
    assert [float(m) if m else None for m in out["mrr"]] == [100, 100, 100, 70 / 6, None, None, None]
    assert problems == [("error", 7, "Fee", "x"), ("error", 6, "Billing", "weekly"), ("error", 8, "Billing", "0")]
    out, _ = mapped(frame[:1].assign(Billing="prepaid"), derive={"amount": {**rule, "periods": {"PREPAID": 24}}})
    assert out["mrr"].tolist() == ["50"]


def test_clock_times_become_hours():
    frame = table_of(
        von=["9:00", "09:30:00", "2026-10-01 13:15:00", "9時30分", "18:00", "late", "10:00"],
        bis=["17:30", "10:00", "14:00", "１０時", "9:00", "12:00", "10:30"],
        pause=["60", "", "0:15", "0", "", "", "45"],
    )
    out, problems = mapped(frame, "time_entries", derive={"clock": {"start": "von", "end": "bis", "break": "pause"}})
    assert out["hours"].tolist() == ["7.5", "0.5", "0.5", "0.5", ""]
    assert out["__row__"].tolist() == [2, 3, 4, 5, 7]
    assert problems == [
        ("error", 7, "von", "late"),
        ("warning", 6, "hours", "18:00 – 9:00"),
        ("warning", 8, "hours", "10:00 – 10:30"),
    ]


def test_work_past_midnight_goes_on_to_the_next_day():
    frame = table_of(von=["22:00", "23:30", "22:00", "20:00"], bis=["1:30", "0:00", "25:30", "8:01"], pause=["30"] * 4)
    out, problems = mapped(frame, "time_entries", derive={"clock": {"start": "von", "end": "bis", "break": "pause"}})
    assert out["hours"].tolist() == ["3", "0", "3"]
    assert problems == [("warning", 5, "hours", "20:00 – 8:01")]


def test_a_break_that_cannot_be_read_is_an_error():
    _, problems = mapped(
        table_of(a=["9:00"], b=["10:00"], c=["short"]), "time_entries",
        derive={"clock": {"start": "a", "end": "b", "break": "c"}},
    )  # fmt: skip
    assert problems == [("error", 2, "c", "short")]


def test_steps_follow_each_other():
    """Filter on their values, then values, units, and derive on what came of it."""
    frame = table_of(Fee=["1", "2"], Billing=["A", "B"], Status=["ok", "no"])
    out, _ = mapped(
        frame, filter={"Status": "ok"}, values={"Billing": {"A": "yearly"}}, units={"Fee": "千円"},
        derive={"amount": {"amount": "Fee", "period": "Billing"}},
    )  # fmt: skip
    assert [float(m) for m in out["mrr"]] == [1000 / 12]


ACCOUNTS = pd.DataFrame(
    {"account_id": ["A1", "A2", "A3", "A4"], "account_name": ["青空商事株式会社", "Umi Inc.", "Yama", "㈱ＹＡＭＡ"]}
)


def test_accounts_are_found_by_name_and_the_others_listed():
    frame = table_of(Client=["㈱ 青空商事", "umi, inc", "Yama", "River", ""], subject=list("12345"))
    rule = TableMapping(columns={"Client": "account_id"}, match="name")
    frame, _ = apply_mapping(frame, rule, table=TABLES["activities"], where="log.csv")
    out, problems = match_accounts(frame, ACCOUNTS, table=TABLES["activities"], where="log.csv", header="Client")
    assert out[["account_id", "subject"]].values.tolist() == [["A1", "1"], ["A2", "2"], ["", "5"]]
    assert [(p.severity, p.row, p.value) for p in problems] == [("warning", 4, "Yama"), ("warning", 5, "River")]
    assert {p.column for p in problems} == {"Client"}
    assert "Several" in problems[0].problem


def test_hours_of_an_account_that_is_not_found_are_kept_under_its_name():
    frame = table_of(account_id=["青空商事", " River ", "Yama", ""], hours=list("1234"))
    out, problems = match_accounts(frame, ACCOUNTS, table=TABLES["time_entries"], where="log.csv")
    assert out[["account_id", "hours"]].values.tolist() == [["A1", "1"], ["River", "2"], ["", "4"]]
    assert {(p.severity, p.row) for p in problems} == {("note", 3), ("warning", 4)}


def test_revenue_of_an_account_that_is_not_found_is_an_error():
    frame = table_of(顧客名=["River"], mrr=["1"])
    _, problems = match_accounts(frame, ACCOUNTS, table=TABLES["contracts"], where="contracts.csv")
    assert [p.severity for p in problems] == ["error"]
    with pytest.raises(InputError, match="account_id"):
        match_accounts(table_of(mrr=["1"]), ACCOUNTS, table=TABLES["contracts"], where="contracts.csv")


def test_an_empty_table_goes_through():
    frame = table_of(tenure=[], Churn=[], mrr=[])
    out, problems = mapped(frame, units={"mrr": "千円"}, values={"mrr": {"a": "b"}}, derive={"tenure": TENURE})
    assert out.empty
    assert problems == []


def test_an_account_that_is_not_found_gets_the_nearest_name():
    frame = table_of(account_id=["青空商亊", "Umi Ltd", "zzz"], hours=list("123"))
    _, problems = match_accounts(frame, ACCOUNTS, table=TABLES["time_entries"], where="log.csv")
    actions = {p.value: p.sentence(p.action) for p in problems}
    assert "青空商事" in actions["青空商亊"]
    assert "Did you mean" not in actions["zzz"]


# ------------------------------------------------------------------------------------------- rows of several kinds


def test_blank_cells_are_filled_within_their_record_only():
    frame = table_of(start=["*", "", "", "*", ""], id=["1", "", "", "2", ""], tel=["x", "", "", "", ""])
    out, _ = mapped(frame, fill_down=["id", "tel"], record_start="start")
    assert out["id"].tolist() == ["1", "1", "1", "2", "2"]
    assert out["tel"].tolist() == ["x", "x", "x", "", ""]
    out, _ = mapped(table_of(会社=["A", "", "B", ""], 商品=["p", "q", "r", "s"]), fill_down=["会社"])
    assert out["会社"].tolist() == ["A", "A", "B", "B"]
    assert "'strat'" in refused(frame, fill_down=["id"], record_start="strat")


def test_what_the_filter_drops_is_named_with_what_it_holds():
    frame = table_of(Stage=["Won", "Lost", "Lost", "Open"], mrr=["1,000", "200", "300", "5"])
    _, found = apply_mapping(frame, TableMapping(filter={"Stage": "won"}), table=TABLES["contracts"], where="a.csv")
    said = found[0].said()
    assert "Lost (2), Open (1)" in said
    assert "mrr 505" in said


def test_columns_that_are_ignored_go():
    out, _ = mapped(table_of(ID=["1"], Email=["a@b"]), columns={"ID": "account_id"}, ignore=["e-mail"])
    assert list(out.columns) == ["account_id", "__row__"]
    assert "'Mail'" in refused(table_of(ID=["1"]), ignore=["Mail"])


def test_cents_are_those_of_the_rows_currency():
    frame = table_of(mrr=["4900", "4900", "4900"], currency=["usd", "jpy", ""])
    out, _ = mapped(frame, "contracts", currency="JPY", units={"mrr": "cents"})
    assert out["mrr"].tolist() == ["49", "4900", "4900"]
    assert "JPY" in refused(table_of(mrr=["4900"]), currency="JPY", units={"mrr": "cents"})


def test_a_unit_can_say_that_nothing_is_converted():
    out, _ = mapped(table_of(mrr=["1,500"]), units={"mrr": "円"})
    assert out["mrr"].tolist() == ["1500"]
    assert "hours" in refused(table_of(mrr=["1"]), units={"mrr": "hours"})


def test_units_reach_monthly_columns():
    frame = table_of(顧客ID=["A1", "A2"], **{"2026年4月": ["120", ""], "2026年5月": ["130", "50"]})
    out, _ = mapped(frame, "mrr_months", units={"mrr": "千円"})
    got = {(r.顧客ID, r.month): r.mrr for r in out.itertuples()}
    assert got == {
        ("A1", "2026年4月"): "120000", ("A2", "2026年4月"): "0",
        ("A1", "2026年5月"): "130000", ("A2", "2026年5月"): "50000",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------- several files


def folder_of(folder: Path, toml: str, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "cs-analysis.toml").write_text(toml, encoding="utf-8")
    return folder


ACCOUNT_FILE = "account_id,account_name\nA1,Aozora\nA2,Umi\n"
YEARS = {
    "c2024": "Contract,account_id,start_date,end_date,mrr\nC1,A1,2024-04-01,2025-03-31,100\n",
    "c2025": "Contract,顧客ID,start_date,end_date,mrr,memo\nC2,A1,2025-04-01,2026-03-31,150,up\n"
    "C3,A2,2025-10-01,2026-09-30,soon,\n",
}


def test_several_files_become_one_table_and_a_fault_names_its_own(tmp_path):
    toml = '[mapping.contracts]\nfile = "c20*.csv"\ncolumns = {Contract = "contract_id"}\n'
    folder = folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, **YEARS)
    errors = check(folder).problems.query("severity == 'error'")
    assert errors[["file", "row", "column", "value"]].values.tolist() == [["c2025.csv", 3, "mrr", "soon"]]
    (folder / "c2025.csv").write_text(YEARS["c2025"].replace("soon", "80"), encoding="utf-8")
    book = cs.load(folder, as_of="2025-12-31")
    assert book.contracts["contract_id"].tolist() == ["C1", "C2", "C3"]
    assert [memo or "" for memo in book.contracts["memo"]] == ["", "up", ""]
    assert book.coverage.set_index("table")["rows_read"]["contracts"] == 3
    toml = toml.replace('"c20*.csv"', '["c2024.csv", "c2025.csv"]')
    assert cs.load(folder_of(folder, toml), as_of="2025-12-31").fingerprint == book.fingerprint


def test_monthly_sheets_of_several_years_leave_no_false_zeros(tmp_path):
    toml = '[mapping.mrr_months]\nfile = ["fy24.csv", "fy25.csv"]\n'
    files = {"fy24": "account_id,2025-02,2025-03\nA1,10,20\n", "fy25": "account_id,2025-04,2025-05\nA1,30,40\nA2,,5\n"}
    book = cs.load(folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, **files), as_of="2025-05-31")
    first = book.contracts[book.contracts["account_id"] == "A1"].sort_values("start")
    assert first["mrr"].tolist() == [10, 20, 30, 40]
    assert not (book.problems["severity"] != "note").any()


def test_a_pattern_that_fits_no_file_is_refused(tmp_path):
    folder = folder_of(tmp_path, '[mapping.contracts]\nfile = "d*.csv"\n', accounts=ACCOUNT_FILE, **YEARS)
    with pytest.raises(InputError, match=r"d\*\.csv"):
        check(folder)


def test_questions_that_nobody_answered_are_refused(tmp_path):
    for key in ('columns = {Betrag = "?"}', 'values.recurring = {x = "?"}', 'filter = {Stage = ["?"]}'):
        folder = folder_of(tmp_path, f"[mapping.contracts]\n{key}\n", accounts=ACCOUNT_FILE)
        with pytest.raises(InputError, match="answer the question"):
            check(folder)
    folder_of(tmp_path, '[mapping.contracts]\nunits = {mrr = "?"}\n')
    with pytest.raises(InputError, match="千円"):
        check(tmp_path)


def test_an_amount_can_be_that_of_one_seat_and_of_several_periods():
    frame = table_of(
        Price=["300", "300", "300", "300"],
        Interval=["month"] * 4,
        Count=["3", "", "0", "1"],
        Seats=["5", "2", "1", "many"],
    )
    rule = {"amount": "Price", "period": "Interval", "quantity": "Seats", "every": "Count"}
    out, problems = mapped(frame, "contracts", derive={"amount": rule})
    assert out["mrr"].tolist()[:2] == ["500", "600"]
    assert {(p[0], p[1], p[2]) for p in problems} == {("error", 4, "Count"), ("error", 5, "Seats")}
