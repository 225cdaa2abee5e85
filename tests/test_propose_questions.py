"""What a proposed mapping asks: units, currency, periods, the order of days; answered, the figures are right."""

import tomllib
from pathlib import Path

import pytest

import cs_analysis as cs
from cs_analysis.data.proposing.as_toml import proposed_text
from cs_analysis.data.proposing.propose import Proposal, propose
from cs_analysis.data.settings import Settings, read_settings
from cs_analysis.data.vocabulary import UNSURE
from cs_analysis.errors import InputError

NONE = Settings()
ACCOUNTS = "顧客ID,顧客名\nA001,青空商事株式会社\nA002,海山物産株式会社\n"
PAYING = "顧客ID,顧客名,契約開始日,月額\nA001,青空商事,2026-04-01,100\nA002,海山物産,2026-04-01,100\n"
YEN = {'currency = "?"': 'currency = "JPY"'}
NO_END = {'"? end_date" = "end_date"\n': ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "顧客.csv").write_text(ACCOUNTS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def paying(folder: Path) -> Path:
    """Accounts with their revenue, so that the further file need not hold it."""
    (folder / "顧客.csv").write_text(PAYING, encoding="utf-8")
    return folder


def proposed(folder: Path, rows: str, name: str = "export.csv") -> tuple[Proposal, str]:
    """The proposal for one more file, and its text, which must be refused as it is."""
    (folder / name).write_text(rows, encoding="utf-8")
    [proposal] = propose(folder, NONE)
    text = proposed_text([proposal], NONE)
    if proposal.questions:
        (folder / "cs-analysis.toml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError):
            read_settings(folder / "cs-analysis.toml")
        (folder / "cs-analysis.toml").unlink()
    return proposal, text


def loaded(folder: Path, text: str, answers: dict[str, str]) -> cs.Book:
    """The data under the proposal, with each line that holds a question replaced by its answer."""
    for question, answer in answers.items():
        assert question in text, question
        text = text.replace(question, answer)
    (folder / "cs-analysis.toml").write_text(text, encoding="utf-8")
    return cs.load(folder, as_of="2026-10-31", lang="en")


def asked(proposal: Proposal, key: str) -> list[tuple[str, ...]]:
    return [q.names for q in proposal.questions if q.key == key]


# ------------------------------------------------------------------------------------------- amounts, units, currency


def test_the_unit_in_a_header_is_asked_about_and_the_amounts_come_out_right(folder):
    rows = "契約番号,顧客名,契約開始日,年額（千円）\nK1,青空商事,2026-04-01,1200\nK2,海山物産,2026-04-01,600\n"
    proposal, text = proposed(folder, rows)
    assert [(g.column, g.certainty) for g in proposal.guesses if g.header == "年額（千円）"] == [("amount", UNSURE)]
    assert asked(proposal, "units") == [("年額（千円）",)]
    assert asked(proposal, "client") == [("currency",)]
    assert asked(proposal, "constants") == [("billing_months",)]
    book = loaded(folder, text, YEN | NO_END | {
        'units."年額（千円）" = "?"': 'units."年額（千円）" = "千円"',
        '"? amount" = "amount"': '"年額（千円）" = "amount"',
        'constants."billing_months" = "?"': "constants.billing_months = 12",
    })  # fmt: skip
    assert book.contracts["mrr"].tolist() == [100_000, 50_000]  # 1,200 thousand a year, 600 thousand a year


def test_the_unit_of_a_monthly_amount_in_thousands_is_asked_about(folder):
    proposal, text = proposed(folder, "契約番号,顧客名,契約開始日,月額（千円）\nK1,青空商事,2026-04-01,100\n")
    assert asked(proposal, "units") == [("月額（千円）",)]
    assert ("mrr",) in asked(proposal, "columns")
    assert ("amount",) not in asked(proposal, "columns")
    book = loaded(folder, text, YEN | NO_END | {
        'units."月額（千円）" = "?"': 'units."月額（千円）" = "千円"', '"? mrr" = "mrr"': '"月額（千円）" = "mrr"',
    })  # fmt: skip
    assert book.contracts["mrr"].tolist() == [100_000]


def test_the_unit_of_an_amount_under_our_own_name_is_asked_about(folder):
    rows = "id,customer,currency,amount,interval,start_date\nsub_1,A001,usd,4900,month,2026-04-01\n"
    rows += "sub_2,A002,usd,118800,year,2026-04-01\n"
    proposal, text = proposed(folder, rows)
    assert asked(proposal, "units") == [("amount",)]
    assert asked(proposal, "derive.amount") == [("period",)]
    book = loaded(folder, text, NO_END | {
        'units."amount" = "?"': 'units."amount" = "cents"', 'period = "?"': 'period = "interval"',
        "[mapping.contracts]": '[client]\ncurrency = "USD"\n[mapping.contracts]',
    })  # fmt: skip
    assert book.contracts["mrr"].sum() == 49 + 1188 / 12


@pytest.mark.parametrize(("header", "value"), [("月額（円）", "100"), ("月額", "¥1,200"), ("月額", "12万円")])
def test_where_header_or_values_say_the_unit_it_is_not_asked(header, value, folder):
    proposal, _text = proposed(folder, f'契約番号,顧客ID,開始日,{header}\nK1,A001,2026-04-01,"{value}"\n')
    assert asked(proposal, "units") == []


def test_an_amount_with_tax_is_told(folder):
    proposal, _text = proposed(folder, "契約番号,顧客ID,開始日,契約金額（税込）\nK1,A001,2026-04-01,132000\n")
    [question] = [q for q in proposal.questions if q.key == "units"]
    assert "tax is included" in question.asked


def test_a_table_in_our_own_form_is_not_asked_about_its_units(folder):
    rows = "契約ID,顧客ID,開始日,月額,商談ステージ,解約予告日\nK1,A001,2026-04-01,100,x,\n"
    (folder / "契約.csv").write_text(rows, encoding="utf-8")
    assert propose(folder, NONE) == []


def test_the_currency_is_asked_for_in_the_section_that_there_is(folder):
    (folder / "cs-analysis.toml").write_text('[client]  # ours\nname = "Acme"\n\n[money]\ngross_margin = 0.8\n')
    (folder / "subs.csv").write_text("Subscription ID,Customer ID,Start date,End date,Monthly recurring revenue\n"
                                     "S1,A001,2026-04-01,,49\n")  # fmt: skip
    settings = read_settings(folder / "cs-analysis.toml")
    text = proposed_text(propose(folder, settings), settings)
    assert tomllib.loads(text)["client"] == {"currency": "?", "name": "Acme"}
    assert tomllib.loads(text)["money"] == {"gross_margin": 0.8}
    text = text.replace('"Monthly recurring revenue" = "?"', '"Monthly recurring revenue" = "units"')
    (folder / "cs-analysis.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="currency"):
        read_settings(folder / "cs-analysis.toml")


def test_whether_an_amount_is_that_of_one_seat_is_asked(folder):
    rows = "id,Customer ID,Quantity,Currency,Interval,Amount,Status,Start (UTC),Current Period End (UTC),Ended At\n"
    rows += "sub_1,A001,10,usd,month,49.00,active,2026-04-01,2026-11-01,\n"
    rows += 'sub_2,A002,1,usd,year,"1,188.00",canceled,2026-04-01,2026-11-01,\n'
    proposal, text = proposed(folder, rows)
    assert proposal.derive == {"amount": {"amount": "Amount"}}
    assert asked(proposal, "derive.amount") == [("period",), ("quantity",)]
    assert "“Interval” (month, year)" in next(q.asked for q in proposal.questions if q.key == "derive.amount")
    book = loaded(folder, text, {
        'period = "?"': 'period = "Interval"', 'quantity = "?"': 'quantity = "Quantity"', 'filter."Status" = ["?"]': "",
        'units."Amount" = "?"': 'units."Amount" = "units"',
        "[mapping.contracts]": '[client]\ncurrency = "USD"\n[mapping.contracts]',
    })  # fmt: skip
    assert book.contracts["mrr"].sum() == 10 * 49 + 1188 / 12  # 589


def test_seats_without_a_column_of_periods(folder):
    rows = "契約番号,顧客ID,開始日,終了日,金額（円）,数量\nK1,A001,2026-04-01,,1200,10\n"
    proposal, text = proposed(folder, rows)
    assert proposal.derive == {"amount": {"amount": "金額（円）", "period": "billing_months"}}
    book = loaded(folder, text, YEN | {
        'constants."billing_months" = "?"': "constants.billing_months = 12", 'quantity = "?"': 'quantity = "数量"',
    })  # fmt: skip
    assert book.contracts["mrr"].tolist() == [1000]  # 1,200 yen × 10 seats / 12 months


# ------------------------------------------------------------------------------------------------------------- hours


@pytest.mark.parametrize("header", ["時間", "作業時間", "工数"])
def test_whether_bare_numbers_are_hours_or_minutes_is_asked(header, paying):
    rows = f"日付,担当者,顧客名,作業内容,{header}\n2026-10-01,佐藤,青空商事,定例,15\n2026-10-02,佐藤,海山物産,定例,30\n"
    proposal, text = proposed(paying, rows)
    assert asked(proposal, "units") == [(header,)]
    book = loaded(paying, text, {f'units."{header}" = "?"': f'units."{header}" = "minutes"'})
    assert book.time_entries["hours"].sum() == 0.75


@pytest.mark.parametrize(("header", "value"), [("工数（時間）", "1.5"), ("時間", "1:30"), ("時間", "90分")])
def test_hours_that_say_their_unit_are_not_asked_about(header, value, folder):
    proposal, _text = proposed(folder, f"日付,担当者,顧客名,作業内容,{header}\n2026-10-01,佐藤,青空商事,定例,{value}\n")
    assert proposal.questions == ()


@pytest.mark.parametrize(
    ("header", "value", "is_asked"),
    [("休憩時間", "1.00", True), ("休憩", "45", True), ("休憩（分）", "45", False), ("休憩時間", "1:00", False),
     ("休憩時間", "45分", False)],
)  # fmt: skip
def test_whether_a_break_is_in_hours_or_in_minutes_is_asked(header, value, is_asked, folder):
    rows = f"日付,氏名,取引先名,作業内容,開始時刻,終了時刻,{header}\n2026/10/01,佐藤,青空商事,定例,9:00,18:00,{value}\n"
    proposal, text = proposed(folder, rows)
    assert proposal.derive["clock"]["break"] == header
    assert asked(proposal, "units") == ([(header,)] if is_asked else [])
    assert (f'units."{header}" = "?"' in text) == is_asked


# --------------------------------------------------------------------------------------------------- days and scores


@pytest.mark.parametrize("times", ["", " 10:15"])
def test_whether_the_month_or_the_day_comes_first_is_asked(times, folder):
    rows = f"Contract Number,Account ID,Contract Start Date,Contract End Date,MRR (円)\nK1,A001,4/1/2025{times},,100\n"
    proposal, text = proposed(folder, rows + f"K2,A002,7/15/2025{times},,100\n")
    assert 'date_order = "?"' in text
    assert tomllib.loads(text)["mapping"]["contracts"]["date_order"] == "?"
    [question] = [q for q in proposal.questions if q.key == "date_order"]
    assert f"“Contract Start Date” (7/15/2025{times}, 4/1/2025{times})" in question.asked
    assert [g.column for g in proposal.guesses if g.header == "Contract Start Date" and g.sure] == ["start_date"]


@pytest.mark.parametrize(("day", "is_asked"), [("9/2/26 10:15:33", True), ("26/9/2", False)])
def test_years_of_two_digits(day, is_asked, folder):
    proposal, _text = proposed(folder, f"完了時刻,会社名,名前,薦める可能性は\n{day},青空商事,高橋,9\n")
    assert asked(proposal, "date_order") == ([("",)] if is_asked else [])
    assert (("responded_date",) in asked(proposal, "columns")) != is_asked


def test_days_that_can_be_read_in_one_way_are_not_asked_about(folder):
    proposal, _text = proposed(folder, "契約番号,顧客ID,開始日,終了日,月額（円）\nK1,A001,2025/4/1,令和8年3月1日,1\n")
    assert asked(proposal, "date_order") == []


def test_days_that_cannot_be_read_are_asked_about(folder):
    rows = "タイムスタンプ,御社名,お名前,薦める可能性は\n昨日の朝,青空商事,高橋,9\n今朝,海山物産,中村,7\n"
    proposal, _text = proposed(folder, rows)
    [question] = [q for q in proposal.questions if q.names == ("responded_date",)]
    assert "It may be “タイムスタンプ”." in question.asked
    assert "delete the line" in question.asked


def test_scores_with_words_behind_them_are_translated(paying):
    rows = "Respondent ID,Company,How likely are you to recommend us?\n1,青空商事,10 - Extremely likely\n"
    rows += "2,海山物産,0 - Not at all likely\n3,海山物産,7\n"
    _proposal, text = proposed(paying, rows)
    book = loaded(paying, text, {
        'constants."wave" = "?"': 'constants."wave" = "2026H1"\nconstants.responded_date = "2026-10-01"',
        '"? responded_date" = "responded_date"\n': "",
    })  # fmt: skip
    assert sorted(book.survey_responses["score"]) == [0, 7, 10]


def test_what_is_no_score_from_0_to_10_is_not_translated(folder):
    rows = "Respondent ID,Company,How likely are you to recommend us?\n1,青空商事,12 - a dozen\n"
    proposal, text = proposed(folder, rows)
    assert ("score",) in asked(proposal, "columns")
    assert "values" not in tomllib.loads(text)["mapping"]["survey_responses"]


# ------------------------------------------------------------------------------------------------------- rows, files


def test_the_stage_of_a_customer_is_asked_about(folder):
    rows = '"Record ID","Company name","Lifecycle Stage"\n"1","A","Customer"\n"2","B","Lead"\n'
    (folder / "顧客.csv").unlink()
    proposal, _text = proposed(folder, rows, "companies.csv")
    assert asked(proposal, "filter") == [("Lifecycle Stage",)]


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["hours-2026-09.csv", "hours-2026-10.csv"], "hours-*.csv"),
        (["工数_2026年9月.csv"], "工数_*.csv"),
        (["export-20261102.csv"], "export-*.csv"),
        (["report1793577600000.csv"], "report1793577600000.csv"),  # no day: another report may have any such number
        (["hours [2026-09].csv"], "hours [2026-09].csv"),  # brackets mean something else beside a *
    ],
)
def test_a_day_in_a_file_name_is_written_as_a_star(names, written, folder):
    for i, name in enumerate(names):
        rows = f"date,csm,account_id,task,工数（時間）\n2026-10-0{i + 1},佐藤,A001,定例,1\n"
        (folder / name).write_text(rows, encoding="utf-8")
    [proposal] = propose(folder, NONE)
    assert tomllib.loads(proposed_text([proposal], NONE))["mapping"]["time_entries"]["file"] == written
