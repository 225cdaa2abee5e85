"""The sample company month by month: all accounts step together, each step a handful of array operations.

A step has an order that matters: those whose renewal is three months away decide (on what was true at the end of the
month before), then contracts end, renew, grow and begin, then health, champions and stages move on. What happened goes
to a log; the same step without a log re-simulates a book of business (see ``truth.py``).
"""

from __future__ import annotations

import numpy as np

from cs_analysis.data.sample.parameters import PRODUCTS, SEGMENTS, Calendar, Parameters, first_day
from cs_analysis.data.sample.state import NEVER, Log, State, World

DETAIL_LIMIT = 5_000  # accounts covered by the detail tables
MERGER_AGE = 25  # months: mergers are older than every opening book of the truth


def simulate(accounts: int, months: int, until, seed: int, parameters: Parameters | None = None) -> World:
    """The company of ``accounts`` accounts over ``months`` months, the last of which holds ``until``."""
    p = parameters or Parameters()
    c = Calendar.of(months, until)
    rng = np.random.default_rng([seed, 1])
    log = Log()
    before = round(p.share_before * accounts)
    candidates = 2 * before + 60
    state, waits = _begin(accounts - before, candidates, p, c, rng)
    for month in range(c.first - p.months_before, c.first):
        step(state, month, p, c, rng, log)
    kept = _survivors(state, log, candidates, before, c)
    label = np.full(len(state.active), -1)
    label[kept] = np.arange(len(kept))
    log.relabel(label)
    state, waits = state.take(kept), waits[:, kept]
    state.account = np.arange(len(kept))
    detail = np.arange(len(kept))
    if len(kept) > DETAIL_LIMIT:
        detail = np.sort(rng.choice(len(kept), DETAIL_LIMIT, replace=False))
    world = World(
        p, c, seed, state, log, waits, detail, {}, {}, {}, np.zeros(c.months, dtype=np.int64), np.empty((0, 3))
    )
    _record(world, rng)
    world.merged = _mergers(world)
    return world


def _begin(new: int, candidates: int, p: Parameters, c: Calendar, rng) -> tuple[State, np.ndarray]:
    """All accounts before they start: ``candidates`` that begin before the first month, then ``new`` after it."""
    n = candidates + new
    start = np.concatenate(
        [
            _start_months(np.arange(c.first - p.months_before, c.first), candidates, p, rng),
            _start_months(np.arange(c.first, c.last + 1), new, p, rng),
        ]
    )
    segment = rng.choice(len(SEGMENTS), size=n, p=p.segment_share).astype(np.int8)
    day = np.where(rng.random(n) < p.start_day_first, 1, rng.integers(2, 26, n))
    seats = np.array(p.seats_median)[segment] * np.exp(p.seats_sigma * rng.standard_normal(n))
    quantity = np.zeros((len(PRODUCTS), n), dtype=np.int32)
    quantity[0] = np.maximum(1, np.rint(seats))
    addon = np.where(rng.random(n) < p.starts_with_addon, rng.integers(1, len(PRODUCTS), n), 0)
    has = np.flatnonzero(addon)
    quantity[addon[has], has] = np.where(addon[has] == 1, quantity[0, has], 1)
    pace = np.array(p.onboarding_segment_factor)[segment] * np.exp(p.onboarding_sigma * rng.standard_normal(n))
    pace = pace * np.where(start >= c.onboarding_change, p.onboarding_change_factor, 1.0)
    noise = np.exp(p.step_sigma * rng.standard_normal((len(p.step_median_days), n), dtype=np.float32))
    waits = np.ceil(np.array(p.step_median_days)[:, None] * pace * noise).astype(np.int32)
    zero = np.zeros(n, dtype=np.int32)
    state = State(
        account=np.arange(n),
        segment=segment,
        day=day.astype(np.int8),
        day0=day.astype(np.int8),
        start_month=start.astype(np.int32),
        live_day=(first_day(start) + day - 1 + waits.sum(axis=0)).astype(np.int32),
        active=np.zeros(n, dtype=bool),
        life=zero.astype(np.int8),
        term_month=zero + NEVER,
        renewals=zero.astype(np.int16),
        leave_month=zero + NEVER,
        return_month=zero + NEVER,
        quantity=quantity,
        price=np.ascontiguousarray(np.array(p.prices, dtype=np.int32)[segment].T),
        health=rng.standard_normal(n, dtype=np.float32),
        gone=np.zeros(n, dtype=bool),
        stage=zero.astype(np.int8),
    )
    return state, waits


def _start_months(months: np.ndarray, n: int, p: Parameters, rng) -> np.ndarray:
    weight = np.array(p.new_business)[months % 12] * (1 + p.growth) ** (months - months[0])
    return rng.choice(months, size=n, p=weight / weight.sum())


def _survivors(state: State, log: Log, candidates: int, before: int, c: Calendar) -> np.ndarray:
    """Positions of the recorded accounts in order of their start: ``before`` survivors, and all that begin later.

    A survivor is served on the first recorded day.
    """
    who, life, stop, *_ = log.gather("leave")
    last = state.life[who] == life
    alive = state.active.copy()
    alive[who[last & (stop <= first_day(c.first))]] = False
    old = np.flatnonzero(alive[:candidates])[:before]
    new = np.arange(candidates, len(state.active))
    kept = np.concatenate([old, new])
    return kept[np.argsort(first_day(state.start_month[kept]) + state.day0[kept], kind="stable")]


def _record(world: World, rng) -> None:
    """Step through the recorded months, keeping what tables and truth need."""
    c, state = world.calendar, world.state
    opening = {c.complete - 12, c.complete - 13, c.complete - 24}
    wanted = opening | {c.complete, c.complete - 1, c.complete - 12}
    names = ("active", "health", "stage", "gone", "term_month", "leave_month", "seats")
    rows: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for month in range(c.first, c.last + 1):
        step(state, month, world.parameters, c, rng, world.log)
        mrr = state.mrr()
        world.totals[month - c.first] = mrr.sum()
        if month in wanted:
            world.mrr[month] = mrr
        if month in opening:
            world.books[month] = state.take(np.arange(len(state.active)))
        for name in names:
            rows[name].append((state.quantity[0] if name == "seats" else getattr(state, name))[world.detail])
    world.history = {name: np.array(values) for name, values in rows.items()}


def step(s: State, month: int, p: Parameters, c: Calendar, rng, log: Log | None = None) -> None:
    """Move every account through one month, in place."""
    _decide(s, month, p, rng, log)
    _leave(s, month, p, rng)
    _renew(s, month, p, c, rng, log)
    _grow(s, month, p, rng, log)
    _start(s, month, log)
    _drift(s, month, p, rng, log)


def renewal_hazard(s: State, rows: np.ndarray, p: Parameters) -> np.ndarray:
    """The hazard of not renewing, of accounts ``rows``, from what is true now."""
    return (
        np.array(p.renewal_hazard)[s.segment[rows]]
        * np.array(p.renewal_number_factor)[np.minimum(s.renewals[rows], 2)]
        * np.where(s.gone[rows], p.champion_factor, 1.0)
        * np.array(p.stage_factor)[s.stage[rows]]
        * np.exp(-p.health_effect * s.health[rows])
    )


def _decide(s: State, month: int, p: Parameters, rng, log: Log | None) -> None:
    free = s.active & (s.leave_month == NEVER)
    due = np.flatnonzero(free & (s.term_month == month + 3))
    hazard = renewal_hazard(s, due, p)
    leaves = rng.random(len(due)) < -np.expm1(-hazard)
    who = due[leaves]
    s.leave_month[who] = s.term_month[who]
    early = np.flatnonzero(free & (s.term_month - month >= 5) & (month - s.start_month >= 1))
    rate = np.array(p.early_hazard)[s.segment[early]] * np.where(s.gone[early], p.champion_factor, 1.0)
    quits = early[rng.random(len(early)) < -np.expm1(-rate)]
    s.leave_month[quits] = month + 2
    if log is None:
        return
    log.add(
        "decision", s.account[due], month, hazard, leaves, s.segment[due], s.gone[due], s.stage[due], s.renewals[due]
    )
    # the notice falls in this month and 60 to 90 days before the last day of the term
    end = first_day(month + 3) + s.day[who] - 1
    low = np.maximum(end - 1 - 90, first_day(month))
    high = np.minimum(end - 1 - 60, first_day(month + 1) - 1)
    notice = low + np.floor(rng.random(len(who)) * (high - low + 1)).astype(int)
    log.add("leave", s.account[who], s.life[who], end, notice, s.gone[who], False)
    day = first_day(month) + rng.integers(0, 28, len(quits))
    log.add("leave", s.account[quits], s.life[quits], first_day(month + 2), day, s.gone[quits], True)


def _leave(s: State, month: int, p: Parameters, rng) -> None:
    who = np.flatnonzero(s.active & (s.leave_month == month))
    s.active[who] = False
    back = who[(s.life[who] == 0) & (rng.random(len(who)) < p.winback)]
    s.return_month[back] = month + rng.integers(2, 11, len(back))


def _renew(s: State, month: int, p: Parameters, c: Calendar, rng, log: Log | None) -> None:
    who = np.flatnonzero(s.active & (s.term_month == month))
    low, high = p.downsell_size
    smaller = who[rng.random(len(who)) < p.downsell]
    kept = 1 - low - (high - low) * rng.random(len(smaller))
    s.quantity[0, smaller] = np.maximum(1, np.floor(s.quantity[0, smaller] * kept))
    s.quantity[1, smaller] = np.minimum(s.quantity[1, smaller], s.quantity[0, smaller])
    for product in range(1, len(PRODUCTS)):
        s.quantity[product, who[rng.random(len(who)) < p.addon_dropped]] = 0
    if month >= c.price_rise:
        s.price[:, who] = np.rint(s.price[:, who] * (1 + p.price_rise))
    s.renewals[who] += 1
    s.term_month[who] = month + 12
    _write_lines(s, who, month, log)


def _grow(s: State, month: int, p: Parameters, rng, log: Log | None) -> None:
    left = s.term_month - month
    who = np.flatnonzero(s.active & (s.leave_month == NEVER) & (left >= 2) & (left <= 11))
    chance = rng.random(len(who))
    up = np.array(p.upsell)[s.segment[who]]
    cross = np.array(p.cross_sell)[s.segment[who]]
    more = who[chance < up]
    low, high = p.upsell_size
    extra = np.maximum(1, np.rint(s.quantity[0, more] * (low + (high - low) * rng.random(len(more))))).astype(np.int32)
    s.quantity[0, more] += extra
    other = who[(chance >= up) & (chance < up + cross)]
    product = rng.integers(1, len(PRODUCTS), len(other))
    fresh = s.quantity[product, other] == 0  # who holds the product already buys nothing
    other, product = other[fresh], product[fresh]
    count = np.where(product == 1, s.quantity[0, other], 1)
    s.quantity[product, other] = count
    if log is None:
        return
    for rows, item, quantity in ((more, np.zeros(len(more), dtype=int), extra), (other, product, count)):
        start = first_day(month) + np.where(rng.random(len(rows)) < 0.7, 0, rng.integers(0, 28, len(rows)))
        end = first_day(s.term_month[rows]) + s.day[rows] - 1
        log.add("line", s.account[rows], s.life[rows], item, start, end, s.price[item, rows], quantity, item * 0 + 1)


def _start(s: State, month: int, log: Log | None) -> None:
    back = np.flatnonzero(s.return_month == month)
    s.return_month[back] = NEVER
    s.life[back] = 1
    s.day[back] = 1
    s.gone[back] = False
    s.live_day[back] = np.where(
        s.stage[back] == 0, np.maximum(s.live_day[back], first_day(month) + 27), s.live_day[back]
    )
    s.quantity[0, back] = np.maximum(1, np.rint(s.quantity[0, back] * 0.7))
    s.quantity[1:, back] = 0
    who = np.concatenate([np.flatnonzero(~s.active & (s.start_month == month) & (s.life == 0)), back])
    s.active[who] = True
    s.leave_month[who] = NEVER
    s.renewals[who] = 0
    s.term_month[who] = month + 12
    _write_lines(s, who, month, log)


def _write_lines(s: State, who: np.ndarray, month: int, log: Log | None) -> None:
    """One line per product held, for a term of twelve months from ``month`` on."""
    if log is None:
        return
    for product in range(len(PRODUCTS)):
        rows = who[s.quantity[product, who] > 0]
        day = s.day[rows].astype(np.int64) - 1
        ends = first_day(month + 12) + day
        start = first_day(month) + day
        log.add(
            "line",
            s.account[rows],
            s.life[rows],
            product,
            start,
            ends,
            s.price[product, rows],
            s.quantity[product, rows],
            0,
        )


def _drift(s: State, month: int, p: Parameters, rng, log: Log | None) -> None:
    n = len(s.active)
    keep = np.float32(p.health_persistence)
    s.health *= keep
    s.health += np.sqrt(1 - keep**2, dtype=np.float32) * rng.standard_normal(n, dtype=np.float32)
    chance = rng.random(n, dtype=np.float32)
    leaves = s.active & ~s.gone & (s.start_month < month) & (chance < p.champion_leaves)
    follows = s.active & s.gone & (chance > 1 - p.champion_replaced)
    s.gone ^= leaves | follows
    live = s.active & (s.stage == 0) & (s.live_day < first_day(month + 1))
    speed = np.array(p.stage_advance, dtype=np.float32)[s.stage] * np.exp(np.float32(p.stage_health_effect) * s.health)
    advances = s.active & (rng.random(n, dtype=np.float32) < speed)
    s.stage += live | advances
    if log is None:
        return
    for kind, mask in (("left", leaves), ("followed", follows), ("stage", live | advances)):
        rows = np.flatnonzero(mask)
        day = first_day(month) + rng.integers(0, 28, len(rows))
        if kind == "stage":
            day = np.where(live[rows], s.live_day[rows], day)
        log.add(kind, s.account[rows], day, s.stage[rows])


def _mergers(world: World) -> np.ndarray:
    """A few accounts that moved into another at one of their renewals: (account, into, day).

    They are older than every opening book of the truth, so that the choice does not look into a future it describes.
    """
    c = world.calendar
    rng = np.random.default_rng([world.seed, 2])
    account, life, product, start, _end, _price, _quantity, mid_term = world.log.gather("line")
    low, high = first_day(c.first + 1), first_day(c.complete - MERGER_AGE + 1)
    first = first_day(world.state.start_month) + world.state.day0 - 1
    renewed = (
        (life == 0)
        & (product == 0)
        & (mid_term == 0)
        & (start >= low)
        & (start < high)
        & (start > first[account] + 300)
    )
    rows = np.flatnonzero(renewed)
    wanted = max(1, len(world.state.active) // 120)
    rows = rows[np.sort(rng.permutation(len(rows))[: 2 * wanted])]
    _, unique = np.unique(account[rows], return_index=True)
    rows = rows[unique]
    if not len(rows):
        return np.empty((0, 3), dtype=np.int64)
    gone_day = np.full(len(world.state.active), np.iinfo(np.int64).max)
    who, lives, day, *_ = world.log.gather("leave")
    gone_day[who[lives == 0]] = day[lives == 0]
    into = rng.integers(0, len(first), len(rows))
    good = (first[into] < start[rows]) & (gone_day[into] > start[rows]) & ~np.isin(into, account[rows])
    return np.column_stack([account[rows], into, start[rows]])[good][:wanted].astype(np.int64)
