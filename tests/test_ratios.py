"""Retention ratios: worked examples, R's values, their laws, and whether the intervals hold the truth."""

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
from cs_analysis.stats import ratios
from cs_analysis.stats.proportions import wilson

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ratios.json").read_text())
MEASURES = {"net": ratios.net, "gross": ratios.gross, "logo": ratios.logo}

# few distinct opening amounts, so that groups form; closings that often stay, often vanish
account = st.tuples(
    st.sampled_from([100, 250, 1000, 4000]),
    st.one_of(st.just(None), st.just(0), st.integers(1, 9000)),
).map(lambda pair: (pair[0], pair[0] if pair[1] is None else pair[1]))
books = st.lists(account, min_size=1, max_size=60).map(lambda rows: tuple(np.array(rows, dtype=float).T))


def numbers(result: ratios.Ratio) -> list[float]:
    return list(result[:5])


def same(a: ratios.Ratio, b: ratios.Ratio, tolerance: float = 1e-12) -> bool:
    return a.withheld == b.withheld and np.allclose(
        numbers(a), numbers(b), rtol=tolerance, atol=tolerance, equal_nan=True
    )


# --- from outside -----------------------------------------------------------------------------------------------


def test_worked_examples():
    # definitions, section 10
    assert round(100 * ratios.gross([50, 125], [100, 100]).estimate, 3) == 85.714
    assert round(100 * ratios.net([50, 125], [100, 100]).estimate, 3) == 114.286
    assert ratios.net([100, 0], [100, 50]).estimate == 1  # frozen: account B was not there
    assert ratios.net([1.0e9], [1.1e9]).estimate == pytest.approx(1.1)


@pytest.mark.parametrize("measure", MEASURES)
def test_equals_r(measure):
    result = MEASURES[measure](GOLDEN["opening"], GOLDEN["closing"])
    assert numbers(result)[:3] == pytest.approx(GOLDEN[measure][:3], abs=1e-11)
    assert result.n == 15
    assert result.n_eff == pytest.approx(GOLDEN[measure][3] if measure != "logo" else 15, abs=1e-9)
    assert result.withheld == ""


def test_difference_equals_r():
    columns = [GOLDEN[name] for name in ("opening", "closing", "earlier_opening", "earlier_closing")]
    assert numbers(ratios.difference(*columns))[:3] == pytest.approx(GOLDEN["difference"], abs=1e-11)


def test_interval_by_hand():
    # 20 accounts of 100: 5 → 0, 5 → 200, 10 stay. R = 1, w = 1/20, r − R = ±1 for ten of them:
    # SE² = 10 · (1/20 / (19/20))² = 10/361; ν = (1/20)² / (20/20⁴) = 20; t = 2.0859634
    closing = [0] * 5 + [200] * 5 + [100] * 10
    result = ratios.net([100] * 20, closing)
    half = 2.0859634 * (10 / 361) ** 0.5
    assert numbers(result) == pytest.approx([1, 1 - half, 1 + half, 20, 20], abs=1e-7)
    # GRR: 15/20 with n_eff 20
    assert numbers(ratios.gross([100] * 20, closing))[:3] == pytest.approx(wilson(15, 20), abs=1e-12)


def test_lower_limit_is_cut_at_0():
    opening, closing = [100] * 12, [0] * 11 + [300]
    result = ratios.net(opening, closing)
    assert result.estimate == 0.25
    assert result.low == 0
    assert result.high > 0.25


# --- when there is no interval ----------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_changes_is_exactly_one_without_an_interval(measure):
    amounts = np.random.default_rng(1).lognormal(10, 1.5, 200) / 12
    result = MEASURES[measure](amounts, amounts)
    assert result.estimate == 1.0
    assert isnan(result.low)
    assert isnan(result.high)
    assert result.withheld == "unchanged"


@pytest.mark.parametrize(("n", "withheld"), [(9, "few"), (10, "")])
@pytest.mark.parametrize("measure", MEASURES)
def test_ten_equal_accounts_are_enough_and_nine_are_not(measure, n, withheld):
    # of ten times 0.1 a float's n_eff is 9.999999999999996
    opening = [0.1] * n
    assert MEASURES[measure](opening, [0, 0.03, 0.05, 0.2, 0.3] + [0.1] * (n - 5)).withheld == withheld


@pytest.mark.parametrize(("changed", "withheld"), [(4, "unchanged"), (5, "")])
@pytest.mark.parametrize("measure", MEASURES)
def test_five_changed_accounts_are_enough_and_four_are_not(measure, changed, withheld):
    closing = [0, 50, 150, 175, 50][:changed] + [100] * (30 - changed)
    result = MEASURES[measure]([100] * 30, closing)
    assert result.withheld == withheld
    assert isnan(result.low) == bool(withheld)


def test_what_floats_add_up_to_has_not_changed():
    # 0.1 + 0.2 is not 0.3; that is no movement
    opening, closing = [0.3] * 30, [0.1 + 0.2] * 26 + [0, 0.1, 0.2, 0.5]
    assert ratios.gross(opening, closing).withheld == "unchanged"


def test_one_giant_withholds_money_but_not_heads():
    opening, closing = [10_000] + [10] * 40, [10_000] + [0] * 10 + [10] * 30
    assert ratios.net(opening, closing).withheld == "few"
    assert ratios.gross(opening, closing).withheld == "few"
    assert ratios.logo(opening, closing).withheld == ""


def test_the_same_price_rise_for_all_claims_no_certainty():
    opening = np.random.default_rng(2).lognormal(10, 1, 100)
    result = ratios.net(opening, opening * 1.1)
    assert result.estimate == pytest.approx(1.1)
    assert (result.withheld, isnan(result.low)) == ("alike", True)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("book", [([], []), ([0, 0, -3], [5, 0, 2])])
def test_nobody_there(measure, book):
    result = MEASURES[measure](*book)
    assert (result.n, result.n_eff, result.withheld) == (0, 0, "empty")
    assert isnan(result.estimate)
    assert isnan(ratios.difference(*book, *book, measure=measure).estimate)


def test_every_reason_has_its_sentence():
    assert set(ratios.WITHHELD) == {"empty", "few", "unchanged", "alike"}


def test_what_cannot_be_used_is_refused():
    with pytest.raises(InputError, match="2 and 3 entries"):
        ratios.net([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="position 1 is missing"):
        ratios.gross([1, 2], [1, float("nan")])
    with pytest.raises(InputError, match="2 and 3 entries"):
        ratios.difference([1, 2], [1, 2], [1, 2, 3], [1, 2, 3])
    with pytest.raises(InputError, match="net, gross, logo"):
        ratios.difference([1], [1], [1], [1], measure="nrr")
    with pytest.raises(InputError, match="between 0 and 1"):
        ratios.net([1], [1], level=95)


# --- laws -------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(books)
def test_gross_is_at_most_one_and_at_most_net(book):
    net, gross, logo = (measure(*book) for measure in MEASURES.values())
    assert 0 <= gross.estimate <= min(1, net.estimate + 1e-12)
    assert 0 <= logo.estimate <= 1
    for result in (net, gross, logo):
        if not result.withheld:
            assert 0 <= result.low <= result.estimate + 1e-12
            assert result.estimate - 1e-12 <= result.high
            assert result.low < result.high


@settings(max_examples=60, deadline=None)
@given(books, st.randoms(use_true_random=False))
@pytest.mark.parametrize("measure", MEASURES)
def test_order_changes_nothing(measure, book, random):
    order = list(range(len(book[0])))
    random.shuffle(order)
    assert same(MEASURES[measure](*book), MEASURES[measure](book[0][order], book[1][order]))


@settings(max_examples=60, deadline=None)
@given(books, st.sampled_from([1e-4, 0.0067, 3.0, 1e4, 149.37]))
@pytest.mark.parametrize("measure", MEASURES)
def test_currency_changes_nothing(measure, book, rate):
    assert same(MEASURES[measure](*book), MEASURES[measure](book[0] * rate, book[1] * rate), 1e-9)


@settings(max_examples=60, deadline=None)
@given(books, st.integers(0, 40), st.integers(0, 5000))
def test_newcomers_change_nothing(book, newcomers, amount):
    longer = (np.append(book[0], [0] * newcomers), np.append(book[1], [amount] * newcomers))
    for measure in MEASURES.values():
        assert measure(*book) == measure(*longer)


def grouped(opening: np.ndarray, closing: np.ndarray) -> pd.DataFrame:
    accounts = pd.DataFrame({"s": opening, "d": closing - opening})
    accounts["d2"], accounts["loss"] = accounts["d"] ** 2, accounts["d"].clip(upper=0)
    return (
        accounts.groupby("s").agg(n=("d", "size"), d=("d", "sum"), d2=("d2", "sum"), loss=("loss", "sum")).reset_index()
    )


@settings(max_examples=60, deadline=None)
@given(books)
def test_grouped_sums_equal_single_accounts(book):
    g, changed = grouped(*book), int((book[0] != book[1]).sum())
    assert same(ratios.net_from_sums(g["n"], g["s"], g["d"], g["d2"], changed), ratios.net(*book))
    assert same(ratios.gross_from_sums(g["n"], g["s"], g["loss"], changed), ratios.gross(*book))


def test_grouped_sums_of_ticks_equal_single_accounts():
    source = np.random.default_rng(4)
    opening = source.choice([30_000, 54_000, 120_000, 980_000], 300) * 10_000
    closing = opening * source.choice([0, 0.5, 1, 1, 1, 1.25], 300)
    g = grouped(opening.astype(float), closing)
    changed = int((opening != closing).sum())
    result = ratios.net_from_sums(g["n"], g["s"], g["d"], g["d2"], changed)
    assert result.withheld == ""
    assert same(result, ratios.net(opening, closing))


@settings(max_examples=60, deadline=None)
@given(books, st.integers(2, 6))
def test_a_count_is_that_many_equal_accounts(book, times):
    """Weighted replication: a group of n accounts = the account written n times."""
    s, e = book
    d, n = e - s, np.full(len(s), times)
    changed = times * int((s != e).sum())
    repeated = (np.repeat(s, times), np.repeat(e, times))
    assert same(ratios.net_from_sums(n, s, n * d, n * d * d, changed), ratios.net(*repeated))
    assert same(ratios.gross_from_sums(n, s, n * np.minimum(d, 0), changed), ratios.gross(*repeated))
    assert ratios.net(*repeated).n_eff == pytest.approx(times * ratios.net(*book).n_eff)


# --- differences ------------------------------------------------------------------------------------------------

pairs = st.lists(st.tuples(account, account), min_size=1, max_size=60).map(
    lambda rows: tuple(np.array([[*a, *b] for a, b in rows], dtype=float).T)
)


@settings(max_examples=60, deadline=None)
@given(pairs, st.sampled_from(list(MEASURES)))
def test_difference_is_that_of_the_estimates_and_turns_its_sign(pair, measure):
    result = ratios.difference(*pair, measure=measure)
    estimates = [MEASURES[measure](*pair[:2]).estimate, MEASURES[measure](*pair[2:]).estimate]
    assert result.estimate == pytest.approx(estimates[0] - estimates[1], abs=1e-12)
    turned = ratios.difference(*pair[2:], *pair[:2], measure=measure)
    assert [-turned.estimate, -turned.high, -turned.low] == pytest.approx(list(result[:3]), abs=1e-12, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(books, st.sampled_from(list(MEASURES)))
def test_a_book_does_not_differ_from_itself(book, measure):
    result = ratios.difference(*book, *book, measure=measure)
    assert result.estimate == 0
    assert isnan(result.low)
    assert result.withheld in {"few", "unchanged", "alike"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_apart_the_variances_add_up(seed):
    """Books without a common account: SE² of the difference = sum of both, t with the fewer degrees of freedom."""
    source = np.random.default_rng(seed)
    first, second = (simulated_year(source, n, 1.0)[:2] for n in (80, 140))
    pair = [np.append(x, np.zeros(140)) for x in first] + [np.append(np.zeros(80), x) for x in second]
    result = ratios.difference(*pair)
    degrees = [float((s**2).sum() ** 2 / (s**4).sum()) for s in (first[0], second[0])]
    halves = [single.high - single.estimate for single in (ratios.net(*first), ratios.net(*second))]
    errors = [half / stats.t.ppf(0.975, df) for half, df in zip(halves, degrees, strict=True)]
    expected = stats.t.ppf(0.975, min(degrees)) * np.hypot(*errors)
    assert result.high - result.estimate == pytest.approx(expected, rel=1e-9)
    assert (result.n, result.n_eff) == (220, pytest.approx(min(ratios.net(*first).n_eff, ratios.net(*second).n_eff)))


def test_paired_is_narrower_than_apart():
    """The same accounts a month apart: most of what happened is common to both."""
    source = np.random.default_rng(3)
    opening = source.lognormal(10, 1, 200)
    earlier = opening * source.choice([0, 1, 1.3], 200, p=[0.1, 0.6, 0.3])
    later = earlier * source.choice([0.5, 1], 200, p=[0.05, 0.95])
    paired = ratios.difference(opening, later, opening, earlier)
    apart = np.hypot(*(r.high - r.estimate for r in (ratios.net(opening, later), ratios.net(opening, earlier))))
    assert paired.estimate < 0
    assert paired.high - paired.estimate < 0.6 * apart


def test_what_is_the_same_in_both_gives_no_interval():
    book = (GOLDEN["opening"], GOLDEN["closing"])
    result = ratios.difference(*book, *book)
    assert (result.estimate, result.withheld) == (0, "alike")
    assert isnan(result.low)


def test_difference_is_withheld_when_either_ratio_is():
    book = (GOLDEN["opening"], GOLDEN["closing"])
    quiet = (GOLDEN["opening"], [0, 0, 0, 0, *GOLDEN["opening"][4:]])  # four changed
    concentrated = ([9000, *GOLDEN["opening"][1:]], GOLDEN["closing"])
    for other, reason in ((quiet, "unchanged"), (concentrated, "few")):
        assert ratios.difference(*book, *other).withheld == reason
        assert ratios.difference(*other, *book).withheld == reason


def test_difference_of_a_measure_in_which_too_few_changed_is_withheld():
    # everybody grows, four leave: NRR has a difference to the quiet earlier year, logo has not
    opening = np.full(40, 100.0)
    closing = np.concatenate([np.zeros(4), np.linspace(110, 150, 36)])
    quiet = np.concatenate([np.linspace(110, 150, 36), np.full(4, 100.0)])
    assert ratios.difference(opening, closing, opening, quiet).withheld == ""
    assert ratios.difference(opening, closing, opening, quiet, measure="logo").withheld == "unchanged"


# --- leave one out ----------------------------------------------------------------------------------------------


def test_leave_one_out_by_hand():
    opening = pd.Series([50, 125, 25, 0], index=["x", "y", "z", "new"])
    closing = pd.Series([100, 100, 0, 70], index=["x", "y", "z", "new"])
    result = ratios.leave_one_out(opening, closing, largest=None)
    assert result["account"].tolist() == ["y", "x", "z"]
    assert result["share"].tolist() == [0.625, 0.25, 0.125]
    assert result["estimate"].tolist() == pytest.approx([100 / 75, 100 / 150, 200 / 175])
    gross = ratios.leave_one_out(opening, closing, largest=1, measure="gross")
    assert gross["estimate"].tolist() == pytest.approx([50 / 75])
    logo = ratios.leave_one_out(opening, closing, largest=1, measure="logo")
    assert (logo["account"].tolist(), logo["share"].tolist(), logo["estimate"].tolist()) == (["y"], [0.625], [0.5])


def test_leave_one_out_takes_equals_in_the_order_given():
    result = ratios.leave_one_out([10, 20] * 20, [10, 20] * 20)
    assert result["account"].tolist() == [1, 3, 5, 7, 9]


@settings(max_examples=60, deadline=None)
@given(books, st.sampled_from(list(MEASURES)))
def test_leave_one_out_equals_leaving_it_out(book, measure):
    result = ratios.leave_one_out(*book, largest=3, measure=measure)
    assert len(result) == min(3, len(book[0]))
    for row in result.itertuples():
        kept = np.arange(len(book[0])) != row.account
        expected = MEASURES[measure](book[0][kept], book[1][kept]).estimate
        assert row.estimate == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert result["share"].is_monotonic_decreasing


def test_leave_out_the_only_account():
    assert ratios.leave_one_out([100], [100])["estimate"].isna().all()
    assert ratios.leave_one_out([], []).empty


# --- coverage ---------------------------------------------------------------------------------------------------

CHURN, CONTRACTION, EXPANSION = 0.08, 0.10, 0.20  # shares of accounts in a year


def simulated_year(
    source: np.random.Generator, n: int, spread: float
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """A book, what became of it, and the expected ratios for its opening amounts.

    Accounts keep between .4 and 1 when they contract (mean .7), and between 1 and 2 when they expand (mean 1.5); every
    account has the same chances, so the expected ratio is the mean of its factor whatever the opening amounts are.
    """
    opening = np.round(source.lognormal(11, spread, n))
    fate = source.choice(4, n, p=[CHURN, CONTRACTION, EXPANSION, 1 - CHURN - CONTRACTION - EXPANSION])
    factor = np.select(
        [fate == 0, fate == 1, fate == 2], [0.0, source.uniform(0.4, 1, n), source.uniform(1, 2, n)], default=1.0
    )
    truth = {
        "net": 1 - CHURN - 0.3 * CONTRACTION + 0.5 * EXPANSION,
        "gross": 1 - CHURN - 0.3 * CONTRACTION,
        "logo": 1 - CHURN,
    }
    return opening, np.round(opening * factor), truth


def coverage(books: int, n: int, spread: float) -> dict[str, tuple[float, float]]:
    """Per measure: share of books whose interval holds the truth or is withheld, and share with an interval."""
    source = np.random.default_rng(20261031)
    held, shown = dict.fromkeys(MEASURES, 0), dict.fromkeys(MEASURES, 0)
    for _ in range(books):
        opening, closing, truth = simulated_year(source, n, spread)
        for name, measure in MEASURES.items():
            result = measure(opening, closing)
            shown[name] += not result.withheld
            held[name] += bool(result.withheld) or result.low <= truth[name] <= result.high
    return {name: (held[name] / books, shown[name] / books) for name in MEASURES}


def check_coverage(found: dict[str, tuple[float, float]], least_shown: float, most: float) -> None:
    for name, (held, shown) in found.items():
        assert 0.93 <= held <= most, (name, held)  # an interval that never misses is too wide to be of use
        assert shown >= least_shown, (name, shown)  # nor may withholding carry the proof


def test_intervals_hold_the_truth_short():
    check_coverage(coverage(200, 150, 1.0), 0.95, 0.995)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "spread", "least_shown"), [(60, 0.8, 0.95), (60, 1.3, 0.75), (150, 1.0, 0.95), (400, 1.5, 0.95)]
)
def test_intervals_hold_the_truth(n, spread, least_shown):
    check_coverage(coverage(1000, n, spread), least_shown, 0.995)


@pytest.mark.parametrize("books", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_intervals_of_differences_hold_the_truth(books):
    """Two years of one company after each other, the same chances in both: the expected difference is 0."""
    source = np.random.default_rng(7)
    held = dict.fromkeys(MEASURES, 0)
    for _ in range(books):
        first, second, _ = simulated_year(source, 150, 1.0)
        base, later, _ = simulated_year(source, 150, 1.0)
        third = np.round(second * later / base)  # fresh fates fall on what the first year left
        for name in MEASURES:
            result = ratios.difference(second, third, first, second, measure=name)
            held[name] += bool(result.withheld) or result.low <= 0 <= result.high
    for name, count in held.items():
        assert 0.93 <= count / books <= 0.995, (name, count / books)
