"""Time per account, the description: no hour is lost, and each figure comes out as worked by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from engines import ENGINES, native
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import cs_analysis as cs
from cs_analysis.data.sample import make_sample, write_sample
from cs_analysis.data.settings import Settings
from cs_analysis.display import charts
from cs_analysis.errors import InputError
from cs_analysis.topics import effort
from cs_analysis.topics.effort.life import log_t

AS_OF = "2026-10-31"
KNOWN = ["A1", "A2", "A3"]


def log(rows, columns="date csm account_id phase task hours"):
    frame = pd.DataFrame(rows, columns=columns.split())
    return frame.assign(date=pd.to_datetime(frame["date"]), hours=frame["hours"].astype(float))


def lines(*rows):
    frame = pd.DataFrame(rows, columns=["account_id", "start", "stop", "mrr"])
    return frame.assign(start=pd.to_datetime(frame["start"]), stop=pd.to_datetime(frame["stop"]))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_sample(make_sample(), folder)
    return folder


@pytest.fixture(scope="module")
def book(sample):
    return cs.load(sample, as_of=AS_OF)


# ------------------------------------------------------------------------------------------ hours are never lost

entries = st.lists(
    st.tuples(
        st.dates(pd.Timestamp("2025-08-01").date(), pd.Timestamp(AS_OF).date()),
        st.sampled_from(["Sato", "Abe"]),
        st.sampled_from([*KNOWN, "A9", "Zeta", "", None]),
        st.sampled_from(["onboarding", "steady", "", None]),
        st.sampled_from(["call", "mail"]),
        st.sampled_from([0.0, 0.1, 0.25, 1.5, 1 / 3, 8.0]),
    ),
    min_size=1,
    max_size=40,
)
BOOKS = lines(
    ("A1", "2024-01-01", None, 100.0), ("A2", "2025-10-15", "2026-03-01", 50.0), ("A2", "2026-06-01", None, 80.0),
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries)
def test_every_table_holds_every_hour(rows):
    frame = log(rows)
    total = frame["hours"].sum()
    used = effort.hours(frame, as_of=AS_OF, accounts=KNOWN)
    aside = effort.set_aside(frame, accounts=KNOWN, as_of=AS_OF)
    same = lambda a, b: a == pytest.approx(b, abs=1e-9)  # noqa: E731
    assert same(used["hours"].sum() + aside["hours"].sum(), total)
    balance = effort.balance(frame, used, set_aside=aside, as_of=AS_OF).set_index("part")
    assert balance.loc["missing", "hours"] == 0
    assert balance.loc["missing", "entries"] == 0
    assert same(balance.loc["total", "hours"], total)
    weeks = effort.logging_coverage(frame, as_of=AS_OF)
    assert same(weeks["logged"].sum(), total)
    assert same(effort.logging_checks(frame, weeks)["logged"].sum(), total)
    priced = effort.priced(used, hourly_cost=10.0)
    cost = effort.cost_to_serve(priced, BOOKS, as_of=AS_OF, months=100)
    assert same(cost["hours"].sum(), used["hours"].sum())
    customers = used.loc[used["account_id"] != "", "hours"].sum()
    assert same(effort.concentration(cost)["hours"].sum(), customers)
    lives = effort.lives(BOOKS, as_of=AS_OF, which="all")
    assert same(
        effort.weeks_of_life(frame, lives, as_of=AS_OF, weeks=9)["hours"].sum(), customers + aside["hours"].sum()
    )
    months = effort.account_months(used, lives, as_of=AS_OF).assign(touch_model="high")
    assert same(months["hours"].sum(), customers)
    assert same(effort.per_account_month(months)["hours"].sum(), customers)
    team = effort.team(used, as_of=AS_OF)
    assert same(effort.capacity(months, team)["hours"].sum(), customers)
    load = effort.workload(used, months, available=pd.Series(dtype=float), needs=pd.DataFrame(), ahead=0)
    assert same(load["customers"].sum() + load["internal"].sum(), used["hours"].sum())


def test_hours_of_an_unknown_account_pass_the_door_and_are_listed(tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id\nA0001\nB0002\n", encoding="utf-8")
    (tmp_path / "contracts.csv").write_text(
        "contract_id,account_id,start_date,mrr\nC1,A0001,2024-01-01,10\n", encoding="utf-8"
    )
    (tmp_path / "time_entries.csv").write_text(
        "date,csm,account_id,task,hours\n2024-01-09,佐藤,A0001,定例,22:00-1:30\n2024-01-10,佐藤,A00O1,定例,90分\n"
        "2024-01-10,佐藤,,会議,1時間\n",
        encoding="utf-8",
    )
    book = cs.load(tmp_path, as_of="2024-01-31")
    told = book.problems[book.problems["problem"].str.contains("listed apart")]
    assert told["value"].tolist() == ["A00O1"]
    assert "A0001" in told["action"].iloc[0]
    used = effort.hours(book.time_entries, accounts=book.accounts)
    aside = effort.set_aside(book.time_entries, accounts=book.accounts)
    assert used["hours"].tolist() == [1.0, 3.5]
    assert aside[["account_id", "nearest", "hours"]].values.tolist() == [["A00O1", "A0001", 1.5]]
    said = effort.say_balance(effort.balance(book.time_entries, used, set_aside=aside), aside)
    assert "6.0 hours" in said
    assert "A00O1 (nearest: A0001)" in said


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree(engine, book):
    frame, contracts = book.time_entries.tail(3000).reset_index(drop=True), book.contracts
    there = native(frame, engine)
    pd.testing.assert_frame_equal(effort.hours(there), effort.hours(frame))
    weeks = effort.logging_coverage(there, csms=book.csms)
    pd.testing.assert_frame_equal(weeks, effort.logging_coverage(frame, csms=book.csms))
    checks = [effort.logging_checks(f, weeks) for f in (there, frame)]
    pd.testing.assert_frame_equal(*checks)
    priced = effort.priced(effort.hours(frame), csms=book.csms)
    costs = [effort.cost_to_serve(priced, c, as_of=AS_OF) for c in (native(contracts, engine), contracts)]
    pd.testing.assert_frame_equal(*costs)
    lives = effort.lives(contracts, as_of=AS_OF, which="all")
    curves = [effort.weeks_of_life(f, lives, as_of=AS_OF) for f in (there, frame)]
    pd.testing.assert_frame_equal(*curves)


def test_cutting_the_entries_is_passing_the_day(book):
    day = pd.Timestamp("2026-04-17")
    cut = book.time_entries[book.time_entries["date"] <= day]
    pd.testing.assert_frame_equal(effort.hours(cut), effort.hours(book.time_entries, as_of=day))
    weeks = [effort.logging_coverage(f, csms=book.csms, as_of=day) for f in (cut, book.time_entries)]
    pd.testing.assert_frame_equal(*weeks)
    checks = [effort.logging_checks(f, weeks[0], as_of=day) for f in (cut, book.time_entries)]
    pd.testing.assert_frame_equal(*checks)


def test_the_order_of_the_entries_changes_nothing(book):
    frame = book.time_entries.tail(2000)
    shuffled = frame.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(effort.hours(shuffled), effort.hours(frame))


# -------------------------------------------------------------------------------------------------- the figures


def test_the_capacity_of_the_definitions():
    assert effort.break_even(130, [5, 20, 50]).tolist() == [26.0, 6.5, 2.6]
    months = pd.DataFrame(
        {
            "account_id": list("ABC"), "touch_model": ["high", "low", "tech"], "phase": "steady", "month": "2026-10",
            "exposure": 1.0, "hours": [26.0, 6.5, 2.6], "alive": True,
        }
    )  # fmt: skip
    cells = effort.capacity(months, effort.Team(1, 130.0, 0.0, True))
    assert cells["break_even"].tolist() == pytest.approx([5, 20, 50])
    needs = effort.what_if(
        months, pd.DataFrame({"account_id": ["A"], "task": ["call"], "hours": [1.0]}),
        team=effort.Team(1, 130.0, 0.0, True), task_shorter=0.2, more_accounts=3,
    ).set_index("lever")  # fmt: skip
    assert needs["hours"].to_dict() == pytest.approx(
        {"now": 35.1, "task": 28.08, "onboarding": 35.1, "accounts": 70.2, "together": 56.16}
    )
    assert needs.loc["accounts", "headcount"] == pytest.approx(70.2 / 130)


def test_a_shorter_onboarding_frees_the_share_of_it_that_is_saved():
    # 10 accounts; onboarding lasts two months (4 months spent, left twice) at 10 hours, then 2 hours a month
    rows = []
    for i in range(2):
        rows += [(f"A{i}", m, "onboarding", 1.0, 10.0, True) for m in ("2026-02", "2026-03")]
        rows += [(f"A{i}", m, "steady", 1.0, 2.0, True) for m in ("2026-04", "2026-05")]
    rows += [(f"B{i}", "2026-01", "steady", 1.0, 2.0, True) for i in range(7)]
    frame = pd.DataFrame(rows, columns=["account_id", "month", "phase", "exposure", "hours", "alive"])
    now = pd.DataFrame([("C", "2026-05", "onboarding", 1e-9, 0.0, True)], columns=frame.columns)
    months = pd.concat([frame, now]).assign(touch_model="high")
    assert effort.first_phase(months) == "onboarding"
    assert effort.phase_length(months, "onboarding") == pytest.approx(2.0)
    needs = effort.what_if(
        months, pd.DataFrame({"account_id": ["A"], "task": ["call"], "hours": [1.0]}),
        team=effort.Team(1, 100.0, 0.0, True), onboarding_weeks=365.25 / 12 / 7,
    ).set_index("lever")  # fmt: skip
    # one account in onboarding, half of which is saved: 0.5 × (10 − 2) = 4 hours less of 9 × 2 + 10
    assert needs.loc["now", "hours"] == pytest.approx(28, abs=1e-6)
    assert needs.loc["onboarding", "hours"] == pytest.approx(24, abs=1e-6)


def test_margin_after_cs_by_hand():
    frame = log([
        ("2026-09-10", "Sato", "A1", "", "call", 10), ("2026-10-01", "Sato", "A2", "", "call", 5),
        ("2026-10-30", "Abe", "A1", "", "call", 2), ("2026-10-30", "Abe", None, "", "admin", 1),
    ])  # fmt: skip
    books = lines(("A1", "2026-09-15", None, 1000.0), ("A2", "2026-01-01", "2026-10-31", 500.0),
                  ("A3", "2026-10-01", None, 300.0))  # fmt: skip
    team = pd.DataFrame({"csm": ["Sato"], "hourly_cost": [100.0]})
    priced = effort.priced(effort.hours(frame), csms=team, hourly_cost=50.0)
    cost = effort.cost_to_serve(priced, books, as_of=AS_OF, gross_margin=0.5).set_index("account_id")
    # A1: month ends of September and October; A2 stops on the last day of October, so only September counts
    assert cost["revenue"].to_dict() == {"A1": 2000, "A2": 500, "A3": 300, "": 0}
    assert cost["cost"].to_dict() == {"A1": 1100, "A2": 500, "A3": 0, "": 50}
    assert cost["margin"].to_dict() == {"A1": -100, "A2": -250, "A3": 150, "": -50}
    assert cost["mrr"].to_dict() == {"A1": 1000, "A2": 0, "A3": 300, "": 0}
    assert effort.losing(cost.reset_index())["account_id"].tolist() == ["A2", "A1"]
    said = effort.say_losing(cost.reset_index(), accounts=pd.DataFrame({"account_id": ["A2"], "account_name": ["Umi"]}))
    assert "2 accounts cost more" in said
    assert "¥350" in said
    assert "Umi and A1" in said


def test_coverage_counts_only_the_days_in_the_team():
    frame = log([("2026-08-03", "Sato", "A1", "", "call", 8), ("2026-08-28", "Sato", "A1", "", "call", 8)])
    team = pd.DataFrame(
        {
            "csm": ["Sato", "Abe"], "available_hours": [105.0, 210.0],
            "start_date": pd.to_datetime(["2026-01-01", "2026-08-17"]),
            "end_date": pd.to_datetime([None, "2026-08-20"]),
        }
    )  # fmt: skip
    weeks = effort.logging_coverage(frame, csms=team, as_of=AS_OF)
    assert weeks.groupby("csm")["week"].count().to_dict() == {"Sato": 4, "Abe": 1}
    # August 2026 has 21 working days: Sato 5 hours each on 20 of them, Abe 10 hours each on 4
    assert weeks.groupby("csm")["available"].sum().to_dict() == pytest.approx({"Sato": 100, "Abe": 40})
    checks = effort.logging_checks(frame, weeks).set_index("csm")
    assert checks["empty_weeks"].to_dict() == {"Sato": 2, "Abe": 1}
    assert checks["coverage"].to_dict() == pytest.approx({"Sato": 0.16, "Abe": 0.0})
    assert "Sato (16.0 %)" in effort.say_warning(checks.reset_index())


def test_what_looks_wrong_is_counted_and_kept():
    day = [("2026-08-03", "Sato", "A1", "", "call", 9.0)] * 3
    frame = log([*day, ("2026-08-04", "Sato", "A1", "", "call", 9.0), ("2026-08-04", "Sato", None, "", "call", 9.0)])
    weeks = effort.logging_coverage(frame)
    row = effort.logging_checks(frame, weeks).iloc[0]
    assert (row["days_over_24"], row["doubled"], row["doubled_hours"], row["whole_hours"]) == (1, 2, 18.0, 1.0)
    assert effort.hours(frame)["hours"].sum() == 45
    said = effort.say_checks(effort.logging_checks(frame, weeks))
    assert "1 day holds more than 24 hours" in said
    assert "2 entries repeat others" in said
    assert "Sato" in said


def test_weeks_of_life_count_an_account_only_where_it_was_followed():
    # A began before the log; B left after ten days; the log runs from 5 January to 1 February 2026
    frame = log([
        ("2026-01-05", "S", "A", "", "t", 1), ("2026-01-06", "S", "B", "", "t", 4),
        ("2026-01-14", "S", "B", "", "t", 2),
        ("2026-01-20", "S", "B", "", "t", 3), ("2026-02-01", "S", "A", "", "t", 5),
    ])  # fmt: skip
    lives = effort.lives(
        lines(("A", "2025-12-29", None, 1.0), ("B", "2026-01-05", "2026-01-15", 1.0)), as_of="2026-02-01"
    )
    table = effort.weeks_of_life(frame, lives, as_of="2026-02-01", weeks=5).set_index("week")
    assert table["n"].tolist()[1:6] == [1, 1, 1, 1, 1]
    assert table["estimate"].tolist()[1:6] == [4.0, 1.0, 0.0, 0.0, 5.0]
    assert table["hours"].to_dict() == {0: 3, 1: 4, 2: 3, 3: 0, 4: 0, 5: 5, 6: 0}


def test_a_month_without_entries_keeps_the_phase_before_it():
    used = pd.DataFrame(
        {
            "account_id": ["A", "A", "B"], "phase": ["onboarding", "steady", ""],
            "month": ["2026-01", "2026-04", "2026-02"],
            "hours": [4.0, 1.0, 2.0],
        }
    )  # fmt: skip
    lives = effort.lives(lines(("A", "2025-11-01", None, 1.0), ("B", "2026-02-01", None, 1.0)), as_of="2026-04-15")
    months = effort.account_months(used, lives, as_of="2026-04-15")
    at = months[months["account_id"] == "A"]
    assert at["phase"].tolist() == ["onboarding", "onboarding", "onboarding", "steady"]
    assert at["exposure"].tolist() == [1.0, 1.0, 1.0, 0.5]
    assert months[months["account_id"] == "B"]["phase"].unique().tolist() == [""]


def test_intervals_of_hours_per_account_cover():
    """Log-normal habits over gamma months, as in the sample, with 30 accounts: the mean of 300 companies' intervals."""
    rng, hit = np.random.default_rng(4), 0
    for _ in range(300):
        habit = np.exp(0.35 * rng.standard_normal(30) - 0.35**2 / 2)
        low, high = log_t(4 * habit * rng.gamma(18, 1 / 18, 30))[1:]
        hit += low <= 4 <= high
    assert hit >= 0.93 * 300


# ------------------------------------------------------------------------------------------------------- summary


def summary_of(book, **changes):
    used = effort.hours(book.time_entries, as_of=book.as_of, accounts=book.accounts)
    weeks = effort.logging_coverage(book.time_entries, csms=book.csms, as_of=book.as_of)
    priced = effort.priced(used, csms=book.csms, coverage=effort.covered(weeks))
    parts = {"as_of": book.as_of, "coverage": weeks, "settings": book.settings, "accounts": book.accounts} | changes
    return effort.summary(priced, book.contracts, **parts)


def test_what_the_summary_calls_before_is_what_was_said_then(book, sample):
    now = summary_of(book).headline.set_index("metric")
    for name, day in (("previous", "2026-09-30"), ("year_ago", "2025-10-31")):
        then = summary_of(cs.load(sample, as_of=day)).headline.set_index("metric")
        for metric in ("hours_per_account", "cost_to_serve_rate", "margin_after_cs"):
            assert now.loc[metric, name] == pytest.approx(then.loc[metric, "value"]), (metric, name)
    row = now.loc["hours_per_account"]
    assert row["low"] < row["value"] < row["high"]
    assert row["previous_low"] <= row["previous_change"] <= row["previous_high"]


def test_findings_stand_in_order_of_money(book):
    found = summary_of(book).findings
    assert len(found)
    assert found["money"].is_monotonic_decreasing
    assert found["text"].str.len().min() > 20


def test_the_sample_logs_the_share_it_was_made_to(book, sample):
    weeks = effort.logging_coverage(book.time_entries, csms=book.csms, as_of=book.as_of)
    assert effort.covered(weeks).between(0.74, 0.98).all()
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))["hours"]
    assert set(effort.covered(weeks).index) == set(truth["csm_factor"])


# -------------------------------------------------------------------------------------- where there is little to say


def drawn(plot, frame, **options):
    chart = charts.chart(plot, frame, alt="x", **options)
    return [text.get_text() for text in chart.figure.findobj(lambda a: hasattr(a, "get_text"))]


def test_four_hundred_tasks_stay_readable():
    frame = log([("2026-10-05", "Sato", "A1", "", f"task {i}", 1 + i / 100) for i in range(400)])
    texts = drawn(effort.plot_hours, effort.hours(frame), as_of=AS_OF)
    assert "385 others" in texts
    assert len({t for t in texts if t.startswith("task")}) == 15


def test_without_entries_every_function_answers_in_words():
    empty = log([])
    used, aside = effort.hours(empty), effort.set_aside(empty, accounts=[])
    weeks = effort.logging_coverage(empty)
    checks = effort.logging_checks(empty, weeks)
    cost = effort.cost_to_serve(effort.priced(used), BOOKS, as_of=AS_OF)
    lives = effort.lives(BOOKS, as_of=AS_OF, which="all")
    months = effort.account_months(used, lives, as_of=AS_OF).assign(touch_model="")
    team = effort.team(used, as_of=AS_OF)
    cells, needs = effort.capacity(months, team), effort.what_if(months, used, team=team)
    said = [
        effort.say_balance(effort.balance(empty, used, set_aside=aside), aside), effort.say_coverage(weeks, checks),
        effort.say_hours(used, as_of=AS_OF), effort.say_cost(cost), effort.say_losing(cost), effort.say_life(
            effort.weeks_of_life(empty, lives, as_of=AS_OF)
        ),
        effort.say_phases(effort.per_account_month(months)), effort.say_capacity(cells, team),
        effort.say_what_if(needs, team), effort.say_concentration(effort.concentration(cost)),
        effort.say_quadrants(effort.quadrants(cost)),
    ]  # fmt: skip
    assert all(said)
    assert not any("nan" in s.lower() for s in said)
    assert effort.cautions(checks) == []
    figure = Figure().add_subplot()
    for plot, options in (
        (lambda ax: effort.plot_hours(used, ax, as_of=AS_OF), {}), (lambda ax: effort.plot_coverage(checks, ax), {}),
        (lambda ax: effort.plot_capacity(cells, ax, team=team), {}),
        (lambda ax: effort.plot_what_if(needs, ax, team=team), {}),
    ):  # fmt: skip
        assert plot(figure, **options) is figure
    short = effort.summary(effort.priced(used), BOOKS, as_of=AS_OF, coverage=weeks, settings=Settings())
    assert len(short.headline) == 4
    assert short.findings.empty


def test_without_a_team_nobody_gave_hours_or_rates():
    frame = log([("2026-10-05", "Sato", "A1", "", "call", 3.0), ("2026-08-05", "Sato", None, "", "admin", 1.0)])
    weeks = effort.logging_coverage(frame, as_of=AS_OF)
    checks = effort.logging_checks(frame, weeks)
    assert weeks["coverage"].isna().all()
    assert "Nobody gave available hours" in effort.say_coverage(weeks, checks)
    assert "not known which share" in effort.say_warning(checks)
    cost = effort.cost_to_serve(effort.priced(effort.hours(frame)), BOOKS, as_of=AS_OF)
    assert "Nobody gave the cost of an hour" in effort.say_cost(cost)
    team = effort.team(effort.hours(frame), as_of=AS_OF)
    assert team == effort.Team(1, 2.0, 0.25, False)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="no column hours"):
        effort.hours(pd.DataFrame({"date": pd.to_datetime(["2026-01-01"]), "csm": ["S"], "task": ["t"]}))


# --------------------------------------------------------------------------------- what was not logged is not nought


def yearly(months, csm="Sato"):
    """Two accounts of 100,000 a month, each with 10 hours in every one of the months to October 2026."""
    days = pd.date_range("2026-10-15", periods=months, freq="-1ME").to_period("M").to_timestamp() + pd.Timedelta(days=9)
    rows = [(d, csm, a, "steady", "call", 10.0) for d in days for a in ("A1", "A2")]
    return log(rows), lines(("A1", "2020-01-01", None, 1e5), ("A2", "2020-01-01", None, 1e5))


def test_months_after_the_log_has_ended_are_not_months_of_no_hours():
    entries, contracts = yearly(24)
    entries = entries[entries["date"] < "2026-07-01"]  # exported in July, revenue until October
    used = effort.hours(entries, as_of=AS_OF)
    cost = effort.cost_to_serve(effort.priced(used, hourly_cost=1000.0), contracts, as_of=AS_OF)
    assert cost["hours"].tolist() == [120.0, 120.0]
    assert cost["months"].tolist() == [12, 12]
    months = effort.account_months(used, cs.effort.lives(contracts, as_of=AS_OF, which="all"), as_of=AS_OF)
    assert effort.per_account_month(months)["estimate"].tolist() == [10.0]
    weeks = effort.weeks_of_life(entries, lines(("A1", "2026-04-01", None, 1.0)).assign(left_out=""), as_of=AS_OF)
    assert weeks.loc[weeks["n"] > 0, "week"].max() == 13  # of April to June


def test_a_margin_over_fewer_months_is_no_margin_a_year_ago():
    entries, contracts = yearly(14)
    priced = effort.priced(effort.hours(entries, as_of=AS_OF), hourly_cost=1000.0)
    options = {"as_of": AS_OF, "coverage": effort.logging_coverage(entries), "settings": Settings()}
    head = effort.summary(priced, contracts, **options).headline.set_index("metric")
    row = head.loc["margin_after_cs"]  # twelve months now and the month before, two a year ago
    assert row[["value", "previous"]].tolist() == [2 * 12 * (8e4 - 1e4)] * 2
    assert np.isnan(row["year_ago"])
    assert np.isnan(row["year_change"])
    assert head.loc["hours_per_account", "year_ago"] == pytest.approx(10.0)
    short = effort.summary(priced[priced["month"] > "2026-07"], contracts, **options).headline.set_index("metric")
    assert short.loc["margin_after_cs", "note"] == "over the 3 months of the log"


def test_the_money_of_much_time_is_that_beyond_the_middle_account():
    days = ["2026-08-05", "2026-09-05", "2026-10-05"]
    spent = {"A1": 6.0, "A2": 2.0, "A3": 2.0, "A4": 1.0}
    entries = log([(d, "Sato", a, "steady", "call", h) for d in days for a, h in spent.items()])
    contracts = lines(*((a, "2020-01-01", None, m) for a, m in zip(spent, (1e5, 2e5, 3e5, 4e5), strict=True)))
    priced = effort.priced(effort.hours(entries, as_of=AS_OF), hourly_cost=1000.0)
    options = {"as_of": AS_OF, "coverage": effort.logging_coverage(entries), "settings": Settings()}
    row = effort.summary(priced, contracts, **options).findings.iloc[0]
    assert row["kind"] == "much_time"
    assert row["money"] == pytest.approx(3 * (6 - 2) * 1000)  # of 18,000 the middle account would take 6,000 too
    assert "over 3 months" in row["text"]
    assert "a year" not in row["text"]


def test_a_log_that_has_become_thin_carries_the_caution_and_scales_by_what_it_is_now():
    """Two years of 90 hours a month, then one of 40, out of 100 that are paid."""
    days = pd.date_range("2023-11-01", "2026-10-31", freq="B")
    hours_ = np.where(days < "2025-11-01", 90.0, 40.0) / 21.75
    entries = log([(d, "Sato", "A1", "steady", "call", h) for d, h in zip(days, hours_, strict=True)])
    team = pd.DataFrame({"csm": ["Sato"], "available_hours": [100.0]})
    weeks = effort.logging_coverage(entries, csms=team)
    checks = effort.logging_checks(entries, weeks)
    assert effort.cautions(checks) == []  # 73 % of the whole log
    lowest = effort.thinnest(checks, weeks)
    assert lowest["coverage"].tolist() == pytest.approx([0.4], abs=0.01)
    assert "Sato (39.8" in effort.say_warning(lowest)
    share = effort.team_coverage(weeks, last_weeks=52)
    needs = pd.DataFrame({"headcount": [2.0]})
    assert "5.0 CSMs are needed instead of 2.0" in effort.say_unlogged(needs, round(share, 2))
    assert effort.say_unlogged(needs, 1.1) == effort.say_unlogged(needs, float("nan")) == ""
