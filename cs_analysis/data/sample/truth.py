"""The truth of the sample company: expected retention of its opening books, and the parameters behind all tables.

The expected figures are means over many re-simulations of the twelve months that follow an opening book, each from
the state of every account at that time. "The target is the expected ratio for this opening book" (definitions,
section 2): what happened is one draw from it.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from cs_analysis.data.sample.parameters import (
    PHASES,
    PRODUCTS,
    SEGMENTS,
    STAGES,
    STEP_OWNERS,
    STEPS,
    TASKS,
    TOUCH,
    first_day,
)
from cs_analysis.data.sample.state import World
from cs_analysis.data.sample.tables import ONBOARDING_INITIATIVE, TIME_INITIATIVE, Staff, account_ids
from cs_analysis.data.sample.world import step

SPAN = 12
MADE_BY = "cs-analysis sample"  # by which a folder is known to hold a sample company
_BOOK_ROWS = 150_000  # accounts × replicates that suffice for an error well under 0.2 points


def retention(world: World, closing_month: int) -> dict | None:
    """Expected and realised 12-month NRR, GRR and logo retention at a month's end (None without an opening book)."""
    book = world.books.get(closing_month - SPAN)
    if book is None:
        return None
    unit = np.arange(len(book.active))
    unit[world.merged[:, 0]] = world.merged[:, 1]
    opening = np.bincount(unit, weights=book.mrr(), minlength=len(unit))
    cohort = np.flatnonzero(opening > 0)
    if not len(cohort):
        return None
    realised = np.bincount(unit, weights=world.mrr[closing_month], minlength=len(unit))
    closings = _replicates(world, closing_month, unit)
    ratios = np.array([_ratios(opening[cohort], closing[cohort]) for closing in closings])
    actual = _ratios(opening[cohort], realised[cohort])
    kept = np.mean([closing[cohort] > 0 for closing in closings], axis=0)
    out: dict = {
        "as_of": _day(first_day(closing_month + 1) - 1),
        "opening_day": _day(first_day(closing_month - SPAN + 1) - 1),
        "accounts": len(cohort),
        "opening_mrr": int(opening.sum()),
        "replicates": len(closings),
    }
    errors = _errors(ratios, opening[cohort], closings[0][cohort])
    for k, name in enumerate(("nrr", "grr", "logo")):
        out[name] = {
            "expected": round(float(ratios[:, k].mean()), 6),
            "monte_carlo_error": round(float(errors[k]), 6),
            "realised": round(float(actual[k]), 6),
        }
    out["logo_by_segment"] = {}
    for k, name in enumerate(SEGMENTS):
        mine = book.segment[cohort] == k
        if mine.any():
            stayed = realised[cohort][mine] > 0
            out["logo_by_segment"][name] = {
                "expected": round(float(kept[mine].mean()), 6),
                "realised": round(float(stayed.mean()), 6),
                "accounts": int(mine.sum()),
            }
    return out


def _replicates(world: World, closing_month: int, unit: np.ndarray) -> list[np.ndarray]:
    """MRR per reporting unit at the end of ``closing_month``, once per re-simulation of the twelve months before."""
    book = world.books[closing_month - SPAN]
    active = np.flatnonzero(book.active)
    times = max(1, -(-_BOOK_ROWS // len(active)))
    each = min(times, max(1, _BOOK_ROWS // len(active)))  # replicates stepped together
    rng = np.random.default_rng([world.seed, 3, closing_month])
    out: list[np.ndarray] = []
    for begin in range(0, times, each):
        count = min(each, times - begin)
        state = book.take(np.tile(active, count))
        for month in range(closing_month - SPAN + 1, closing_month + 1):
            step(state, month, world.parameters, world.calendar, rng)
        mrr = state.mrr().reshape(count, len(active))
        out += [np.bincount(unit[active], weights=row, minlength=len(unit)) for row in mrr]
    return out


def _ratios(opening: np.ndarray, closing: np.ndarray) -> tuple[float, float, float]:
    total = opening.sum()
    return closing.sum() / total, np.minimum(opening, closing).sum() / total, float((closing > 0).mean())


def _errors(ratios: np.ndarray, opening: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """Standard error of the mean over replicates; with few of them from the spread over accounts."""
    if len(ratios) >= 20:
        return ratios.std(axis=0, ddof=1) / np.sqrt(len(ratios))
    weight, ratio = opening / opening.sum(), closing / opening
    spread = [
        np.sqrt(((w * (r - (w * r).sum())) ** 2).sum())
        for w, r in (
            (weight, ratio),
            (weight, np.minimum(ratio, 1)),
            (np.full(len(opening), 1 / len(opening)), (closing > 0).astype(float)),
        )
    ]
    return np.array(spread) / np.sqrt(len(ratios))


def renewals(world: World) -> dict:
    """Renewals due in the recorded months, by segment: how many, and how many were expected to leave and did."""
    _account, month, hazard, left, segment, *_rest = world.log.gather("decision")
    recorded = month + 3 > world.calendar.first  # who left on the first day is not in the files
    hazard, left, segment = hazard[recorded], left[recorded], segment[recorded]
    chance = -np.expm1(-hazard)
    return {
        name: {
            "due": int((segment == k).sum()),
            "expected_lost": round(float(chance[segment == k].sum()), 4),
            "lost": int(left[segment == k].sum()),
        }
        for k, name in enumerate(SEGMENTS)
    }


def truth(world: World, team: Staff, waves: dict) -> dict:
    """Everything known to be true of the company (keys in the docstring of :mod:`cs_analysis.data.sample`)."""
    c, p = world.calendar, world.parameters
    n = len(world.state.active)
    account_id = account_ids(world)
    return {
        "about": {
            "made_by": MADE_BY,
            "seed": world.seed,
            "accounts": n,
            "months": c.months,
            "until": _day(c.until),
            "last_month_end": _day(first_day(c.complete + 1) - 1),
            "observed_from": _day(first_day(c.first)),
            "accounts_that_began_before": int((world.state.start_month < c.first).sum()),
            "accounts_in_detail_tables": len(world.detail),
            "fixed_columns": ["segment", "touch_model", "csm", "csm_team"],
        },
        "figures": {
            "at_until": retention(world, c.complete),
            "at_previous": retention(world, c.complete - 1),
            "at_year_ago": retention(world, c.complete - SPAN),
        },
        "renewals": renewals(world),
        "onboarding": {
            "steps": list(STEPS),
            "owners": list(STEP_OWNERS),
            "median_days_before_change": _live_medians(world, before=True),
            "median_days_after_change": _live_medians(world, before=False),
            "change_date": _day(first_day(c.onboarding_change)),
            "initiative": ONBOARDING_INITIATIVE,
            "step_days_factor": p.onboarding_change_factor,
        },
        "hours": {
            "tasks": list(TASKS),
            "phases": list(PHASES),
            "touch_models": list(TOUCH),
            "csm_factor": {name: round(float(f), 6) for name, f in sorted(zip(team.name, team.effect, strict=True))},
            "initiative": TIME_INITIATIVE,
            "initiative_date": _day(first_day(c.initiative)),
            "initiative_task": p.initiative_task,
            "initiative_team": p.initiative_team,
            "initiative_factor": p.initiative_factor,
        },
        "prices": {"rise": p.price_rise, "rise_date": _day(first_day(c.price_rise)), "products": list(PRODUCTS)},
        "stages": list(STAGES),
        "survey_waves": waves,
        "mergers": [
            {"account_id": account_id[a], "merged_into": account_id[b], "date": _day(day)}
            for a, b, day in world.merged.tolist()
        ],
        "parameters": asdict(p),
    }


def _live_medians(world: World, *, before: bool) -> dict:
    """Median days from contract start to go-live that the generator drew, nobody leaving, by segment."""
    s, c = world.state, world.calendar
    days = world.waits.sum(axis=0)
    chosen = (s.start_month < c.onboarding_change) == before
    return {
        name: float(np.median(days[chosen & (s.segment == k)])) if (chosen & (s.segment == k)).any() else None
        for k, name in enumerate(SEGMENTS)
    }


def _day(day) -> str:
    return str(np.int64(day).astype("datetime64[D]"))
