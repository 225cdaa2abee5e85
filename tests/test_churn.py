"""Churn described: worked examples by hand, the sample company against its truth, the telco data against known results.

The expectations come from outside: hand calculation, the definitions' worked examples, truth.json, published figures.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cs_analysis as cs
from cs_analysis.data.sample import make_sample, write_sample
from cs_analysis.display import charts, language
from cs_analysis.display.html import Html
from cs_analysis.errors import InputError
from cs_analysis.stats import periods, survival
from cs_analysis.topics import churn
from cs_analysis.topics.churn.curves import resampled

TELCO = Path(__file__).parent.parent / "data_templates" / "examples" / "telco"
D = "2026-10-31"


def lines(*rows):
    """account_id, start, stop, mrr and perhaps churn_reason."""
    columns = ["account_id", "start", "stop", "mrr", "churn_reason"]
    frame = pd.DataFrame([(*row, "")[:5] for row in rows], columns=columns)
    return frame.assign(
        start=pd.to_datetime(frame["start"]), stop=pd.to_datetime(frame["stop"]), mrr=frame["mrr"] * 1.0
    )


def lives_of(tenure, churned, *, mrr=None, reason="", group="g", entry=0.0):
    n = len(tenure)
    return pd.DataFrame(
        {
            "account_id": np.array([f"A{i:05d}" for i in range(n)], dtype=object), "life": 1, "entry_months": entry,
            "tenure_months": np.asarray(tenure, dtype=float), "churned": np.asarray(churned, dtype=bool),
            "mrr_first": 1.0 if mrr is None else mrr, "churn_reason": reason, "left_out": "", "group": group,
        }
    )  # fmt: skip


# --- worked examples of the definitions -----------------------------------------------------------------------------


@pytest.mark.parametrize(("as_of", "churned", "lost"), [("2025-03-31", False, 0), ("2025-04-01", True, 1)])
def test_a_year_that_ends_on_the_as_of_date_is_no_event_yet(as_of, churned, lost):
    contracts = lines(("A", "2024-04-01", "2025-04-01", 100))
    lives = churn.lives(contracts, as_of=as_of)
    assert lives["churned"].tolist() == [churned]
    assert churn.summary_table(lives)["events"].tolist() == [lost]
    found = churn.curve(lives, min_n=1)
    assert found["estimate"].min() == (0.0 if churned else 1.0)
    due = churn.renewals(contracts, lives, as_of=as_of, terms=True)
    if churned:
        assert lives["tenure_months"].tolist() == [12.0]
        assert due[["renewal", "due", "lost"]].to_numpy().tolist() == [[1, 1, 1]]
        at = churn.spike(lives)
        assert at.loc[at["lost"] > 0, ["month", "renewal"]].to_numpy().tolist() == [[12, True]]
    else:
        assert due.empty


def test_the_revenue_weighted_curve():
    lives = lives_of([2, 4, 6, 6], [1, 1, 0, 0], mrr=[10.0, 30.0, 20.0, 40.0])
    found = churn.curve(lives, min_n=1)
    at = found[found["weighting"] == "mrr"].set_index("month")["estimate"]
    assert at.loc[[0, 1, 2, 3, 4, 5, 6]].tolist() == pytest.approx([1, 1, 0.9, 0.9, 0.6, 0.6, 0.6])
    again = resampled(lives, np.array([2.0, 4.0]), np.ones((1, 4)), amounts=lives["mrr_first"].to_numpy())
    assert again[0].tolist() == pytest.approx([0.9, 0.6])


def test_reasons_compete():
    lives = lives_of(range(1, 7), [0, 1, 1, 1, 1, 0], reason=["", "a", "a", "b", "b", ""])
    found = churn.reasons(lives)
    at = found.pivot(index="month", columns="reason", values="estimate").loc[[1, 2, 3, 4, 5, 6]]
    assert at["b"].tolist() == pytest.approx([0, 0, 0, 0.2, 0.4, 0.4])
    assert at["a"].tolist() == pytest.approx([0, 0.2, 0.4, 0.4, 0.4, 0.4])


def test_late_entry():
    """Entry 1 2 4 0 0; T 2 10 5 4 3; all events: S at 2, 3, 4, 5, 10 = .667, .444, .222, .111, 0."""
    lives = lives_of([2, 10, 5, 4, 3], [1] * 5, entry=[1.0, 2.0, 4.0, 0.0, 0.0])
    found = churn.curve(lives, min_n=1)
    accounts = found[found["weighting"] == "accounts"].set_index("month")
    assert accounts.loc[[2, 3, 4, 5, 10], "estimate"].tolist() == pytest.approx([2 / 3, 4 / 9, 2 / 9, 1 / 9, 0])
    assert accounts.loc[[0, 2, 3, 4, 5, 10], "at_risk"].tolist() == [2, 3, 3, 2, 2, 1]


# --- what holds for any lives ---------------------------------------------------------------------------------------


@st.composite
def some_lives(draw):
    n = draw(st.integers(1, 25))
    entry = draw(st.lists(st.sampled_from([0.0, 0.0, 2.5, 7.0]), min_size=n, max_size=n))
    more = draw(st.lists(st.sampled_from([0.5, 1.0, 3.0, 5.0, 12.0, 17.25]), min_size=n, max_size=n))
    churned = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    mrr = draw(st.lists(st.sampled_from([1.0, 5.0, 40.0]), min_size=n, max_size=n))
    reason = draw(st.lists(st.sampled_from(["", "price", "x"]), min_size=n, max_size=n))
    return lives_of(np.add(entry, more), churned, mrr=mrr, entry=entry, reason=reason)


@given(lives=some_lives(), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_what_holds_for_any_lives(lives, seed):
    found = churn.curve(lives, min_n=3)
    shuffled = lives.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(found, churn.curve(shuffled, min_n=3))
    assert ((found["estimate"] >= 0) & (found["estimate"] <= 1)).all()
    assert not (found["low"] > found["estimate"] + 1e-12).any()  # missing where nobody is followed yet
    assert not (found["high"] < found["estimate"] - 1e-12).any()
    curve = found[found["weighting"] == "accounts"].set_index("month")["estimate"]
    assert (curve.diff().dropna() <= 1e-12).all()
    reasons = churn.reasons(lives)
    if len(reasons):  # reasons and those still there are everybody
        total = reasons.groupby("month")["estimate"].sum()
        np.testing.assert_allclose(total + curve.reindex(total.index), 1.0, atol=1e-9)
    spike = churn.spike(lives)
    assert spike["lost"].sum() == lives["churned"].sum()
    assert (spike["lost"] <= spike["at_risk"]).all()
    whole = curve.reindex(spike["month"].astype(float)).to_numpy()
    alive = np.cumprod(1 - spike["estimate"].to_numpy())  # the spikes multiply back to the curve
    known = ~np.isnan(whole)
    np.testing.assert_allclose(alive[known], whole[known], atol=1e-9)


@given(lives=some_lives())
@settings(max_examples=25, deadline=None)
def test_a_draw_of_everybody_once_is_the_curve(lives):
    times = np.arange(0, 30.0)
    mine = resampled(lives, times, np.ones((1, len(lives))))[0]
    for time, value in zip(times, mine, strict=True):
        product = 1.0
        for t in sorted(set(lives.loc[lives["churned"], "tenure_months"])):
            if t <= time:
                risk = ((lives["entry_months"] < t) & (lives["tenure_months"] >= t)).sum()
                product *= 1 - ((lives["tenure_months"] == t) & lives["churned"]).sum() / risk
        assert value == pytest.approx(product, abs=1e-12)


def test_a_draw_counts_an_account_as_often_as_it_was_drawn():
    lives = lives_of([3, 5, 8, 9], [1, 0, 1, 0], mrr=[1.0, 2.0, 3.0, 4.0])
    counts = np.array([[2, 0, 1, 3]])
    repeated = lives.loc[np.repeat(lives.index, counts[0])]
    for amounts in (None, lives["mrr_first"].to_numpy()):
        again = None if amounts is None else repeated["mrr_first"].to_numpy()
        a = resampled(lives, np.arange(10.0), counts, amounts=amounts)
        b = resampled(repeated, np.arange(10.0), np.ones((1, 6)), amounts=again)
        np.testing.assert_allclose(a, b)


def test_row_order_and_a_line_split_in_two_change_nothing():
    whole = lines(
        ("A", "2023-01-01", "2025-01-01", 10), ("B", "2023-03-01", None, 20), ("C", "2024-02-01", "2025-02-01", 5)
    )
    split = lines(
        ("C", "2024-02-01", "2025-02-01", 5), ("A", "2024-01-01", "2025-01-01", 10), ("B", "2023-03-01", None, 20),
        ("A", "2023-01-01", "2024-01-01", 10),
    )  # fmt: skip
    found = [churn.lives(frame, as_of=D) for frame in (whole, split)]
    for metric in (churn.curve, churn.summary_table, churn.spike, churn.reasons):
        pd.testing.assert_frame_equal(metric(found[0]), metric(found[1]))


# --- groups ---------------------------------------------------------------------------------------------------------


def test_groups_are_compared_and_small_ones_listed():
    early = lives_of([1 + i % 12 for i in range(40)], [1] * 40, group="early")
    late = lives_of([30 + i % 12 for i in range(40)], [1] * 40, group="late")
    few = lives_of([5, 6, 7], [1, 0, 1], group="few")
    lives = pd.concat([early, late, few]).reset_index(drop=True)
    lives["account_id"] = [f"A{i}" for i in range(len(lives))]
    curve, summary = churn.curve(lives, by="group"), churn.summary_table(lives, by="group")
    table = churn.comparison(lives, by="group")
    assert set(curve["group"]) == {"early", "late"}
    assert summary["group"].tolist() == ["early", "few", "late"]
    assert summary.set_index("group").loc["few", ["n", "events"]].tolist() == [3, 2]
    assert summary.set_index("group").loc["few", ["s12", "median", "rmst"]].isna().all()
    assert len(table) == 1
    assert table["p_holm"].iloc[0] == table["p"].iloc[0] < 1e-6
    said = churn.say_groups(summary, table, by="group")
    assert "few (3 accounts)" in said


def test_holm_over_the_pairs():
    rng = np.random.default_rng(4)
    parts = [
        lives_of(rng.exponential(m, 60) + 0.01, rng.random(60) < 0.8, group=g)
        for g, m in zip("abc", (9, 11, 30), strict=True)
    ]
    lives = pd.concat(parts, ignore_index=True).assign(account_id=lambda t: t.index.astype(str))
    table = churn.comparison(lives, by="group")
    everyone, pairs = table.iloc[0], table.iloc[1:]
    assert (everyone["group_a"], everyone["df"]) == ("", 2)
    order = pairs.sort_values("p")
    assert order["p_holm"].iloc[0] == pytest.approx(min(1, 3 * order["p"].iloc[0]))
    assert order["p_holm"].iloc[1] == pytest.approx(max(order["p_holm"].iloc[0], min(1, 2 * order["p"].iloc[1])))
    row = pairs.iloc[0]
    a, b = (lives[lives["group"] == g] for g in (row["group_a"], row["group_b"]))
    means = [survival.rmst(x["tenure_months"], x["churned"], row["tau"]) for x in (a, b)]
    assert row["rmst_difference"] == pytest.approx(means[0].estimate - means[1].estimate)
    half = 1.959964 * np.hypot(means[0].se, means[1].se)
    assert row["low"] == pytest.approx(row["rmst_difference"] - half, rel=1e-5)


def test_an_unknown_column_is_told():
    with pytest.raises(InputError, match="segmnt"):
        churn.curve(lives_of([1, 2], [1, 0]), by="segmnt")


# --- thin curves ----------------------------------------------------------------------------------------------------


def test_headlines_that_rest_on_few_accounts_are_withheld_and_the_curve_is_dotted():
    """Twenty accounts, of which three are followed beyond month 11: a loss among them moves the curve by a third."""
    lives = lives_of([11.0] * 17 + [11.5, 14.0, 30.0], [0] * 17 + [1, 0, 0])
    summary, curve = churn.summary_table(lives), churn.curve(lives)
    row = summary.iloc[0]
    assert np.isnan(row["s12"])
    assert np.isnan(row["rmst"])
    assert row["solid_to"] == 11.0
    assert "fewer than 10" in churn.say_curve(summary)
    accounts = curve[curve["weighting"] == "accounts"]
    assert accounts.loc[accounts["thin"], "month"].min() == 11.5
    drawn = cs.chart(churn.plot_curve, curve, alt="x").figure.axes[0]
    assert {line.get_linestyle() for line in drawn.lines} >= {"-", ":"}


def test_a_late_start_of_the_risk_set_withholds_what_follows():
    """One of two accounts followed early leaves: whoever enters later cannot repair that half."""
    lives = lives_of([3.0, 40.0, *[40.0] * 20], [1, 0, *[0] * 20], entry=[0.0, 0.0, *[6.0] * 20])
    row = churn.summary_table(lives).iloc[0]
    assert np.isnan(row["s12"])
    assert churn.curve(lives)["thin"].iloc[-1]


def test_a_curve_whose_first_months_nobody_lived_under_watch_has_no_headlines():
    """All were followed from month 30 on: that nobody left before is not known, so 36 of 36 months is no mean stay."""
    rows = lives_of([60.0] * 30 + [40.0] * 10, [0] * 30 + [1] * 10, entry=30.0, reason="price")
    row = churn.summary_table(rows).iloc[0]
    assert row[["s12", "s24", "rmst", "tau", "median", "solid_to"]].isna().all()
    assert churn.curve(rows)["thin"].all()
    assert "36" not in churn.say_curve(churn.summary_table(rows))
    assert "fewer than 10" in churn.say_curve(churn.summary_table(rows))
    assert "%" not in churn.say_weighted(churn.curve(rows), month=36)
    assert "%" not in churn.say_reasons(churn.reasons(rows))
    two = pd.concat(
        [rows, lives_of([60.0] * 40, [0] * 40, group="h").assign(account_id=lambda f: "B" + f["account_id"])]
    )
    assert churn.comparison(two, by="group")["rmst_difference"].isna().all()


def test_accounts_that_came_back_count_once():
    """Four accounts with three lives each are four accounts, and too few for a curve."""
    rows = lives_of([5.0] * 12, [1] * 12).assign(account_id=list("ABCD") * 3, life=np.repeat([1, 2, 3], 4))
    assert churn.summary_table(rows)[["n", "events"]].to_numpy().tolist() == [[4, 12]]
    assert churn.summary_table(rows, by="group")["rmst"].isna().all()
    assert churn.curve(rows, by="group").empty
    assert "4 accounts" in churn.say_followed(rows)
    assert "12 lives" in churn.say_followed(rows)
    assert "Only 4 accounts" in churn.say_curve(churn.summary_table(rows))


def test_a_reason_is_the_largest_of_those_recorded_only():
    contracts = lines(
        *[(f"A{i}", "2024-01-01", f"2026-05-0{i + 1}", 100) for i in range(9)],
        *[(f"B{i}", "2024-01-01", "2026-05-01", 1, "price") for i in range(3)],
    )
    found = churn.summary(churn.lives(contracts, as_of=D), as_of=D).findings
    assert found.loc[found["kind"] == "reason", "text"].iloc[0].startswith("Of the reasons recorded “price” took most")


def test_where_contracts_have_no_terms_no_renewal_is_spoken_of():
    contracts = lines(("A", "2024-01-01", None, 1), ("B", "2024-01-01", "2025-01-01", 1))
    found = churn.renewals(contracts, churn.lives(contracts, as_of=D), as_of=D, terms=False)
    said = churn.say_renewals(found)
    assert "renewal" not in said
    assert "anniversary 3 times so far and left on it 1 times" in said


# --- renewals -------------------------------------------------------------------------------------------------------


def test_renewals_by_hand():
    contracts = lines(
        ("A", "2022-04-01", "2023-04-01", 10), ("A", "2023-04-01", "2024-04-01", 12),  # renewed, then lost
        ("B", "2022-07-01", "2023-07-01", 10), ("B", "2022-12-01", "2023-03-01", 1),
        ("B", "2023-07-01", "2027-07-01", 11),
        ("C", "2023-01-01", "2023-06-16", 30),  # left in the middle of its term
        ("E", "2024-11-15", "2025-11-15", 5), ("E", "2025-11-15", "2026-11-15", 5),
        *((f"F{i}", "2026-01-01", "2027-01-01", 1) for i in range(5)),
    )  # fmt: skip
    lives = churn.lives(contracts, as_of=D)
    found = churn.renewals(contracts, lives, as_of=D, terms=True)
    # B's long line came without a new one each year: due again in July 2024, 2025 and 2026
    assert found[["renewal", "due", "lost"]].to_numpy().tolist() == [[1, 3, 0], [2, 2, 1], [3, 1, 0], [4, 1, 0]]
    assert found["mrr_lost"].tolist() == [0, 12, 0, 0]
    assert found["lost_12"].sum() == 0
    second = found.iloc[1]
    assert (second["estimate"], round(second["low"], 3), round(second["high"], 3)) == (0.5, 0.095, 0.905)


def test_without_terms_renewals_are_the_anniversaries():
    contracts = lines(
        ("A", "2023-05-10", "2025-05-10", 10), ("B", "2024-05-10", "2024-12-01", 10), ("C", "2024-02-29", None, 1)
    )
    lives = churn.lives(contracts, as_of="2025-06-30")
    found = churn.renewals(contracts, lives, as_of="2025-06-30", terms=False)
    assert found[["renewal", "due", "lost"]].to_numpy().tolist() == [[1, 2, 0], [2, 1, 1]]


def test_a_renewal_before_departures_were_recorded_is_not_counted_but_numbered():
    contracts = lines(*(("A", f"{y}-04-01", f"{y + 1}-04-01", 10) for y in range(2020, 2025)))
    lives = churn.lives(contracts, as_of=D, observed_from="2023-01-01")
    found = churn.renewals(contracts, lives, as_of=D, terms=True)
    assert found["renewal"].tolist() == [3, 4, 5]
    assert found["lost"].tolist() == [0, 0, 1]


def test_seats_that_end_alone_are_no_renewal():
    contracts = lines(("A", "2023-01-01", "2024-01-01", 10), ("A", "2023-01-01", None, 90))
    lives = churn.lives(contracts, as_of="2023-12-31")
    found = churn.renewals(contracts, churn.lives(contracts, as_of="2024-06-30"), as_of="2024-06-30", terms=True)
    assert found["due"].tolist() == [1]  # the open line has its anniversary on that day
    contracts = lines(("A", "2023-01-01", "2024-01-01", 10), ("A", "2023-03-01", None, 90))
    lives = churn.lives(contracts, as_of="2024-01-31")
    assert churn.renewals(contracts, lives, as_of="2024-01-31", terms=True).empty


# --- the sample company ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    made = make_sample(accounts=1500, seed=3)
    folder = write_sample(made, tmp_path_factory.mktemp("churn") / "sample", format="csv")
    return cs.load(folder, as_of=D, lang="en"), made.truth


@pytest.fixture(scope="module")
def sample_lives(sample):
    book, _truth = sample
    return churn.lives(book.contracts, as_of=book.as_of, observed_from=book.observed_from)


def test_the_spike_of_the_sample_company(sample, sample_lives):
    book, _truth = sample
    assert churn.term(book.contracts, terms=book.ends_are_terms) == 12
    spike = churn.spike(sample_lives).set_index("month")
    assert set(spike.nlargest(4, "lost").index) == {12, 24, 36, 48}
    usual = spike.loc[spike.index < 48, ["estimate", "renewal"]]
    assert usual.loc[usual["renewal"], "estimate"].min() > 10 * usual.loc[~usual["renewal"], "estimate"].mean()


def test_the_renewals_of_the_sample_company_hold_the_truth(sample, sample_lives):
    """Expected losses over renewals due, from truth.json; a departure decided is due three months later."""
    book, truth = sample
    by_segment = book.split(sample_lives, "segment")
    for segment, known in truth["renewals"].items():
        mine = by_segment[by_segment["segment"] == segment]
        contracts = book.contracts[book.contracts["account_id"].isin(mine["account_id"])]
        found = churn.renewals(contracts, mine, as_of=book.as_of, terms=book.ends_are_terms)
        due, lost = found["due"].sum(), found["lost"].sum()
        low, high = _wilson(lost, due)
        assert low <= known["expected_lost"] / known["due"] <= high
        assert due == pytest.approx(known["due"], rel=0.12)


def _wilson(lost, due):
    share, z = lost / due, 1.959964
    centre = (share + z * z / (2 * due)) / (1 + z * z / due)
    half = z / (1 + z * z / due) * np.sqrt(share * (1 - share) / due + z * z / (4 * due * due))
    return centre - half, centre + half


def test_late_entry_is_warned_of_where_it_is_needed_and_nowhere_else(sample, sample_lives):
    book, truth = sample
    bare = churn.lives(book.contracts, as_of=book.as_of)
    warning = churn.late_entry_needed(bare, observed_from=None)
    assert "observed_from" in warning
    assert churn.late_entry_needed(sample_lives, observed_from=book.observed_from) == ""
    since = book.contracts.groupby("account_id")["start"].transform("min") >= truth["about"]["observed_from"]
    fresh = churn.lives(book.contracts[since], as_of=book.as_of)  # nobody from before: nothing is missing
    assert churn.late_entry_needed(fresh, observed_from=None) == ""
    # and it matters: survivors counted from their start make the curve too high
    naive, right = (churn.summary_table(t)["s24"].iloc[0] for t in (bare, sample_lives))
    assert naive > right + 0.01


def test_no_false_alarm_of_late_entry():
    """Companies recorded from their first day: about one in a hundred is warned at most."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, 150), unit="D")
        stop = start + pd.to_timedelta(np.maximum(rng.exponential(1500, 150), 1).astype(int), unit="D")
        frame = pd.DataFrame({"account_id": [f"A{i}" for i in range(150)], "start": start, "stop": stop, "mrr": 1.0})
        alarms += bool(churn.late_entry_needed(churn.lives(frame, as_of="2026-01-01"), observed_from=None))
    assert alarms <= 3


def test_contracts_lost_only_at_their_anniversaries_raise_no_alarm():
    """Nobody can leave in the first year, so that nobody left in the company's first year proves nothing."""
    rng = np.random.default_rng(2)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, 400), unit="D")
    stop = periods.anniversary(start.to_numpy(), 12 * rng.geometric(0.15, 400)).astype("datetime64[ns]")
    frame = pd.DataFrame({"account_id": [f"A{i}" for i in range(400)], "start": start, "stop": stop, "mrr": 1.0})
    assert churn.late_entry_needed(churn.lives(frame, as_of="2026-01-01"), observed_from=None) == ""
    # one line per account is a whole life: 24 months are two renewals, not a longer term
    lives = churn.lives(frame, as_of="2026-01-01")
    found = churn.renewals(frame, lives, as_of="2026-01-01", terms=True).set_index("renewal")
    tenure = lives["tenure_months"]
    for renewal in (1, 2, 3):
        assert found.loc[renewal, "due"] == (tenure >= 12 * renewal).sum()
        assert found.loc[renewal, "lost"] == ((tenure == 12 * renewal) & lives["churned"]).sum()


def test_the_past_from_todays_lives_is_the_past_from_the_contracts(sample):
    book, _truth = sample
    now = churn.lives(book.contracts, as_of=book.as_of, observed_from=book.observed_from)
    then = churn.lives(book.contracts, as_of="2025-10-31", observed_from=book.observed_from)
    columns = ["account_id", "start", "stop", "churned", "entry_months", "tenure_months", "mrr_first", "left_out"]
    again = churn.known_at(now, "2025-10-31")
    pd.testing.assert_frame_equal(again[columns], then[columns], check_dtype=False)


def test_the_summary_of_the_sample_company(sample, sample_lives):
    book, _truth = sample
    renewals = churn.renewals(book.contracts, sample_lives, as_of=book.as_of, terms=book.ends_are_terms)
    short = churn.summary(sample_lives, as_of=book.as_of, renewals=renewals)
    head = short.headline.set_index("metric")
    assert list(head.index) == ["survival_12", "survival_24", "mean_stay"]
    assert (head["low"] < head["value"]).all()
    assert (head["value"] < head["high"]).all()
    then = churn.lives(book.contracts, as_of="2025-10-31", observed_from=book.observed_from)
    assert head.loc["survival_12", "year_ago"] == churn.summary_table(then)["s12"].iloc[0]
    assert (
        head.loc["survival_12", "year_low"]
        < head.loc["survival_12", "year_change"]
        < head.loc["survival_12", "year_high"]
    )
    assert short.trend["month"].iloc[-1] == "2026-10"
    assert len(short.trend) > 12
    assert short.trend["estimate"].iloc[-1] == head.loc["survival_12", "value"]
    assert set(short.findings["kind"]) == {"renewal", "reason"}
    pd.testing.assert_frame_equal(short.headline, churn.summary(sample_lives, as_of=D, renewals=renewals).headline)


def test_the_weighted_band_is_that_of_the_bootstrap(sample_lives):
    curve = churn.curve(sample_lives)
    money = curve[(curve["weighting"] == "mrr") & (curve["month"] == 24)].iloc[0]
    assert money["band_low"] < money["estimate"] < money["band_high"]
    assert money["low"] < money["estimate"] < money["high"]
    assert (money["band_low"], money["band_high"]) != (money["low"], money["high"])
    # two ways to the same width: they agree within a third
    assert money["band_high"] - money["band_low"] == pytest.approx(money["high"] - money["low"], rel=0.34)


# --- the telco data -------------------------------------------------------------------------------------------------


def test_the_telco_data():
    book = cs.load(TELCO, as_of=D, lang="en")
    lives = churn.lives(book.contracts, as_of=book.as_of)
    row = churn.summary_table(lives, tau=72).iloc[0]
    assert (row["n"], row["events"]) == (7043, 1869)
    assert row["s12"] == pytest.approx(0.8432, abs=5e-5)
    assert row["s24"] == pytest.approx(0.7887, abs=5e-5)
    assert row["rmst"] == pytest.approx(54.49, abs=5e-3)
    short = churn.summary(lives, as_of=book.as_of, settings=book.settings)
    assert short.headline[["previous", "year_ago", "year_change"]].isna().all(axis=None)  # its dates are artefacts
    assert any("All 1,869 departures are dated 1 Oct 2026" in text for text in short.sentences)
    assert churn.late_entry_needed(lives, observed_from=book.observed_from) == ""
    assert (row["rmst_high"] - row["rmst_low"]) / 2 / 1.959964 == pytest.approx(0.348, abs=5e-4)


# --- words, tables and charts in every case ---------------------------------------------------------------------------

CASES = {
    "nobody": lives_of([], []),
    "nothing followed": lives_of([3.0, 4.0], [0, 1]).assign(left_out="start_unknown"),
    "one account": lives_of([14.2], [0]),
    "one account lost": lives_of([14.2], [1]),
    "nobody left": lives_of(np.linspace(1, 40, 30), [0] * 30),
    "all left": lives_of(np.linspace(1, 40, 30), [1] * 30, reason="price"),
    "all left on one day": lives_of([12.0] * 30, [1] * 30),
    "groups too small": lives_of([5.0] * 12, [1, 0] * 6, group=list("abcdefabcdef")),
    "two groups, nobody left": lives_of([20.0] * 40, [0] * 40, group=["a", "b"] * 20),
    "followed for days": lives_of([0.1] * 30, [0, 1] * 15),
    "names that bite": lives_of([12.0, 30.0] * 15, [1, 0] * 15, reason="<b>$x$ {n}", group=["<script>", "$y$"] * 15),
}


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("case", CASES)
def test_every_case_is_told_in_words_and_never_as_nan(case, lang):
    lives = CASES[case].assign(start=pd.Timestamp("2023-01-01"), stop=pd.NaT, mrr_last=1.0)
    lives["stop"] = pd.to_datetime(np.where(lives["churned"], np.datetime64("2026-09-01"), np.datetime64("NaT")))
    contracts = lines(*((a, "2023-01-01", None, 1) for a in lives["account_id"]))
    with language.speaking(lang):
        curve, table = churn.curve(lives), churn.summary_table(lives)
        by, by_table = churn.curve(lives, by="group"), churn.summary_table(lives, by="group")
        pairs, spike, reasons = churn.comparison(lives, by="group"), churn.spike(lives), churn.reasons(lives)
        renewals = churn.renewals(contracts, lives, as_of=D, terms=False)
        short = churn.summary(lives, as_of=D, renewals=renewals)
        said = [
            churn.say_followed(lives, observed_from="2022-01-01"), churn.say_curve(table), churn.say_weighted(curve),
            churn.say_groups(by_table, pairs, by="group"), churn.say_renewals(renewals), churn.say_spike(spike),
            churn.say_reasons(reasons), *short.sentences,
        ]  # fmt: skip
        for text in said:
            assert text.strip()
            assert not re.search(r"\b(nan|inf|None|NaT)\b|– %", text), text
            assert not re.search(r"100\.0–100\.0|\b0\.0–0\.0 %", text), text
        shown = [
            churn.table_curve(curve), churn.table_curve(by, by="group"), churn.table_summary(table),
            churn.table_summary(by_table, by="group"), churn.table_comparison(pairs, by="group"),
            churn.table_renewals(renewals), churn.table_spike(spike), churn.table_reasons(reasons),
            churn.table_headline(short.headline),
        ]  # fmt: skip
        for html in shown:
            assert isinstance(html, Html)
            assert not re.search(r"\b(nan|inf|None|NaT)\b", html.text)
            assert "<script>" not in html.html
        for plot, frame, options in (
            (churn.plot_curve, curve, {}), (churn.plot_curve, by, {"by": "group"}), (churn.plot_spike, spike, {}),
            (churn.plot_renewals, renewals, {}), (churn.plot_reasons, reasons, {}),
            (churn.plot_comparison, pairs, {"by": "group"}),
        ):  # fmt: skip
            drawn = charts.chart(plot, frame, alt="x", as_of=D, **options)
            ax = drawn.figure.axes[0]
            assert ax.has_data() or ax.texts, plot.__name__
            assert drawn.svg()


def test_charts_carry_what_a_reader_needs():
    lives = lives_of([12.0] * 20 + list(np.linspace(13, 40, 40)), [1] * 20 + [0, 1] * 20, reason="price")
    spike = charts.chart(churn.plot_spike, churn.spike(lives), alt="x", as_of=D)
    bars = spike.figure.axes[0].patches
    assert len({bar.get_facecolor() for bar in bars}) == 2  # renewal months in another colour
    assert any(line.get_marker() == "D" for line in spike.figure.axes[0].lines)  # and another shape
    curve = charts.chart(churn.plot_curve, churn.curve(lives), alt="x", as_of=D)
    texts = [t.get_text() for t in curve.figure.findobj(lambda a: hasattr(a, "get_text"))]
    assert "60" in texts
    assert any("31 Oct 2026" in t and "60 accounts" in t for t in texts)
    assert all(line.get_drawstyle() == "steps-post" for line in curve.figure.axes[0].lines if len(line.get_xdata()) > 2)
    areas = charts.chart(churn.plot_reasons, churn.reasons(lives), alt="x").figure.axes[0]
    assert areas.get_ylim() == (0, 1)
    tops = [path.vertices[:, 1].max() for c in areas.collections for path in c.get_paths()]
    assert max(tops) == pytest.approx(1.0)
