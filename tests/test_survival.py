"""Survival: against R (golden/survival.R), published and hand-worked examples, its own laws, and lifelines' traps."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from decimal import Decimal
from itertools import pairwise
from math import isnan, nan, sqrt
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung, load_waltons
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time

from cs_analysis.errors import InputError
from cs_analysis.stats import multiplicity, survival
from cs_analysis.stats.proportions import wilson
from cs_analysis.stats.survival.rows import collapse, labels, rows

GOLDEN = json.loads((Path(__file__).parent / "golden" / "survival.json").read_text())
Z = 1.959963984540054
few = settings(max_examples=60, deadline=None)
# but for sockets and event loops that an earlier test left behind: they end whenever the collector happens to run
pytestmark = pytest.mark.filterwarnings(
    "error", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


def arguments(case: dict, group: str = "") -> dict:
    """What a golden case hands to our functions, for all its rows or those of one group."""
    data = {name: np.array(column) for name, column in GOLDEN["data"][case["data"]].items()}
    keep = np.ones(len(data["time"]), dtype=bool)
    if group:
        keep = np.array([str(value) for value in GOLDEN["data"][case["data"]][case["group"]]]) == group
    weights = data[case["weight"]][keep] if case.get("weight") else None
    entry = data["entry"][keep] if case["late"] else None
    return {"durations": data["time"][keep], "entry": entry, "weights": weights}


def status(case: dict, group: str = "") -> np.ndarray:
    data = GOLDEN["data"][case["data"]]
    keep = [not group or str(label) == group for label in data[case["group"]]] if group else slice(None)
    return np.array(data["status"])[keep]


def name(case: dict) -> str:
    parts = [case[key] for key in ("data", "group", "strata", "weight") if case.get(key)]
    return " ".join([*parts, *(["late"] if case["late"] else [])])


@pytest.mark.parametrize("case", GOLDEN["curves"], ids=name)
def test_curves_equal_r(case):
    column = GOLDEN["data"][case["data"]][case["group"]] if case["group"] else None
    found = survival.curve(observed=status(case), groups=column, **arguments(case))
    assert [str(label) for label in found["group"].unique()] == [part["group"] for part in case["groups"]]
    for part, (_label, ours) in zip(case["groups"], found.groupby("group", sort=False), strict=True):
        for column_name in ("time", "at_risk", "events", "estimate"):
            assert ours[column_name].to_numpy() == pytest.approx(part[column_name], abs=1e-9), column_name
        s = np.array(part["estimate"])
        inside = (s > 0) & (s < 1)
        for column_name in ("std_error", "low", "high"):
            theirs = np.array(part[column_name], dtype=float)[inside]
            assert ours[column_name].to_numpy()[inside] == pytest.approx(theirs, abs=1e-9), column_name
        n = ours["at_risk"].to_numpy()
        if (s == 0).any():  # ours alone: R says nothing here
            n = np.append(n[s > 0], np.repeat(n[s == 0][0], (s == 0).sum()))
        for i in np.flatnonzero(~inside):
            assert (ours["low"].iloc[i], ours["high"].iloc[i]) == pytest.approx(wilson(s[i] * n[i], n[i])[1:], abs=1e-9)


@pytest.mark.parametrize("case", GOLDEN["curves"], ids=name)
def test_quantiles_and_restricted_means_equal_r(case):
    for part in case["groups"]:
        given_rows = arguments(case, part["group"])
        observed = status(case, part["group"])
        for q, *expected in part["quantiles"]:
            found = survival.quantile(observed=observed, q=q, **given_rows)
            for ours, theirs in zip(found, expected, strict=True):
                if theirs is None:  # R has no limits once S = 0; Wilson's may be reached there
                    assert isnan(ours) or (part["estimate"][-1] == 0 and ours == part["time"][-1]), q
                else:
                    assert ours == theirs, q
        for tau, mean, se in part["rmst"]:
            found = survival.rmst(observed=observed, tau=tau, **given_rows)
            if tau > part["time"][-1] and part["estimate"][-1] > 0:
                assert all(map(isnan, found))
                continue
            assert (found.estimate, found.se) == pytest.approx((mean, se), abs=1e-6 * tau)
            if se == 0:
                assert isnan(found.low)
                assert isnan(found.high)
                continue
            assert 0 < found.low < mean < found.high < tau
            for limit in (found.low, found.high):  # odds e^(z SE τ / (m (τ − m))) times, or as little as, those of m
                odds = (limit / (tau - limit)) / (mean / (tau - mean))
                assert abs(np.log(odds)) == pytest.approx(Z * se * tau / (mean * (tau - mean)), rel=1e-5)


@pytest.mark.parametrize("case", GOLDEN["logrank"], ids=name)
def test_logrank_equals_r(case):
    data = GOLDEN["data"][case["data"]]
    strata = data[case["strata"]] if case["strata"] else None
    found = survival.logrank(observed=status(case), groups=data[case["group"]], strata=strata, **arguments(case))
    assert found == pytest.approx(case["result"], abs=1e-8)


@pytest.mark.parametrize("case", GOLDEN["incidence"], ids=name)
def test_incidence_equals_r(case):
    found = survival.cumulative_incidence(causes=GOLDEN["data"][case["data"]]["cause"], **arguments(case))
    for part in case["causes"]:
        ours = found[found["cause"] == part["cause"]]
        assert ours["time"].tolist() == case["time"]
        assert ours["at_risk"].tolist() == case["at_risk"]
        assert ours["estimate"].to_numpy() == pytest.approx(part["estimate"], abs=1e-9)
        known = np.array(part["estimate"]) > 0
        for limit in ("low", "high"):
            theirs = np.array(part[limit], dtype=float)[known]
            assert ours[limit].to_numpy()[known] == pytest.approx(theirs, abs=1e-9), limit
        for n, low, high in ours.loc[~known, ["at_risk", "low", "high"]].to_numpy():
            assert (low, high) == pytest.approx(wilson(0, n)[1:])


def test_worked_example_late_entry():
    found = survival.curve([2, 10, 5, 4, 3], [1, 1, 1, 1, 1], entry=[1, 2, 4, 0, 0])
    assert found["time"].tolist() == [2, 3, 4, 5, 10]
    assert found["at_risk"].tolist() == [3, 3, 2, 2, 1]
    assert found["estimate"].to_numpy() == pytest.approx([2 / 3, 4 / 9, 2 / 9, 1 / 9, 0], abs=1e-12)


def test_worked_example_onboarding():
    days, done = [10, 20, 25, 30, 40], [1, 1, 0, 1, 0]
    assert survival.quantile(days, done).estimate == 30
    found = survival.rmst(days, done, 40)
    assert (found.estimate, round(found.se, 4)) == (pytest.approx(27), 5.0695)
    going = survival.cumulative_incidence(days, done)
    assert going["estimate"].to_numpy() == pytest.approx([0.2, 0.4, 0.4, 0.7, 0.7])


def test_worked_example_revenue_weighted():
    found = survival.weighted_curve([2, 4, 6, 6], [1, 1, 0, 0], [10, 30, 20, 40])
    assert found["estimate"].to_numpy() == pytest.approx([0.9, 0.6, 0.6])
    assert found["n_eff"].to_numpy() == pytest.approx([100**2 / 3000, 90**2 / 2900, 60**2 / 2000])
    v = (0.1 / 0.9) / (100**2 / 3000) + (1 / 3) / (2 / 3) / (90**2 / 2900)  # Greenwood, by hand
    n = 0.4 / (0.6 * v)
    assert found.loc[1, ["low", "high"]].tolist() == pytest.approx(wilson(0.6 * n, n)[1:])
    assert found["at_risk"].tolist() == [4, 3, 2]


def test_worked_example_aalen_johansen():
    found = survival.cumulative_incidence([1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 0])
    assert found.loc[found["cause"] == 2, "estimate"].to_numpy() == pytest.approx([0, 0, 0, 0.2, 0.4, 0.4])
    named = survival.cumulative_incidence([1, 2, 3, 4, 5, 6], ["", "price", "price", "merger", "merger", ""])
    assert named["cause"].tolist() == ["merger"] * 6 + ["price"] * 6
    assert named["estimate"].iloc[:6].to_numpy() == pytest.approx([0, 0, 0, 0.2, 0.4, 0.4])


def test_worked_example_restricted_means():
    mir = load_waltons().query("group == 'miR-137'")
    found = survival.rmst(mir["T"], mir["E"], 10)
    assert (round(found.estimate, 4), round(found.se, 5)) == (9.7941, 0.12324)
    lung = load_lung()
    sexes = lung["sex"].map({1: "men", 2: "a women"})
    difference = survival.rmst_difference(lung["time"], lung["status"], sexes, 965)
    assert difference[["group_a", "group_b"]].to_numpy().tolist() == [["a women", "men"]]
    estimate, se, low, high, p = difference.iloc[0, 2:]
    assert (estimate, se) == pytest.approx((131.8557, 39.7587), abs=1e-4)
    assert (low, high) == pytest.approx((estimate - Z * se, estimate + Z * se))
    assert p == pytest.approx(0.000912, abs=1e-6)


def test_holm_equals_r():
    assert multiplicity.holm(GOLDEN["holm"]["p"]) == pytest.approx(GOLDEN["holm"]["adjusted"], abs=1e-15)
    assert multiplicity.holm([0.03, nan, 0.02]).tolist() == pytest.approx([0.04, nan, 0.04], nan_ok=True)
    assert multiplicity.holm([]).tolist() == []
    with pytest.raises(InputError, match="between 0 and 1"):
        multiplicity.holm([0.1, 1.2])


# ---- laws

tables = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 8), st.integers(0, 2), st.integers(1, 3), st.sampled_from("abc")),
    min_size=1,
    max_size=25,
).map(
    lambda lives: pd.DataFrame(lives, columns=["entry", "length", "cause", "weight", "group"]).assign(
        time=lambda frame: frame["entry"] + frame["length"], observed=lambda frame: frame["cause"] > 0
    )
)


def everything(frame: pd.DataFrame) -> dict:
    """All statistics of a frame of rows, the curves at their events only (so that cuts in a life do not show)."""
    late = {"entry": frame["entry"], "weights": frame["weight"]}
    arrays = (frame["time"], frame["observed"])
    curve = survival.curve(*arrays, groups=frame["group"], **late).query("events > 0")
    causes = survival.cumulative_incidence(frame["time"], frame["cause"], **late).drop(columns=["low", "high"])
    causes = causes[causes["time"].isin(frame["time"][frame["observed"]])]
    money = survival.weighted_curve(*arrays, frame["weight"] * 1.0, entry=frame["entry"])
    result = {
        "curve": curve.drop(columns="group"),
        "at": survival.at(*arrays, np.arange(13) * 0.5, **late),
        "quantile": survival.quantile(*arrays, 0.5, **late),
        "rmst": survival.rmst(*arrays, 5, **late),
        "difference": survival.rmst_difference(*arrays, frame["group"], 4, **late).iloc[:, 2:],
        "logrank": survival.logrank(*arrays, frame["group"], **late),
        "stratified": survival.logrank(*arrays, frame["group"], strata=frame["time"] > 99, **late),
        "causes": causes.drop(columns="cause"),
        "money": money[money["time"].isin(frame["time"][frame["observed"]])].drop(columns="at_risk"),
    }
    return {key: np.asarray(value, dtype=float).tolist() for key, value in result.items()}


def assert_same(ours: dict, theirs: dict, *, but: tuple[str, ...] = ()) -> None:
    for key in ours.keys() - set(but):
        assert np.shape(ours[key]) == np.shape(theirs[key]), key
        assert np.array(ours[key]) == pytest.approx(np.array(theirs[key]), abs=1e-9, nan_ok=True), key


@few
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(frame, random):
    order = list(range(len(frame)))
    random.shuffle(order)
    assert_same(everything(frame), everything(frame.iloc[order]))


@few
@given(tables)
def test_weights_are_repeated_rows(frame):
    repeated = frame.loc[frame.index.repeat(frame["weight"])]
    money = ("money",)  # there the weight is an amount: two of 1 are not one of 2
    assert_same(everything(frame), everything(repeated.assign(weight=1)), but=money)


@few
@given(tables, st.integers(1, 7), st.integers(1, 7))
def test_a_life_in_pieces_is_the_same_life(frame, one, other):
    pieces = []
    for row in frame.to_dict("records"):
        edges = sorted({row["entry"], row["time"], *(t for t in (one, other) if row["entry"] < t < row["time"])})
        for start, stop in pairwise(edges):
            last = stop == row["time"]
            ended = {"cause": row["cause"] if last else 0, "observed": last and row["observed"]}
            pieces.append({**row, "entry": start, "time": stop, **ended})
    assert_same(everything(frame), everything(pd.DataFrame(pieces)))


@few
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_without_censoring_the_curve_is_one_less_the_distribution(times):
    found = survival.curve(times, np.ones(len(times)))
    share = [np.mean(np.array(times) > t) for t in found["time"]]
    assert found["estimate"].to_numpy() == pytest.approx(share, abs=1e-12)
    assert found["at_risk"].tolist() == [sum(t <= other for other in times) for t in found["time"]]
    inside = found.query("0 < estimate < 1")
    assert inside["std_error"].to_numpy() == pytest.approx(
        np.sqrt(inside.estimate * (1 - inside.estimate) / len(times))
    )


@few
@given(tables)
def test_groups_equal_separate_calls_and_causes_add_up(frame):
    together = survival.curve(frame["time"], frame["observed"], entry=frame["entry"], groups=frame["group"])
    for label, part in frame.groupby("group"):
        alone = survival.curve(part["time"], part["observed"], entry=part["entry"]).drop(columns="group")
        ours = together[together["group"] == label].drop(columns="group").reset_index(drop=True)
        pd.testing.assert_frame_equal(ours, alone)
    all_causes = survival.curve(frame["time"], frame["observed"], entry=frame["entry"])
    causes = survival.cumulative_incidence(frame["time"], frame["cause"], entry=frame["entry"])
    for time, lost in causes.groupby("time")["estimate"].sum().items():
        assert lost == pytest.approx(1 - all_causes.set_index("time")["estimate"][time], abs=1e-12)
    assert ((causes["low"] <= causes["estimate"]) & (causes["estimate"] <= causes["high"])).all()
    assert ((together["low"] <= together["estimate"]) & (together["estimate"] <= together["high"])).all()


@few
@given(tables, st.sampled_from([1 / 30, 0.1, 7.0, 1e6]))
def test_the_unit_of_time_changes_nothing(frame, unit):
    """Rounding in the times neither parts ties nor moves an entry past an event."""
    rough = frame.assign(time=(frame["entry"] * unit) + (frame["length"] * unit), entry=frame["entry"] * unit)
    ours = survival.curve(rough["time"], rough["observed"], entry=rough["entry"])
    exact = survival.curve(frame["time"], frame["observed"], entry=frame["entry"])
    pd.testing.assert_frame_equal(ours.assign(time=ours["time"] / unit), exact, check_exact=False, rtol=1e-9)


@few
@given(tables)
def test_equal_amounts_give_the_plain_curve(frame):
    money = survival.weighted_curve(frame["time"], frame["observed"], np.full(len(frame), 70.3), entry=frame["entry"])
    plain = survival.curve(frame["time"], frame["observed"], entry=frame["entry"])
    assert money["estimate"].to_numpy() == pytest.approx(plain["estimate"].to_numpy(), abs=1e-12)
    assert money["n_eff"].to_numpy() == pytest.approx(plain["at_risk"].to_numpy())
    assert money["at_risk"].tolist() == plain["at_risk"].tolist()


@pytest.mark.parametrize("n", [2, 6, 8, 14, 18, 20, 24, 30, 38, 60, 88, 100, 1000])
def test_the_median_is_right_when_exactly_half_are_left(n):
    assert survival.quantile(np.arange(1, n + 1), np.ones(n)).estimate == n // 2
    half_known = np.r_[np.arange(1, n // 2 + 1), np.full(n // 2, n)]
    assert survival.quantile(half_known, half_known < n if n > 2 else [1, 0]).estimate == n // 2
    assert survival.quantile(np.arange(1, n + 1), np.ones(n), 0.25).estimate == np.ceil(0.75 * n)


def test_values_at_given_times():
    found = survival.at([3, 5, 5, 9], [1, 1, 0, 0], [9, 0, 5, 4.9, 10], entry=[0, 0, 2, 0])
    assert found["time"].tolist() == [9, 0, 5, 4.9, 10]
    assert found["estimate"].to_numpy() == pytest.approx([0.5, 1, 0.5, 0.75, nan], nan_ok=True)
    assert found["at_risk"].tolist() == [1, 3, 3, 3, 0]
    assert found.loc[1, ["low", "high"]].tolist() == pytest.approx(wilson(3, 3)[1:])
    assert survival.at([1, 2], [1, 1], 7)["estimate"].tolist() == [0]  # nobody is left to come back
    assert survival.at([12.0, 20], [1, 0], 12)["estimate"].tolist() == [0.5]  # S(12) includes the stops at 12


def test_an_event_at_the_very_start_counts():
    """Gone live on day 0: a risk set open on the left must not lose it."""
    found = survival.curve([0, 0, 5], [1, 0, 1], entry=[0, 0, 0])
    assert found["estimate"].to_numpy() == pytest.approx([2 / 3, 0])
    assert found["at_risk"].tolist() == [3, 1]

    late = survival.curve([0, 0, 5, 5], [1, 0, 1, 0], entry=[0, 0, 0, 3])
    assert late["estimate"].to_numpy() == pytest.approx([2 / 3, 1 / 3])


def test_rounding_in_times_neither_parts_ties_nor_moves_an_entry():
    third = 0.1 + 0.2  # a little more than 0.3
    found = survival.curve([0.3, third, 1, 1], [1, 1, 1, 0], entry=[0, 0, 0, 0.3])
    assert found["at_risk"].tolist() == [3, 2]
    assert found["events"].tolist() == [2, 1]
    assert found["estimate"].to_numpy() == pytest.approx([1 / 3, 1 / 6])
    empty = survival.curve([0.3, third], [1, 1], entry=[0, 0.3])  # the second row is a stretch of no length
    assert empty["at_risk"].tolist() == [1]
    assert survival.at([third, 1], [1, 1], 0.3)["estimate"].tolist() == [0.5]


def test_a_share_of_0_is_0_for_weights_that_are_no_whole_numbers():
    weights = [0.47, 0.92, 0.14, 0.84, 0.47, 0.85, 0.11, 0.43, 0.17, 0.69, 0.35, 0.73]
    times = [2, 9, 8, 7, 6, 5, 9, 8, 7, 6, 5, 3.5]
    found = survival.curve(times, [1] * 12, entry=[0] + [3] * 11, weights=weights)
    assert found["estimate"].tolist() == [0] * len(found)


def test_once_nobody_is_left_later_entries_do_not_make_it_surer():
    found = survival.curve([2, 9, 9, 9], [1, 0, 0, 0], entry=[0, 5, 5, 5])
    assert found["estimate"].tolist() == [0, 0]
    assert found["high"].to_numpy() == pytest.approx([wilson(0, 1).high] * 2)
    causes = survival.cumulative_incidence([2, 9, 9, 9], [1, 0, 0, 0], entry=[0, 5, 5, 5])
    assert causes["low"].to_numpy() == pytest.approx([wilson(1, 1).low] * 2)
    money = survival.weighted_curve([2, 9, 9, 9], [1, 0, 0, 0], [7, 1, 1, 1], entry=[0, 5, 5, 5])
    assert money["high"].to_numpy() == pytest.approx([wilson(0, 1).high] * 2)


def test_largest_tau_is_reached_by_every_group():
    months, groups = [40.0] * 12 + [30.0] * 12, ["a"] * 12 + ["b"] * 12
    assert survival.largest_tau(months, [0] * 24, groups) == 24
    assert survival.largest_tau(months[:12], [0] * 12, groups[:12]) == 36
    assert survival.largest_tau(months, [0] * 24, None) == 36
    assert isnan(survival.largest_tau(months, [0] * 24, groups, min_n=13))
    assert isnan(survival.largest_tau(months, [0] * 24, groups, entry=[0] * 12 + [24] * 12))


def test_log_rank_by_strata_that_never_meet():
    """a against b in one stratum, c against d in the other: two comparisons, not three."""
    found = survival.logrank([1, 2, 3, 4] * 2, [1] * 8, list("ababcdcd"), strata=[1] * 4 + [2] * 4)
    parts = [survival.logrank([1, 2, 3, 4], [1] * 4, list(pair * 2)) for pair in ("ab", "cd")]
    assert found.df == 2
    assert found.statistic == pytest.approx(sum(part.statistic for part in parts))


@pytest.mark.parametrize("books", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_intervals_cover(books):
    """Books of 60 accounts, a third entering late, mean life 30 months: 95 % intervals hold the truth 93 % of the
    time, but for two standard errors of the simulation."""
    chance = np.random.default_rng(20261031)
    kept = np.exp(-12 / 30)
    truths = {"s12": kept, "rmst": 30 * (1 - kept), "median": 30 * np.log(2), "cause": (1 - kept) / 2, "money": kept}
    hits = {key: [] for key in truths}
    for _ in range(books):
        entry = np.where(chance.random(60) < 1 / 3, chance.uniform(0, 10, 60), 0)
        gone, followed = entry + chance.exponential(30, 60), entry + chance.uniform(3, 40, 60)
        times, observed = np.minimum(gone, followed), gone <= followed
        causes = survival.cumulative_incidence(times, observed * chance.integers(1, 3, 60), entry=entry)
        money = survival.weighted_curve(times, observed, np.exp(chance.normal(0, 1, 60)), entry=entry)
        limits = {
            "s12": survival.at(times, observed, 12, entry=entry)[["low", "high"]].iloc[0],
            "rmst": survival.rmst(times, observed, 12, entry=entry)[2:],
            "median": survival.quantile(times, observed, entry=entry)[1:],
            "cause": causes.query("cause == 1 and time <= 12")[["low", "high"]].iloc[-1],
            "money": money.query("time <= 12")[["low", "high"]].iloc[-1],
        }
        for key, (low, high) in limits.items():
            hits[key].append(not low > truths[key] and not high < truths[key])  # not reached = no limit on that side
    least = 0.93 - 2 * sqrt(0.93 * 0.07 / books)
    assert {key: np.mean(hit) for key, hit in hits.items() if np.mean(hit) < least} == {}


# ---- degenerate data: nan where unknown, never an error or a warning


@pytest.mark.parametrize(
    ("times", "observed"),
    [([], []), ([5], [0]), ([5], [1]), ([3, 3, 3], [1, 1, 1]), ([3, 4, 5], [0, 0, 0]), ([0], [0]), ([0, 0], [1, 1])],
    ids=["empty", "one kept", "one lost", "all at once", "none lost", "zero", "lost at once"],
)
def test_degenerate_data_never_raise(times, observed):
    groups = list("aab")[: len(times)]
    for frame in (
        survival.curve(times, observed),
        survival.curve(times, observed, groups=groups, weights=[0] * len(times)),
        survival.weighted_curve(times, observed, [1] * len(times)),
        survival.weighted_curve(times, observed, [0] * len(times)),
        survival.cumulative_incidence(times, observed),
        survival.rmst_difference(times, observed, groups, 4),
        survival.at(times, observed, [0, 4, 99]),
    ):
        numeric = frame.select_dtypes("number").to_numpy(dtype=float)
        assert not np.isinf(numeric).any()
        if {"low", "high"} <= set(frame.columns) and len(frame):
            assert not (frame["low"] == frame["high"]).any()
    for result in (survival.quantile(times, observed), survival.rmst(times, observed, 4)):
        assert not np.isinf(result).any()
    assert survival.logrank(times, observed, groups).df in (0, 1)


def test_what_cannot_be_known_is_missing():
    assert all(map(isnan, survival.quantile([], [])))
    assert all(map(isnan, survival.quantile([3, 4], [0, 0])))
    assert all(map(isnan, survival.rmst([3, 4], [1, 0], 5)))  # nobody followed until 5
    assert survival.rmst([3, 4], [1, 1], 5).estimate == 3.5  # known: all are gone
    assert all(map(isnan, survival.rmst([3, 4], [1, 0], nan)))
    unmoved = survival.rmst([6, 6], [0, 0], 5)
    assert unmoved.estimate == 5
    assert isnan(unmoved.low)
    assert survival.logrank([1, 2], [0, 0], ["a", "b"]) == pytest.approx((nan, 0, nan), nan_ok=True)
    assert survival.logrank([1, 2], [1, 1], ["a", "a"]) == pytest.approx((nan, 0, nan), nan_ok=True)
    assert survival.cumulative_incidence([1, 2], [0, 0]).empty


def test_a_group_without_events_is_compared_all_the_same():
    found = survival.logrank([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], list("aaabbb"))
    assert found.df == 1
    # E_a = ½ + 2/5 + 1/4 and V = ¼ + 6/25 + 3/16, by hand
    assert found.statistic == pytest.approx((3 - 1.15) ** 2 / (0.25 + 0.24 + 0.1875))
    curve = survival.curve([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], groups=list("aaabbb"))
    assert curve.loc[curve["group"] == "b", "estimate"].tolist() == [1, 1, 1]


# ---- refusals, each in one sentence


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ([1, -2, 3], "durations: row 2 is -2.0; it must be a number of 0 or more."),
        ([1, nan, 3], "durations: row 2 is nan; it must be a number of 0 or more."),
        ([1, 2, np.inf], "durations: row 3 is inf; it must be a number of 0 or more."),
        (["1", "2", "3"], "durations: row 1 is '1'; it must be a number of 0 or more."),
        ([1, "x", 3], "durations: row 2 is 'x'; it must be a number of 0 or more."),
        (pd.Series(["1", "2", "3"], dtype="string"), "durations: row 1 is '1'; it must be a number of 0 or more."),
        ([1, None, 3], "durations: row 2 is None; it must be a number of 0 or more."),
        (pd.Series([1, pd.NA, 3], dtype="Int64"), "durations: row 2 is nan; it must be a number of 0 or more."),
        ([True, False, True], "durations: row 1 is True; it must be a number of 0 or more."),
        ([1j, 2, 3], "durations: row 1 is 1j; it must be a number of 0 or more."),
        (pd.to_timedelta([1, 2, 3], unit="D"), "time spans"),
        (pd.Series(pd.to_timedelta([1, 2, 3], unit="D")), "time spans"),
        (pd.to_datetime(["2024-01-01"] * 3), "time spans"),
        ([dt.timedelta(1)] * 3, "time spans"),
        ([1, 2, dt.date(2024, 1, 1)], "time spans"),
        ([[1], [2], [3]], "must be one column of values; it has 2 dimensions"),
        (5, "must be one column of values; it has 0 dimensions"),
    ],
    ids=str,
)
def test_durations_that_are_no_durations_are_refused(times, sentence):
    with pytest.raises(InputError) as caught:
        survival.curve(times, [1, 1, 1])
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"observed": [1, 2, 0]}, "observed: row 2 is 2; only 1"),
        ({"observed": [1, 0.5, 0]}, "observed: row 2 is 0.5; only 1"),
        ({"observed": [1, nan, 0]}, "observed: row 2 is nan; only 1"),
        ({"observed": ["1", "0", "1"]}, "observed: row 1 is '1'; only 1"),
        ({"observed": [True, None, False]}, "observed: row 2 is None; only 1"),
        ({"observed": [1, 1]}, "observed has 2 rows and durations has 3; they must be equally long."),
        ({"entry": [0, 1]}, "entry has 2 rows and durations has 3"),
        ({"weights": [1]}, "weights has 1 rows and durations has 3"),
        ({"groups": ["a"]}, "groups has 1 rows and durations has 3"),
        ({"groups": ["a", None, "b"]}, "groups: row 2 is blank"),
        ({"entry": [0, 2, 1]}, "entry: row 2 enters at 2.0 and ends at 2.0; a row must enter before it ends."),
        ({"entry": [0, 1, -1]}, "entry: row 3 is -1.0"),
        ({"weights": [1, -1, 1]}, "weights: row 2 is -1.0"),
        ({"weights": [1, nan, 1]}, "weights: row 2 is nan"),
        ({"level": 95}, "must lie between 0 and 1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_other_arguments_are_refused(change, sentence):
    call = {"durations": [1, 2, 3], "observed": [1, 0, 1], **change}
    with pytest.raises(InputError) as caught:
        survival.curve(**call)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: survival.rmst([1], [1], 0),
        lambda: survival.rmst([1], [1], -3),
        lambda: survival.rmst([1], [1], "12"),
        lambda: survival.rmst_difference([1], [1], ["a"], np.inf),
        lambda: survival.quantile([1], [1], 0),
        lambda: survival.quantile([1], [1], 50),
        lambda: survival.at([1], [1], [-1]),
        lambda: survival.at([1], [1], ["x"]),
        lambda: survival.cumulative_incidence([1, 2], [1, None]),
        lambda: survival.cumulative_incidence(3, [1]),
        lambda: survival.weighted_curve([1, 2], [1, 0], [5, -5]),
        lambda: survival.weighted_curve(3, [1], [5]),
        lambda: survival.logrank([1, 2], [1, 0], ["a", "b"], strata=[1]),
        lambda: survival.largest_tau([1, -2], [1, 0], ["a", "b"]),
    ],
)
def test_the_rest_is_refused_too(call):
    with pytest.raises(InputError):
        call()


def test_numbers_of_any_kind_are_numbers():
    expected = survival.curve([1.0, 2.0, 3.0], [True, False, True])
    kinds = [
        ([1, 2, 3], [1, 0, 1]),
        (np.array([1, 2, 3], dtype="uint8"), np.array([1.0, 0.0, 1.0])),
        (pd.Series([1, 2, 3], dtype="Int64", index=[7, 7, 9]), pd.Series([True, False, True], dtype="boolean")),
        (pd.Series([1, 2, 3], dtype="float64[pyarrow]"), pd.Series([1, 0, 1], dtype="Int8")),
        ([Decimal(1), Decimal(2), Decimal(3)], [1, 0, np.True_]),
        (pd.Series([1, 2, 3], dtype=object), pd.Series([1, 0, 1], dtype=object)),
    ]
    for times, observed in kinds:
        pd.testing.assert_frame_equal(survival.curve(times, observed), expected)


def test_groups_keep_their_order():
    sizes = pd.Series(pd.Categorical(["small", "large", "small"], ["small", "medium", "large"]))
    assert survival.curve([1, 2, 3], [1, 1, 1], groups=sizes)["group"].unique().tolist() == ["small", "large"]
    assert labels([3, "b", 10], 3)[1] == [10, 3, "b"]
    assert labels([10, 3, 3], 3)[1] == [3, 10]


def test_equal_rows_are_joined_also_when_their_codes_are_large():
    columns = [np.array([2**31, 5, 2**31, 5]), np.array([2**31, 1, 2**31, 2]), np.array([3, 3, 3, 3])]
    one, kind = collapse(*columns)
    assert one.tolist() == [1, 3, 0]
    assert kind.tolist() == [2, 0, 2, 1]
    assert collapse(np.empty(0, dtype=int))[0].tolist() == []


def test_rows_that_count_for_nothing_are_gone():
    found = rows([5, 3, 4], [1, 1, 0], weights=[1, 0, 2])
    assert (found.kept.tolist(), found.times.tolist(), found.weight.tolist()) == ([0, 2], [4, 5], [1, 2])


# ---- what lifelines gets wrong: when one of these fails on its first line, lifelines has been mended


def test_trap_lifelines_median_at_exactly_one_half():
    fitter = lifelines.KaplanMeierFitter().fit([1, 2, 3, 4, 5, 6])
    assert fitter.median_survival_time_ == 4
    assert survival.quantile([1, 2, 3, 4, 5, 6], [1] * 6).estimate == 3
    fitter = lifelines.KaplanMeierFitter().fit([1, 2, 3, 6, 6, 6], [1, 1, 1, 0, 0, 0])
    assert np.isinf(fitter.median_survival_time_)
    assert survival.quantile([1, 2, 3, 6, 6, 6], [1, 1, 1, 0, 0, 0]).estimate == 3


def test_trap_lifelines_aalen_johansen_is_random_at_ties():
    times, causes = [1, 2, 2, 2, 3, 3, 4], [1, 1, 2, 0, 2, 1, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = [lifelines.AalenJohansenFitter(seed=seed).fit(times, causes, 1) for seed in range(6)]
    ends = {round(float(fit.cumulative_density_.iloc[-1, 0]), 6) for fit in fits}
    assert len(ends) > 1
    found = survival.cumulative_incidence(times, causes)
    expected = [1 / 7, 2 / 7, 2 / 7 + (4 / 7) / 3, 2 / 7 + (4 / 7) / 3]  # by hand: S = 6/7, then 6/7 × 4/6
    assert found.loc[found["cause"] == 1, "estimate"].to_numpy() == pytest.approx(expected, abs=1e-12)


def test_trap_lifelines_variance_of_a_restricted_mean():
    mir = load_waltons().query("group == 'miR-137'")
    fitter = lifelines.KaplanMeierFitter().fit(mir["T"], mir["E"])
    mean, variance = restricted_mean_survival_time(fitter, t=10, return_variance=True)
    assert round(sqrt(variance), 4) == 0.7186
    assert survival.rmst(mir["T"], mir["E"], 10)[:2] == pytest.approx((mean, 0.12324), abs=1e-5)


def test_trap_lifelines_counts_a_degree_of_freedom_for_a_group_never_at_risk():
    times, observed, groups = [1, 2, 3, 4, 5, 6, 0.5, 0.5], [1] * 6 + [0, 0], list("aabbabcc")
    theirs = multivariate_logrank_test(times, groups, observed)
    ours = survival.logrank(times, observed, groups)
    assert theirs.p_value == pytest.approx(0.637944, abs=1e-6)  # two degrees of freedom
    assert ours == pytest.approx(survival.logrank(times[:6], observed[:6], groups[:6]))
    assert (ours.df, ours.p) == (1, pytest.approx(0.343047, abs=1e-6))
    assert ours.statistic == pytest.approx(theirs.test_statistic)


@pytest.mark.parametrize("times", [[-1, 2, 3], ["1", "2", "3"], pd.to_timedelta([1, 2, 3], unit="D")], ids=str)
def test_trap_lifelines_accepts_what_is_no_duration(times):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lifelines.KaplanMeierFitter().fit(times)
    with pytest.raises(InputError):
        survival.curve(times, [1, 1, 1])


def test_trap_lifelines_accepts_any_event_code():
    assert lifelines.KaplanMeierFitter().fit([1, 2, 3], [0, 1, 2]).survival_function_.iloc[-1, 0] == 0
    with pytest.raises(InputError):
        survival.curve([1, 2, 3], [0, 1, 2])


def test_trap_lifelines_takes_today_for_a_missing_end():
    """Which is why follow-up ends at an explicit day in ``stats.lives``, and no dates pass this door."""
    durations, _observed = lifelines.utils.datetimes_to_durations(["2024-01-01"], [None])
    assert durations[0] >= (dt.datetime(2025, 1, 1) - dt.datetime(2024, 1, 1)).days
    with pytest.raises(InputError):
        survival.curve(pd.to_datetime(["2024-01-01"]), [1])
