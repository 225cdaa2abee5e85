"""Poisson models with concentrated effects against R and statsmodels; shrinkage and permutations by hand."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.stats import permute, regression

GOLDEN = json.loads((Path(__file__).parent / "golden" / "effort.json").read_text())


def mix():
    """The 24 accounts of golden/effort.R: CSM, cell, months, hours."""
    i = np.arange(24)
    return i % 3, (i * 7 + i // 5) % 3, 1.0 + (i * 5) % 7, np.array(GOLDEN["hours"])


def table(rows, columns, values, shape):
    out = np.zeros(shape)
    np.add.at(out, (rows, columns), values)
    return out


def test_two_way_effects_and_their_covariance_are_those_of_quasi_poisson_in_r():
    csm, cell, months, hours = mix()
    fit = regression.two_way(table(cell, csm, hours, (3, 3)), table(cell, csm, months, (3, 3)))
    assert fit.effects == pytest.approx(GOLDEN["centred_effects"], abs=1e-9)
    covariance = np.linalg.pinv(fit.information, hermitian=True)
    assert covariance.ravel() == pytest.approx(GOLDEN["covariance"], abs=1e-9)
    mean = (fit.fitted / np.where(table(cell, csm, months, (3, 3)) > 0, table(cell, csm, months, (3, 3)), 1))[cell, csm]
    mean = mean * months
    pearson = ((hours - mean) ** 2 / mean).sum() / (24 - 5)
    assert pearson == pytest.approx(GOLDEN["dispersion"], rel=1e-9)


def test_concentrated_effects_and_clustered_errors_are_those_of_dummies_in_r():
    account, month = np.divmod(np.arange(96), 8)
    treated = ((account % 6 < 3) & (month >= 4)).astype(float)
    x = np.column_stack([(month[:, None] == np.arange(1, 8)).astype(float), treated])
    fit = regression.poisson(np.array(GOLDEN["y"]), x, absorb=account, cluster=account % 6)
    assert fit.coef[-1] == pytest.approx(GOLDEN["did"][0], abs=1e-9)
    assert np.sqrt(fit.cov[-1, -1]) == pytest.approx(GOLDEN["did"][1], abs=1e-8)
    assert fit.clusters == 6


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_concentrating_an_effect_out_is_the_same_as_dummies_in_statsmodels(seed):
    rng = np.random.default_rng(seed)
    group, x = rng.integers(0, 5, 60), rng.normal(size=(60, 2))
    exposure = rng.uniform(0.5, 3, 60)
    y = rng.gamma(2.0, np.exp(0.3 * x[:, 0]) * exposure)
    ours = regression.poisson(y, x, absorb=group, exposure=exposure)
    dummies = np.column_stack([x, group[:, None] == np.unique(group)]).astype(float)
    theirs = sm.GLM(y, dummies, family=sm.families.Poisson(), offset=np.log(exposure)).fit(tol=1e-14)
    assert ours.coef == pytest.approx(theirs.params[:2], abs=1e-7)
    assert ours.cov == pytest.approx(theirs.cov_params()[:2, :2], rel=1e-5, abs=1e-9)
    assert ours.fitted == pytest.approx(theirs.fittedvalues, rel=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_two_way_does_not_depend_on_the_unit_and_closes_both_margins(seed):
    rng = np.random.default_rng(seed)
    exposure = rng.integers(0, 4, (4, 3)).astype(float)
    y = np.where(exposure > 0, rng.gamma(2.0, 3.0, (4, 3)), 0.0)
    fit, minutes = regression.two_way(y, exposure), regression.two_way(60 * y, exposure)
    known = np.isfinite(fit.effects)
    assert minutes.effects[known] == pytest.approx(fit.effects[known], abs=1e-8)
    assert fit.fitted.sum(axis=0) == pytest.approx(y.sum(axis=0), rel=1e-8)
    assert fit.fitted.sum(axis=1) == pytest.approx(y.sum(axis=1), rel=1e-8, abs=1e-9)


def test_parts_that_share_no_row_are_centred_apart():
    fit = regression.two_way(np.array([[8.0, 2.0, 0, 0], [0, 0, 30.0, 10.0]]), np.array([[1.0, 1, 0, 0], [0, 0, 1, 1]]))
    assert fit.effects == pytest.approx([np.log(2), -np.log(2), np.log(3) / 2, -np.log(3) / 2])


@pytest.mark.parametrize("y", [np.zeros(4), np.array([3.0, 0, 5, 0])])
def test_without_a_maximum_there_is_no_estimate(y):
    fit = regression.poisson(y, np.array([[0.0], [1], [0], [1]]), absorb=np.array([0, 0, 1, 1]))
    assert np.isnan(fit.coef).all()
    assert np.isnan(regression.poisson(np.zeros(0), np.zeros((0, 1)), absorb=np.zeros(0)).coef).all()


def test_shrinkage_against_integration_by_hand():
    """One contrast d of two equally known effects: the mixture over τ by a plain Riemann sum."""
    effects, information = np.array([-0.3, 0.3]), np.array([[10.0, -10.0], [-10.0, 10.0]])
    z, v = 0.6 / np.sqrt(2), 1 / 20  # the contrast along (−1, 1) / √2
    tau = np.arange(0, 2.0001, 0.005)
    weight = np.exp(-0.5 * z**2 / (tau**2 + v)) / np.sqrt(tau**2 + v) * np.exp(-0.5 * (tau / 0.5) ** 2)
    pulled = (weight * tau**2 / (tau**2 + v)).sum() / weight.sum()
    drawn = regression.shrink(effects, information)
    assert drawn.estimate == pytest.approx([-0.3 * pulled, 0.3 * pulled], abs=1e-6)
    assert drawn.low[1] < drawn.estimate[1] < drawn.high[1]
    assert drawn.low[0] == pytest.approx(-drawn.high[1])


def test_well_known_effects_are_left_as_they_are_and_unknown_ones_become_equal():
    effects = np.array([-0.2, 0.0, 0.2])
    shape = np.eye(3) - 1 / 3
    assert regression.shrink(effects, 1e6 * shape).estimate == pytest.approx(effects, abs=1e-4)
    assert np.abs(regression.shrink(effects, 1e-3 * shape).estimate).max() < 0.001


def test_both_kinds_of_scatter_are_found():
    rng = np.random.default_rng(1)
    mean = rng.uniform(1, 200, 20_000)
    y = mean * rng.gamma(1 / 0.1, 0.1, 20_000)  # ω = .1
    y = rng.gamma(y / 3, 3.0)  # φ = 3
    found = regression.dispersion(y, mean, 0)
    assert found.linear == pytest.approx(3, rel=0.15)
    assert found.quadratic == pytest.approx(0.1, rel=0.1)
    minutes = regression.dispersion(60 * y, 60 * mean, 0)
    assert minutes.linear == pytest.approx(60 * found.linear, rel=1e-6)
    assert np.isnan(regression.dispersion(y[:2], mean[:2], 2).linear)


def test_p_of_the_largest_difference_by_all_permutations():
    """Two CSMs, three accounts each: of the 20 ways to share them 2 are as extreme as the best sorted one."""
    z, p = permute.max_t(
        np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 0, 0, 1, 1, 1]), strata=np.zeros(6), seed=1, draws=20_000
    )
    assert p == pytest.approx([0.1, 0.1], abs=0.01)
    # 21 ÷ 2 expected, variance n (1 − n/N) s² = 3 · ½ · 3.5
    assert z == pytest.approx([(6 - 10.5) / np.sqrt(5.25), (15 - 10.5) / np.sqrt(5.25)])


def test_labels_alone_in_their_stratum_cannot_be_exchanged():
    z, p = permute.max_t(np.array([1.0, 2, 8, 9]), np.array([0, 0, 1, 1]), strata=np.array([0, 0, 1, 1]), seed=1)
    assert np.isnan(z).all()
    assert np.isnan(p).all()


def test_a_thousand_permutations_of_three_thousand_accounts_take_seconds():
    rng = np.random.default_rng(1)
    began = time.perf_counter()
    permute.max_t(rng.normal(size=3000), rng.integers(0, 100, 3000), strata=rng.integers(0, 36, 3000), seed=1,
                  draws=1000)  # fmt: skip
    assert time.perf_counter() - began < 10


def test_assignments_are_all_or_random_and_begin_with_the_actual():
    actual = np.array([True, True, False, False])
    ways = permute.assignments(4, 2, actual=actual, seed=1)
    assert len(ways) == 6
    assert len({tuple(w) for w in ways}) == 6
    assert (ways[0] == actual).all()
    many = permute.assignments(60, 30, actual=np.arange(60) < 30, seed=1, most=100)
    assert many.shape == (100, 60)
    assert (many.sum(axis=1) == 30).all()
    assert (many[0] == (np.arange(60) < 30)).all()
    # by hand: sums 4, 2, −1, −5; treated pairs give 6, 3, −1, 1, −3, −6
    assert permute.assignment_p(np.array([4.0, 2, -1, -5]), ways) == pytest.approx(2 / 6)
