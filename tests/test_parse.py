"""Reading of dates, months, amounts, hours, flags and choices; the expectations are written out by hand."""

from __future__ import annotations

import math
from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.data import faults as f
from cs_analysis.data import parse as p
from cs_analysis.data.parse_dates import days_off, is_month


def one(text: str, kind: str, **options):
    """The value of a single cell, or the fault."""
    parsed = p.parse(pd.Series([text]), kind, **options)
    return parsed.faults.iloc[0] if len(parsed.faults) else parsed.values.iloc[0]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-04-01", "2024-04-01"),
        ("2024/4/1", "2024-04-01"),
        ("2024.4.1", "2024-04-01"),
        ("20240401", "2024-04-01"),
        ("2024年4月1日", "2024-04-01"),
        ("２０２４／０４／０１", "2024-04-01"),
        ("2024/4/1(月)", "2024-04-01"),
        ("2024-04-01 09:30:00", "2024-04-01"),
        ("2024-04-01T00:00:00+09:00", "2024-04-01"),
        ("2024-04-01T23:59:59.123Z", "2024-04-01"),
        ("2024/04/01 10:15:33 午前 GMT+9", "2024-04-01"),  # Google Forms
        ("2024年4月1日 午後3:15", "2024-04-01"),
        ("2024年4月1日10時15分", "2024-04-01"),
        ("2024/4/1(月) 10:15", "2024-04-01"),
        ("April 1, 2024 10:15 AM", "2024-04-01"),  # Notion
        ("Apr 1, 2024, 12:05:00 AM (GMT+9)", "2024-04-01"),
        ("13/04/2024 10:15 PM", "2024-04-13"),
        ("令和6年4月1日 9:00", "2024-04-01"),
        ("令和6年4月1日", "2024-04-01"),
        ("令和元年5月1日", "2019-05-01"),
        ("R6.4.1", "2024-04-01"),
        ("H31.4.30", "2019-04-30"),
        ("平成35年3月31日", "2023-03-31"),
        ("S63/1/7", "1988-01-07"),
        ("45383", "2024-04-01"),  # Excel shows 2024-04-01 for this serial
        ("45383.5", "2024-04-01"),
        ("1 Apr 2024", "2024-04-01"),
        ("April 1, 2024", "2024-04-01"),
        ("31/03/2024", "2024-03-31"),
        ("03/31/2024", "2024-03-31"),
        ("04/04/2024", "2024-04-04"),
        (" 2024-02-29 ", "2024-02-29"),
    ],
)
def test_dates_as_clients_write_them(text, day):
    assert one(text, "date") == pd.Timestamp(day)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("03/04/2024", f.DAY_ORDER),
        ("24/4/1", f.SHORT_YEAR),
        ("03/04/2024 10:15 AM", f.DAY_ORDER),  # SurveyMonkey
        ("9/2/26 10:15", f.SHORT_YEAR),  # MS Forms
        ("2024-04-01 10", f.DATE),
        ("10:15", f.DATE),
        ("2023-02-29", f.DATE),
        ("2024-13-01", f.DATE),
        ("R0.4.1", f.DATE),
        ("令和元年4月1日の翌日", f.DATE),
        ("R1.3.31", f.DATE),
        ("9999-12-31", f.FAR_DATE),
        ("1024-04-01", f.FAR_DATE),
        ("NA", f.DATE),
        ("-", f.DATE),
        ("123", f.DATE),
        ("来月", f.DATE),
    ],
)
def test_dates_that_cannot_be_read_are_faults(text, fault):
    assert one(text, "date") is fault


@pytest.mark.parametrize(
    "text", ["2024-04", "2024/4", "2024年4月", "2024年4月度", "202404", "04/2024", "Apr 2024", "令和6年4月", "R6.4"]
)
def test_months(text):
    assert one(text, "month") == pd.Timestamp("2024-04-01")
    assert is_month(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [("2025-03-31T15:00:00Z", 1), ("2025-03-31T14:59:59Z", 0), ("2025-03-31 23:30 GMT+9", 0), ("2025-03-31 09:00", 0),
     ("2025/03/31 0:30:00 午前 GMT+10", -1), ("2025-03-31 08:00-07:00", 1), ("2025-03-31 23:30+0900", 0),
     ("2025-03-31 23:30 JST", 0), ("March 31, 2025 3:00 PM UTC", 1), ("2025-03-31", 0), ("", 0)],
)  # fmt: skip
def test_the_day_in_japan_of_a_time_with_a_zone(text, days):
    assert days_off(text, 9) == days


def test_a_day_stands_for_its_month_and_a_short_year_is_ambiguous():
    assert one("2024-04-15", "month") == pd.Timestamp("2024-04-01")
    assert one("Apr-24", "month") is f.SHORT_MONTH
    assert one("2024-00", "month") is f.MONTH
    assert not is_month("mrr")


@pytest.mark.parametrize(
    ("header", "is_one"),
    [("2024-04-01", True), ("2024/4/1", True), ("2024-04-01 00:00:00", True), ("45383", True), ("2024-04-30", True),
     ("01/01/2024", True), ("2024-04-29", False), ("2024-04-02", False), ("2024-04-01 10:15", False), ("45384", False),
     ("132000", False)],
)  # fmt: skip
def test_of_days_only_the_first_and_the_last_of_a_month_are_a_header(header, is_one):
    assert is_month(header) == is_one


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.5", 1234.5),
        ("1,234", 1234),
        ("１，２３４", 1234),
        ("¥1,234", 1234),
        ("￥1,234-".rstrip("-"), 1234),
        ("1,234円", 1234),
        ("120千円", 120_000),
        ("1.5百万円", 1_500_000),
        ("12万円", 120_000),
        ("JPY 500", 500),
        ("-500", -500),
        ("△500", -500),
        ("▲ 1,500", -1500),
        ("(500)", -500),
        ("（¥500）", -500),
        ("¥-500", -500),
        ("−500", -500),
        ("1e3", 1000),
        (".5", 0.5),
    ],
)
def test_amounts(text, value):
    assert one(text, "money") == value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1.234,56", f.COMMA),
        ("12,5", f.COMMA),
        ("12,34", f.COMMA),
        ("$500", f.CURRENCY),
        ("USD 500", f.CURRENCY),
        ("nan", f.NUMBER),
        ("inf", f.NUMBER),
        ("0x10", f.NUMBER),
        ("1_000", f.NUMBER),
        ("-(5)", f.NUMBER),
        ("5%", f.NUMBER),
        ("約500", f.NUMBER),
        ("TRUE", f.NUMBER),
    ],
)
def test_amounts_that_cannot_be_read_are_faults(text, fault):
    assert one(text, "money") is fault


def test_a_currency_mark_must_fit_the_currency_of_the_row():
    assert one("$500", "money", currency="USD") == 500
    assert one("$500", "money", currency="SGD") == 500
    assert one("¥500", "money", currency="USD") is f.CURRENCY


def test_rates_and_whole_numbers():
    assert one("12.5%", "rate") == 0.125
    assert one("0.125", "rate") == 0.125
    assert one("12.5", "rate") is f.PERCENT
    assert one("12%", "number") == 0.12
    assert one("9", "score") == 9
    assert one("9.5", "score") is f.WHOLE


@pytest.mark.parametrize(
    ("text", "score"),
    [("10点", 10), ("１０", 10), ("９ 点", 9), ("7/10", 7), ("8 points", 8), ("8.0", 8), ("0", 0), ("11", 11)],
)
def test_scores_as_people_write_them(text, score):
    assert one(text, "score") == score


@pytest.mark.parametrize("text", ["N/A", "n/a", "無回答", "－", "なし"])
def test_what_says_that_there_is_no_score_is_a_warning(text):
    assert one(text, "score") is f.NO_SCORE
    assert not f.NO_SCORE.fatal


@pytest.mark.parametrize("text", ["ten", "9-10", "好き"])
def test_what_is_no_score_at_all_is_an_error(text):
    assert one(text, "score") is f.SCORE
    assert f.SCORE.fatal


@pytest.mark.parametrize(
    ("text", "hours"),
    [("1.5", 1.5), ("1:30", 1.5), ("1:30:00", 1.5), ("1時間30分", 1.5), ("90分", 1.5), ("1.5h", 1.5), ("1h30m", 1.5),
     ("１時間", 1), ("90 min", 1.5), ("25:00", 25),
     # from start to end, over midnight too, as people type them
     ("10:00-11:30", 1.5), ("10:00～11:30", 1.5), ("１０：００〜１１：３０", 1.5), ("10:00 – 11:30", 1.5),
     ("10時~11時30分", 1.5), ("10時から11時", 1), ("9:15 to 10:00", 0.75), ("22:00-1:30", 3.5),
     ("22:00-25:30", 3.5), ("23:30-0:00", 0.5), ("20:00-8:00", 12), ("10:00-11:00、13:00-14:30", 2.5)],
)  # fmt: skip
def test_hours(text, hours):
    assert one(text, "hours") == hours


@pytest.mark.parametrize(
    "text", ["1:75", "半日", "1:30pm", "10:00-", "9-12", "10:00-10:00", "10:75-11:00", "40:00-41:00", "10:00-11:00 x"]
)
def test_hours_that_cannot_be_read_are_faults(text):
    assert one(text, "hours") is f.HOURS


@pytest.mark.parametrize("text", ["18:00-9:00", "10:00-9:30"])
def test_more_than_half_a_day_across_midnight_is_no_time_spent(text):
    assert one(text, "hours") is f.NIGHT


def test_flags_and_choices():
    for yes in ("yes", "はい", "TRUE", "1", "○", "有"):
        assert one(yes, "flag") is True
    for no in ("No", "いいえ", "false", "0", "×", "無"):
        assert one(no, "flag") is False
    assert one("maybe", "flag") is f.FLAG
    owner = {"us": "自社", "customer": "顧客"}
    assert one("自社", "choice", choices=owner) == "us"
    assert one("Customer", "choice", choices=owner) == "customer"
    assert one("them", "choice", choices=owner) is f.CHOICE
    roles = {"decision_maker": "決裁者"}
    assert one("Decision maker", "text", choices=roles) == "decision_maker"
    assert one("部長", "text", choices=roles) == "部長"


def test_ids_are_text_and_blank_is_missing():
    parsed = p.parse(pd.Series(["NA", "007", " A1 ", "", "　", "123456789012345678", "㈱青空", None]), "id")
    assert parsed.values.tolist() == ["NA", "007", "A1", None, None, "123456789012345678", "㈱青空", None]
    for kind in ("date", "month", "money", "hours", "flag", "choice", "text"):
        parsed = p.parse(pd.Series(["", " ", None], index=[5, 6, 7]), kind)
        assert parsed.values.isna().all()
        assert parsed.faults.empty


def test_faults_carry_the_label_of_their_row():
    parsed = p.parse(pd.Series(["x", "1", "x", "2"], index=[2, 3, 4, 5]), "money")
    assert parsed.faults.index.tolist() == [2, 4]
    assert parsed.values.tolist()[1::2] == [1.0, 2.0]


def test_an_empty_column_of_any_kind():
    for kind in p._READERS:
        parsed = p.parse(pd.Series([], dtype=object), kind)
        assert len(parsed.values) == 0


@given(st.dates(date(1928, 1, 1), date(2099, 12, 31)))
@settings(deadline=None, max_examples=60)
def test_every_way_to_write_a_day_reads_the_same(day):
    serial = (day - date(1899, 12, 30)).days
    texts = [f"{day:%Y-%m-%d}", f"{day.year}/{day.month}/{day.day}", f"{day.year}年{day.month}月{day.day}日",
             f"{day:%Y%m%d}", str(serial), f"{day} 00:00:00"]  # fmt: skip
    if day >= date(2019, 5, 1):
        texts += [f"令和{day.year - 2018}年{day.month}月{day.day}日", f"R{day.year - 2018}.{day.month}.{day.day}"]
    parsed = p.parse(pd.Series(texts), "date")
    assert parsed.faults.empty
    assert (parsed.values == pd.Timestamp(day)).all()


def test_points_that_part_thousands_are_told_from_decimals():
    amounts = pd.Series(["100.000", "123.456", "1234.500", "0.500", "250"])
    faults = p.parse(amounts, "money").faults
    assert list(faults.index) == [0, 1]  # the second is one because the first stands in its column
    assert p.parse(amounts.iloc[1:], "money").faults.empty
    assert p.parse(amounts, "money", currency="USD").faults.empty


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
@settings(deadline=None, max_examples=100)
def test_a_written_number_comes_back_to_the_last_bit(number):
    assert one(repr(number), "money") == number
    rounded = math.floor(abs(number))
    assert one(f"△{rounded:,}円", "money") == -rounded
