"""Cox regression against R, against itself (counts, cut lives, shuffled rows), beside lifelines, and at its edges."""

from __future__ import annotations

import json
import time
import warnings
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from lifelines.utils import concordance_index

from cs_analysis.errors import InputError
from cs_analysis.stats.survival.concordance import concordance
from cs_analysis.stats.survival.cox import CoxFit, cox, fit_cox
from cs_analysis.stats.survival.risksets import _closed_form, _term_by_term

GOLDEN = json.loads((Path(__file__).parent / "golden" / "cox.json").read_text())
NEAR = 5e-6
nan = float("nan")


def golden_data(name: str) -> tuple[pd.DataFrame, dict]:
    """A golden case's rows and the arguments by which the fit knows its columns."""
    case = GOLDEN[name]
    arguments = {"entry": "start" if "start" in case["data"] else None, "weights": "count"}
    arguments["strata"] = case["strata"][0] if case["strata"] else None
    arguments["cluster"] = "id" if "id" in case["data"] and "cluster" in name else None
    frame = pd.DataFrame(case["data"])
    return frame.drop(columns="id") if "id" in frame and arguments["cluster"] is None else frame, arguments


def golden_fit(name: str) -> CoxFit:
    frame, arguments = golden_data(name)
    return fit_cox(frame, "stop", "event", **arguments)


@pytest.mark.parametrize("name", GOLDEN)
def test_coefficients_errors_likelihood_and_concordance_are_those_of_r(name):
    case, fit = GOLDEN[name], golden_fit(name)
    assert fit.names == case["covariates"]
    assert fit.coef == pytest.approx(case["coef"], abs=NEAR)
    assert fit.table["se"].tolist() == pytest.approx(case["se"], abs=NEAR)
    assert fit.log_likelihood == pytest.approx(case["log_likelihood"][0], rel=1e-9)
    assert fit.concordance == pytest.approx(case["concordance"][0], abs=NEAR)


@pytest.mark.parametrize("name", GOLDEN)
def test_proportional_hazards_are_those_of_cox_zph(name):
    case, table = GOLDEN[name], golden_fit(name).proportional_hazards()
    assert table["covariate"].tolist() == [*case["covariates"], "GLOBAL"]
    chi2, df, p = np.array(case["zph"]).T
    assert table["chi2"].tolist() == pytest.approx(chi2, rel=1e-6)
    assert table["df"].tolist() == df.tolist()
    assert table["p"].tolist() == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize("name", GOLDEN)
def test_baseline_hazard_is_that_of_survfit(name):
    case, fit = GOLDEN[name], golden_fit(name)
    theirs = pd.DataFrame({"time": case["baseline_time"], "r": case["baseline"]})
    theirs["stratum"] = [name.split("=")[1] for name in case["baseline_stratum"] or ["="] * len(theirs)]
    ours = fit.baseline
    # R counts from x = 0 (ours from the means), and lists times of censoring too
    ours["ours"] = ours["cumulative_hazard"] * np.exp(-fit.means @ fit.coef)
    ours["stratum"] = ours["stratum"].astype(str)
    joined = theirs.merge(ours, on=["stratum", "time"], how="inner")
    assert len(joined) == len(ours)
    assert joined["ours"].tolist() == pytest.approx(joined["r"].tolist(), rel=1e-6)


@pytest.mark.parametrize("name", [name for name in GOLDEN if GOLDEN[name]["surv"]])
def test_loss_from_the_start_is_that_of_survfit_coxph(name):
    case, fit = GOLDEN[name], golden_fit(name)
    frame = pd.DataFrame(case["data"]).head(2)
    for at, month in enumerate(case["times"]):
        lost = fit.loss(frame, 0, month)
        assert (1 - lost["estimate"]).tolist() == pytest.approx(case["surv"][at], abs=NEAR)
        assert (1 - lost["high"]).tolist() == pytest.approx(case["surv_low"][at], abs=NEAR)
        assert (1 - lost["low"]).tolist() == pytest.approx(case["surv_high"][at], abs=NEAR)
        stays = fit.survival(frame, [month])
        assert stays["estimate"].tolist() == pytest.approx(case["surv"][at], abs=NEAR)
        assert stays["low"].tolist() == pytest.approx(case["surv_low"][at], abs=NEAR)


@pytest.mark.parametrize("name", [name for name in GOLDEN if GOLDEN[name]["surv"]])
def test_loss_in_a_later_stretch_is_that_of_survfit_coxph_from_there_on(name):
    case, fit = GOLDEN[name], golden_fit(name)
    lost = fit.loss(pd.DataFrame(case["data"]).head(2), *case["times"])
    assert (1 - lost["estimate"]).tolist() == pytest.approx(case["later"], abs=NEAR)
    assert (1 - lost["high"]).tolist() == pytest.approx(case["later_low"], abs=NEAR)
    assert (1 - lost["low"]).tolist() == pytest.approx(case["later_high"], abs=NEAR)


@pytest.mark.parametrize("name", GOLDEN)
def test_concordance_of_a_single_score_is_that_of_r(name):
    case = GOLDEN[name]
    data = pd.DataFrame(case["data"])
    found = concordance(
        data["stop"], data["event"], data[case["covariates"][0]], entry=data.get("start"), weights=data["count"]
    )
    assert found == pytest.approx(case["concordance_of_first"][0], abs=1e-12)


# lifelines side by side: why its fitter is not used


def lifelines_fit(name: str) -> CoxPHFitter:
    frame, arguments = golden_data(name)
    frame = frame.drop(columns="id", errors="ignore")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CoxPHFitter().fit(frame, "stop", "event", entry_col=arguments["entry"], weights_col="count")


def test_lifelines_stops_before_the_maximum():
    theirs, r = lifelines_fit("ovarian"), GOLDEN["ovarian"]["coef"]
    assert np.abs(theirs.params_.to_numpy() - r).max() > 1e-4
    assert np.abs(golden_fit("ovarian").coef - r).max() < 1e-10


def test_lifelines_weights_are_no_counts_where_deaths_are_tied():
    theirs, r = lifelines_fit("lung_counts"), GOLDEN["lung_counts"]["coef"]
    assert np.abs(theirs.params_.to_numpy() - r).max() > 1e-3
    assert np.abs(golden_fit("lung_counts").coef - r).max() < 1e-10


def test_lifelines_concordance_ignores_late_entry():
    theirs, r = lifelines_fit("heart").concordance_index_, GOLDEN["heart"]["concordance"][0]
    assert abs(theirs - r) > 5e-3
    assert golden_fit("heart").concordance == pytest.approx(r, abs=1e-12)
    # the third was not there yet when the first went: only one pair can be compared
    durations, score, entry = [1, 2, 3], [1, 3, 2], [0, 0, 1.5]
    assert concordance_index(durations, [-s for s in score], [1, 1, 0]) == pytest.approx(1 / 3)
    assert concordance(durations, [1, 1, 0], score, entry=entry) == 0.5


def test_lifelines_raises_or_runs_away_where_a_covariate_separates():
    frame = pd.DataFrame({"x": [1, 1, 1, 0, 0, 0], "t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 1, 0, 0, 0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert abs(CoxPHFitter().fit(frame, "t", "e").params_.to_numpy()).max() > 10
    assert cox(frame, "t", "e")["note"].tolist() == ["separates"]


# the same lives, told otherwise


@st.composite
def lives(draw: st.DrawFn, *, late: bool = True) -> pd.DataFrame:
    """Some lives with many ties: two covariates, entry, time, event, a count and a stratum."""
    n = draw(st.integers(6, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    frame = pd.DataFrame({"x": rng.integers(0, 3, n), "y": rng.integers(-2, 3, n) / 2})
    frame["entry"] = rng.integers(0, 4, n) * late
    frame["time"] = frame["entry"] + rng.integers(1, 6, n)
    frame["event"] = rng.random(n) < 0.7
    frame["count"] = rng.integers(1, 4, n)
    frame["group"] = rng.choice(["a", "b"], n)
    return frame


def fitted(frame: pd.DataFrame, **more) -> CoxFit:
    arguments = {"entry": "entry", "weights": "count", "strata": "group"} | more
    return fit_cox(frame, "time", "event", **arguments)


def same(one: CoxFit, other: CoxFit, *, errors: bool = True) -> None:
    assert one.notes.tolist() == other.notes.tolist()
    assert one.coef == pytest.approx(other.coef, rel=1e-6, abs=1e-7, nan_ok=True)
    if errors:
        assert one.covariance == pytest.approx(other.covariance, rel=1e-5, abs=1e-7, nan_ok=True)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-9, abs=1e-9)
        assert one.concordance == pytest.approx(other.concordance, abs=1e-9, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(lives())
def test_counts_are_repeated_rows(frame):
    repeated = frame.loc[frame.index.repeat(frame["count"])].assign(count=1)
    one, other = fitted(frame), fitted(repeated)
    same(one, other)
    assert (one.n, one.events) == (other.n, other.events)
    ones, others = one.proportional_hazards(), other.proportional_hazards()
    assert ones["chi2"].tolist() == pytest.approx(others["chi2"].tolist(), rel=1e-5, abs=1e-7, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(frame, random):
    order = list(range(len(frame)))
    random.shuffle(order)
    same(fitted(frame), fitted(frame.iloc[order]))


@settings(max_examples=60, deadline=None)
@given(lives(late=False), st.integers(1, 4))
def test_a_life_cut_in_two_is_the_same_life(frame, at):
    frame = frame.assign(id=np.arange(len(frame)))
    early, later = frame[frame["time"] > at], frame[frame["time"] > at]
    split = pd.concat([frame[frame["time"] <= at], early.assign(time=at, event=False), later.assign(entry=at)])
    whole, cut = fitted(frame, cluster="id"), fitted(split, cluster="id")
    same(whole, cut)
    assert whole.baseline["hazard"].tolist() == pytest.approx(
        (cut.baseline["hazard"] * np.exp((whole.means - cut.means) @ np.nan_to_num(whole.coef))).tolist(), rel=1e-5
    )


@settings(max_examples=40, deadline=None)
@given(lives(), st.floats(1e-4, 1e4))
def test_a_covariate_in_another_unit_has_a_coefficient_in_that_unit(frame, unit):
    one, other = fitted(frame), fitted(frame.assign(x=frame["x"] * unit))
    assert one.notes.tolist() == other.notes.tolist()
    assert other.coef * [unit, 1] == pytest.approx(one.coef, rel=1e-6, abs=1e-7, nan_ok=True)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(lives())
def test_names_and_values_are_the_same_arguments(frame):
    by_name = fitted(frame)
    by_value = fit_cox(
        frame[["x", "y"]],
        frame["time"].to_numpy(),
        frame["event"].tolist(),
        entry=frame["entry"],
        weights=frame["count"],
        strata=frame["group"].tolist(),
    )
    same(by_name, by_value)
    same(by_name, fitted(frame.assign(same="z"), strata=["group", "same"]))


def test_large_data_of_few_kinds_is_collapsed_and_gives_the_same():
    rng = np.random.default_rng(7)
    n = 20_000
    frame = pd.DataFrame({"x": rng.integers(0, 2, n), "y": rng.integers(0, 3, n) / 2})
    frame["time"] = np.minimum(np.ceil(rng.exponential(20 / np.exp(0.4 * frame["x"]))), 24)
    frame["event"], frame["id"] = (frame["time"] < 24) & (rng.random(n) < 0.9), np.arange(n)
    counted = frame.groupby(["x", "y", "time", "event"], as_index=False).size()
    one = fit_cox(frame.drop(columns="id"), "time", "event")
    assert len(one._inner.sets.weight) <= len(counted)
    same(one, fit_cox(counted, "time", "event", weights="size"))
    # clusters of one row each: the sandwich is close to the model's own errors, and is not lost in collapsing
    robust = fit_cox(frame, "time", "event", cluster="id")
    assert robust.covariance.diagonal() == pytest.approx(one.covariance.diagonal(), rel=0.05)
    assert abs(robust.covariance.diagonal() / one.covariance.diagonal() - 1).max() > 1e-4


def test_efrons_sums_have_a_closed_form():
    rng = np.random.default_rng(3)
    m = np.array([1, 2, 7, 400, 3000])
    s0_dead = rng.uniform(0.5, 2, 5) * m
    for others in (0, 1e-3, 1, 50):
        s0 = s0_dead * (1 + others)
        assert _closed_form(s0, s0_dead, m) == pytest.approx(_term_by_term(s0, s0_dead, m), rel=1e-7, abs=1e-12)


def test_weights_as_large_as_money_do_no_harm():
    frame, arguments = golden_data("lung_months")
    heavy = fit_cox(frame.assign(count=1e6), "stop", "event", **arguments)
    light = fit_cox(frame.assign(count=4096), "stop", "event", **arguments)
    assert heavy.coef == pytest.approx(light.coef, rel=1e-3)
    assert heavy.table["se"].tolist() == pytest.approx((light.table["se"] * np.sqrt(4096 / 1e6)).tolist(), rel=1e-3)


# concordance, pair by pair


def pairwise(frame: pd.DataFrame) -> float:
    pairs = good = 0.0
    for one, other in permutations(frame.itertuples(index=False), 2):
        stays = other.time > one.time or (other.time == one.time and not other.event)
        if one.event and other.entry < one.time and stays and one.group == other.group:
            pairs += one.count_ * other.count_
            good += one.count_ * other.count_ * ((one.x > other.x) + (one.x == other.x) / 2)
    return good / pairs if pairs else nan


@settings(max_examples=80, deadline=None)
@given(lives())
def test_concordance_is_that_of_counting_pair_by_pair(frame):
    frame = frame.assign(group="a").rename(columns={"count": "count_"})
    found = concordance(frame["time"], frame["event"], frame["x"], entry=frame["entry"], weights=frame["count_"])
    assert found == pytest.approx(pairwise(frame), nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(lives())
def test_the_fit_counts_pairs_within_strata(frame):
    fit = fitted(frame)
    scored = frame.assign(x=(frame[["x", "y"]] @ np.nan_to_num(fit.coef)).round(9)).rename(columns={"count": "count_"})
    assert fit.concordance == pytest.approx(pairwise(scored), nan_ok=True, abs=1e-9)


# at the edges


def test_what_cannot_be_fitted_is_missing_with_its_reason_and_the_rest_is_fitted_without_it():
    frame, _ = golden_data("lung")
    frame = frame.drop(columns="count")
    plain = cox(frame, "stop", "event")
    # an event by day 200 is foretold by "early": all who have it go before any who have not
    odd = frame.assign(one=0.1, sum=frame["age"] - 2 * frame["ecog"], never=(~frame["event"].astype(bool)).astype(int))
    table = cox(odd, "stop", "event").set_index("covariate")
    assert table["note"].to_dict() == {
        "age": "", "sex": "", "ecog": "", "one": "constant", "sum": "collinear", "never": "separates",
    }  # fmt: skip
    assert table.loc[["one", "sum", "never"], ["coef", "se", "hazard_ratio", "low", "high", "p"]].isna().all(axis=None)
    assert table.loc[plain["covariate"], "coef"].tolist() == pytest.approx(plain["coef"].tolist(), rel=1e-9)
    assert table.loc[plain["covariate"], "se"].tolist() == pytest.approx(plain["se"].tolist(), rel=1e-9)


def test_a_covariate_that_differs_only_between_strata_is_constant():
    frame, _ = golden_data("lung")
    table = cox(frame.assign(place=frame["sex"] * 2), "stop", "event", strata="sex", weights="count")
    assert table.set_index("covariate")["note"].to_dict() == {"age": "", "ecog": "", "place": "constant"}


def test_a_reference_group_without_events_separates_all_the_others_from_it():
    rng = np.random.default_rng(5)
    group = np.repeat(["none", "b", "c"], 40)
    frame = pd.DataFrame({"b": group == "b", "c": group == "c", "z": rng.normal(size=120)})
    event = (group != "none") & (rng.random(120) < 0.6)
    table = cox(frame, rng.integers(1, 25, 120), event).set_index("covariate")
    assert table["note"].to_dict() == {"b": "separates", "c": "separates", "z": ""}
    assert np.isfinite(table.loc["z", "coef"])


def test_one_event_in_a_group_of_many_is_a_large_ratio_and_not_a_separation():
    rng = np.random.default_rng(11)
    x = np.repeat([0, 1], [500, 500])
    event = np.where(x == 1, True, np.arange(1000) == 7)
    table = cox(pd.DataFrame({"x": x}), rng.integers(1, 30, 1000), event)
    assert table.loc[0, "note"] == ""
    assert 100 < table.loc[0, "hazard_ratio"] < 5000
    assert table.loc[0, "se"] == pytest.approx(1, abs=0.05)  # one event's worth of knowledge


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_tiny_data_never_raise(seed, n):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "y": rng.integers(0, 2, n), "z": rng.integers(0, 2, n) * 1e6})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_cox(frame, rng.integers(1, 6, n), rng.integers(0, 2, n), strata=rng.integers(0, 2, n))
        table = fit.table
        fit.proportional_hazards()
        fit.loss(frame, 0, 3, strata=np.zeros(n, dtype=int))
    assert set(table["note"]) <= {"", "constant", "collinear", "separates", "no events"}
    assert (table["note"].eq("") == table["coef"].notna()).all()
    assert np.isfinite(table.loc[table["note"] == "", "se"]).all()


def test_no_events_one_row_no_rows_no_covariates():
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [0, 1, 0]})
    table = cox(frame, [1, 2, 3], [0, 0, 0])
    assert table["note"].tolist() == ["no events"] * 2
    assert table["coef"].isna().all()
    assert np.isnan(table.attrs["concordance"])
    assert (table.attrs["n"], table.attrs["events"]) == (3, 0)
    assert cox(frame.head(1), [1], [1])["note"].tolist() == ["constant"] * 2
    assert cox(frame.head(0), [], [])["note"].tolist() == ["no events"] * 2
    # without covariates the baseline is Nelson and Aalen's, 1/3 + 1/2
    assert fit_cox(frame[[]], [1, 2, 3], [1, 1, 0]).baseline["cumulative_hazard"].tolist() == pytest.approx(
        [1 / 3, 5 / 6]
    )
    assert cox(frame, [1, 2, 3], [1, 1, 1]).attrs["events"] == 3


def test_text_and_missing_covariates_are_refused_by_name():
    frame = pd.DataFrame({"x": [1, 2, 3], "segment": ["a", "b", "a"]})
    with pytest.raises(InputError, match="segment"):
        cox(frame, [1, 2, 3], [1, 1, 0])
    with pytest.raises(InputError, match="segment"):
        cox(frame.assign(segment=frame["segment"].astype("category")), [1, 2, 3], [1, 1, 0])
    with pytest.raises(InputError, match=r"x .*1 rows .*row 2"):
        cox(pd.DataFrame({"x": [1, nan, 3]}), [1, 2, 3], [1, 1, 0])
    with pytest.raises(InputError, match='did you mean "segment"'):
        cox(frame, [1, 2, 3], [1, 1, 0], strata="segmant")
    with pytest.raises(InputError, match="durations has 2 values and the frame has 3 rows"):
        cox(frame[["x"]], [1, 2], [1, 1])
    assert cox(frame, [1, 2, 3], [1, 1, 0], strata="segment")["covariate"].tolist() == ["x"]


# loss


def test_loss_is_what_the_baseline_says():
    frame, arguments = golden_data("lung_strata")
    fit = fit_cox(frame, "stop", "event", **arguments)
    person = frame.iloc[[3, 9]]
    lost = fit.loss(person, [100, 0], [400, 0])
    hazard = fit.baseline[fit.baseline["stratum"] == person["sex"].iloc[0]]
    between = hazard.loc[(hazard["time"] > 100) & (hazard["time"] <= 400), "hazard"].sum()
    risk = np.exp((person[fit.names].iloc[0].to_numpy() - fit.means) @ fit.coef)
    assert lost.index.tolist() == [3, 9]
    assert lost["estimate"].iloc[0] == pytest.approx(1 - np.exp(-risk * between))
    assert lost["low"].iloc[0] < lost["estimate"].iloc[0] < lost["high"].iloc[0]
    assert lost.iloc[1].tolist() == [0, 0, 0]  # nothing happens in no time


def test_loss_is_missing_where_nothing_can_be_known():
    frame, arguments = golden_data("lung_strata")
    fit = fit_cox(frame, "stop", "event", **arguments)
    person = pd.DataFrame({"age": [60, 60, nan, 60], "ecog": [1, 1, 1, 1], "sex": [1, 3, 1, 1]})
    lost = fit.loss(person, 0, [100, 100, 100, 5000])
    assert lost["estimate"].notna().tolist() == [True, False, False, False]
    assert (lost.isna().all(axis=1) == lost["estimate"].isna()).all()
    with pytest.raises(InputError, match="ecog"):
        fit.loss(person.drop(columns="ecog"), 0, 100)
    with pytest.raises(InputError, match="Row 2"):
        fit.loss(person, [0, 200, 0, 0], 100)
    by_value = fit_cox(frame[["age", "ecog"]], frame["stop"], frame["event"], strata=frame["sex"])
    with pytest.raises(InputError, match="strata"):
        by_value.loss(person, 0, 100)
    given_again = by_value.loss(person, 0, 100, strata=person["sex"])
    assert given_again["estimate"].iloc[0] == pytest.approx(lost["estimate"].iloc[0])


def test_a_stretch_without_events_has_no_loss_but_an_upper_limit():
    fit = fit_cox(pd.DataFrame({"x": [0, 1] * 20}), [1, 2, 3, 4] * 2 + [10] * 32, [1] * 8 + [0] * 32)
    lost = fit.loss(pd.DataFrame({"x": [0.5]}), 5, 8)
    assert lost["estimate"].tolist() == lost["low"].tolist() == [0]
    # Wilson for none of 32 (the coefficient is 0: both kinds of x are alike in everything)
    assert lost["high"].iloc[0] == pytest.approx(3.8415 / (32 + 3.8415), rel=0.05)


@pytest.mark.slow
def test_the_interval_of_the_loss_covers_the_truth():
    rng, inside = np.random.default_rng(2024), 0
    for _ in range(300):
        x = rng.integers(0, 2, 200)
        death, censored = rng.exponential(20 / np.exp(0.7 * x)), rng.uniform(0, 48, 200)
        fit = fit_cox(pd.DataFrame({"x": x}), np.minimum(death, censored), death <= censored)
        lost = fit.loss(pd.DataFrame({"x": [1]}), 12, 18).iloc[0]
        inside += lost["low"] <= 1 - np.exp(-np.exp(0.7) * 6 / 20) <= lost["high"]
    assert inside / 300 >= 0.92


@pytest.mark.slow
def test_a_million_accounts_take_seconds():
    rng, n = np.random.default_rng(1), 1_000_000
    frame = pd.DataFrame(np.column_stack([rng.integers(0, k, n) for k in (2, 2, 3, 4, 5)]).astype(float))
    hazard = np.exp(frame.to_numpy() @ [0.15, -0.1, 0.05, 0.1, -0.05])
    death, censored = np.ceil(rng.exponential(1800 / hazard)), rng.integers(1, 1801, n)
    frame.columns = list("abcde")
    start = time.process_time()
    fit = fit_cox(frame, np.minimum(death, censored), death <= censored)
    assert 0.5 < fit.concordance < 0.6
    assert time.process_time() - start < 5
    assert fit.coef == pytest.approx([0.15, -0.1, 0.05, 0.1, -0.05], abs=0.02)
