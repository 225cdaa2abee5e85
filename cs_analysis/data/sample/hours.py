"""The hours of the sample company's CSMs: task × phase, times effects that the truth tells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.data.sample.detail import Detail, working_day
from cs_analysis.data.sample.parameters import PHASES, TASKS
from cs_analysis.data.sample.state import World
from cs_analysis.data.sample.tables import AVAILABLE_HOURS, Staff, dates

_INTERNAL = ("internal meeting", "administration")
_INTERNAL_HOURS = 3.0  # per entry on average
_LEAST_INTERNAL = 12.0  # a month, however much customers need


def expected_hours(world: World, d: Detail, team: Staff) -> np.ndarray:
    """True mean hours, task × month × detail account, before an account's own habits."""
    p = world.parameters
    csm = team.csm[d.rows]
    fixed = (
        np.array(p.touch_factor)[team.touch[d.rows]]
        * np.array(p.segment_hours_factor)[world.state.segment[d.rows]]
        * team.effect[csm]
    )
    mean = np.array(p.hours)[:, d.phase] * np.where(d.active, fixed, 0.0)
    touched = (d.months >= world.calendar.initiative)[:, None] & (team.team[csm] == p.initiative_team)
    mean[TASKS.index(p.initiative_task)] *= np.where(touched, p.initiative_factor, 1.0)
    return mean


def time_entries(world: World, d: Detail, team: Staff) -> pd.DataFrame:
    """One row per entry, in quarters of an hour; internal time has no account."""
    rng = np.random.default_rng([world.seed, 30])
    sigma = world.parameters.account_hours_sigma
    habit = np.exp(sigma * rng.standard_normal(len(d.rows)) - sigma**2 / 2)
    mean = expected_hours(world, d, team) * habit
    task, month, account = np.nonzero(mean > 0)
    total = mean[task, month, account] * rng.gamma(1.5, 1 / 1.5, len(task))
    quarters = np.floor(total * 4 + rng.random(len(task))).astype(np.int64)  # rounding that keeps the mean
    pieces = 1 + (quarters >= 8) + (quarters >= 20)
    task, month, account, pieces_of, quarters = (
        np.repeat(values, pieces) for values in (task, month, account, pieces, quarters)
    )
    number = np.arange(len(pieces_of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    quarters = quarters // pieces_of + (number < quarters % pieces_of)
    day = np.maximum(working_day(d.months[month], rng), d.start[account])
    keep = np.flatnonzero((quarters > 0) & (day <= world.calendar.until))
    customer = pd.DataFrame(
        {
            "date": day[keep],
            "csm": team.name[team.csm[d.rows[account[keep]]]],
            "account_id": d.account_id[account[keep]],
            "phase": np.array(PHASES, dtype=object)[d.phase[month[keep], account[keep]]],
            "task": np.array(TASKS, dtype=object)[task[keep]],
            "hours": quarters[keep] / 4,
        }
    )
    frame = pd.concat([customer, _internal(world, d, team, customer, rng)], ignore_index=True)
    frame = frame.sort_values(["date", "csm", "account_id", "task"], kind="stable", ignore_index=True)
    frame["date"] = dates(frame["date"].to_numpy())
    return frame


def _internal(world: World, d: Detail, team: Staff, customer: pd.DataFrame, rng) -> pd.DataFrame:
    """What a CSM logs without an account: enough to bring the month to the share of the time that CSM usually logs."""
    people = len(team.name)
    usual = rng.uniform(0.75, 0.95, people) * AVAILABLE_HOURS
    month_of = customer["date"].to_numpy().astype("datetime64[D]").astype("datetime64[M]").astype(int) - d.months[0]
    csm_of = pd.Index(team.name).get_indexer(pd.Index(customer["csm"]))
    spent = np.bincount(month_of * people + csm_of, weights=customer["hours"], minlength=len(d.months) * people)
    spent = spent[: len(d.months) * people].reshape(len(d.months), people)
    count = rng.poisson(np.maximum(usual - spent, _LEAST_INTERNAL) / _INTERNAL_HOURS)
    month, csm = np.nonzero(count)
    times = count[month, csm]
    month, csm = np.repeat(month, times), np.repeat(csm, times)
    day = working_day(d.months[month], rng)
    hours = np.minimum(np.maximum(1, np.rint(4 * rng.gamma(3, _INTERNAL_HOURS / 3, len(day)))) / 4, 12.0)
    frame = pd.DataFrame(
        {
            "date": day,
            "csm": team.name[csm],
            "account_id": None,
            "phase": None,
            "task": np.array(_INTERNAL, dtype=object)[rng.integers(0, 2, len(day))],
            "hours": hours,
        }
    )
    return frame.loc[day <= world.calendar.until]
