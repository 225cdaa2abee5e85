"""Chain ladder: the published triangles of Mack, a textbook recursion written apart, ragged and empty corners."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cs_analysis.errors import InputError
from cs_analysis.stats import triangles

GOLDEN = json.loads((Path(__file__).parent / "golden" / "triangles.json").read_text())
nan = float("nan")


def filled(rows: list[list[float]]) -> np.ndarray:
    width = max(map(len, rows))
    return np.array([row + [nan] * (width - len(row)) for row in rows], dtype=float)


def latest(triangle: np.ndarray) -> np.ndarray:
    return np.array([row[~np.isnan(row)][-1] for row in triangle])


@pytest.mark.parametrize("name", GOLDEN)
def test_published_triangles(name):
    golden, triangle = GOLDEN[name], filled(GOLDEN[name]["rows"])
    result = triangles.chain_ladder(triangle)
    reserves = result.projected[:, -1] - latest(triangle)
    assert result.factors == pytest.approx(golden["factors"], abs=1e-3)
    assert reserves[1:].round().tolist() == golden["reserves"]
    assert round(reserves.sum()) == golden["total_reserve"]
    assert result.se[0] == 0
    assert result.se[1:].round().tolist() == golden["se"]
    assert round(result.total_se) == golden["total_se"]
    assert result.counts.tolist() == list(range(9, 0, -1))


def test_published_calendar_test():
    golden = GOLDEN["raa"]["calendar"]
    result = triangles.calendar_test(filled(GOLDEN["raa"]["rows"]))
    assert (result.statistic, result.expected) == (golden["statistic"], golden["expected"])
    sd = golden["variance"] ** 0.5
    assert (result.low, result.high) == pytest.approx((12.875 - 1.959964 * sd, 12.875 + 1.959964 * sd), abs=1e-3)
    assert result.p == pytest.approx(2 * stats.norm.sf((14 - 12.875) / sd), abs=1e-3)


def test_frames_keep_their_labels():
    triangle = pd.DataFrame([[10, 20, 22], [20, 25, nan], [8, nan, nan]], index=["2026-01", "2026-02", "2026-03"])
    result = triangles.chain_ladder(triangle)
    assert isinstance(result.projected, pd.DataFrame)
    assert result.projected.index.equals(triangle.index)
    assert result.projected.loc["2026-03"].tolist() == pytest.approx([8, 12, 13.2])  # 8 · 45/30 · 22/20
    assert isnan(triangle.iloc[2, 2])  # what was handed in stays as it was


def test_error_by_hand():
    # f = (60 + 60)/(30 + 50) = 1.5; σ² = [30 (2 − 1.5)² + 50 (1.2 − 1.5)²]/1 = 12; C = 40, S = 80:
    # mse = 12 · 40 · (1 + 40/80) = 720, for each of two open origins; together 12 · (80 + 80²/80) = 1920
    result = triangles.chain_ladder([[30, 60], [50, 60], [40, nan], [40, nan]])
    assert result.factors.tolist() == [1.5]
    assert result.sigma2.tolist() == pytest.approx([12])
    assert result.se == pytest.approx([0, 0, 720**0.5, 720**0.5])
    assert result.total_se == pytest.approx(1920**0.5)


def mack(triangle: np.ndarray) -> tuple[np.ndarray, float]:
    """Mack's formulas (1993, theorem 3 and its corollary) term by term, with the variances taken from the package."""
    result = triangles.chain_ladder(triangle)
    full, f, sigma2 = np.asarray(result.projected), result.factors, result.sigma2
    last, ages = (~np.isnan(triangle)).sum(axis=1) - 1, triangle.shape[1]
    volume = [sum(row[k] for row, end in zip(triangle, last, strict=True) if end > k) for k in range(ages - 1)]
    own = np.zeros(len(full))
    for i in range(len(full)):
        for k in range(last[i], ages - 1):
            own[i] += full[i, -1] ** 2 * sigma2[k] / f[k] ** 2 * (1 / full[i, k] + 1 / volume[k])
    total = own.sum()
    for i in range(len(full)):
        for j in range(len(full)):
            if i != j:
                for k in range(max(last[i], last[j]), ages - 1):
                    total += full[i, -1] * full[j, -1] * sigma2[k] / f[k] ** 2 / volume[k]
    return np.sqrt(own), total**0.5


# three whole origins, so that every factor rests on more than one
WHOLE = [[90, 80, 75, 70, 60], [200, 190, 180, 150, 150], [50, 52, 60, 58, 58]]
ragged = st.lists(
    st.tuples(st.integers(1, 5), st.lists(st.integers(50, 500), min_size=5, max_size=5)), min_size=1, max_size=8
).map(
    # three whole origins, so that every factor rests on more than one
    lambda rows: filled(
        [[90, 80, 75, 70, 60], [200, 190, 180, 150, 150], [50, 52, 60, 58, 58]] + [r[:n] for n, r in rows]
    )
)


@settings(max_examples=60, deadline=None)
@given(ragged)
def test_recursion_equals_macks_formulas_on_ragged_triangles(triangle):
    result = triangles.chain_ladder(triangle)
    se, total = mack(triangle)
    assert result.se == pytest.approx(se, rel=1e-9)
    assert result.total_se == pytest.approx(total, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(ragged, st.sampled_from([1e-4, 7.0, 1e6]), st.randoms(use_true_random=False))
def test_currency_and_order_change_nothing(triangle, rate, random):
    order = list(range(len(triangle)))
    random.shuffle(order)
    first, second = triangles.chain_ladder(triangle), triangles.chain_ladder(triangle[order] * rate)
    assert second.factors == pytest.approx(first.factors, rel=1e-9)
    assert second.projected == pytest.approx(np.asarray(first.projected)[order] * rate, rel=1e-9)
    assert second.se == pytest.approx(first.se[order] * rate, rel=1e-6, abs=1e-9)
    known = ~np.isnan(triangle)
    assert (np.asarray(first.projected)[known] == triangle[known]).all()


def test_origins_of_which_nothing_is_left():
    rows = [[100, 50, 0], [100, 50, 25], [80, 0, 0], [0, 0, nan], [60, 30, nan], [40, nan, nan]]
    result = triangles.chain_ladder(rows)
    # an origin at 0 has no ratio: 340 → 130 over four of them, then 100 → 25 over two
    assert result.factors == pytest.approx([130 / 340, 0.25])
    assert np.asarray(result.projected)[-1] == pytest.approx([40, 40 * 130 / 340, 10 * 130 / 340])
    assert result.sigma2[1] == pytest.approx((12.5**2 / 50 + 12.5**2 / 50) / 1)
    assert np.asarray(result.projected)[3].tolist() == [0, 0, 0]
    assert result.se[3] == 0
    assert 0 < result.total_se < 100


def test_all_gone_at_once_has_no_later_factor():
    result = triangles.chain_ladder([[100, 0, 0], [80, 0, nan]])
    assert result.factors[0] == 0
    assert isnan(result.factors[1])
    assert isnan(np.asarray(result.projected)[1, 2])
    assert isnan(result.total_se)


def test_one_origin_has_nothing_to_project():
    result = triangles.chain_ladder([[100, 90, 95]])
    assert np.asarray(result.projected).tolist() == [[100, 90, 95]]
    assert result.factors == pytest.approx([0.9, 95 / 90])
    assert (result.se.tolist(), result.total_se) == ([0], 0)
    assert np.isnan(result.sigma2).all()
    assert all(isnan(value) for value in triangles.calendar_test([[100, 90, 95]]))


def test_one_factor_from_one_origin_has_no_error_to_give():
    result = triangles.chain_ladder([[100, 90], [50, nan]])
    assert np.asarray(result.projected)[1, 1] == 45
    assert isnan(result.se[1])
    assert isnan(result.total_se)
    assert result.se[0] == 0


def test_ages_nobody_reached_stay_missing():
    result = triangles.chain_ladder([[100, 90, nan], [50, 40, nan], [20, nan, nan]])
    assert np.isnan(np.asarray(result.projected)[:, 2]).all()
    assert isnan(result.factors[1])
    assert result.counts.tolist() == [2, 0]
    assert result.se[:2].tolist() == [0, 0]
    assert result.se[2] > 0


def test_age_factors_carry_what_they_rest_on():
    found = triangles.age_factors([[100, 90, 80], [50, 60, nan], [20, nan, nan]])
    assert found.factors == pytest.approx([1, 80 / 90])
    assert found.counts.tolist() == [2, 1]
    assert found.volume.tolist() == [150, 90]


def test_one_column_only():
    result = triangles.chain_ladder([[100], [50]])
    assert (len(result.factors), result.total_se) == (0, 0)
    assert all(isnan(value) for value in triangles.calendar_test([[100], [50]]))


@pytest.mark.parametrize(
    ("triangle", "sentence"),
    [
        ([], "is empty"),
        ([[]], "is empty"),
        ([1, 2, 3], "is empty"),
        (pd.DataFrame([[1, 2], [nan, 3]], index=["2026-01", "2026-02"]), "origin 2026-02 of the triangle has a gap"),
        ([[1, nan, 3]], "origin 0 of the triangle has a gap"),
        ([[1, 2], [nan, nan]], "origin 1 of the triangle has a gap"),
        ([[1, 2], [3, -4]], "origin 1 of the triangle holds -4.0"),
        ([[float("inf"), 2]], "origin 0 of the triangle holds inf"),
    ],
)
def test_what_is_no_triangle_is_refused(triangle, sentence):
    for function in (triangles.chain_ladder, triangles.calendar_test, triangles.age_factors):
        with pytest.raises(InputError, match=sentence):
            function(triangle)


def simulated(source: np.random.Generator, shock: float) -> np.ndarray:
    """12 monthly origins whose ratios are around 1; ``shock`` moves whole diagonals."""
    n = 12
    period = source.normal(0, shock, 2 * n)
    rows = np.full((n, n), nan)
    for i in range(n):
        rows[i, 0] = 1000
        for k in range(n - 1 - i):
            rows[i, k + 1] = rows[i, k] * np.exp(source.normal(0, 0.03) + period[i + k])
    return rows


def test_calendar_test_keeps_its_level_and_finds_shocks():
    source = np.random.default_rng(1)
    quiet = [triangles.calendar_test(simulated(source, 0)).p < 0.05 for _ in range(200)]
    shaken = [triangles.calendar_test(simulated(source, 0.1)) for _ in range(50)]
    assert np.mean(quiet) <= 0.10
    assert np.mean([result.p < 0.05 and result.statistic < result.low for result in shaken]) >= 0.9
