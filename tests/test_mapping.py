"""A client's own file under a mapping: names, values, units, the derive rules, what is said when it does not fit."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cs_analysis as cs
from cs_analysis.data.book import check
from cs_analysis.data.mapping.apply import apply_mapping
from cs_analysis.data.mapping.keys import TableMapping
from cs_analysis.data.mapping.match import match_accounts
from cs_analysis.data.mapping.rows import Met, check_met
from cs_analysis.data.problems import Problems
from cs_analysis.data.reading.read import Source
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
    assert out["mrr"].tolist() == ["1234567", "100", "", "", ""]  # blank, so that each is told once
    assert problems == [("error", 5, "mrr", "12万"), ("error", 6, "mrr", "n/a")]
    out, _ = mapped(table_of(mrr=["1999", "-5"]), currency="USD", units={"mrr": "cents"})
    assert out["mrr"].tolist() == ["19.99", "-0.05"]
    out, _ = mapped(table_of(hours=["90", "20"]), "time_entries", units={"hours": "minutes"})
    assert [float(h) for h in out["hours"]] == [1.5, 20 / 60]


def test_a_unit_must_fit_its_column():
    assert "minutes" in refused(table_of(mrr=["1"]), units={"mrr": "minutes"})
    assert "千円" in refused(table_of(hours=["1"]), "time_entries", units={"hours": "千円"})
    assert "there are" in refused(table_of(x=["1"]), units={"mrr": "千円"})
    for name in ("account_id", "segment", "churn_date"):  # an id times a thousand is another id
        assert name in refused(table_of(account_id=["1"], segment=["2"], churn_date=[""]), units={name: "千円"})


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


def test_who_left_in_the_first_month_was_served_for_a_day():
    out, problems = mapped(table_of(tenure=["0", "0"], Churn=["Yes", "No"]), derive={"tenure": TENURE})
    assert out["contract_start"].tolist() == ["2026-09-30", "2026-10-01"]
    assert out["churn_date"].tolist() == ["2026-09-30", ""]
    assert problems == []


def test_a_word_for_leaving_that_nobody_named_is_an_error_once():
    words = ["No", "Yes", "churned", "解約", "y", "", "churned"]
    _, problems = mapped(table_of(tenure=["3"] * 7, Churn=words), derive={"tenure": TENURE})
    assert [(p[1], p[3]) for p in problems if p[3]] == [(4, "churned"), (5, "解約"), (6, "y")]
    assert (problems[0][1], problems[0][3]) == (7, "")  # a blank says nothing either
    named = {**TENURE, "stayed_values": ["Joined", "stayed"], "left_values": ["Churned"]}
    out, problems = mapped(table_of(tenure=["3"] * 3, Churn=["Stayed", "churned", "No"]), derive={"tenure": named})
    assert out["churn_date"].tolist() == ["", "2026-09-30", ""]
    assert [(p[0], p[1], p[3]) for p in problems] == [("error", 4, "No")]  # who names some names them all
    rule = {**TENURE, "left_values": ["Churned"]}
    _, problems = mapped(table_of(tenure=["3"] * 3, Churn=["churned", "No", "Yes"]), derive={"tenure": rule})
    assert [(p[1], p[3]) for p in problems] == [(4, "Yes")]
    still_there = {**TENURE, "left": "Active", "left_values": ["No"]}
    out, problems = mapped(table_of(tenure=["3", "3"], Active=["Yes", "No"]), derive={"tenure": still_there})
    assert out["churn_date"].tolist() == ["", "2026-09-30"]
    assert problems == []


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


@pytest.mark.parametrize(
    ("period", "months"),
    [("12", 12), ("12.0", 12), ("1年", 12), ("2 years", 24), ("12か月", 12), ("6ヶ月", 6), ("1 month", 1),
     ("3ヵ月間", 3), ("1.5 years", 18), ("0", None), ("1.5", None), ("12 weeks", None), ("2年契約", None)],
)  # fmt: skip
def test_periods_as_people_write_them(period, months):
    frame = table_of(Fee=["3600"], Term=[period])
    out, problems = mapped(frame, "contracts", derive={"amount": {"amount": "Fee", "period": "Term"}})
    assert out["mrr"].tolist() == ["" if months is None else f"{3600 // months}"]
    assert [p[0] for p in problems] == (["error"] if months is None else [])


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


def clock(pause: list[str], header: str = "pause", **more):
    """Hours of days from 9:00 to 18:00 with these breaks."""
    frame = table_of(a=["9:00"] * len(pause), b=["18:00"] * len(pause), **{header: pause})
    out, problems = mapped(frame, "time_entries", derive={"clock": {"start": "a", "end": "b", "break": header}}, **more)
    return out["hours"].tolist(), [(severity, column) for severity, _row, column, _value in problems]


def test_a_break_in_bare_numbers_that_look_like_hours_must_be_told():
    for texts in (["1.00", "0"], ["1", "2", ""], ["0.75", "60"]):
        assert clock(texts)[1] == [("error", "pause")]
    assert clock(["60", "0", "1:00", "45分"]) == (["8", "9", "8", "8.25"], [])
    assert clock(["1.00", "0.25", "1:30"], units={"pause": "hours"}) == (["8", "8.75", "7.5"], [])
    assert clock(["3", "60"], units={"pause": "minutes"}) == (["8.95", "8"], [])
    assert clock(["3"], header="休憩（分）") == (["8.95"], [])  # the header says it
    assert clock(["0", ""]) == (["9", "9"], [])
    with pytest.raises(InputError, match="千円"):
        clock(["60"], units={"pause": "千円"})


def test_times_of_half_days_become_hours():
    frame = table_of(a=["10:00:00 AM", "12:15 AM", "10/01/2026 1:00 PM", "午前9:00"],
                     b=["11:30:00 AM", "1:15 am", "10/01/2026 1:45 PM", "午後5:30"])  # fmt: skip
    out, problems = mapped(frame, "time_entries", derive={"clock": {"start": "a", "end": "b"}})
    assert out["hours"].tolist() == ["1.5", "1", "0.75", "8.5"]
    assert problems == []


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
    assert out["mrr"].tolist() == ["1,500"]
    out, problems = mapped(table_of(mrr=["¥1,500", "$2"]), units={"mrr": "千円"})
    assert out["mrr"].tolist() == ["1500000", ""]
    assert problems == [("error", 3, "mrr", "$2")]
    out, _ = mapped(table_of(mrr=["$12", "¥12"], currency=["USD", "円"]), "contracts", units={"mrr": "thousand"})
    assert out["mrr"].tolist() == ["12000", "12000"]
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


# ------------------------------------------------------------------------------------------- what a header says


@pytest.mark.parametrize(
    ("header", "column", "table"),
    [
        ("月額（千円）", "mrr", "contracts"), ("年額(百万円)", "amount", "contracts"),
        ("金額 [億円]", "amount", "contracts"),
        ("MRR ($K)", "mrr", "contracts"), ("mrr_thousand", "mrr", "contracts"), ("Amount_cents", "amount", "contracts"),
        ("月額 単位:千", "mrr", "contracts"), ("KUSD", "mrr", "contracts"), ("単価（万円）", "hourly_cost", "csms"),
        ("時間（分）", "hours", "time_entries"), ("Duration (min)", "hours", "time_entries"),
        ("所要分", "hours", "time_entries"), ("duration_minutes", "hours", "time_entries"),
    ],
)  # fmt: skip
def test_a_unit_in_a_header_must_stand_in_the_mapping(header, column, table):
    frame = table_of(**{header: ["1"]})
    _, problems = mapped(frame, table, columns={header: column})
    assert problems == [("error", None, header, "")]
    time = column == "hours"
    for unit in ("minutes" if time else "千円", "hours" if time else "units"):
        assert mapped(frame, table, columns={header: column}, units={column: unit})[1] == []


@pytest.mark.parametrize(
    ("header", "column", "table"),
    [
        ("月額（円）", "mrr", "contracts"), ("料金（税抜）", "mrr", "contracts"), ("MRR (monthly)", "mrr", "contracts"),
        ("Fee, 10 percent off", "mrr", "contracts"), ("千代田支店", "mrr", "contracts"),
        ("Recent fee", "mrr", "contracts"),
        ("工数（時間）", "hours", "time_entries"), ("3月分", "hours", "time_entries"),
        ("Admin time", "hours", "time_entries"),
        ("区分（千円）", "segment", "accounts"),
    ],
)  # fmt: skip
def test_other_headers_say_no_unit(header, column, table):
    assert mapped(table_of(**{header: ["1"]}), table, columns={header: column})[1] == []


def test_an_amount_to_be_derived_says_its_unit_too_and_tax_is_warned_of():
    frame = table_of(**{"年額（千円）": ["12"], "期間": ["年"]})
    rule = {"amount": {"amount": "年額（千円）", "period": "期間"}}
    assert mapped(frame, "contracts", derive=rule)[1] == [("error", None, "年額（千円）", "")]
    out, problems = mapped(frame, "contracts", derive=rule, units={"年額（千円）": "千円"})
    assert (out["mrr"].tolist(), problems) == (["1000"], [])
    _, problems = mapped(table_of(**{"月額（税込）": ["110"]}), columns={"月額（税込）": "mrr"})
    assert problems == [("warning", None, "月額（税込）", "")]


# ------------------------------------------------------------------------------------------- which rows count


def met_by(table: str, *frames: pd.DataFrame, **mapping) -> list[tuple[str, str]]:
    """Severity and sentence of what is said of the mapping once all files were seen."""
    rule, met, problems = TableMapping.model_validate(mapping), Met(), Problems()
    for frame in frames:
        apply_mapping(frame, rule, table=TABLES[table], where="own.csv", met=met)
    check_met(met, rule, TABLES[table], Source("own.csv"), problems)
    return [(p.severity, p.said()) for p in problems.found]


def test_a_star_keeps_what_is_filled_in_and_true_and_false_are_flags():
    frame = table_of(id=["1", "", " ", "4"], Archived=["FALSE", "false", "no", "TRUE"], n=list("abcd"))
    assert mapped(frame, filter={"id": "*"})[0]["n"].tolist() == ["a", "d"]
    assert mapped(frame, filter={"Archived": False})[0]["n"].tolist() == ["a", "b", "c"]
    assert mapped(frame, filter={"Archived": [True]})[0]["n"].tolist() == ["d"]
    assert mapped(table_of(x=["受注", "受 注 ", "失注"]), filter={"x": "受注"})[0]["x"].tolist() == ["受注", "受 注 "]


def test_a_value_of_a_filter_that_no_row_has_is_warned_of_with_the_money():
    frame = table_of(Stage=["Closed Won", "Closed Won (Renewal)", "Lost"], mrr=["100", "200", "400"])
    kept = {"filter": {"Stage": ["Closed Won", "Closed Won (Renewals)"]}}
    [(severity, said)] = met_by("contracts", frame, **kept)
    assert severity == "warning"
    assert all(word in said for word in ("“Closed Won (Renewals)”", "mrr 600", "Did you mean “Closed Won (Renewal)”"))
    other = table_of(Stage=["Closed Won (Renewals)"], mrr=["5"])
    assert met_by("contracts", frame, other, **kept) == []  # it stands in another file
    assert met_by("contracts", frame[:1], **kept) == []  # nothing is lost


def test_a_filter_that_keeps_nothing_is_an_error_that_says_what_there_is():
    frame = table_of(Stage=["won", "lost"], Kind=["a", "b"])
    [(severity, said)] = met_by("contracts", frame, filter={"Kind": "a", "Stage": "Gewonnen"})
    assert severity == "error"
    assert "none of the 2 rows" in said
    assert "lost (1), won (1), not Gewonnen" in said
    assert met_by("contracts", frame, frame[:0], filter={"Stage": "won"}) == []


def test_what_no_file_holds_is_in_the_check(tmp_path):
    toml = '[mapping.contracts]\nfile = "c20*.csv"\ncolumns = {Contract = "contract_id"}\nfilter = {memo = "down"}\n'
    years = {year: text.replace("mrr\n", "mrr,memo\n").replace("soon,", "80,") for year, text in YEARS.items()}
    errors = check(folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, **years)).problems.query("severity == 'error'")
    assert errors["problem"].str.contains("none of the 3 rows").tolist() == [True]


def test_translations_of_values_that_never_occur_are_told():
    frame = table_of(segment=["Ent", "SMB", "Enterprize"])
    said = met_by("accounts", frame, values={"segment": {"Enterprise": "大手", "SMB": "中小"}})
    assert [severity for severity, _ in said] == ["warning"]
    assert "Did you mean “Enterprize”" in said[0][1]
    said = met_by("accounts", frame[:2], values={"segment": {"Key": "大手", "SMB": "中小"}})
    assert [severity for severity, _ in said] == ["note"]
    assert "Left as they are: Ent" in said[0][1]
    assert met_by("accounts", frame[:2], values={"segment": {"Ent": "大手", "ＳＭＢ": "中小", "": "none"}}) == []


@pytest.mark.parametrize(
    ("filters", "warned"),
    [({"Status": "有効"}, True), ({"Status": ["有効", "解約"]}, False), ({"Plan": "x"}, True), ({"Plan": "y"}, False)],
)
def test_a_filter_that_drops_those_who_left_is_warned_of(filters, warned):
    frame = table_of(
        Status=["有効", "有効", "解約", "有効"], Plan=["x", "x", "y", "y"], mrr=["1", "2", "40", "8"],
        start_date=["2024-01-01", "2026-01-01", "2023-01-01", "2023-01-01"],
        end_date=["", "2026-12-31", "2025-03-31", ""],
    )  # fmt: skip
    _, found = apply_mapping(frame, TableMapping(filter=filters), table=TABLES["contracts"], where="own.csv")
    said = [p.said() for p in found if p.severity == "warning"]
    assert len(said) == warned
    assert all("1 of the rows" in s and "mrr 4" in s for s in said)


def test_departures_are_known_by_their_words_or_by_ends_that_no_row_kept_has():
    def warned(frame: pd.DataFrame, **kept: str) -> bool:
        return "warning" in [p[0] for p in mapped(frame, "contracts", filter=kept)[1]]

    words = table_of(Status=["active", "canceled", "trial"], mrr=["1", "2", "3"])
    assert warned(words, Status="active")
    assert not warned(words[::2], Status="active")
    days = {"start_date": ["2026-01-01"] * 4, "end_date": ["2024-12-31", "", "2024-12-31", "2026-12-31"]}
    frame = table_of(Kind=["plan", "plan", "set-up", "set-up"], **days)
    assert not warned(frame, Kind="plan")  # the filter keeps ends as well, so it is about something else
    assert warned(frame[1:], Kind="plan")
    assert not warned(frame[1:2], Kind="plan")


def test_a_filter_on_the_flag_of_leaving_is_warned_of():
    frame = table_of(tenure=["3", "3"], Churn=["Yes", "No"], mrr=["1", "2"])
    _, problems = mapped(frame, filter={"Churn": "No"}, derive={"tenure": TENURE})
    assert sorted(p[0] for p in problems) == ["note", "warning"]


# ------------------------------------------------------------------------------------------- dates and months


def test_the_order_of_day_and_month_can_be_given():
    frame = table_of(start_date=["4/1/2025", "2025-07-15", "7/15/2025", "9/2/26 10:15"], note=["1/2/2025"] * 4)
    out, problems = mapped(frame, "contracts", date_order="mdy")
    assert out["start_date"].tolist() == ["2025-04-01", "2025-07-15", "2025-07-15", "2026-09-02 10:15"]
    assert out["note"].tolist() == ["1/2/2025"] * 4
    assert problems == []
    out, problems = mapped(frame, "contracts", columns={"note": "end_date"}, date_order="dmy")
    assert out["start_date"].tolist() == ["2025-01-04", "2025-07-15", "", "2026-02-09 10:15"]
    assert out["end_date"].tolist()[0] == "2025-02-01"
    assert problems == [("error", 4, "start_date", "7/15/2025")]


def test_a_date_against_the_order_is_told_once_and_without_an_order_none_is_guessed(tmp_path):
    rows = "K,A1,{},100\n"
    file = "Number,account_id,Start,mrr\n" + rows.format("4/1/2025") + rows.replace("K", "L").format("13/1/2025")
    toml = '[mapping.contracts]\nfile = "c.csv"\n{}columns = {{Number = "contract_id", Start = "start_date"}}\n'
    folder = folder_of(tmp_path, toml.format('date_order = "mdy"\n'), accounts=ACCOUNT_FILE, c=file)
    errors = check(folder).problems.query("severity == 'error'")
    assert errors[["row", "column", "value"]].values.tolist() == [[3, "Start", "13/1/2025"]]
    errors = check(folder_of(tmp_path, toml.format(""))).problems.query("severity == 'error'")
    assert errors[["row", "value"]].values.tolist() == [[2, "4/1/2025"]]
    with pytest.raises(InputError, match="answer the question"):
        check(folder_of(tmp_path, toml.format('date_order = "?"\n')))


def test_values_of_mrr_reach_the_columns_of_months_and_a_cell_is_told_once(tmp_path):
    months = "account_id,2026/08,2026/09,2026/10\nA1,100,90,100\nA2,50,-,―\nZ9,,,\n"
    toml = '[mapping.mrr_months]\nfile = "m.csv"\nunits.mrr = "千円"\n'
    folder = folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, m=months)
    errors = check(folder).problems.query("severity == 'error'")
    assert errors[["row", "column", "value"]].values.tolist() == [[3, "2026/09", "-"], [3, "2026/10", "―"]]
    book = cs.load(folder_of(tmp_path, toml + 'values.mrr = {"-" = "", "―" = ""}\n'), as_of="2026-10-31")
    assert book.accounts["account_id"].tolist() == ["A1", "A2"]  # a row without any amount names no account
    lines = book.contracts[book.contracts["account_id"] == "A2"]
    assert lines[["mrr", "stop"]].values.tolist() == [[50_000, pd.Timestamp("2026-09-01")]]


def test_times_of_another_zone_are_warned_of_where_the_day_in_japan_is_another(tmp_path):
    lines = "contract_id,account_id,start_date,mrr\nK,A1,{},100\n"
    late, early = lines.format("2025-03-31T15:00:00Z"), lines.format("2025-03-31T14:59:00Z")
    for toml, file, warned in (("", late, 1), ("", early, 0), ('[client]\ncurrency = "USD"\n', late, 0)):
        problems = check(folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, contracts=file)).problems
        assert (problems["severity"] == "warning").sum() == warned
    assert cs.load(tmp_path, as_of="2025-04-30").contracts["start"].tolist() == [pd.Timestamp("2025-03-31")]


# ------------------------------------------------------------------------------------- files that differ, and sheets


def test_a_header_may_differ_from_file_to_file_but_must_be_somewhere(tmp_path):
    toml = '[mapping.time_entries]\nfile = "w*.csv"\ncolumns = {{A = "csm", B = "csm"{}}}\n'
    head = "date,{},account_id,task,hours\n2025-09-01,Sato,A1,x,1\n"
    files = {"w1": head.format("A"), "w2": head.format("B"), "contracts": YEARS["c2024"].replace("Contract", "契約ID")}
    folder = folder_of(tmp_path, toml.format(""), accounts=ACCOUNT_FILE, **files)
    assert cs.load(folder, as_of="2025-12-31").time_entries["csm"].tolist() == ["Sato", "Sato"]
    with pytest.raises(InputError, match="'D'"):
        check(folder_of(folder, toml.format(', D = "phase"')))
    folder_of(folder, toml.format(""), w3=head.format("C"))
    errors = check(folder).problems.query("severity == 'error'")
    told = errors[errors["problem"].str.contains("in another file")]
    assert told[["file", "column"]].values.tolist() == [["w3.csv", "A"], ["w3.csv", "B"]]


def test_of_two_columns_of_one_name_the_mapping_can_choose(tmp_path):
    lines = "contract_id,account_id,start_date,mrr,Name,Name\nK,A1,2025-04-01,100,a,b\n"
    toml = '[mapping.contracts]\nfile = "d.csv"\ncolumns = {{"Name{}" = "product"}}\n{}'
    folder = folder_of(tmp_path, toml.format("", 'ignore = ["Name (2)"]\n'), accounts=ACCOUNT_FILE, d=lines)
    assert cs.load(folder, as_of="2025-12-31").contracts["product"].tolist() == ["a"]
    folder_of(tmp_path, toml.format(" (2)", ""))
    assert cs.load(folder, as_of="2025-12-31").contracts["product"].tolist() == ["b"]
    folder_of(tmp_path, toml.format("", ""))
    assert check(folder).problems.query("severity == 'error'")["column"].tolist() == ["Name"]


def test_a_constant_can_be_the_name_of_the_file_or_the_month_in_it(tmp_path):
    toml = '[mapping.mrr_months]\nfile = "sales_*.csv"\nconstants = {month = "{file}", from = "{file}"}\n'
    files = {f"sales_2026-0{m}": f"account_id,mrr\nA1,{m}0\n" for m in (8, 9)}
    book = cs.load(folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, **files), as_of="2026-09-30")
    assert book.contracts.sort_values("start")[["start", "mrr"]].values.tolist() == [
        [pd.Timestamp("2026-08-01"), 80],
        [pd.Timestamp("2026-09-01"), 90],
    ]
    month = TableMapping(constants={"month": "{sheet}", "from": "{sheet}"})
    out, _ = apply_mapping(table_of(x=["1"]), month, table=TABLES["mrr_months"], where=Source("a.xlsx", "2026年10月分"))
    assert out[["month", "from"]].values.tolist() == [["2026年10月", "2026年10月分"]]


def test_an_unknown_name_in_a_sheet_of_months_is_told_once_per_row(tmp_path):
    toml = '[mapping.mrr_months]\nfile = "m.csv"\nmatch = "name"\ncolumns = {name = "account_id"}\n'
    files = {"m": "name,2026-08,2026-09\nAozora,1,2\nRiver,3,4\nBranches,,\n"}  # a row without amounts names nobody
    errors = check(folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, **files)).problems.query("severity == 'error'")
    assert errors["value"].tolist() == ["River"]


def test_one_of_several_files_with_two_columns_of_one_meaning(tmp_path):
    first = "contract_id,account_id,start_date,mrr,Memo\nC1,A1,2024-01-01,100,a\n"
    second = "contract_id,account_id,start_date,月額,mrr,Memo,memo\nC2,A1,2024-01-01,5,6,b,c\n"
    toml = '[mapping.contracts]\nfile = "c*.csv"\n'
    folder = folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, c1=first, c2=second)
    errors = check(folder).problems.query("severity == 'error'")
    assert len(errors) == 1
    assert "both hold" in errors["problem"].iloc[0]
    folder = folder_of(tmp_path, toml + 'ignore = ["月額"]\n')
    assert cs.load(folder, as_of="2024-06-30").contracts["mrr"].tolist() == [100.0, 6.0]


def test_a_header_of_a_year_under_monthly_revenue_is_told(tmp_path):
    file = "Number,account_id,start_date,{}\nK,A1,2024-01-01,1200\n"
    toml = '[mapping.contracts]\nfile = "c.csv"\n[mapping.contracts.columns]\nNumber = "contract_id"\n"{}" = "mrr"\n'
    for header, n in (("年間利用料", 1), ("Annual fee", 1), ("月額利用料", 0), ("Monthly fee", 0)):
        folder = folder_of(tmp_path, toml.format(header), accounts=ACCOUNT_FILE, c=file.format(header))
        warnings = check(folder).problems.query("severity == 'warning'")
        assert warnings["problem"].str.contains("of a year").sum() == n, header


def test_a_unit_in_a_cell_of_a_column_with_another_is_told_as_that(tmp_path):
    file = "Number,account_id,start_date,Fee\nK,A1,2024-01-01,12万円\n"
    toml = '[mapping.contracts]\nfile = "c.csv"\nunits.mrr = "千円"\ncolumns = {Number = "contract_id", Fee = "mrr"}\n'
    folder = folder_of(tmp_path, toml, accounts=ACCOUNT_FILE, c=file)
    errors = check(folder).problems.query("severity == 'error'")
    assert errors["problem"].tolist() == ["“12万円” has a unit of its own, and its column has another in the mapping."]
