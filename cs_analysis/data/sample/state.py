"""What the simulation of the sample company keeps: the state of its accounts, the log of what happened, the world."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from cs_analysis.data.sample.parameters import Calendar, Parameters

NEVER = 10**6  # a month that does not come


@dataclass
class State:
    """What is true of each account at a month's end (the last axis of every array runs over accounts)."""

    account: np.ndarray
    segment: np.ndarray
    day: np.ndarray  # of the month on which terms start
    day0: np.ndarray  # the same in the first life
    start_month: np.ndarray
    live_day: np.ndarray
    active: np.ndarray
    life: np.ndarray  # 0, or 1 after a win-back
    term_month: np.ndarray  # in which the running term's successor would start
    renewals: np.ndarray
    leave_month: np.ndarray  # first month without, once decided
    return_month: np.ndarray
    quantity: np.ndarray  # product × account
    price: np.ndarray  # product × account, whole yen
    health: np.ndarray
    gone: np.ndarray  # the champion has left and nobody has followed
    stage: np.ndarray

    def take(self, rows: np.ndarray) -> State:
        """The accounts ``rows`` (positions or a mask), copied."""
        return State(**{f.name: getattr(self, f.name)[..., rows] for f in fields(self)})

    def mrr(self) -> np.ndarray:
        """Monthly recurring revenue per account in whole yen."""
        return np.where(self.active, (self.quantity.astype(np.int64) * self.price).sum(axis=0), 0)


@dataclass
class Log:
    """What happened, by kind: columns of equal length, the first of which is the account."""

    parts: dict[str, list[tuple]] = field(default_factory=dict)

    def add(self, kind: str, *columns) -> None:
        self.parts.setdefault(kind, []).append(np.broadcast_arrays(*columns) if len(columns) > 1 else columns)

    def relabel(self, label: np.ndarray) -> None:
        """Give accounts their final numbers; those without one (−1) were never recorded."""
        for kind in self.parts:
            account, *rest = self.gather(kind)
            kept = label[account] >= 0
            self.parts[kind] = [(label[account[kept]], *(c[kept] for c in rest))]

    def gather(self, kind: str) -> tuple[np.ndarray, ...]:
        """The columns of one kind."""
        if kind not in self.parts:
            return tuple(np.empty(0, dtype=np.int64) for _ in range(8))
        return tuple(np.concatenate(c) for c in zip(*self.parts[kind], strict=True))


@dataclass
class World:
    """A simulated company: its last state, its log, its opening books and the months of its detail accounts."""

    parameters: Parameters
    calendar: Calendar
    seed: int
    state: State
    log: Log
    waits: np.ndarray  # onboarding step × account, days
    detail: np.ndarray  # accounts with detail tables
    history: dict[str, np.ndarray]  # month × detail account
    books: dict[int, State]  # opening books by month
    mrr: dict[int, np.ndarray]  # MRR per account by month
    totals: np.ndarray  # MRR per month
    merged: np.ndarray  # account × (merged, into, day)
