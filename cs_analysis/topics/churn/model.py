"""The one model behind drivers, risk list and check: Cox on the spells of a history, as many covariates as it can bear.

Covariates enter in a fixed order, never by p value: champion gone, usage fell, stages reached, MRR at the start, then
account columns in the order named; a column enters whole or not at all. There is room for one coefficient per ten
notices. What stays out is kept with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cs_analysis.stats.survival.cox import CoxFit, fit_cox
from cs_analysis.topics.churn.history import CHANGING, START, History

EVENTS_PER_COVARIATE = 10
LEAST_EVENTS = 5  # below this nothing is predicted
NUMERIC = (*CHANGING, START)
YEAR = 12
_LEVEL = "{column}: {level}"


@dataclass(frozen=True)
class Model:
    """A fitted model: ``entered`` (name → (column, level or None)) and ``left_out`` (covariate, column, note)."""

    fit: CoxFit
    entered: dict[str, tuple[str, str | None]]
    left_out: list[tuple[str, str, str]]
    reference: dict[str, str]
    reach: float  # the tenure up to which enough accounts were followed
    events: int
    spells: pd.DataFrame = field(repr=False)  # those the fit rests on

    def matrix(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame's covariates as the model takes them; what is unknown counts as "no"."""
        return _matrix(frame, self.entered)

    def loss(self, frame: pd.DataFrame, start: np.ndarray, stop: np.ndarray) -> pd.DataFrame:
        """Probability of a notice in the window of tenure, given none before: estimate, low, high, borrowed.

        Where fewer accounts than needed were ever followed to the window's end, the same months of an earlier year of
        life stand in (``borrowed``): a hazard without data is not a hazard of 0.
        """
        start, stop = np.asarray(start, dtype=float), np.asarray(stop, dtype=float)
        years = np.where(stop > self.reach, np.ceil((stop - self.reach) / YEAR), 0.0)
        years = np.minimum(years, np.maximum(np.floor(start / YEAR), 0.0))
        given = self.matrix(frame) if self.entered else pd.DataFrame({_NOTHING: np.zeros(len(frame))})
        found = self.fit.loss(given, start - YEAR * years, stop - YEAR * years).reset_index(drop=True)
        return found.assign(borrowed=years > 0)


_NOTHING = "nothing"


def fit(history: History, *, min_n: int = 10) -> Model | None:
    """The model of a history, or None when there are fewer than five notices."""
    spells = history.spells
    events = int(spells["event"].sum())
    if events < LEAST_EVENTS:
        return None
    entered, left_out, reference, lost = _choose(history, events // EVENTS_PER_COVARIATE)
    # a level without a notice has no finite hazard ratio; at the limit its accounts drop out of the risk sets
    kept = spells
    for column, level in lost:
        kept = kept[kept[column] != level]
    matrix = _matrix(kept, entered) if entered else pd.DataFrame({_NOTHING: np.zeros(len(kept))})
    fitted = fit_cox(
        matrix.reset_index(drop=True), kept["tenure_months"].to_numpy(), kept["event"].to_numpy(),
        entry=kept["entry_months"].to_numpy(),
    )  # fmt: skip
    reach = _reach(history.accounts, min_n)
    return Model(fitted, entered, left_out, reference, reach, events, kept)


def _reach(accounts: pd.DataFrame, min_n: int) -> float:
    """The largest tenure at which at least ``min_n`` accounts were at risk (or as many as ever were)."""
    entry, stop = np.sort(accounts["entry_months"].to_numpy()), np.sort(accounts["tenure_months"].to_numpy())
    at_risk = np.searchsorted(entry, stop, side="left") - np.searchsorted(stop, stop, side="left")
    enough = at_risk >= min(min_n, at_risk.max(initial=0))
    return float(stop[enough].max()) if len(stop) else 0.0


def _choose(
    history: History, room: int
) -> tuple[dict[str, tuple[str, str | None]], list[tuple[str, str, str]], dict[str, str], list[tuple[str, str]]]:
    entered: dict[str, tuple[str, str | None]] = {}
    left_out = [(name, name, why) for name, why in history.absent.items()]
    reference: dict[str, str] = {}
    lost: list[tuple[str, str]] = []
    for column in history.covariates:
        terms, notes, first = _terms(history.spells, column)
        left_out += [(name, column, note) for name, note in notes.items()]
        if not terms:
            continue
        if len(terms) > room:
            left_out += [(name, column, "few_events") for name in terms]
            continue
        room -= len(terms)
        entered |= terms
        if first:
            reference[column] = first
            lost += [(column, name.removeprefix(_LEVEL.format(column=column, level=""))) for name in notes]
    return entered, left_out, reference, lost


def _terms(spells: pd.DataFrame, column: str) -> tuple[dict[str, tuple[str, str | None]], dict[str, str], str]:
    """What a covariate would enter as, what of it cannot and why, and its level of reference."""
    if column in NUMERIC:
        values = spells[column].fillna(0.0)
        if values.nunique() < 2:
            return {}, {column: "constant"}, ""
        if set(values.unique()) <= {0.0, 1.0} and spells.loc[spells["event"], column].fillna(0.0).nunique() < 2:
            return {}, {column: "no_events"}, ""
        return {column: (column, None)}, {}, ""
    followed = (spells["tenure_months"] - spells["entry_months"]).groupby(spells[column]).sum()
    losses = spells.groupby(column)["event"].sum().reindex(followed.index)
    if len(followed) < 2:
        return {}, {column: "constant"}, ""
    with_losses = [str(level) for level in followed.index if losses[level] > 0]
    without = {_LEVEL.format(column=column, level=x): "no_events" for x in followed.index if losses[x] == 0}
    # the level followed longest is the one to compare with
    first = max(with_losses, key=lambda level: (followed[level], level))
    terms: dict[str, tuple[str, str | None]] = {
        _LEVEL.format(column=column, level=x): (column, x) for x in with_losses if x != first
    }
    if not terms:
        return {}, {column: "no_events"}, ""
    return terms, without, first


def _matrix(frame: pd.DataFrame, entered: dict[str, tuple[str, str | None]]) -> pd.DataFrame:
    def values(column: str, level: str | None) -> np.ndarray:
        if level is None:
            return frame[column].astype(float).fillna(0.0).to_numpy()
        return (frame[column] == level).to_numpy(dtype=float)

    return pd.DataFrame({name: values(*term) for name, term in entered.items()})
