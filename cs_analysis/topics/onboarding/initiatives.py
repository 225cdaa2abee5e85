"""Before and after an initiative: onboardings begun before its first day beside those begun since.

Accounts are not assigned by chance, so this is a comparison of two times: the mix of a column (the segment) is held
still, and the two halves of the time before are compared as a check that nothing was moving already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.stats import periods
from cs_analysis.topics.onboarding import incidence
from cs_analysis.topics.onboarding.durations import ALL, MIN_N, SEED, TAU, cells, curve
from cs_analysis.topics.onboarding.onboardings import counted

TOPIC = "onboarding"
COLUMNS = (
    "initiative", "start_date", "group", "measure", "estimate", "low", "high", "n_before", "n_after", "tau",
)  # fmt: skip


def period(onboardings: pd.DataFrame, *, since: Any) -> pd.DataFrame:
    """The onboardings with ``period``: "after" where they began on ``since`` or later, else "before"."""
    after = onboardings["start"] >= pd.Timestamp(periods.day(since))
    return onboardings.assign(period=np.where(after, "after", "before"))


def touched(onboardings: pd.DataFrame, initiative: pd.Series) -> pd.DataFrame:
    """The onboardings an initiative was meant for: all, or those whose ``column`` has its ``value``."""
    column, value = initiative.get("column"), initiative.get("value")
    if not isinstance(column, str) or column not in onboardings:
        return onboardings
    return onboardings[onboardings[column].astype(str) == str(value)]


def of_onboarding(initiatives: pd.DataFrame | None) -> pd.DataFrame:
    """The initiatives whose topic is onboarding, oldest first; none where there is no such table."""
    if initiatives is None or "topic" not in initiatives:
        return pd.DataFrame(columns=["initiative", "start_date"])
    rows = initiatives[initiatives["topic"] == TOPIC]
    return rows.sort_values(["start_date", "initiative"], kind="stable", ignore_index=True)


def curve_before_after(
    onboardings: pd.DataFrame, initiatives: pd.DataFrame | None, *, min_n: int = MIN_N
) -> pd.DataFrame:
    """The share gone live of those begun before and after the newest onboarding initiative; no rows without one.

    Returns
    -------
    initiative, and the columns of `curve` with the groups "before" and "after".
    """
    known = of_onboarding(initiatives)
    if known.empty:
        return pd.DataFrame(columns=["initiative", "by", "group", "day", "estimate", "low", "high", "at_risk", "n"])
    initiative = known.iloc[-1]
    split = period(touched(onboardings, initiative), since=initiative["start_date"])
    rows = curve(split, by="period", min_n=min_n)
    rows = rows[rows["by"] == "period"].reset_index(drop=True)
    rows.insert(0, "initiative", initiative["initiative"])
    return rows


def before_after(
    onboardings: pd.DataFrame,
    initiatives: pd.DataFrame | None,
    *,
    by: str = "",
    tau: float = TAU,
    min_n: int = MIN_N,
    seed: int = SEED,
) -> pd.DataFrame:
    """What changed with each onboarding initiative, the mix of ``by`` held still.

    Curves of before and after are taken per group of ``by`` and averaged with one set of weights, the groups' shares of
    the onboardings begun after; groups that lack ``min_n`` on either side are in "the rest", which is one group, and
    stands outside where one of its sides was not followed for ``tau`` days.

    Parameters
    ----------
    onboardings
        As `onboardings` gives them, with the columns that the initiatives name.
    initiatives
        initiative, start_date, topic; if there are: column and value, which tell whom it touched. None: there are
        none.
    by
        The column whose mix is held still.
    tau, min_n, seed
        Days of the restricted mean; least onboardings on either side; of the draws.

    Returns
    -------
    initiative, start_date, group ("all", then each group of ``by``), measure → estimate, low, high (bootstrap over
    accounts), n_before, n_after, tau. Measures: "rmst_difference" (after − before, days not yet live of the first
    ``tau``), "median_ratio" (after ÷ before), and for all "trend_before" (restricted mean of the later half of the
    onboardings before it − the earlier half). Missing where a side has fewer than ``min_n``.
    """
    rows: list[dict[str, Any]] = []
    for _i, initiative in of_onboarding(initiatives).iterrows():
        split = period(counted(touched(onboardings, initiative)), since=initiative["start_date"])
        about = {"initiative": initiative["initiative"], "start_date": initiative["start_date"], "tau": tau}
        for group, strata in _strata(split, by, min_n, tau):
            sides = {side: sum(len(part[part["period"] == side]) for part in strata) for side in ("before", "after")}
            about |= {"group": group, "n_before": sides["before"], "n_after": sides["after"]}
            enough = min(sides.values()) >= min_n
            rows += [about | row for row in (_effects(strata, tau, seed) if enough else _withheld())]
        rows.append(about | {"group": ALL} | _trend(split, tau, min_n, seed))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _strata(split: pd.DataFrame, by: str, min_n: int, tau: float) -> list[tuple[str, list[pd.DataFrame]]]:
    """All, as a list of groups whose mix is held still, then each group that has enough on both sides."""
    if not by or split.empty:
        return [(ALL, [split])]
    sizes = (
        split.groupby([by, "period"]).size().unstack(fill_value=0).reindex(columns=["before", "after"], fill_value=0)
    )
    whole = sizes[(sizes >= min_n).all(axis=1)].index
    parts = [(str(name), [split[split[by] == name]]) for name in whole]
    rest = split[~split[by].isin(whole)]
    strata = [part for _name, [part] in parts]
    known = [np.isfinite(incidence.rmst(incidence.curves(cells(part)), tau)[0]) for _p, part in rest.groupby("period")]
    if len(known) == 2 and all(known):
        strata.append(rest)
    return [(ALL, strata or [split]), *parts]


def _effects(strata: list[pd.DataFrame], tau: float, seed: int) -> list[dict[str, Any]]:
    sides = [[cells(part[part["period"] == side]) for part in strata] for side in ("after", "before")]
    weight = np.array([part.counts.sum() for part in sides[0]])
    weight = weight / weight.sum()
    difference, _drawn = incidence.difference(
        sides[0],
        sides[1],
        lambda found: sum((w * incidence.rmst(one, tau) for w, one in zip(weight, found, strict=True)), np.zeros(1)),
        seed=seed,
    )
    ratio, _drawn = incidence.difference(
        sides[0], sides[1], lambda found: np.log(np.maximum(_median(found, weight), 0.5)), seed=seed
    )
    return [
        {"measure": "rmst_difference", "estimate": difference.estimate, "low": difference.low, "high": difference.high},
        {"measure": "median_ratio", **{k: float(np.exp(v)) for k, v in ratio._asdict().items()}},
    ]


def _median(found: list[incidence.Curves], weight: np.ndarray) -> np.ndarray:
    """The median of the weighted mean of several groups' curves, in each draw."""
    days = np.unique(np.concatenate([one.times for one in found]))
    mean = np.zeros((len(found[0].live), len(days)))
    for w, one in zip(weight, found, strict=True):
        place = np.searchsorted(one.times, days, side="right") - 1
        mean += w * np.where(place >= 0, one.live[:, np.maximum(place, 0)], 0.0)
    reached = mean >= 0.5 - 1e-9
    return np.where(reached.any(axis=1), days[reached.argmax(axis=1)], np.nan)


def _withheld() -> list[dict[str, Any]]:
    return [
        {"measure": measure, "estimate": np.nan, "low": np.nan, "high": np.nan}
        for measure in ("rmst_difference", "median_ratio")
    ]


def _trend(split: pd.DataFrame, tau: float, min_n: int, seed: int) -> dict[str, Any]:
    """The later half of the starts before, minus the earlier half."""
    before = split[split["period"] == "before"]
    middle = before["start"].median()
    halves = [before[before["start"] > middle], before[before["start"] <= middle]]
    row = {"measure": "trend_before", "n_before": len(halves[1]), "n_after": len(halves[0])}
    if min(map(len, halves)) < min_n:
        return row | {"estimate": np.nan, "low": np.nan, "high": np.nan}
    found, _drawn = incidence.difference(
        [cells(halves[0])], [cells(halves[1])], lambda sides: incidence.rmst(sides[0], tau), seed=seed
    )
    return row | found._asdict()
