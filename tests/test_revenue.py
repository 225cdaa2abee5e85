"""Revenue: worked examples by hand, and properties that hold for any contracts.

The oracle below is the month spine the package avoids: MRR of every account on every month end, from the definition.
"""

import importlib
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cs_analysis.topics.revenue as revenue
from cs_analysis.errors import InputError
from cs_analysis.stats import periods, ratios

FAST = settings(max_examples=12, deadline=None)
D = date(2024, 12, 31)


def frame(rows):
    columns = ["account_id", "start", "stop", "mrr", "product", "quantity"]
    table = pd.DataFrame(rows, columns=columns)
    table["start"] = pd.to_datetime(table["start"])
    table["stop"] = pd.to_datetime(table["stop"])
    table["contract_id"] = [f"C{i}" for i in range(len(table))]
    return table.astype({"mrr": float, "quantity": float})


@st.composite
def lines(draw, most=14):
    rows = []
    for _ in range(draw(st.integers(1, most))):
        start = date(2022, 11, 1) + timedelta(days=draw(st.integers(0, 850)))
        if draw(st.booleans()):
            start = start.replace(day=1)
        length = draw(st.one_of(st.none(), st.integers(1, 600), st.sampled_from([365, 366, 31, 30])))
        stop = None if length is None else start + timedelta(days=length)
        if stop is not None and draw(st.booleans()):
            stop = max(stop.replace(day=1), start + timedelta(days=1))
        mrr = draw(st.one_of(st.integers(1, 900), st.integers(1, 5000).map(lambda a: a / 12)))
        account, product = draw(st.sampled_from("ABCDE")), draw(st.sampled_from(["core", "api"]))
        rows.append((account, start, stop, mrr, product, draw(st.sampled_from([1.0, 2.0, 5.0, None]))))
    return frame(rows)


def month_ends(first, last):
    return [periods.last_day(m) for m in range(first, last + 1)]


def oracle(contracts, as_of):
    """MRR in ticks of each account (rows) on each month end (columns, month index) up to ``as_of``."""
    last = periods.month_index(as_of) - (0 if periods.is_month_end(as_of) else 1)
    first = periods.month_index(contracts["start"].min().date())
    table = {}
    for month, day in zip(range(first, last + 1), month_ends(first, last), strict=True):
        at = pd.Timestamp(day)
        on = contracts[(contracts["start"] <= at) & ~(contracts["stop"] <= at)]
        ticks = on["mrr"].map(lambda a: int(a * 10_000 + 0.5))
        table[month] = ticks.groupby(on["account_id"]).sum()
    return pd.DataFrame(table).reindex(sorted(contracts["account_id"].unique())).fillna(0).astype("int64")


def movement(series, month):
    was = series.get(month - 1, 0)
    now = series[month]
    if was == now:
        return None
    if was == 0:
        return "reactivation" if (series[[m for m in series.index if m < month]] > 0).any() else "new"
    if now == 0:
        return "churn"
    return "expansion" if now > was else "contraction"


# --- worked examples of the definitions -----------------------------------------------------------------------------


def two_accounts(before, after):
    rows = []
    for account, (x, y) in {"X": (before[0], after[0]), "Y": (before[1], after[1])}.items():
        rows.append((account, "2023-06-01", "2024-03-01", x, "core", None))
        rows.append((account, "2024-03-01", None, y, "core", None))
    return frame(rows)


def value(table, measure, month="2024-12"):
    return table[(table["measure"] == measure) & (table["month"] == month)]["estimate"].item()


def test_gross_and_net_of_two_accounts():
    table = revenue.retention(two_accounts((50, 125), (100, 100)), as_of=D)
    assert value(table, "grr") == pytest.approx(0.85714, abs=5e-6)
    assert value(table, "nrr") == pytest.approx(1.14286, abs=5e-6)


def test_one_billion_to_one_point_one():
    table = revenue.retention(two_accounts((0.4e9, 0.6e9), (0.5e9, 0.6e9)), as_of=D)
    assert value(table, "nrr") == pytest.approx(1.1, rel=1e-12)


def test_frozen_and_flow():
    lines = frame(
        [
            ("A", "2023-06-01", None, 100, "core", None),
            ("B", "2024-03-01", "2024-06-01", 50, "core", None),
            ("B", "2024-06-01", None, 100, "core", None),
        ]
    )
    table = revenue.definitions(lines, as_of=D).set_index("definition")["estimate"]
    assert table["nrr"] == 1.0
    assert table["flow"] == 1.5


def test_gross_and_net_mrr_churn():
    lines = frame(
        [
            ("lost", "2023-01-01", "2024-03-01", 10, "core", None),
            ("less", "2023-01-01", "2024-03-01", 20, "core", None),
            ("less", "2024-03-01", None, 10, "core", None),
            ("more", "2023-01-01", "2024-03-01", 70, "core", None),
            ("more", "2024-03-01", None, 80, "core", None),
        ]
    )
    table = revenue.definitions(lines, as_of=D).set_index("definition")["estimate"]
    assert table["gross_mrr_churn"] == pytest.approx(0.20)
    assert table["net_mrr_churn"] == pytest.approx(0.10)


def test_renewal_rate_is_not_retention():
    lines = frame(
        [
            ("due", "2023-04-01", "2024-04-01", 250_000 / 12, "core", None),
            ("due", "2024-04-01", "2025-04-01", 200_000 / 12, "core", None),
            ("not due", "2023-04-01", "2026-04-01", 750_000 / 12, "core", None),
        ]
    )
    table = revenue.definitions(lines, as_of=D).set_index("definition")["estimate"]
    assert table["renewal_rate"] == pytest.approx(0.80, abs=1e-6)
    assert table["nrr"] == pytest.approx(0.95, abs=1e-6)


def test_renewal_boundary():
    line = frame([("A", "2024-04-01", "2025-04-01", 100, "core", None)])
    assert list(revenue.movements(line, as_of="2025-03-31")["movement"]) == ["new"]
    later = revenue.movements(line, as_of="2025-04-01")
    assert list(later["movement"]) == ["new", "churn"]
    assert later["month"].iloc[-1] == "2025-04"
    assert periods.months_between("2024-04-01", "2025-04-01") == 12.0


def test_churn_in_the_last_month_with_service():
    lines = frame(
        [
            ("gone", "2024-04-01", "2024-10-01", 100, "core", None),
            ("renewed", "2024-04-01", "2024-10-01", 100, "core", None),
            ("renewed", "2024-10-01", None, 100, "core", None),
        ]
    )
    default = revenue.movements(lines, as_of=D)
    moved = revenue.movements(revenue.dated(lines, "last_with", as_of=D), as_of=D)
    assert default[default["movement"] == "churn"][["month", "amount"]].values.tolist() == [["2024-10", -100.0]]
    assert moved[moved["movement"] == "churn"][["month", "amount"]].values.tolist() == [["2024-09", -100.0]]
    with pytest.raises(InputError, match="last_with"):
        revenue.dated(lines, "never", as_of=D)


def test_expansion_split_by_hand():
    lines = frame(
        [
            ("A", "2023-06-01", "2024-06-01", 100, "core", 10),
            ("A", "2024-06-01", None, 105, "core", 10),  # same seats, higher price
            ("A", "2024-09-01", None, 30, "api", 1),  # a new product
            ("B", "2023-06-01", "2024-06-01", 100, "core", 10),
            ("B", "2024-06-01", None, 140, "core", 14),  # more seats
            ("B", "2023-06-01", "2024-06-01", 20, "api", 1),  # and one product less
        ]
    )
    table = revenue.expansion_split(lines, as_of=D).set_index(["month", "kind"])["amount"]
    assert table.to_dict() == {
        ("2024-06", "price_escalator"): 5.0,
        ("2024-06", "upsell"): 40.0,
        ("2024-06", "offset"): -20.0,
        ("2024-09", "cross_sell"): 30.0,
    }
    rates = revenue.expansion_rates(lines, as_of=D).set_index("kind")
    assert rates["accounts"].to_dict() == {"upsell": 1, "cross_sell": 1, "price_escalator": 1}
    assert set(rates["n"]) == {2}


def test_without_winbacks():
    lines = frame(
        [
            ("stayed", "2023-01-01", None, 100, "core", None),
            ("back", "2023-01-01", "2024-05-01", 100, "core", None),
            ("back", "2024-09-01", None, 150, "core", None),
        ]
    )
    table = revenue.retention(lines, as_of=D)
    found = {m: value(table, m) for m in revenue.MEASURES}
    assert found == {
        "nrr": 1.25,
        "grr": 1.0,
        "logo": 1.0,
        "grr_without_winback": 0.5,
        "logo_without_winback": 0.5,
    }


# --- properties, for any contracts ----------------------------------------------------------------------------------


@FAST
@given(lines())
def test_the_bridge_closes_and_matches_the_month_spine(contracts):
    bridge = revenue.bridge(contracts, as_of=D)
    spine = oracle(contracts, D)
    ticks = (bridge.drop(columns=["month", "complete"]) * 10_000).round().astype("int64")
    parts = ticks[list(revenue.MOVEMENTS)].sum(axis=1)
    assert (ticks["opening"] + parts == ticks["closing"]).all()
    assert (ticks["opening"].iloc[1:].to_numpy() == ticks["closing"].iloc[:-1].to_numpy()).all()
    for month, row in zip(bridge["month"], ticks.itertuples(), strict=True):
        index = periods.month_index(month + "-01")
        assert row.closing == spine[index].sum()
        for kind in ("new", "reactivation", "expansion", "contraction", "churn"):
            expected = sum(
                series[index] - series.get(index - 1, 0)
                for _, series in spine.iterrows()
                if movement(series, index) == kind
            )
            assert getattr(row, kind) == expected


@FAST
@given(lines(), st.sampled_from([1, 6, 12]))
def test_retention_is_that_of_the_month_spine(contracts, span):
    table = revenue.retention(contracts, as_of=D, span=span)
    spine = oracle(contracts, D)
    months = [m for m in spine.columns if m - span in spine.columns and (spine[m - span] > 0).any()]
    assert sorted(table["month"].unique()) == [periods.month_label(m) for m in months]
    for month in months:
        opening = spine[month - span] / 10_000
        closing = spine[month] / 10_000
        between = spine[list(range(month - span + 1, month + 1))]
        throughout = (between > 0).all(axis=1)
        cohort = opening > 0
        at = table[table["month"] == periods.month_label(month)].set_index("measure")
        kept = np.minimum(opening, closing)
        expected = {
            "nrr": closing[cohort].sum() / opening.sum(),
            "grr": kept.sum() / opening.sum(),
            "logo": (closing[cohort] > 0).mean(),
            "grr_without_winback": kept[throughout].sum() / opening.sum(),
            "logo_without_winback": throughout[cohort].mean(),
        }
        assert at["estimate"].to_dict() == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert at["estimate"]["grr"] <= min(1, at["estimate"]["nrr"]) + 1e-12
        assert at["n"]["nrr"] == cohort.sum()
        assert at["opening_mrr"]["nrr"] == pytest.approx(opening.sum())


def test_intervals_are_those_of_the_accounts():
    """Collapsing equal accounts and cumulating over months leaves the interval of the plain list of accounts."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(60):
        start, mrr = date(2022, 1, 1) + timedelta(days=int(rng.integers(0, 300))), float(rng.choice([100, 200, 350]))
        change = start + timedelta(days=int(rng.integers(200, 900)))
        rows.append((f"A{i}", start, change, mrr, "core", None))
        if rng.random() < 0.8:
            rows.append((f"A{i}", change, None, mrr * float(rng.choice([1, 1.1, 0.8])), "core", None))
    contracts = frame(rows)
    table = revenue.retention(contracts, as_of=D)
    spine = oracle(contracts, D)
    checked = 0
    for month in ("2024-03", "2024-08", "2024-12"):
        m = periods.month_index(month + "-01")
        at = table[table["month"] == month].set_index("measure")
        for measure, reference in (("nrr", ratios.net), ("grr", ratios.gross), ("logo", ratios.logo)):
            expected = reference(spine[m - 12] / 10_000, spine[m] / 10_000)
            found = at.loc[measure, ["estimate", "low", "high", "n_eff"]].astype(float)
            wanted = [expected.estimate, expected.low, expected.high, expected.n_eff]
            assert found.tolist() == pytest.approx(wanted, rel=1e-9)
            assert np.isfinite(expected.low)
            checked += 1
    assert checked == 9


def cut(contracts, day):
    """The file as it stood at ``day``: later lines are not in it, later stops have not happened."""
    out = contracts[contracts["start"] <= pd.Timestamp(day)].copy()
    out.loc[out["stop"] > pd.Timestamp(day), "stop"] = pd.NaT
    return out


@FAST
@given(lines(), st.dates(date(2023, 6, 1), date(2024, 12, 31)))
def test_nothing_after_as_of_changes_a_byte(contracts, day):
    before = cut(contracts, day)
    if before.empty:
        return
    for table in (
        revenue.bridge,
        revenue.movements,
        revenue.retention,
        revenue.cohorts,
        revenue.definitions,
        revenue.expansion_split,
        revenue.expansion_rates,
        revenue.movers,
        revenue.concentration,
        revenue.projection,
    ):
        whole, then = table(contracts, as_of=day), table(before, as_of=day)
        assert whole.to_csv(index=False) == then.to_csv(index=False), table.__name__


@FAST
@given(lines(), st.sampled_from(["month", "quarter", "year"]))
def test_cohorts_are_those_of_the_month_spine(contracts, period):
    table = revenue.cohorts(contracts, as_of=D, period=period, fiscal_year_start=4)
    spine = oracle(contracts, D)
    last = spine.columns[-1]
    members = {}
    for account, series in spine.iterrows():
        paid = series[series > 0]
        if len(paid):
            label = periods.fiscal_label(int(paid.index[0]), period, 4)
            members.setdefault(label, []).append((account, int(paid.index[0])))
    assert sorted(table["cohort"].unique()) == sorted(members)
    for label, accounts in members.items():
        part = table[table["cohort"] == label]
        ages = range(last - max(first for _, first in accounts) + 1)
        assert sorted(part["age"].unique()) == list(ages)
        for age in ages:
            base = [spine.loc[a, f] for a, f in accounts]
            now = [spine.loc[a, f + age] for a, f in accounts]
            at = part[part["age"] == age].set_index("measure")
            assert at.loc["nrr", "estimate"] == pytest.approx(sum(now) / sum(base), rel=1e-12)
            assert at.loc["grr", "estimate"] == pytest.approx(
                sum(min(b, n) for b, n in zip(base, now, strict=True)) / sum(base), rel=1e-12
            )
            assert at.loc["logo", "estimate"] == pytest.approx(np.mean([n > 0 for n in now]))
            assert at.loc["logo", "accounts"] == sum(n > 0 for n in now)


@FAST
@given(lines())
def test_an_unfinished_cohort_is_empty_not_lost(contracts):
    table = revenue.cohorts(contracts, as_of=D, period="month")
    newest = periods.month_index(D)
    for cohort, part in table.groupby("cohort"):
        assert part["age"].max() == newest - periods.month_index(f"{cohort}-01")
    average = revenue.cohort_average(table)
    assert (average.loc[average["age"] == 0, "estimate"] == 1).all()


@FAST
@given(lines(), st.randoms(use_true_random=False))
def test_row_order_names_and_currency_change_nothing(contracts, random):
    order = list(range(len(contracts)))
    random.shuffle(order)
    contracts["mrr"] = contracts["mrr"].round(2)  # a hundredth is what a ledger keeps
    other = contracts.iloc[order].assign(account_id=lambda t: "Z" + t["account_id"], mrr=lambda t: t["mrr"] * 100)
    a = revenue.retention(contracts, as_of=D)
    b = revenue.retention(other, as_of=D)
    assert b["estimate"].tolist() == pytest.approx(a["estimate"].tolist(), rel=1e-12)
    assert b["n"].tolist() == a["n"].tolist()
    shuffled = contracts.iloc[order]
    for table in (revenue.bridge, revenue.cohorts, revenue.expansion_split, revenue.retention, revenue.projection):
        assert table(shuffled, as_of=D).to_csv() == table(contracts, as_of=D).to_csv(), table.__name__


@FAST
@given(lines(), st.integers(1, 300))
def test_a_line_split_in_two_is_the_same_line(contracts, days):
    middle = contracts["start"] + pd.Timedelta(days=days)
    splits = contracts["stop"].isna() | (contracts["stop"] > middle)
    first, second = contracts.copy(), contracts[splits].copy()
    first.loc[splits, "stop"] = middle[splits]
    second["start"] = middle[splits]
    both = pd.concat([first, second], ignore_index=True)
    for table in (revenue.bridge, revenue.retention, revenue.cohorts, revenue.expansion_split):
        assert table(both, as_of=D).to_csv() == table(contracts, as_of=D).to_csv(), table.__name__


def test_nothing_changes_means_exactly_one():
    contracts = frame([(f"A{i}", "2022-01-01", None, 1000 / 12, "core", 1) for i in range(30)])
    table = revenue.retention(contracts, as_of=D)
    assert (table["estimate"] == 1).all()
    assert table["low"].isna().all()
    assert set(table["withheld"]) == {"unchanged"}


@FAST
@given(lines())
def test_the_split_adds_up_to_the_expansion_of_the_bridge(contracts):
    split = revenue.expansion_split(contracts, as_of=D).groupby("month")["amount"].sum()
    bridge = revenue.bridge(contracts, as_of=D).set_index("month")["expansion"]
    assert split.round(4).to_dict() == bridge[bridge > 0].round(4).to_dict()


def test_months_before_departures_were_recorded_are_missing():
    contracts = frame([(f"A{i}", "2022-01-01", None, 100, "core", 1) for i in range(12)])
    bridge = revenue.bridge(contracts, as_of=D, observed_from="2023-11-01").set_index("month")
    assert bridge.loc["2023-10", ["opening", "churn", "closing"]].isna().all()
    assert np.isnan(bridge.loc["2023-11", "churn"])
    assert bridge.loc["2023-11", "closing"] == 1200
    assert bridge.loc["2023-12", "churn"] == 0
    kept = revenue.retention(contracts, as_of=D, observed_from="2023-11-01")
    assert kept["month"].min() == "2024-11"
    cohorts = revenue.cohorts(contracts, as_of=D, period="month", observed_from="2023-11-01")
    assert not cohorts["whole"].any()
    assert cohorts["age"].min() == 22  # November 2023 is the first month end after the day
    assert revenue.cohort_average(cohorts).empty


def test_an_unfinished_month_enters_no_rate():
    contracts = frame([(f"A{i}", "2023-01-01", "2024-12-10", 100, "core", 1) for i in range(12)])
    bridge = revenue.bridge(contracts, as_of="2024-12-15")
    assert not bridge["complete"].iloc[-1]
    assert bridge["churn"].iloc[-1] == -1200
    assert revenue.retention(contracts, as_of="2024-12-15")["month"].max() == "2024-11"
    assert revenue.cohorts(contracts, as_of="2024-12-15")["age"].max() == 22


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="stop"):
        revenue.movements(frame([("A", "2023-01-01", None, 1, "core", 1)]).drop(columns="stop"), as_of=D)


def many(seed=1, accounts=200):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(accounts):
        start = pd.Timestamp("2022-01-01") + pd.DateOffset(months=int(rng.integers(0, 33)))
        quantity, price = float(rng.integers(1, 20)), 10.0
        while start < pd.Timestamp("2025-01-01"):
            stop = start + pd.DateOffset(months=12)
            rows.append((f"A{i}", start, stop, quantity * price, "core", quantity))
            if rng.random() < 0.12:
                break
            start, more = stop, float(rng.integers(0, 3))
            quantity += more
            price *= 1.05 if start >= pd.Timestamp("2024-01-01") and more == 0 else 1.0
    return frame(rows)


def test_projection_is_the_product_of_pooled_factors_at_constant_prices():
    contracts = many()
    steady = contracts.assign(mrr=contracts["quantity"] * 10)  # the same company without its price rise
    made = revenue.projection(contracts, as_of=D)
    plain = revenue.projection(steady, as_of=D)
    assert len(made) > 20
    both = made.merge(plain, on=["cohort", "age"])
    # growth from the last observed cell on is the same with and without the price rise
    growth = both.groupby("cohort")[["estimate_x", "estimate_y"]].transform("first")
    assert (both["estimate_x"] / growth["estimate_x"]).tolist() == pytest.approx(
        (both["estimate_y"] / growth["estimate_y"]).tolist(), rel=1e-9
    )
    known = made[made["low"].notna()]
    assert len(known) > 20
    assert (known["low"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["high"]).all()
    assert (made["cohorts"] >= 3).all()
    observed = revenue.cohorts(contracts, as_of=D)
    seen = observed[observed["measure"] == "nrr"].groupby("cohort")["age"].max()
    assert (made["age"] > made["cohort"].map(seen)).all()


def test_the_backtest_covers_over_many_companies():
    hits = total = 0
    for seed in range(12):
        table = revenue.backtest(many(seed), as_of=D, hidden=12)
        last = table.dropna(subset=["inside"]).groupby("cohort").tail(1)  # cells of one cohort move together
        hits += int(last["inside"].sum())
        total += len(last)
    assert total > 40
    assert hits / total > 0.85  # 95 % nominal; of 48 such cohorts 41 or fewer lie inside once in 150


def test_an_end_that_is_no_term_has_no_renewal_rate():
    open_ended = frame([(f"A{i}", "2023-01-01", None, 100, "core", None) for i in range(30)])
    open_ended.loc[0, "stop"] = pd.Timestamp("2024-06-01")
    table = revenue.definitions(open_ended, as_of=D, terms=False).set_index("definition")["estimate"]
    assert np.isnan(table["renewal_rate"])
    assert table["nrr"] == pytest.approx(29 / 30)


def test_what_ends_and_what_has_notice_is_told_by_line():
    lines = frame(
        [
            ("tonight", "2024-01-01", "2025-01-01", 100, "core", None),
            ("partly", "2024-01-01", "2025-01-01", 60, "core", None),
            ("partly", "2024-01-01", None, 40, "api", None),
            ("noticed", "2024-01-01", "2025-04-01", 70, "core", None),
            ("noticed", "2024-01-01", "2026-04-01", 30, "api", None),
            ("unknown", "2024-01-01", None, 10, "core", None),
            ("later", "2024-01-01", "2025-04-01", 10, "core", None),
        ]
    )
    lines["notice_date"] = pd.to_datetime([None, None, None, "2024-12-01", None, "2024-12-20", "2025-01-05"])
    table = revenue.ending(lines, as_of=D).set_index("account_id")
    assert table["mrr"].to_dict() == {"noticed": 70.0, "partly": 60.0, "tonight": 100.0, "unknown": 10.0}
    assert table["notice"].to_dict() == {"noticed": True, "partly": False, "tonight": False, "unknown": True}
    assert table["whole"].to_dict() == {"noticed": False, "partly": False, "tonight": True, "unknown": True}
    assert table.loc["noticed", "leaves"] == pd.Timestamp("2025-04-01")
    assert pd.isna(table.loc["unknown", "leaves"])
    whole_year = lines.assign(start=pd.Timestamp("2023-01-01"))
    assert revenue.nrr_if_none_renews(whole_year, as_of=D) == pytest.approx((320 - 160) / 320)


def test_a_loss_after_as_of_is_not_moved_into_the_month():
    line = frame([("A", "2023-04-01", "2025-01-01", 100, "core", None)])
    moved = revenue.dated(line, "last_with", as_of=D)
    assert "churn" not in set(revenue.movements(moved, as_of=D)["movement"])
    assert len(revenue.ending(moved, as_of=D)) == 1
    later = revenue.dated(line, "last_with", as_of="2025-01-31")
    churn = revenue.movements(later, as_of="2025-01-31").set_index("movement").loc["churn"]
    assert churn["month"] == "2024-12"


def test_opening_accounts_belong_to_no_cohort():
    rows = [("old", "2023-01-01", None, 100, "", None)]
    rows += [(f"A{i}", f"2023-{i:02d}-01", None, 100, "", None) for i in range(2, 10)]
    lines = frame(rows).assign(opening=lambda t: t["account_id"] == "old")
    table = revenue.cohorts(lines, as_of=D, period="quarter", observed_from="2023-01-31")
    sizes = table[(table["measure"] == "nrr") & (table["age"] == 0)].set_index("cohort")
    assert sizes["accounts"].to_dict() == {"FY2023-Q1": 2, "FY2023-Q2": 3, "FY2023-Q3": 3}
    assert sizes["whole"].all()


def test_a_price_rise_is_taken_out_even_when_the_account_shrinks():
    projection = importlib.import_module("cs_analysis.topics.revenue.projection")
    lines = frame(
        [
            ("A", "2023-04-01", "2024-04-01", 100, "core", 10),
            ("A", "2024-04-01", None, 105, "core", 10),
            ("A", "2023-04-01", "2024-04-01", 50, "api", 5),
            ("A", "2024-04-01", None, 40, "api", 4),
        ]
    )
    paths = projection.constant_price_paths(lines, as_of=D, period="quarter", fiscal_year_start=1, observed_from=None)
    assert paths.mrr[0, 0] == 150
    assert paths.mrr[0, 12] == pytest.approx(140)


def test_a_split_needs_one_value_per_account_and_keeps_the_missing():
    lines = two_accounts((50, 125), (100, 100)).assign(segment=["a", "a", None, None])
    table = revenue.retention(lines, as_of=D, by="segment")
    assert set(table["segment"]) == {"a", ""}
    with pytest.raises(InputError, match="segment differs within accounts"):
        revenue.retention(lines.assign(segment=["a", "b", "a", "a"]), as_of=D, by="segment")


def test_what_began_before_departures_were_recorded_has_no_figures():
    lines = frame([(f"A{i}", "2022-01-01", None, 100, "core", 1) for i in range(12)])
    known = {"as_of": D, "observed_from": "2024-06-01"}
    assert revenue.definitions(lines, **known)["estimate"].isna().all()
    assert revenue.concentration(lines, **known).empty
    assert revenue.expansion_rates(lines, **known).empty
    assert np.isnan(revenue.nrr_if_none_renews(lines, **known))
    assert revenue.movers(lines.assign(start=pd.Timestamp("2024-05-01")), **known).empty


def test_too_little_data_is_not_projected():
    few = many(accounts=12)
    assert revenue.projection(few, as_of=D).empty
    assert revenue.backtest(few, as_of=D).empty
    assert revenue.calendar_effect(few, as_of=D) is None


@pytest.mark.parametrize("engine", ["polars", "duckdb", pytest.param("pyspark", marks=pytest.mark.spark)])
def test_every_engine_gives_the_same_tables(engine):
    contracts = many(accounts=60)
    contracts.loc[::7, "quantity"] = np.nan
    native = as_engine(contracts[["account_id", "start", "stop", "mrr", "product", "quantity"]], engine)
    for table in (
        revenue.movements,
        revenue.bridge,
        revenue.retention,
        revenue.cohorts,
        revenue.definitions,
        revenue.expansion_split,
        revenue.expansion_rates,
        revenue.concentration,
        revenue.projection,
        revenue.fixed_age,
        revenue.movers,
    ):
        expected, found = table(contracts, as_of=D), table(native, as_of=D)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9, obj=f"{engine} {table.__name__}")


def as_engine(table, engine):
    if engine == "polars":
        import polars

        return polars.from_pandas(table)
    if engine == "duckdb":
        import duckdb

        return duckdb.connect().from_df(table)
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.shuffle.partitions", 1)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "Asia/Tokyo")
        .getOrCreate()
    )
    plain = table.assign(start=table["start"].dt.date, stop=table["stop"].dt.date.where(table["stop"].notna(), None))
    rows = [tuple(None if v is None or v != v else v for v in row) for row in plain.itertuples(index=False, name=None)]
    schema = "account_id string, start date, stop date, mrr double, product string, quantity double"
    return spark.createDataFrame(rows, schema)
