"""Onboarding: worked examples by hand, properties, the sample's truth, and the notebook in both languages."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_notebooks import shown_by, words

import cs_analysis.topics.onboarding as onboarding
from cs_analysis.data import book as books
from cs_analysis.data.sample import make_sample, write_sample
from cs_analysis.display.language import speaking
from cs_analysis.errors import InputError
from cs_analysis.stats import survival
from cs_analysis.stats.lives import lives
from cs_analysis.topics.onboarding import incidence

counted = importlib.import_module("cs_analysis.topics.onboarding.onboardings").counted
durations_of = importlib.import_module("cs_analysis.topics.onboarding.durations")
NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "02_onboarding.ipynb"
D = "2026-10-31"
FAST = settings(max_examples=40, deadline=None)


def days(*values):
    return pd.to_datetime(list(values)).astype("datetime64[ns]")


def contracts(rows):
    table = pd.DataFrame(rows, columns=["account_id", "start", "stop"])
    return table.assign(start=days(*table["start"]), stop=days(*table["stop"]), mrr=100.0)


def steps_table(rows, columns=("account_id", "step", "step_order", "completed_date")):
    table = pd.DataFrame(rows, columns=list(columns))
    for name in [c for c in table if c.endswith("_date")]:
        table[name] = days(*table[name])
    return table


def simple(outcomes, as_of=D):
    """Onboardings from (days, outcome): 'live', 'open' or 'churned'."""
    table = pd.DataFrame(outcomes, columns=["days", "outcome"])
    table["account_id"] = [f"A{i:03d}" for i in range(len(table))]
    last = pd.Timestamp(as_of)
    # begun so long ago that everything could be seen, except for the open ones
    length = np.where(table["outcome"] == "open", table["days"], 400)
    table["start"] = last - pd.to_timedelta(length, unit="D")
    end = table["start"] + pd.to_timedelta(table["days"], unit="D")
    table["go_live"] = end.where(table["outcome"] == "live")
    table["left"] = end.where(table["outcome"] == "churned")
    table["days"] = table["days"].astype(float)
    table["followed_days"] = np.where(table["outcome"] == "churned", table["days"], length).astype(float)
    return table.assign(entry_days=0.0, early=False, go_live_step="Go-live", mrr=100.0, left_out="")


FIVE = [(10, "live"), (20, "live"), (25, "open"), (30, "live"), (40, "open")]


# --- by hand --------------------------------------------------------------------------------------------------------


def test_the_worked_example_of_the_definitions():
    found = onboarding.durations(simple(FIVE), tau=40).iloc[0]
    assert found["completed_only_mean"] == 20
    assert found["median"] == 30
    assert found["rmst"] == pytest.approx(27.0, abs=1e-12)
    rows = durations_of.cells(counted(simple(FIVE)))
    estimate, se = incidence.rmst_interval(rows, 40)
    assert se == pytest.approx(5.0695, abs=5e-5)
    assert estimate.low == pytest.approx(27 - 2.776445 * se)  # Student's t with 4 degrees of freedom
    assert estimate.high == 40  # cut at τ
    assert (found["n"], found["completed"], found["open"], found["churned"]) == (5, 3, 2, 0)


def test_the_worked_example_from_files_to_figure():
    """The same five accounts as contracts and steps: the clock of the frames is that of the definition."""
    start = {"a": "2026-01-01", "b": "2026-01-01", "c": "2026-10-06", "d": "2026-01-01", "e": "2026-09-21"}
    lines = contracts([(a, s, None) for a, s in start.items()])
    done = {"a": "2026-01-11", "b": "2026-01-21", "c": None, "d": "2026-01-31", "e": None}
    steps = steps_table([(a, "Go-live", 1, d) for a, d in done.items()])
    found = onboarding.onboardings(steps, lives(lines, as_of=D), as_of=D)
    assert found["days"].tolist() == [10, 20, 25, 30, 40]
    row = onboarding.durations(found, tau=40).iloc[0]
    assert (row["median"], round(row["rmst"], 9), row["completed_only_mean"]) == (30, 27, 20)


def test_who_left_never_counts_as_live():
    """Six accounts: 10 live, 20 left, 30 live, 40 open, 50 live, 60 left.

    At risk 6 5 4 3 2 1. S: 5/6, 4/6, 3/6, 3/6, 1/4, 0. F: 1/6, 1/6, 1/6 + 4/6/4 = 1/3, 1/3, 1/3 + 1/2/2 = 7/12, 7/12.
    Treating who left as censored (1 − Kaplan–Meier) would end at 1 − 5/6 · 3/4 · 1/2 = 11/16.
    """
    six = simple([(10, "live"), (20, "churned"), (30, "live"), (40, "open"), (50, "live"), (60, "churned")])
    curve = onboarding.curve(six, min_n=1).set_index("day")["estimate"]
    for day, share in {0: 0, 10: 1 / 6, 20: 1 / 6, 30: 1 / 3, 40: 1 / 3, 50: 7 / 12, 60: 7 / 12}.items():
        assert curve[day] == pytest.approx(share), day
    row = onboarding.durations(six, tau=60).iloc[0]
    # 10 + 20 · 5/6 + 20 · 2/3 + 10 · 5/12
    assert row["rmst"] == pytest.approx(10 + 20 * 5 / 6 + 20 * 2 / 3 + 10 * 5 / 12)
    assert row["median"] == 50
    assert np.isnan(row["p80"])
    assert (row["open"], row["churned"]) == (1, 2)


def test_the_standard_error_with_leavers_is_that_of_the_jackknife():
    """Without censoring the mean is that of min(days, τ), τ for who left: its standard error is the usual one."""
    rng = np.random.default_rng(3)
    outcomes = [
        (int(d), "live" if u < 0.7 else "churned") for d, u in zip(rng.integers(1, 80, 60), rng.random(60), strict=True)
    ]
    rows = durations_of.cells(counted(simple(outcomes)))
    estimate, se = incidence.rmst_interval(rows, 50)
    values = np.array([min(d, 50) if o == "live" else 50 for d, o in outcomes], dtype=float)
    assert estimate.estimate == pytest.approx(values.mean())
    assert se == pytest.approx(values.std() / np.sqrt(len(values)))


def test_without_leavers_it_is_the_kaplan_meier_of_the_survival_package():
    rng = np.random.default_rng(5)
    outcomes = [
        (int(d), "live" if u < 0.7 else "open") for d, u in zip(rng.integers(0, 80, 90), rng.random(90), strict=True)
    ]
    rows = durations_of.cells(counted(simple(outcomes)))
    estimate, se = incidence.rmst_interval(rows, 50)
    oracle = survival.rmst([d for d, _o in outcomes], [o == "live" for _d, o in outcomes], 50)
    assert (estimate.estimate, se) == pytest.approx((oracle.estimate, oracle.se))


def test_states_of_an_onboarding():
    lines = contracts(
        [
            ("early", "2026-09-01", None),  # live before the start
            ("last_day", "2026-08-01", "2026-10-01"),  # go-live on the first day without: it had left
            ("left", "2026-08-01", "2026-10-01"),
            ("live_left", "2026-08-01", "2026-10-01"),
            ("no_steps", "2026-09-01", None),
            ("open", "2026-09-01", None),
        ]
    )
    done = {"early": "2026-08-20", "last_day": "2026-10-01", "left": None, "live_left": "2026-09-30", "open": None}
    rows = [(a, "Kickoff", 1, None) for a in done] + [(a, "Go-live", 2, d) for a, d in done.items()]
    steps = steps_table([*rows, ("stranger", "Go-live", 2, "2026-09-01")])
    found = onboarding.onboardings(steps, lives(lines, as_of=D), as_of=D).set_index("account_id")
    assert found["outcome"].to_dict() == {
        "early": "live", "last_day": "churned", "left": "churned", "live_left": "live", "no_steps": "",
        "open": "open", "stranger": "",
    }  # fmt: skip
    assert found["days"].dropna().to_dict() == {"early": 0, "last_day": 61, "left": 61, "live_left": 60, "open": 60}
    assert found["early"].to_dict()["early"]
    assert found["early"].sum() == 1
    assert found.loc[found["left_out"] != "", "left_out"].to_dict() == {
        "no_steps": "no_steps", "stranger": "no_contract",
    }  # fmt: skip
    listed = onboarding.left_out(found.reset_index())
    assert dict(zip(listed["account_id"], listed["why"], strict=True)) == {
        "early": "early", "no_steps": "no_steps", "stranger": "no_contract",
    }  # fmt: skip
    said = " ".join(onboarding.say_left_out(found.reset_index(), steps))
    for part in ("5 onboardings count", "1 account: onboarding steps but no contract", "early", "No step is marked"):
        assert part in said


def test_a_go_live_on_day_0_is_in_the_curve():
    four = simple([(0, "live"), (10, "live"), (20, "live"), (30, "live")])
    assert onboarding.curve(four).set_index("day")["estimate"].to_dict() == {0: 0.25, 10: 0.5, 20: 0.75, 30: 1.0}


def test_the_marked_step_ends_it_and_the_clock_may_start_at_the_kickoff():
    lines = contracts([("A", "2026-08-01", None), ("B", "2026-08-01", None), ("C", "2026-08-01", None)])
    rows = [
        ("A", "Kickoff", 1, "2026-08-11", False),
        ("A", "Go-live", 2, "2026-08-21", True),
        ("A", "Review", 3, "2026-09-20", False),
        ("B", "Kickoff", 1, "2026-08-06", False),
        ("B", "Go-live", 2, None, False),  # not marked yet, but of the name that is
        ("C", "Kickoff", 1, None, False),  # its go-live row is not there yet
    ]
    steps = steps_table(rows, ("account_id", "step", "step_order", "completed_date", "is_go_live"))
    known = lives(lines, as_of=D)
    found = onboarding.onboardings(steps, known, as_of=D).set_index("account_id")
    assert found["days"].tolist() == [20, 91, 91]
    assert found["outcome"].tolist() == ["live", "open", "open"]
    assert found["go_live_step"].tolist() == ["Go-live", "Go-live", ""]
    kicked = onboarding.onboardings(steps, known, as_of=D, start="kickoff").set_index("account_id")
    assert kicked["days"].fillna(-1).tolist() == [10, 86, -1]
    assert kicked["left_out"].tolist() == ["", "", "no_kickoff"]
    unmarked = onboarding.onboardings(steps.drop(columns="is_go_live"), known, as_of=D).set_index("account_id")
    assert unmarked["days"].tolist() == [50, 91, 91]
    with pytest.raises(InputError):
        onboarding.onboardings(steps, known, as_of=D, start="launch")


def test_late_entry_keeps_out_the_fast_ones_of_which_the_leavers_are_unknown():
    """Departures recorded from 1 Jan 2026: A, live before that, counts for nothing; B enters on its day 90."""
    lines = contracts([("A", "2025-10-03", None), ("B", "2025-10-03", None), ("C", "2026-02-01", None)])
    steps = steps_table(
        [("A", "Go-live", 1, "2025-11-02"), ("B", "Go-live", 1, "2026-01-31"), ("C", "Go-live", 1, "2026-03-03")]
    )
    known = lives(lines, as_of=D, observed_from="2026-01-01")
    found = onboarding.onboardings(steps, known, as_of=D).set_index("account_id")
    assert found["left_out"].tolist() == ["finished_before", "", ""]
    assert found["entry_days"].tolist() == [89, 89, 0]
    curve = onboarding.curve(found.reset_index(), min_n=1).set_index("day")
    assert curve["at_risk"].to_dict() == {0: 1, 30: 1, 120: 1}
    assert not onboarding.waits(steps, found.reset_index(), as_of=D).query("account_id == 'C'")["late"].any()


# --- steps ----------------------------------------------------------------------------------------------------------

STEPS = [
    # account, step, order, owner, started, completed
    ("A", "Kickoff", 1, "us", "2026-09-01", "2026-09-06"),  # 5
    ("A", "Import", 2, "customer", "2026-09-10", "2026-09-21"),  # 15: from the kickoff on, not from its own start
    ("A", "Go-live", 3, "us", "2026-09-11", "2026-09-26"),  # 15: begun before the import was done
    ("B", "Kickoff", 1, "us", "2026-09-01", "2026-09-11"),  # 10
    ("B", "Import", 2, "customer", None, None),  # 50, open
    ("B", "Go-live", 3, "us", None, None),  # not begun
    ("C", "Kickoff", 1, "us", None, None),  # skipped
    ("C", "Import", 2, "customer", None, "2026-09-04"),  # 3
    ("C", "Go-live", 3, "us", None, None),  # open until it left on 1 Oct: 27
]
COLUMNS = ("account_id", "step", "step_order", "owner", "started_date", "completed_date")


def three():
    lines = contracts([("A", "2026-09-01", None), ("B", "2026-09-01", None), ("C", "2026-09-01", "2026-10-01")])
    steps = steps_table(STEPS, COLUMNS)
    return steps, onboarding.onboardings(steps, lives(lines, as_of=D), as_of=D)


def test_waits_by_hand():
    steps, found = three()
    waits = onboarding.waits(steps, found, as_of=D)
    table = {(r.account_id, r.step): (r.begun, r.days, r.code, r.waiting) for r in waits.itertuples()}
    assert table == {
        ("A", "Kickoff"): (0, 5, 1, False), ("A", "Import"): (5, 15, 1, False), ("A", "Go-live"): (10, 15, 1, False),
        ("B", "Kickoff"): (0, 10, 1, False), ("B", "Import"): (10, 50, 0, True),
        ("C", "Import"): (0, 3, 1, False), ("C", "Go-live"): (3, 27, 2, False),
    }  # fmt: skip
    by_step = onboarding.steps(waits).set_index("step")
    assert by_step.index.tolist() == ["Kickoff", "Import", "Go-live"]
    assert by_step["days_waited"].tolist() == [15, 68, 42]
    assert by_step["share_of_wait"].tolist() == pytest.approx([15 / 125, 68 / 125, 42 / 125])
    assert by_step["n"].tolist() == [2, 3, 2]
    assert by_step["median_wait"].tolist() == [5, 15, 15]
    assert np.isnan(by_step.loc["Import", "p80_wait"])
    courts = onboarding.courts(onboarding.steps(waits))
    assert courts["owner"].tolist() == ["customer", "us"]
    assert courts["share_of_wait"].tolist() == pytest.approx([68 / 125, 57 / 125])
    assert onboarding.say_steps(onboarding.steps(waits), courts).startswith(
        "Most waiting is in Import (owner: the customer): 54.4 % of all days waited"
    )


def test_stuck_is_longer_than_p80_else_than_the_longest_completed_wait():
    steps, found = three()
    waits = onboarding.waits(steps, found, as_of=D)
    stuck = onboarding.stuck(waits, found, min_n=1)
    assert stuck[["account_id", "step", "days_open", "p80", "basis"]].values.tolist() == [
        ["B", "Import", 50, 15, "longest"]
    ]
    # ten accounts that took 1 … 10 days for the step: P80 is 8 days
    many = [(f"Z{i:02d}", "Import", 2, "customer", "2026-09-01", f"2026-09-{i + 1:02d}") for i in range(1, 11)]
    steps = steps_table([*STEPS, *many], COLUMNS)
    ids = sorted(set(steps["account_id"]))
    known = lives(contracts([(a, "2026-09-01", "2026-10-01" if a == "C" else None) for a in ids]), as_of=D)
    found = onboarding.onboardings(steps, known, as_of=D).assign(segment="S", csm="K")
    waits = onboarding.waits(steps, found, as_of=D)
    stuck = onboarding.stuck(waits, found, by="segment")
    assert stuck[["account_id", "p80", "basis", "comparable", "csm"]].values.tolist() == [["B", 10, "p80", "S", "K"]]
    # 13 waits of 1 2 3 3 4 … 10, 15 and 50+: the eleventh completed, of 10 days, makes 11/13 ≥ 0.8
    far = onboarding.onboardings(steps, known, as_of="2026-09-12")
    assert onboarding.stuck(onboarding.waits(steps, far, as_of="2026-09-12"), far, min_n=1).empty


def test_no_owner_and_no_order():
    steps, found = three()
    bare = steps[["account_id", "step", "started_date", "completed_date"]]
    waits = onboarding.waits(bare, found, as_of=D)
    by_step = onboarding.steps(waits)
    assert set(by_step["owner"]) == {""}
    assert "Who owns each step is not given." in onboarding.say_steps(by_step, onboarding.courts(by_step))


# --- groups, completion, before and after, later ---------------------------------------------------------------------


def test_completion_two_ways():
    """Begun at least 30 days ago: five of six, of which two were live by day 30."""
    found = simple([(10, "live"), (20, "churned"), (30, "live"), (40, "open"), (50, "live"), (5, "open")])
    table = onboarding.completion(found, as_of=D, days=(30,)).set_index("measure")
    assert table.loc["by_day", ["done", "n"]].tolist() == [2, 5]
    # begun 400 days ago and done on day 10, 20 and 30: over before the year began
    assert table.loc["in_period", ["done", "n"]].tolist() == [1, 3]


def test_groups_are_compared_by_bootstrap_and_held_to_holm():
    rng = np.random.default_rng(1)
    fast = [(int(d), "live") for d in rng.integers(5, 30, 40)]
    slow = [(int(d), "live") for d in rng.integers(40, 80, 40)]
    found = simple(fast + slow + fast + [(5, "open")] * 3).assign(
        segment=["fast"] * 40 + ["slow"] * 40 + ["also fast"] * 40 + ["few"] * 3
    )
    table = onboarding.comparison(found, by="segment")
    assert table[["group_a", "group_b"]].values.tolist() == [
        ["also fast", "fast"], ["also fast", "slow"], ["fast", "slow"],
    ]  # fmt: skip
    same, apart = table.iloc[0], table.iloc[2]
    assert same["low"] <= same["rmst_difference"] == 0 <= same["high"]
    means = [np.mean([d for d, _o in side]) for side in (fast, slow)]
    assert apart["rmst_difference"] == pytest.approx(means[0] - means[1])
    # the bootstrap of two means is their usual standard error
    se = np.sqrt(sum(np.var([d for d, _o in side]) / 40 for side in (fast, slow)))
    assert (apart["high"] - apart["low"]) / (2 * 1.96) == pytest.approx(se, rel=0.1)
    assert apart["p_holm"] < 0.01 < 0.9 < same["p_holm"]
    figures = onboarding.durations(found, by="segment").set_index("group")
    assert figures.loc["few", "n"] == 3
    assert np.isnan(figures.loc["few", "rmst"])
    assert "few" not in set(onboarding.curve(found, by="segment")["group"])
    said = onboarding.say_groups(onboarding.durations(found, by="segment"), table, by="segment")
    assert "goes live sooner than slow" in said
    assert "Too few onboardings to judge: few." in said


def test_before_and_after_hold_the_mix_still():
    """Nothing changes within either segment, but the slow one comes mostly after: the raw means differ, no more."""
    rng = np.random.default_rng(2)

    def some(n, low, high, segment, start):
        table = simple([(int(d), "live") for d in rng.integers(low, high, n)])
        return table.assign(
            segment=segment, start=pd.Timestamp(start), account_id=[f"{segment}{start}{i}" for i in range(n)]
        )

    found = pd.concat(
        [
            some(90, 10, 30, "fast", "2025-01-01"), some(30, 60, 80, "slow", "2025-01-01"),
            some(30, 10, 30, "fast", "2025-07-01"), some(90, 60, 80, "slow", "2025-07-01"),
        ],
        ignore_index=True,
    )  # fmt: skip
    table = pd.DataFrame({"initiative": ["I"], "start_date": days("2025-06-01"), "topic": ["onboarding"]})
    raw = onboarding.before_after(found, table).set_index(["group", "measure"])
    assert raw.loc[("all", "rmst_difference"), "low"] > 15
    held = onboarding.before_after(found, table, by="segment").set_index(["group", "measure"])
    effect = held.loc[("all", "rmst_difference")]
    assert effect["low"] < 0 < effect["high"]
    assert held.loc[("all", "median_ratio"), "estimate"] == pytest.approx(1, abs=0.1)
    assert (effect["n_before"], effect["n_after"]) == (120, 120)
    # the slow ones became 20 days faster, the fast ones did not change: 90 of 120 begun after are slow
    faster = found["days"].where((found["segment"] == "fast") | (found["start"] < "2025-06-01"), found["days"] - 20)
    quick = found.assign(days=faster, go_live=found["start"] + pd.to_timedelta(faster, unit="D"))
    moved = onboarding.before_after(quick, table, by="segment").set_index(["group", "measure"])["estimate"]
    parts = [moved[(group, "rmst_difference")] for group in ("fast", "slow")]
    assert moved[("all", "rmst_difference")] == pytest.approx(0.25 * parts[0] + 0.75 * parts[1])
    assert parts[1] == pytest.approx(-20, abs=4)
    other = table.assign(topic="time")
    assert onboarding.before_after(found, other).empty
    assert "No initiative" in onboarding.say_initiatives(onboarding.before_after(found, None), None)[0]


def test_the_landmark_splits_by_what_was_true_on_the_day():
    """Live on day 59, 61 or never: one against two; who left by day 60 is in neither group."""
    rows = [("L", "2024-01-01", None, "2024-02-29"), ("M", "2024-01-01", None, "2024-03-02")]
    rows += [("N", "2024-01-01", "2025-01-01", None), ("gone", "2024-01-01", "2024-02-15", "2024-01-20")]
    lines = contracts([row[:3] for row in rows])
    steps = steps_table([(a, "Go-live", 1, live) for a, _s, _e, live in rows])
    known = lives(lines, as_of=D)
    found = onboarding.onboardings(steps, known, as_of=D)
    later = onboarding.later(found, known, day=60, min_n=1)
    row = later.difference.iloc[0]
    assert (row["n_live"], row["n_not_live"], row["lost_live"], row["lost_not_live"]) == (1, 2, 0, 1)
    ten = later.curve[(later.curve["group"] == "not_live") & (later.curve["estimate"] == 0.5)]
    assert ten["month"].min() == pytest.approx(10)  # from 1 March 2024 to 1 January 2025
    few = onboarding.later(found, known, day=60)
    assert few.curve.empty
    assert "too few" in onboarding.say_later(few.difference)


# --- properties -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample():
    return make_sample(accounts=120, months=36, seed=4)


@pytest.fixture(scope="module")
def folder(sample, tmp_path_factory):
    place = tmp_path_factory.mktemp("sample")
    write_sample(sample, place)
    return place


def read(folder, as_of):
    found = books.load(folder, as_of=as_of)
    return found, lives(found.contracts, as_of=as_of, observed_from=found.observed_from)


@pytest.mark.parametrize("then", ["2026-09-30", "2025-11-12"])
def test_cut_at_as_of_is_loading_as_of(folder, then):
    whole, known = read(folder, D)
    earlier, life = read(folder, then)
    cut = onboarding.onboardings(earlier.onboarding_steps, life, as_of=then)
    pd.testing.assert_frame_equal(onboarding.onboardings(whole.onboarding_steps, life, as_of=then), cut)
    pd.testing.assert_frame_equal(
        onboarding.waits(whole.onboarding_steps, cut, as_of=then),
        onboarding.waits(earlier.onboarding_steps, cut, as_of=then),
    )
    today = onboarding.onboardings(whole.onboarding_steps, known, as_of=D)
    back = onboarding.as_known(today, as_of=D, then=then)
    ours, theirs = (t[(t["left_out"] == "")].drop(columns="mrr").reset_index(drop=True) for t in (back, cut))
    pd.testing.assert_frame_equal(ours, theirs)


def test_a_grace_period_is_followed_back_too(folder):
    whole, _known = read(folder, D)
    for day in (D, "2025-11-12"):
        found = lives(whole.contracts, as_of=day, observed_from=whole.observed_from, grace_days=30)
        table = onboarding.onboardings(whole.onboarding_steps, found, as_of=day)
        if day == D:
            today = table
    back = onboarding.as_known(today, as_of=D, then="2025-11-12")
    known = table["left_out"] == ""
    both = back[back["left_out"] == ""].reset_index(drop=True)
    for name in ("account_id", "outcome", "days", "followed_days"):
        assert both[name].tolist() == table.loc[known, name].tolist(), name


def test_rows_in_any_order(folder):
    whole, known = read(folder, D)
    steps = whole.onboarding_steps
    straight = onboarding.onboardings(steps, known, as_of=D)
    shuffled_steps = steps.sample(frac=1, random_state=1)
    shuffled = onboarding.onboardings(shuffled_steps, known.sample(frac=1, random_state=2), as_of=D)
    pd.testing.assert_frame_equal(straight, shuffled)
    split = whole.split(straight, "segment")
    mixed = split.sample(frac=1, random_state=3)
    waits = [onboarding.waits(s, f, as_of=D) for s, f in ((steps, split), (shuffled_steps, mixed))]
    pd.testing.assert_frame_equal(onboarding.steps(waits[0]), onboarding.steps(waits[1]))
    pd.testing.assert_frame_equal(
        onboarding.stuck(waits[0], split, by="segment"), onboarding.stuck(waits[1], mixed, by="segment")
    )
    for make in (
        lambda t: onboarding.curve(t, by="segment"),
        lambda t: onboarding.durations(t, by="segment"),
        lambda t: onboarding.comparison(t, by="segment"),
        lambda t: onboarding.before_after(t, whole.initiatives, by="segment"),
        lambda t: onboarding.completion(t, as_of=D),
        lambda t: onboarding.later(t, known, by="segment").difference,
    ):
        pd.testing.assert_frame_equal(make(split), make(mixed))


outcome = st.tuples(st.integers(0, 60), st.sampled_from(["live", "live", "open", "churned"]))


@FAST
@given(st.lists(outcome, min_size=1, max_size=25), st.integers(1, 70))
def test_the_curve_is_a_share_and_its_area_the_mean(outcomes, tau):
    found = simple(outcomes)
    curve = onboarding.curve(found)
    assert curve["estimate"].is_monotonic_increasing
    assert curve["estimate"].between(0, 1 + 1e-12).all()
    assert (curve["low"] <= curve["estimate"] + 1e-12).all()
    assert (curve["high"] >= curve["estimate"] - 1e-12).all()
    row = onboarding.durations(found, tau=tau).iloc[0]
    assert row["n"] == row["completed"] + row["open"] + row["churned"] == len(outcomes)
    if np.isfinite(row["rmst"]):
        daily = [curve.loc[curve["day"] <= day, "estimate"].iloc[-1] for day in range(tau)]
        assert row["rmst"] == pytest.approx(sum(1 - share for share in daily))
        assert 0 <= row["rmst"] <= tau
    for day in (30, 60):
        value = row[f"day{day}"]
        assert np.isnan(value) or row[f"day{day}_low"] - 1e-12 <= value <= row[f"day{day}_high"] + 1e-12


@FAST
@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["live", "churned"])), min_size=1, max_size=25))
def test_without_open_cases_it_is_counting(outcomes):
    curve = onboarding.curve(simple(outcomes)).set_index("day")["estimate"]
    for day, share in curve.items():
        assert share == pytest.approx(np.mean([o == "live" and d <= day for d, o in outcomes]))


# --- the truth ------------------------------------------------------------------------------------------------------


def held(low, value, high):
    return bool(low <= value <= high)


def test_the_truth_of_the_sample_is_within_the_intervals(tmp_path):
    """The change of pace × 0.70 and the medians by segment before and after it, in eight companies."""
    factor, medians = [], []
    for seed in range(1, 9):
        sample = make_sample(seed=seed)
        place = write_sample(sample, tmp_path / str(seed), format="csv")
        book, known = read(place, D)
        truth = sample.truth["onboarding"]
        found = book.split(onboarding.onboardings(book.onboarding_steps, known, as_of=D), "segment")
        effects = onboarding.before_after(found, book.initiatives, by="segment").set_index(["group", "measure"])
        row = effects.loc[("all", "median_ratio")]
        assert effects.loc[("all", "rmst_difference"), "high"] < 0
        factor.append(held(row["low"], truth["step_days_factor"], row["high"]))
        change = found["start"] >= truth["change_date"]
        for side, key in ((~change, "median_days_before_change"), (change, "median_days_after_change")):
            figures = onboarding.durations(found[side], by="segment").set_index("group")
            for segment, expected in truth[key].items():
                at = figures.loc[segment]
                if at["n"] >= 10:
                    high = at["median_high"] if np.isfinite(at["median_high"]) else np.inf
                    medians.append(held(at["median_low"], expected, high))
    assert sum(factor) >= 7, factor
    assert np.mean(medians) >= 0.93, (sum(medians), len(medians))


def test_every_step_of_the_sample_became_as_much_faster(tmp_path):
    sample = make_sample(accounts=1500, seed=9)
    book, known = read(write_sample(sample, tmp_path / "s", format="csv"), D)
    truth = sample.truth["onboarding"]
    found = book.split(onboarding.onboardings(book.onboarding_steps, known, as_of=D), "segment")
    for segment in ("Mid-market", "SMB"):
        part = found[found["segment"] == segment]
        change = part["start"] >= truth["change_date"]
        sides = [onboarding.waits(book.onboarding_steps, part[side], as_of=D) for side in (~change, change)]
        means = [onboarding.steps(side).set_index("step")["mean_wait"] for side in sides]
        # days are rounded up, so half a day of each wait is rounding
        ratio = (means[1] - 0.5) / (means[0] - 0.5)
        assert ratio.index.tolist() == truth["steps"]
        assert ratio.to_numpy() == pytest.approx(truth["step_days_factor"], abs=0.15)  # 3 SE
        assert ratio.mean() == pytest.approx(truth["step_days_factor"], abs=0.08)


def test_intervals_cover():
    """Forty accounts, going live after 40 days on average, leaving after 200, watched for 20 to 120 days; τ = 60.

    With hazards a and b the days not yet live are ∫ (1 − F), F(t) = a / (a + b) (1 − exp(−(a + b) t)); times are
    rounded up to whole days, which shifts F to the right by up to a day: the truth is that of whole days.
    """
    a, b, tau, n = 1 / 40, 1 / 200, 60, 40
    hold = a / (a + b) * (1 - np.exp(-(a + b) * np.arange(tau)))
    truth = float((1 - hold).sum())
    rng = np.random.default_rng(7)
    one, two = [], []
    for _round in range(200):
        samples = []
        for _side in range(2):
            out, watched = np.ceil(rng.exponential(1 / (a + b), n)), rng.integers(20, 121, n)
            code = np.where(out > watched, 0, np.where(rng.random(n) < a / (a + b), 1, 2))
            samples.append(incidence.cells(np.zeros(n), np.minimum(out, watched), code))
        mean = incidence.rmst_interval(samples[0], tau)[0]
        one.append(held(mean.low, truth, mean.high))
        apart = incidence.difference(samples[:1], samples[1:], lambda sides: incidence.rmst(sides[0], tau), seed=1)[0]
        two.append(held(apart.low, 0, apart.high))
    # 200 rounds: the standard error of a coverage of 94 % is 1.7 points
    assert np.mean(one) >= 0.91, np.mean(one)
    assert np.mean(two) >= 0.89, np.mean(two)


# --- words and the notebook ------------------------------------------------------------------------------------------


def company(folder, lines, steps, columns=COLUMNS, accounts=None, **tables):
    """A data folder of contracts (contract_id, account_id, start, end, mrr) and onboarding steps."""
    table = pd.DataFrame(lines, columns=["contract_id", "account_id", "start_date", "end_date", "mrr"])
    ids = sorted(table["account_id"].unique())
    base = accounts or {"segment": ["S"] * len(ids)}
    pd.DataFrame({"account_id": ids, "account_name": [f"Company {a}" for a in ids], **base}).to_csv(
        folder / "accounts.csv", index=False
    )
    table.to_csv(folder / "contracts.csv", index=False)
    pd.DataFrame(steps, columns=list(columns)).to_csv(folder / "onboarding_steps.csv", index=False)
    for name, rows in tables.items():
        rows.to_csv(folder / f"{name}.csv", index=False)
    return folder


def path_of(account, *done, order=True):
    names = ("Kickoff", "Import", "Go-live")
    return [(account, step, i + 1, "us", None, d) for i, (step, d) in enumerate(zip(names, done, strict=True))]


def line(account, start="2026-06-01", end=""):
    return (f"C{account}", account, start, end, 100)


MANY = [f"A{i:02d}" for i in range(14)]
LIVE = ("2026-06-05", "2026-06-20", "2026-07-10")
CASES = {
    "no open cases": ([line(a) for a in MANY], [r for a in MANY for r in path_of(a, *LIVE)]),
    "all open": ([line(a) for a in MANY], [r for a in MANY for r in path_of(a, "2026-06-05", None, None)]),
    "one account, live": ([line("A")], path_of("A", *LIVE)),
    "one account, open": ([line("A")], path_of("A", None, None, None)),
    "one account, begun today": ([line("A", "2026-10-31")], path_of("A", None, None, None)),
    "churned before live, all": (
        [line(a, end="2026-08-31") for a in MANY],
        [r for a in MANY for r in path_of(a, "2026-06-05", None, None)],
    ),
    "nobody has both": ([line("A")], path_of("B", *LIVE)),
    "live before the start": ([line(a) for a in MANY], [r for a in MANY for r in path_of(a, *["2026-05-01"] * 3)]),
    "one is stuck": (
        [line(a) for a in MANY],
        [r for a in MANY[1:] for r in path_of(a, *LIVE)] + path_of("A00", "2026-06-05", None, None),
    ),
}
FAULTS = (">nan<", " nan", "nan %", ">inf", "inf %", " inf ", "none %", ">none<", "nat<", "100.0–100.0", "{", "}")


def check(shown):
    assert len(shown) > 20
    for text in words(shown):
        lowered = text.lower().split("cs-table")[0] if "base64" in text else text.lower()
        for fault in FAULTS:
            assert fault not in lowered.replace("alternat", "").replace(PLAIN, ""), (fault, text[:600])
    for thing in shown:
        if hasattr(thing, "alt"):
            assert thing.alt.strip()
            assert len(thing.svg()) > 2000


PLAIN = importlib.import_module("cs_analysis.display.html").PLAIN_STYLE.lower()


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("case", CASES)
def test_it_answers_in_words_where_there_is_little_to_compute(case, language, tmp_path, monkeypatch):
    lines, steps = CASES[case]
    place = company(tmp_path, lines, steps)
    shown = shown_by(NOTEBOOK, monkeypatch, data_dir=str(place), as_of=D, lang=language)
    check(shown)
    if (case, language) == ("all open", "en"):
        assert "14 wait in steps that nobody has completed yet" in "".join(words(shown))


def test_no_owner_no_mark_no_csm_and_an_initiative_too_young(tmp_path, monkeypatch):
    lines, steps = CASES["one is stuck"]
    initiative = pd.DataFrame({"initiative": ["New guide"], "start_date": ["2026-10-01"], "topic": ["onboarding"]})
    place = company(tmp_path, lines, [(a, s, d) for a, s, _o, _w, _b, d in steps],
                    ("account_id", "step", "completed_date"), initiatives=initiative)  # fmt: skip
    shown = shown_by(NOTEBOOK, monkeypatch, data_dir=str(place), as_of=D, lang="en")
    check(shown)
    said = "\n".join(words(shown))
    for part in (
        "No step is marked as go-live",
        "Who owns each step is not given",
        "New guide (1 Oct 2026): 14",
    ):
        assert part in said


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_notebook_on_the_sample(folder, language, tmp_path, monkeypatch):
    shown = shown_by(NOTEBOOK, monkeypatch, data_dir=str(folder), as_of=D, lang=language, out_dir=str(tmp_path))
    check(shown)
    tables = {
        "headline": "metric value low high n unit previous year_ago",
        "findings": "rank kind text money account_id",
        "curve": "group day estimate low high at_risk",
        "durations": "group n completed open churned median median_low median_high p80 rmst rmst_low rmst_high day30 "
                     "day60 day90 completed_only_mean",
        "comparison": "group_a group_b rmst_difference low high p",
        "steps": "step owner n median_wait p80_wait share_of_wait",
        "stuck": "account_id step days_open p80 csm",
    }  # fmt: skip
    for name, columns in tables.items():
        found = pd.read_csv(tmp_path / f"{name}.csv", encoding="utf-8-sig")
        assert [c for c in columns.split() if c not in found] == [], name
        assert len(found) or name == "stuck", name


def test_headlines_before_are_those_of_a_report_made_then(folder):
    def short(as_of):
        book, known = read(folder, as_of)
        found = onboarding.onboardings(book.onboarding_steps, known, as_of=as_of)
        stuck = onboarding.stuck(onboarding.waits(book.onboarding_steps, found, as_of=as_of), found)
        return onboarding.summary(found, stuck, as_of=as_of).headline.set_index("metric")

    now, month, year = (short(day) for day in (D, "2026-09-30", "2025-10-31"))
    for metric in ("onboarding_median", "onboarding_day90", "onboarding_rmst"):
        assert now.loc[metric, "previous"] == pytest.approx(month.loc[metric, "value"]), metric
        assert now.loc[metric, "year_ago"] == pytest.approx(year.loc[metric, "value"]), metric
        change = now.loc[metric, "value"] - year.loc[metric, "value"]
        assert now.loc[metric, "year_change"] == pytest.approx(change)
        assert now.loc[metric, "year_low"] <= change <= now.loc[metric, "year_high"]


def test_it_speaks_japanese():
    with speaking("ja"):
        assert onboarding.say_curve(onboarding.durations(simple(FIVE)))


# --- other choices --------------------------------------------------------------------------------------------------


def test_other_choices_by_hand():
    """Three accounts, kickoff after 10 days, go-live (marked) after 20, 30, 40, a review after 25, 35, 45."""
    book = contracts([(a, "2026-01-01", None) for a in "ABC"])
    book["mrr"] = [100.0, 50.0, 10.0]
    rows = []
    for account, live in zip("ABC", (20, 30, 40), strict=True):
        for order, (step, day, marked) in enumerate(
            (("Kickoff", 10, False), ("Go-live", live, True), ("Review", live + 5, False))
        ):
            on = pd.Timestamp("2026-01-01") + pd.Timedelta(days=day)
            rows.append((account, step, order, on, marked))
    table = steps_table(rows, ("account_id", "step", "step_order", "completed_date", "is_go_live"))
    found = onboarding.sensitivity(table, lives(book, as_of=D), as_of=D).set_index("change")
    assert found["median"].drop("without_largest").to_dict() == {
        "as_set": 30, "kickoff": 20, "last_step": 35, "last_year": 30,
    }  # fmt: skip
    assert found.loc["without_largest", "n"] == 0
    assert "20 days (from the kickoff) to 35 days (until the last step)" in onboarding.say_sensitivity(
        found.reset_index()
    )


def test_grace_takes_nothing_off_the_share_done_by_a_day():
    rows = [(f"A{i}", "2026-08-01", None) for i in range(10)]
    path = steps_table([(f"A{i}", "Go-live", 1, "2026-09-20") for i in range(10)])
    for grace in (0, 60):
        found = onboarding.onboardings(path, lives(contracts(rows), as_of=D, grace_days=grace), as_of=D)
        table = onboarding.completion(found, as_of=D).set_index(["measure", "days"])
        assert table.loc[("by_day", 60), ["done", "n"]].tolist() == [10, 10]


def test_one_account_of_another_segment_does_not_silence_an_initiative():
    """It began twenty days ago, so of its kind nothing is known for 90 days; of all the others it is."""
    table = simple([(30 + i % 7, "live") for i in range(60)] + [(50, "live"), (20, "open")])
    since = pd.Timestamp("2026-01-01")
    table.loc[:29, "start"] = since + pd.Timedelta(days=5)
    table.loc[:29, "followed_days"] = 290.0
    table["segment"] = ["SMB"] * 60 + ["Enterprise"] * 2
    started = pd.DataFrame({"initiative": ["Guide"], "start_date": [since], "topic": ["onboarding"]})
    found = onboarding.before_after(table, started, by="segment").set_index(["group", "measure"])
    assert np.isfinite(found.loc[("all", "rmst_difference"), "estimate"])
    assert found.loc[("all", "rmst_difference"), ["n_before", "n_after"]].tolist() == [30, 30]
