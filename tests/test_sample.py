"""The sample company: its files are sound, and what it was made from can be found in them again."""

from __future__ import annotations

import hashlib
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from cs_analysis.data.sample import answers, detail, hours, make_sample, tables, truth, write, write_sample
from cs_analysis.data.sample.parameters import SEGMENTS, Calendar, first_day
from cs_analysis.data.sample.world import simulate
from cs_analysis.data.schema import TABLES
from cs_analysis.data.settings import read_settings
from cs_analysis.errors import InputError

UNTIL = date(2026, 10, 31)
LATER = {"end_date", "planned_date", "due_date"}  # may lie after the day the files were taken


@pytest.fixture(scope="module")
def small():
    return make_sample()


@pytest.fixture(scope="module")
def large():
    return make_sample(20_000)


@pytest.fixture(scope="module")
def world():
    return simulate(20_000, 48, UNTIL, 1)


def _hashes(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _holders(sample) -> pd.DataFrame:
    """Contracts with merged accounts under the id they merged into."""
    found = sample.tables["accounts"].dropna(subset=["merged_into"]).set_index("account_id")["merged_into"]
    contracts = sample.tables["contracts"].copy()
    contracts["account_id"] = contracts["account_id"].map(lambda a: found.get(a, a))
    return contracts


def _book(contracts: pd.DataFrame, day) -> pd.Series:
    day = pd.Timestamp(day)
    running = contracts[(contracts["start_date"] <= day) & (contracts["end_date"] >= day)]
    return running.groupby("account_id")["mrr"].sum()


# --- the files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet"])
def test_the_same_arguments_give_the_same_bytes(tmp_path, format):
    first = _hashes(write_sample(make_sample(20, 13, seed=5), tmp_path / "a", format))
    again = _hashes(write_sample(make_sample(20, 13, seed=5), tmp_path / "b", format))
    other = _hashes(write_sample(make_sample(20, 13, seed=6), tmp_path / "c", format))
    assert first == again
    assert first["truth.json"] != other["truth.json"]
    data = "sample.xlsx" if format == "xlsx" else f"contracts.{format}"
    assert first[data] != other[data]


def test_files_hold_what_the_tables_hold(tmp_path):
    sample = make_sample(30, 18)
    folder = write_sample(sample, tmp_path / "csv")
    assert {p.name for p in folder.iterdir()} == {f"{t}.csv" for t in sample.tables} | {
        "truth.json",
        "cs-analysis.toml",
    }
    read = pd.read_csv(folder / "contracts.csv", parse_dates=["start_date", "end_date", "notice_date"])
    wanted = sample.tables["contracts"]
    wanted["churn_reason"] = wanted["churn_reason"].where(wanted["churn_reason"].notna(), np.nan)
    pd.testing.assert_frame_equal(read, wanted, check_dtype=False)
    assert (folder / "contracts.csv").read_bytes().startswith(b"\xef\xbb\xbfcontract_id,")
    workbook = write_sample(sample, tmp_path / "xlsx", "xlsx") / "sample.xlsx"
    for name, frame in sample.tables.items():
        sheet = pd.read_excel(workbook, sheet_name=name, engine="calamine")
        assert list(sheet.columns) == list(frame.columns)
        assert len(sheet) == len(frame)
    assert pd.read_excel(workbook, sheet_name="ledger", engine="calamine")["mrr"].tolist() == (
        sample.tables["ledger"]["mrr"].tolist()
    )


def test_the_client_file_is_accepted(tmp_path, small):
    path = tmp_path / "cs-analysis.toml"
    path.write_text(write.client_file(small), encoding="utf-8")
    settings = read_settings(path)
    assert settings.client.name == "Midori Software"
    assert settings.client.fiscal_year_start == 4
    assert settings.rules.observed_from == date(2022, 11, 1)
    assert settings.stages.ladder[0] == "Live"


def test_refusals(tmp_path, small, monkeypatch):
    with pytest.raises(InputError, match="csv / xlsx / parquet"):
        write_sample(small, tmp_path, "ods")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 20 for accounts"):
        make_sample(5)
    monkeypatch.setattr(write, "_SHEET_ROWS", 100)
    with pytest.raises(InputError, match="choose the format csv or parquet"):
        write_sample(small, tmp_path, "xlsx")


def test_tables_are_those_of_the_schema(small):
    assert set(small.tables) == set(TABLES) - {"mrr_months"}
    for name, frame in small.tables.items():
        assert len(frame), name
        assert set(TABLES[name].required) <= set(frame.columns), name
        assert set(frame.columns) - set(TABLES[name].names) <= {"csm_team"}, name
        if TABLES[name].key:
            assert not frame.duplicated(list(TABLES[name].key)).any(), name
        if "account_id" in frame and name != "accounts":
            assert set(frame["account_id"].dropna()) <= set(small.tables["accounts"]["account_id"]), name
    assert len(small.tables["accounts"]) == 240


@pytest.mark.parametrize("until", [UNTIL, date(2026, 10, 15), date(2024, 2, 29)])
def test_nothing_has_happened_after_until(until):
    sample = make_sample(80, 30, until=until, seed=2)
    months = {"ledger", "usage", "costs"}
    for name, frame in sample.tables.items():
        for column in set(frame.select_dtypes("datetime")) - LATER:
            assert not (frame[column] > pd.Timestamp(until)).any(), (name, column)
        if name in months:
            last = pd.PeriodIndex(frame["month"], freq="M").max().end_time.normalize()
            assert last == pd.Timestamp(sample.truth["about"]["last_month_end"]) <= pd.Timestamp(until)
    contracts = sample.tables["contracts"]
    assert (contracts["end_date"] > pd.Timestamp(until)).any()  # terms reach into the future
    assert contracts["end_date"].notna().all()
    for name in ("planned_date", "due_date"):
        table = "onboarding_steps" if name == "planned_date" else "tasks"
        assert sample.tables[table][name].notna().all()


def test_until_within_a_month_means_the_last_month_end():
    sample = make_sample(60, 30, until=date(2026, 10, 15))
    assert sample.truth["about"]["last_month_end"] == "2026-09-30"
    assert sample.truth["figures"]["at_until"]["as_of"] == "2026-09-30"
    assert sample.tables["ledger"]["month"].iloc[-1] == "2026-09"


def test_the_shortest_company_has_no_opening_books():
    assert make_sample(20, 3).truth["figures"] == {"at_until": None, "at_previous": None, "at_year_ago": None}


# --- contracts and ledger ------------------------------------------------------------------------------------


def test_ledger_ties_to_the_contracts_to_the_yen(small, large):
    for sample in (small, large):
        contracts = sample.tables["contracts"]
        for month, mrr in sample.tables["ledger"].itertuples(index=False):
            assert _book(contracts, pd.Period(month, "M").end_time.normalize()).sum() == mrr, month


def test_the_simulated_states_agree_with_the_lines(world):
    assert tables.ledger(world, tables.lines(world))["mrr"].tolist() == world.totals.tolist()


def test_month_ends_bridge(small):
    """new + back + more − less − lost explains each month, account by account, with nobody leaving without notice."""
    contracts = _holders(small)
    days = [pd.Period(m, "M").end_time.normalize() for m in small.tables["ledger"]["month"]]
    grid = pd.DataFrame({day: _book(contracts, day) for day in days}).fillna(0)
    assert (grid.sum(axis=1) > 0).mean() > 0.99  # (a life of less than a month shows at no month end)
    change = grid.diff(axis=1).iloc[:, 1:]
    before = grid.shift(axis=1).iloc[:, 1:]
    lost = change.where((grid.iloc[:, 1:] == 0) & (before > 0), 0).sum().sum()
    new = change.where((grid.iloc[:, 1:] > 0) & (before == 0), 0).sum().sum()
    rest = change.where((grid.iloc[:, 1:] > 0) & (before > 0), 0)
    assert rest.clip(lower=0).sum().sum() > 0 > rest.clip(upper=0).sum().sum()
    assert grid.iloc[:, 0].sum() + new + lost + rest.sum().sum() == small.tables["ledger"]["mrr"].iloc[-1]


def test_a_term_ends_in_a_successor_a_notice_or_the_future(small, large):
    for sample in (small, large):
        core = _holders(sample).query("product == 'Core'")
        over = core[core["end_date"] < pd.Timestamp(UNTIL)]
        starts = set(zip(core["account_id"], core["start_date"], strict=True))
        next_day = over["end_date"] + pd.Timedelta(days=1)
        renewed = np.array([key in starts for key in zip(over["account_id"], next_day, strict=True)])
        assert renewed.mean() > 0.8
        # who left before the files begin is not in them, and a notice is told 30 to 91 days ahead
        assert over.loc[~renewed, "notice_date"].notna().all()
        ahead = (over["end_date"] - over["notice_date"])[~renewed].dt.days
        assert ahead.between(27, 90).all()
        term = (over["end_date"] - over["start_date"]).dt.days + 1
        regular = ~renewed & (term >= 365)
        assert ahead[regular[~renewed]].between(60, 90).mean() > 0.99
        reasons = over.loc[~renewed, "churn_reason"]
        assert 0.05 < reasons.isna().mean() < 0.30


def test_late_entry_only_survivors_are_there(large):
    contracts = _holders(large)
    first, last = contracts.groupby("account_id")["start_date"].min(), contracts.groupby("account_id")["end_date"].max()
    opening = pd.Timestamp(large.truth["about"]["observed_from"])
    assert (last >= opening).all()
    before = first < opening
    assert before.mean() == pytest.approx(0.30, abs=0.005)
    assert set(first.index[before]) <= set(_book(contracts, opening).index)


def test_mergers_are_no_losses(large):
    merged = large.tables["accounts"].dropna(subset=["merged_into"])
    assert len(merged) >= 20
    contracts = large.tables["contracts"]
    for account, into, day in merged[["account_id", "merged_into", "merged_date"]].itertuples(index=False):
        own = contracts[contracts["account_id"] == account]
        assert own["start_date"].max() < day
        core = own[own["product"] == "Core"]
        follows = contracts[(contracts["account_id"] == into) & (contracts["start_date"] == day)]
        assert (core["end_date"] == day - pd.Timedelta(days=1)).any()
        assert len(follows)
    assert not set(merged["merged_into"]) & set(merged["account_id"])


def test_new_business_peaks_in_april(large):
    first = large.tables["contracts"].groupby("account_id")["start_date"].min()
    first = first[first >= large.truth["about"]["observed_from"]]
    share = first.dt.month.value_counts(normalize=True)
    weights = np.array(large.truth["parameters"]["new_business"])
    assert share[4] == pytest.approx(weights[3] / weights.sum(), abs=0.015)
    assert share.idxmax() == 4
    assert share.idxmin() == 12
    assert (first.dt.day == 1).mean() == pytest.approx(large.truth["parameters"]["start_day_first"], abs=0.01)


# --- the truth of the figures --------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["at_until", "at_previous", "at_year_ago"])
def test_realised_figures_are_those_of_the_files(small, large, figure):
    for sample in (small, large):
        told = sample.truth["figures"][figure]
        contracts = _holders(sample)
        opening = _book(contracts, told["opening_day"])
        closing = _book(contracts, told["as_of"]).reindex(opening.index, fill_value=0)
        assert told["opening_mrr"] == opening.sum()
        assert told["accounts"] == len(opening)
        assert told["nrr"]["realised"] == pytest.approx(closing.sum() / opening.sum(), abs=1e-6)
        assert told["grr"]["realised"] == pytest.approx(np.minimum(opening, closing).sum() / opening.sum(), abs=1e-6)
        assert told["logo"]["realised"] == pytest.approx((closing > 0).mean(), abs=1e-6)
        segment = sample.tables["accounts"].set_index("account_id")["segment"].reindex(opening.index)
        for name, found in told["logo_by_segment"].items():
            assert found["realised"] == pytest.approx((closing > 0)[segment == name].mean(), abs=1e-6)
            assert found["accounts"] == (segment == name).sum()


def test_the_default_company_is_plausible(small):
    now = small.truth["figures"]["at_until"]
    assert 1.00 <= now["nrr"]["expected"] <= 1.06
    assert 0.88 <= now["grr"]["expected"] <= 0.92
    assert 0.875 <= now["logo"]["expected"] <= 0.905
    assert all(now[name]["monte_carlo_error"] < 0.002 for name in ("nrr", "grr", "logo"))
    ledger = small.tables["ledger"]["mrr"]
    assert ledger.iloc[-1] > 1.5 * ledger.iloc[0]


@pytest.mark.parametrize(
    ("seeds", "accounts"), [(12, 1_500), pytest.param(200, 240, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_expected_figures_are_unbiased(seeds, accounts):
    gaps = []
    for seed in range(100, 100 + seeds):
        world = simulate(accounts, 48, UNTIL, seed)
        for month in (world.calendar.complete, world.calendar.complete - 12):
            told = truth.retention(world, month)
            assert told is not None
            gaps.append([told[name]["realised"] - told[name]["expected"] for name in ("nrr", "grr", "logo")])
    gap = np.array(gaps)
    z = gap.mean(axis=0) / (gap.std(axis=0, ddof=1) / np.sqrt(len(gap)))
    assert np.abs(z).max() < 4, z
    assert np.abs(gap.mean(axis=0)).max() < 0.012


def test_truth_knows_the_future_only_on_average(world):
    """Re-simulation leaves the opening book as it was and differs between replicates."""
    month = world.calendar.complete
    before = world.books[month - 12].mrr().copy()
    first = truth.retention(world, month)
    assert (world.books[month - 12].mrr() == before).all()
    assert first == truth.retention(world, month)
    closings = truth._replicates(world, month, np.arange(len(before)))
    assert len({c.sum() for c in closings}) == len(closings) > 1


def _fit(chance, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum likelihood of a binary outcome with the given link: coefficients and standard errors."""

    def loss(beta):
        p = np.clip(chance(x @ beta), 1e-12, 1 - 1e-12)
        return -(y * np.log(p) + (1 - y) * np.log1p(-p)).sum()

    def slope(beta):
        return optimize.approx_fprime(beta, loss, 1e-6)

    start = np.r_[-1.0, np.zeros(x.shape[1] - 1)]
    beta = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-2}).x
    hessian = np.array([(slope(beta + step) - slope(beta - step)) / 2e-3 for step in 1e-3 * np.eye(len(beta))])
    return beta, np.sqrt(np.diag(np.linalg.inv((hessian + hessian.T) / 2)))


# --- the parameters, found again in the files ----------------------------------------------------------------


def test_as_many_left_at_renewals_as_were_expected(large, world):
    for name in SEGMENTS:
        found = large.truth["renewals"][name]
        assert abs(found["lost"] - found["expected_lost"]) < 4 * np.sqrt(found["expected_lost"])
    # and where it stood on the champion and on the renewal's number
    _account, _month, hazard, left, _segment, gone, _stage, renewals = world.log.gather("decision")
    recorded = _month + 3 > world.calendar.first
    for mask in (gone, ~gone, renewals == 0, renewals >= 2):
        chance = -np.expm1(-hazard[mask & recorded])
        assert abs(left[mask & recorded].sum() - chance.sum()) < 4 * np.sqrt((chance * (1 - chance)).sum())


@pytest.fixture(scope="module")
def due(large) -> pd.DataFrame:
    """Renewals due within the recorded months of the accounts with contacts: what was known at the decision."""
    observed, until = pd.Timestamp(large.truth["about"]["observed_from"]), pd.Timestamp(UNTIL)
    contacts = large.tables["contacts"].query("role == 'champion'")
    merged = set(
        large.tables["accounts"].dropna(subset=["merged_into"])[["account_id", "merged_into"]].to_numpy().ravel()
    )
    core = large.tables["contracts"].query("product == 'Core'")
    core = core[core["account_id"].isin(set(contacts["account_id"]) - merged)].copy()
    core["renewal"] = core["end_date"] + pd.Timedelta(days=1)
    starts = set(zip(core["account_id"], core["start_date"], strict=True))
    core = core[(core["end_date"] - core["start_date"]).dt.days >= 364]  # main lines whose term ran to its end
    core = core[(core["renewal"] > observed) & (core["renewal"] <= until)]
    core["lost"] = [key not in starts for key in zip(core["account_id"], core["renewal"], strict=True)]
    core["decided"] = core["renewal"].dt.to_period("M").dt.to_timestamp() - pd.DateOffset(months=3)
    joined = core[["account_id", "renewal", "decided"]].merge(contacts, on="account_id")
    there = (joined["start_date"] < joined["decided"]) & ~(joined["left_date"] < joined["decided"])
    core = core.set_index(["account_id", "renewal"])
    core["gone"] = ~there.groupby([joined["account_id"], joined["renewal"]]).any()
    first = large.tables["contracts"].groupby("account_id")["start_date"].min()
    core["number"] = [round((day - first[a]).days / 365.25) for a, day in core.index]
    segment = large.tables["accounts"].set_index("account_id")["segment"]
    core["segment"] = segment[core.index.get_level_values(0)].to_numpy()
    return core


def test_champion_and_segment_hazard_ratios_are_found_in_the_files(large, due):
    p = large.truth["parameters"]
    design = pd.DataFrame(
        {
            "constant": 1.0,
            "gone": due["gone"].astype(float),
            "Mid-market": (due["segment"] == "Mid-market").astype(float),
            "SMB": (due["segment"] == "SMB").astype(float),
            "second": (due["number"] == 2).astype(float),
            "later": (due["number"] > 2).astype(float),
        }
    )
    beta, error = _fit(lambda eta: -np.expm1(-np.exp(eta)), due["lost"].to_numpy(dtype=float), design.to_numpy())
    found, se = dict(zip(design, beta, strict=True)), dict(zip(design, error, strict=True))
    base, factor = p["renewal_hazard"], p["champion_factor"]
    expected = {"gone": factor, "Mid-market": base[1] / base[0], "SMB": base[2] / base[0]}
    assert len(due) > 5_000
    for name, ratio in expected.items():
        # health and stage are left out of the model: a little attenuation, hence 0.1
        assert abs(found[name] - np.log(ratio)) < 3.5 * se[name] + 0.1, (name, np.exp(found[name]))
        assert found[name] > 3 * se[name]
    assert found["second"] < 0  # 0.8 by construction, and stages rise besides


def test_early_ends_are_as_frequent_as_told(world):
    """Ends before the term in the lines of the detail accounts, against the hazard summed over the months exposed."""
    p, h, c = world.parameters, world.history, world.calendar
    month = np.arange(c.first + 1, c.last + 1)[:, None]
    exposed = h["active"][:-1] & (h["leave_month"][:-1] > c.last + 24) & (h["term_month"][:-1] - month >= 5)
    rate = np.array(p.early_hazard)[world.state.segment[world.detail]] * np.where(h["gone"][:-1], p.champion_factor, 1)
    expected = (exposed * rate).sum()
    lines = tables.lines(world)
    core = lines[
        (lines["product"] == 0) & lines["account"].isin(world.detail) & (lines["notice"] >= first_day(c.first + 1))
    ]
    # the last line of an account that gave notice, if it ends before the anniversary of any term
    last = core.groupby(["account", "life"])["end"].max().reset_index()
    start = first_day(world.state.start_month) + world.state.day0 - 1
    begun = lines[lines["life"] == 1].groupby("account")["start"].min()
    begins = np.where(last["life"] == 0, start[last["account"]], begun.reindex(last["account"], fill_value=0))
    years = (last["end"] - begins) / 365.25
    early = (np.abs(years - years.round()) > 0.01).sum()
    assert expected > 60
    assert abs(early - expected) < 4 * np.sqrt(expected)


def test_losses_come_at_anniversaries(large):
    contracts = _holders(large)
    first, last = contracts.groupby("account_id")["start_date"].min(), contracts.groupby("account_id")["end_date"].max()
    gone = last[last < pd.Timestamp(UNTIL)] + pd.Timedelta(days=1)
    begun = first[gone.index]
    months = (gone.dt.year - begun.dt.year) * 12 + gone.dt.month - begun.dt.month
    share = ((months % 12 == 0) & (gone.dt.day == begun.dt.day)).mean()
    assert 0.80 < share < 0.97  # the rest ended early, or came back once on the first of a month


def test_price_rise(large):
    told = large.truth["prices"]
    contracts = large.tables["contracts"].assign(price=lambda c: c["mrr"] / c["quantity"])
    key = ["account_id", "product"]
    old = contracts.assign(day=contracts["end_date"] + pd.Timedelta(days=1))
    pairs = contracts.merge(old, left_on=[*key, "start_date"], right_on=[*key, "day"], suffixes=("", "_old"))
    merged = large.tables["accounts"].dropna(subset=["merged_into"])["merged_into"]
    pairs = pairs[~pairs["account_id"].isin(merged)]
    ratio = pairs["price"] / pairs["price_old"]
    after = pairs["start_date"] >= pd.Timestamp(told["rise_date"])
    assert after.sum() > 5_000
    assert np.allclose(ratio[after], 1 + told["rise"], atol=0.0011)  # whole yen on the lowest price, 500
    assert ratio[after].mean() == pytest.approx(1.04, abs=1e-4)
    assert (ratio[~after] == 1).all()
    assert (pairs["quantity"] == pairs["quantity_old"])[after].mean() > 0.5


def test_onboarding_became_faster(large):
    steps = large.tables["onboarding_steps"]
    accounts = large.tables["accounts"].set_index("account_id")["segment"]
    change = pd.Timestamp(large.truth["onboarding"]["change_date"])
    live = steps[steps["is_go_live"] == "yes"].set_index("account_id")["completed_date"]
    start = steps[steps["step_order"] == 1].set_index("account_id")["started_date"]
    days = (live - start).dt.days
    seen = start < pd.Timestamp(UNTIL) - pd.Timedelta(days=300)  # nearly all of these are live or have left
    frame = pd.DataFrame({"log": np.log(days), "after": start >= change, "segment": accounts[days.index]})[
        seen
    ].dropna()
    mean = frame.groupby(["segment", "after"])["log"].mean().unstack()
    ratio = np.exp((mean[True] - mean[False]).mean())
    # every step is rounded up to whole days, which adds some 2.5 days to about 50 before and 35 after
    assert ratio == pytest.approx((0.7 * 50 + 2.5) / 52.5, abs=0.03)
    by_segment = np.exp(mean[False] - mean.loc["SMB", False])
    factors = large.truth["parameters"]["onboarding_segment_factor"]
    assert by_segment["Enterprise"] == pytest.approx(factors[0] / factors[2], rel=0.12)
    assert steps["completed_date"].isna().any()


def test_csm_effects_and_the_initiative_are_in_the_hours(large, world):
    entries = large.tables["time_entries"].dropna(subset=["account_id"])
    team = tables.staff(world)
    chosen = detail.detail_of(world, tables.account_ids(world))
    expected = hours.expected_hours(world, chosen, team).sum(axis=(0, 1))
    plain = pd.Series(expected / team.effect[team.csm[chosen.rows]]).groupby(team.name[team.csm[chosen.rows]]).sum()
    ratio = np.log(entries.groupby("csm")["hours"].sum() / plain)
    told = np.log(pd.Series(large.truth["hours"]["csm_factor"]))
    assert np.corrcoef(ratio, told[ratio.index])[0, 1] > 0.9
    slope, intercept = np.polyfit(told[ratio.index], ratio, 1)
    assert slope == pytest.approx(1, abs=0.12)
    assert intercept == pytest.approx(0, abs=0.03)
    # the initiative: one task against the others, one team against the other, after against before
    csm_team = large.tables["csms"].set_index("csm")["team"]
    treated = entries["csm"].map(csm_team) == large.truth["hours"]["initiative_team"]
    after = entries["date"] >= pd.Timestamp(large.truth["hours"]["initiative_date"])
    task = entries["task"] == large.truth["hours"]["initiative_task"]
    logs = np.log(entries.groupby([task, treated, after])["hours"].sum())
    effect = sum(
        (1 if (a + b + c) % 2 else -1) * logs[bool(a), bool(b), bool(c)] for a in (0, 1) for b in (0, 1) for c in (0, 1)
    )
    assert np.exp(effect) == pytest.approx(large.truth["hours"]["initiative_factor"], rel=0.06)


def test_time_is_logged_in_plausible_amounts(small):
    entries = small.tables["time_entries"]
    assert entries["hours"].between(0.25, 24).all()
    assert (entries["hours"] * 4 % 1 == 0).all()
    per_month = entries.groupby([entries["date"].dt.to_period("M"), "csm"])["hours"].sum() / 140
    assert 0.7 < per_month.mean() < 1.0
    assert entries["account_id"].isna().any()


def test_silence_depends_on_health(large, world):
    chosen = detail.detail_of(world, tables.account_ids(world))
    contacts = detail.contacts(world, chosen)
    answered, health = [], []
    rng = np.random.default_rng(0)
    for k in range(len(chosen.months)):
        wave = answers._wave(world, chosen, contacts, k, int(first_day(chosen.months[k])) + 4, rng)
        answered.append(wave["answered"].to_numpy(dtype=float))
        health.append(world.history["health"][k, wave["at"].to_numpy()].astype(float))
    x = np.column_stack([np.ones(sum(map(len, health))), np.concatenate(health)])
    beta, _error = _fit(lambda eta: 1 / (1 + np.exp(-eta)), np.concatenate(answered), x)
    p = large.truth["parameters"]
    assert beta == pytest.approx([p["response_intercept"], p["response_health"]], abs=0.03)


def test_those_who_answer_are_happier_than_those_asked(large):
    responses = large.tables["survey_responses"]
    waves = large.truth["survey_waves"]
    assert set(waves) == set(responses["wave"])
    for wave, told in waves.items():
        mine = responses[responses["wave"] == wave]
        score = mine["score"].dropna().astype(float)
        assert (len(mine), len(score)) == (told["invited"], told["answered"])
        assert 100 * ((score >= 9).mean() - (score <= 6).mean()) == pytest.approx(told["nps_answered"], abs=1e-3)
        assert told["nps_answered"] > told["nps_invited"] + 5
        error = np.sqrt(0.25 / len(mine)) * 4
        assert len(score) / len(mine) == pytest.approx(told["expected_response_rate"], abs=error)
    assert (responses["responded_date"].isna() == responses["score"].isna()).all()
    assert responses.loc[responses["score"].isna(), "comment"].isna().all()


def test_champions_who_are_still_there_are_asked(large):
    last = large.tables["survey_responses"]
    last = last[last["wave"] == last["wave"].iloc[-1]]
    roles = last.groupby("role")["account_id"].nunique() / last["account_id"].nunique()
    assert roles["decision_maker"] == 1
    assert 0.6 < roles["champion"] < 1  # the others have lost theirs and wait for a new one


def test_large_companies_have_details_of_five_thousand(large):
    assert large.truth["about"]["accounts_in_detail_tables"] == 5_000
    for name in ("time_entries", "usage", "contacts"):
        assert large.tables[name]["account_id"].nunique() <= 5_000
    assert large.tables["contacts"]["account_id"].nunique() > 4_900


def test_stages_are_reached_in_order(large):
    ladder = {stage: k for k, stage in enumerate(large.truth["stages"])}
    stages = large.tables["stages"].assign(rank=lambda s: s["stage"].map(ladder))
    stages = stages.sort_values(["account_id", "rank"])
    same = stages["account_id"] == stages["account_id"].shift()
    assert (stages["rank"].diff()[same] == 1).all()
    assert (stages["reached_date"].diff()[same].dt.days >= 0).all()


def test_calendar_knows_an_unfinished_month():
    whole, part = Calendar.of(48, UNTIL), Calendar.of(48, date(2026, 10, 30))
    assert whole.months == part.months == 48
    assert whole.complete == whole.last
    assert part.complete == part.last - 1
