"""What the sample company's own systems hold: accounts, contracts, ledger, costs, CSMs and initiatives.

Tables are as a client would send them on the day ``until``: nothing that starts later is in them, notices given later
are blank, and terms reach into the future. The tables with a row per event stand in ``detail.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cs_analysis.data.sample import names
from cs_analysis.data.sample.parameters import PRODUCTS, SEGMENTS, TEAMS, TOUCH, TOUCH_SHARE, first_day
from cs_analysis.data.sample.state import World

REASONS = ("price", "missing feature", "low usage", "competitor", "business closed", "champion left")
_SIZES = ("1-49", "50-299", "300-999", "1000+")
_CHANNELS = ("inbound", "outbound", "partner", "event")
AVAILABLE_HOURS = 140  # per CSM and month
ONBOARDING_INITIATIVE = "Guided onboarding"
TIME_INITIATIVE = "Report template"


@dataclass(frozen=True)
class Staff:
    """The CSMs, and who looks after whom (positions; −1 nobody)."""

    name: np.ndarray
    team: np.ndarray
    effect: np.ndarray  # true factor on the hours of an account
    hourly_cost: np.ndarray
    csm: np.ndarray  # per account
    touch: np.ndarray  # per account


def dates(days: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
    """Days since 1970 as datetime64[ns], missing where told."""
    out = np.asarray(days, dtype=np.int64).astype("datetime64[D]").astype("datetime64[ns]")
    if missing is not None:
        out[missing] = np.datetime64("NaT")
    return out


def month_text(months: np.ndarray) -> np.ndarray:
    """Months since January 1970 as "YYYY-MM"."""
    labels, where = np.unique(np.asarray(months, dtype=np.int64), return_inverse=True)
    return np.array([str(m) for m in labels.astype("datetime64[M]")], dtype=object)[where]


def ids(letter: str, numbers: np.ndarray, width: int) -> np.ndarray:
    """Ids such as A00001."""
    out = np.empty(len(numbers), dtype=object)
    out[:] = [f"{letter}{i:0{width}d}" for i in (np.asarray(numbers) + 1).tolist()]
    return out


def account_ids(world: World) -> np.ndarray:
    """The id of every account, in order of their start."""
    n = len(world.state.active)
    return ids("A", np.arange(n), max(4, len(str(n))))


def lines(world: World) -> pd.DataFrame:
    """All contract lines known at ``until``: account, life, product, start, end (first day without), mrr and notice."""
    account, life, product, start, end, price, quantity, _mid_term = world.log.gather("line")
    until = world.calendar.until
    final = np.full((2, len(world.state.active)), np.iinfo(np.int64).max)
    notice = np.full_like(final, -1)
    champion = np.zeros_like(final, dtype=bool)
    who, which, day, told, gone, early = world.log.gather("leave")
    known = (told <= until) | ~early  # an early end announced later is not in the file
    final[which[known], who[known]] = day[known]
    shown = told <= until
    notice[which[shown], who[shown]] = told[shown]
    champion[which[shown], who[shown]] = gone[shown]
    stop = np.minimum(end, final[life, account])
    leaving = (stop == final[life, account]) & (notice[life, account] >= 0)
    keep = np.flatnonzero((start <= until) & (stop > start))
    order = keep[np.lexsort((product[keep], account[keep], start[keep]))]
    frame = {
        "account": account, "life": life, "product": product, "start": start, "end": stop,
        "mrr": price.astype(np.int64) * quantity, "quantity": quantity,
        "notice": np.where(leaving, notice[life, account], -1), "champion_gone": champion[life, account] & leaving,
    }  # fmt: skip
    return pd.DataFrame({name: values[order] for name, values in frame.items()})


def contracts(world: World, known: pd.DataFrame, account_id: np.ndarray) -> pd.DataFrame:
    """The contracts file: one row per line, end dates included in the service."""
    rng = np.random.default_rng([world.seed, 10])
    n_accounts = len(world.state.active)
    account = known["account"].to_numpy()
    reason = rng.integers(0, len(REASONS) - 1, (2, n_accounts))
    blank = rng.random((2, n_accounts)) < world.parameters.churn_reason_blank
    life = known["life"].to_numpy()
    code = np.where(known["champion_gone"], len(REASONS) - 1, reason[life, account])
    told = known["notice"].to_numpy()
    text = np.array(REASONS, dtype=object)[code]
    text[(told < 0) | blank[life, account]] = None
    holder = account.copy()
    # from its merger on an account's lines run under the other's id
    day_of, into_of = np.full(n_accounts, np.iinfo(np.int64).max), np.arange(n_accounts)
    day_of[world.merged[:, 0]], into_of[world.merged[:, 0]] = world.merged[:, 2], world.merged[:, 1]
    moved = known["start"].to_numpy() >= day_of[account]
    holder[moved] = into_of[account[moved]]
    return pd.DataFrame(
        {
            "contract_id": ids("C", np.arange(len(known)), max(5, len(str(len(known))))),
            "account_id": account_id[holder],
            "product": np.array(PRODUCTS, dtype=object)[known["product"].to_numpy()],
            "start_date": dates(known["start"].to_numpy()),
            "end_date": dates(known["end"].to_numpy() - 1),
            "mrr": known["mrr"].to_numpy(),
            "quantity": known["quantity"].to_numpy().astype(np.int64),
            "notice_date": dates(told, told < 0),
            "churn_reason": text,
        }
    )


def ledger(world: World, known: pd.DataFrame) -> pd.DataFrame:
    """The client's own total: MRR in force on the last day of each finished month."""
    months = np.arange(world.calendar.first, world.calendar.complete + 1)
    last = first_day(months + 1) - 1
    running = _in_force(known["start"].to_numpy(), known["mrr"].to_numpy(), last)
    over = _in_force(known["end"].to_numpy(), known["mrr"].to_numpy(), last)
    return pd.DataFrame({"month": month_text(months), "mrr": running - over})


def _in_force(days: np.ndarray, amount: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The sum of the amounts dated up to each of the days ``at``, in whole yen."""
    order = np.argsort(days, kind="stable")
    total = np.concatenate([[0], np.cumsum(amount[order])])
    return total[np.searchsorted(days[order], at, side="right")]


def staff(world: World) -> Staff:
    """The CSMs and their accounts: each has a favourite segment, so that the mix differs between them."""
    rng = np.random.default_rng([world.seed, 11])
    p, segment = world.parameters, world.state.segment
    n = int(np.clip(round(len(segment) / 30), 4, 160))
    effect = np.exp(p.csm_sigma * rng.standard_normal(n))
    csm = np.empty(len(segment), dtype=np.int64)
    touch = np.empty(len(segment), dtype=np.int64)
    for s in range(len(SEGMENTS)):
        rows = np.flatnonzero(segment == s)
        weight = np.where(np.arange(n) // 2 % len(SEGMENTS) == s, 2.5, 1.0)
        csm[rows] = rng.choice(n, len(rows), p=weight / weight.sum())
        touch[rows] = rng.choice(len(TOUCH), len(rows), p=TOUCH_SHARE[s])
    return Staff(
        name=names.people(n, rng),
        team=np.array(TEAMS, dtype=object)[np.arange(n) % len(TEAMS)],
        effect=effect / np.exp(np.log(effect).mean()),
        hourly_cost=rng.integers(45, 66, n) * 100,
        csm=csm,
        touch=touch,
    )


def accounts(world: World, team: Staff, account_id: np.ndarray) -> pd.DataFrame:
    """The accounts file: as of the day ``until``."""
    rng = np.random.default_rng([world.seed, 12])
    s, c = world.state, world.calendar
    n = len(s.active)
    name, industry, _japanese = names.companies(n, rng)
    size = np.searchsorted([20, 60, 150], s.quantity[0])
    csm, csm_team = team.name[team.csm], team.team[team.csm]
    nobody = rng.random(n) < 0.015
    csm[nobody], csm_team[nobody] = None, None
    industry[rng.random(n) < 0.02] = None
    parent = np.full(n, None, dtype=object)
    children = rng.permutation(n)[: n // 25]
    free = np.setdiff1d(np.arange(n), children)
    parent[children] = account_id[free[rng.integers(0, len(free), len(children))]]
    into, day = np.full(n, None, dtype=object), np.full(n, -1)
    into[world.merged[:, 0]] = account_id[world.merged[:, 1]]
    day[world.merged[:, 0]] = world.merged[:, 2]
    frame = pd.DataFrame(
        {
            "account_id": account_id,
            "account_name": name,
            "segment": np.array(SEGMENTS, dtype=object)[s.segment],
            "industry": industry,
            "company_size": np.array(_SIZES, dtype=object)[size],
            "touch_model": np.array(TOUCH, dtype=object)[team.touch],
            "csm": csm,
            "csm_team": csm_team,
            "channel": np.array(_CHANNELS, dtype=object)[rng.choice(len(_CHANNELS), n, p=(0.4, 0.25, 0.25, 0.1))],
            "parent_account_id": parent,
            "merged_into": into,
            "merged_date": dates(day, day < 0),
        }
    )
    return frame.loc[first_day(s.start_month) + s.day0 - 1 <= c.until].reset_index(drop=True)


def csms(world: World, team: Staff) -> pd.DataFrame:
    """The CSMs file."""
    n = len(team.name)
    return pd.DataFrame(
        {
            "csm": team.name,
            "team": team.team,
            "hourly_cost": team.hourly_cost,
            "available_hours": np.full(n, AVAILABLE_HOURS),
            "start_date": dates(np.full(n, first_day(world.calendar.first - 12))),
            "end_date": dates(np.zeros(n), np.ones(n, dtype=bool)),
        }
    )


def costs(world: World, team: Staff, total: pd.DataFrame) -> pd.DataFrame:
    """The costs file: four kinds a month; sales and marketing follow what was newly won."""
    rng = np.random.default_rng([world.seed, 13])
    months = np.arange(world.calendar.first, world.calendar.complete + 1)
    mrr = total["mrr"].to_numpy().astype(float)
    account, life, _product, start, _end, price, quantity, mid_term = world.log.gather("line")
    day = first_day(world.state.start_month) + world.state.day0 - 1
    first = (life == 0) & (mid_term == 0) & (start == day[account])
    won = np.bincount(
        np.clip(world.state.start_month[account[first]] - world.calendar.first, -1, len(months)) + 1,
        weights=(price[first].astype(np.int64) * quantity[first]).astype(float),
        minlength=len(months) + 2,
    )[1 : len(months) + 1]
    parts = {
        "cogs": 0.20 * mrr,
        "cs": np.full(len(months), float(AVAILABLE_HOURS) * team.hourly_cost.sum()),
        "sales_marketing": 0.06 * mrr + 8.0 * won,
        "other": 0.08 * mrr,
    }
    frame = pd.concat(
        [pd.DataFrame({"month": month_text(months), "kind": kind, "amount": amount}) for kind, amount in parts.items()]
    )
    frame["amount"] = (frame["amount"] * rng.uniform(0.95, 1.05, len(frame)) / 1000).round().astype(np.int64) * 1000
    return frame.sort_values(["month", "kind"], kind="stable", ignore_index=True)


def initiatives(world: World) -> pd.DataFrame:
    """The initiatives file: a faster onboarding for everybody, a shorter report for one team's accounts."""
    c = world.calendar
    return pd.DataFrame(
        {
            "initiative": [ONBOARDING_INITIATIVE, TIME_INITIATIVE],
            "start_date": dates(first_day([c.onboarding_change, c.initiative])),
            "topic": ["onboarding", "time"],
            "column": [None, "csm_team"],
            "value": [None, world.parameters.initiative_team],
        }
    )
