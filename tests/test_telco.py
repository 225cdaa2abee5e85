"""The example under data_templates/examples/telco: a file that is not ours, mapped without code."""

import csv
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import cs_analysis as cs

FOLDER = Path(__file__).parent.parent / "data_templates" / "examples" / "telco"


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """The file as it is, read without any of our own code; indexed by customer."""
    with (FOLDER / "Telco-Customer-Churn.csv").open(encoding="utf-8", newline="") as file:
        return pd.DataFrame(list(csv.DictReader(file))).set_index("customerID")


@pytest.fixture(scope="module")
def book() -> cs.Book:
    return cs.load(FOLDER, as_of="2026-10-31", lang="en")


def test_every_customer_is_an_account(book, customers):
    assert len(book.accounts) == len(customers) == 7043
    assert set(book.accounts["account_id"]) == set(customers.index)
    assert book.as_of == date(2026, 10, 31)
    assert not (book.problems["severity"] == "error").any()


def test_those_who_left_stop_on_the_reference_day(book, customers):
    stops = book.contracts.set_index("account_id")["stop"]
    left = customers["Churn"].reindex(stops.index) == "Yes"
    assert stops.notna().sum() == 1869
    assert (stops.notna() == left).all()
    assert stops.dropna().unique().tolist() == [pd.Timestamp("2026-10-01")]


def test_calendar_months_until_the_reference_day_are_the_tenure(book, customers):
    start = book.contracts.set_index("account_id")["start"]
    assert (start.dt.day == 1).all()
    months = (2026 - start.dt.year) * 12 + 10 - start.dt.month
    assert months.equals(customers["tenure"].astype(int).reindex(start.index).rename("start").astype(months.dtype))
    assert (months == 0).sum() == 11


def test_mrr_is_the_monthly_charge_to_the_cent(book, customers):
    mrr = book.contracts.set_index("account_id")["mrr"]
    cents = customers["MonthlyCharges"].map(lambda text: int(text.partition(".")[0]) * 100 + _cents(text))
    assert (mrr * 100).round().astype(int).sum() == cents.sum()
    assert ((mrr * 100).round().astype(int) == cents.reindex(mrr.index)).all()
    assert book.settings.client.currency == "USD"


def _cents(text: str) -> int:
    return int((text.partition(".")[2] + "00")[:2])


def test_services_are_custom_variables_to_split_by(book, customers):
    split = book.split("contracts", *book.settings.report.segment_by)
    assert split["Contract"].value_counts().to_dict() == {"Month-to-month": 3875, "Two year": 1695, "One year": 1473}
    assert split["InternetService"].value_counts().to_dict() == {"Fiber optic": 3096, "DSL": 2421, "No": 1526}
    known = set(customers.columns) - {"MonthlyCharges"}
    assert known <= set(book.accounts.columns)
    assert set(book.accounts["SeniorCitizen"]) == {"Yes", "No"}


def test_survival_agrees_with_the_published_results(book):
    """S(12), S(24) and RMST(72) by the product-limit formula written out here; values from the data's own note."""
    lines = book.contracts
    months = (2026 - lines["start"].dt.year) * 12 + 10 - lines["start"].dt.month
    survival, at = 1.0, {0: 1.0}
    for month in range(73):
        at_risk, events = (months >= month).sum(), ((months == month) & lines["stop"].notna()).sum()
        survival *= 1 - events / at_risk
        at[month] = survival
    assert at[12] == pytest.approx(0.8432, abs=5e-5)
    assert at[24] == pytest.approx(0.7887, abs=5e-5)
    assert sum(at[month] for month in range(72)) == pytest.approx(54.49, abs=0.005)


def test_the_instructions_say_what_is_made_up_and_give_the_command():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "cs-analysis run --data data_templates/examples/telco --as-of 2026-10-31" in text
    assert re.search(r"holds no dates.*artefacts of the reference day", text, re.DOTALL)
    assert "Apache License 2.0" in text
