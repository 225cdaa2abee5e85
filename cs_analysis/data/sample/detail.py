"""The tables with a row per event in the use of the product: onboarding, usage, stages, contacts, activities, tasks.

Answers and hours stand in ``answers.py`` and ``hours.py``. All work on the detail accounts, month by account, from the
history the simulation kept; nothing after ``until`` is in them but planned and due days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cs_analysis.data.sample import names
from cs_analysis.data.sample.parameters import STAGES, STEP_OWNERS, STEPS, first_day
from cs_analysis.data.sample.state import NEVER, World
from cs_analysis.data.sample.tables import Staff, dates, ids, month_text

_MANY = np.iinfo(np.int64).max
_WISHES = (
    ("アップセルの相談", "席を増やしたいとのことで見積もりの依頼あり"),
    ("Asked for a quote", "They want more seats next quarter; 見積もり to follow"),
    ("追加機能の要望", "分析機能について要望あり。提案を準備する"),
)
_TROUBLES = (
    ("利用状況の確認", "担当者が変わり、利用が減っているとのこと"),
    ("Budget review", "They are reviewing their tools and asked what the alternatives cost"),
    ("課題の共有", "現場での定着に課題があり、効果が見えないとの声"),
)
_USUAL = (
    ("定例会", "進捗を確認し、次回までの宿題を決めた"),
    ("Regular call", "Went through open points, nothing urgent"),
    ("問い合わせ対応", "設定方法についての質問に回答した"),
    ("Monthly report", "Sent the report and explained two figures"),
    ("勉強会", "新しい担当者向けに使い方を説明した"),
)
_CHANNELS = ("meeting", "call", "mail", "chat")
_TASKS = ("更新の提案", "Prepare the quarterly review", "定例会の設定", "Follow up on open questions", "活用事例の共有")


@dataclass(frozen=True)
class Detail:
    """The detail accounts: their positions among all, their days, and what is true of them in every month."""

    rows: np.ndarray
    account_id: np.ndarray
    start: np.ndarray
    stop: np.ndarray  # first day without, of the first life (a large number while it lasts)
    merged: np.ndarray  # the day from which its records run under another account
    active: np.ndarray  # month × account, on the last day
    phase: np.ndarray  # month × account, position in parameters.PHASES
    months: np.ndarray


def detail_of(world: World, account_id: np.ndarray) -> Detail:
    """The detail accounts of a world."""
    rows, c, history = world.detail, world.calendar, world.history
    n = len(world.state.active)
    stop, merged = np.full(n, _MANY), np.full(n, _MANY)
    who, life, day, told, _gone, early = world.log.gather("leave")
    known = (life == 0) & ((told <= c.until) | ~early)
    stop[who[known]] = day[known]
    merged[world.merged[:, 0]] = world.merged[:, 2]
    start = first_day(world.state.start_month) + world.state.day0 - 1
    months = np.arange(c.first, c.last + 1)
    age = months[:, None] - world.state.start_month[rows]
    left = history["term_month"] - months[:, None]
    phase = np.select([history["stage"] == 0, left <= 3, age < 12], [0, 3, 1], 2)
    active = history["active"] & (first_day(months)[:, None] < merged[rows])
    return Detail(rows, account_id[rows], start[rows], stop[rows], merged[rows], active, phase, months)


def onboarding_steps(world: World, d: Detail) -> pd.DataFrame:
    """Five steps per account that began in the recorded months; what comes after its end or ``until`` is blank."""
    c = world.calendar
    chosen = np.flatnonzero((d.start >= first_day(c.first)) & (d.start <= c.until))
    done = d.start[chosen] + np.cumsum(world.waits[:, d.rows[chosen]], axis=0)
    begun = np.vstack([d.start[chosen], done[:-1]])
    over = np.minimum(d.stop[chosen] - 1, c.until)
    planned = d.start[chosen] + np.cumsum(np.ceil(np.array(world.parameters.step_median_days)) + 3)[:, None].astype(int)
    k, n = len(STEPS), len(chosen)
    flat = {name: values.T.ravel() for name, values in (("done", done), ("begun", begun), ("planned", planned))}
    last = np.repeat(over, k)
    return pd.DataFrame(
        {
            "account_id": np.repeat(d.account_id[chosen], k),
            "step": np.tile(np.array(STEPS, dtype=object), n),
            "step_order": np.tile(np.arange(1, k + 1), n),
            "owner": np.tile(np.array(STEP_OWNERS, dtype=object), n),
            "planned_date": dates(flat["planned"]),
            "started_date": dates(flat["begun"], flat["begun"] > last),
            "completed_date": dates(flat["done"], flat["done"] > last),
            "is_go_live": np.tile(np.array(["no"] * (k - 1) + ["yes"], dtype=object), n),
        }
    )


def stages(world: World, d: Detail) -> pd.DataFrame:
    """The day each stage was reached."""
    account, day, stage = world.log.gather("stage")
    place = np.full(len(world.state.active), -1)
    place[d.rows] = np.arange(len(d.rows))
    keep = (place[account] >= 0) & (day <= world.calendar.until)
    account, day, stage = place[account[keep]], day[keep], stage[keep]
    keep = day < d.merged[account]
    order = np.lexsort((stage[keep], account[keep]))
    frame = pd.DataFrame(
        {
            "account_id": d.account_id[account[keep]],
            "stage": np.array(STAGES, dtype=object)[stage[keep] - 1],
            "reached_date": dates(day[keep]),
        }
    )
    return frame.iloc[order].reset_index(drop=True)


def usage(world: World, d: Detail) -> pd.DataFrame:
    """Active users, logins and features used per account and month since going live; less of all after a notice."""
    rng = np.random.default_rng([world.seed, 20])
    h, c = world.history, world.calendar
    live = d.active & (h["stage"] > 0) & (d.months <= c.complete)[:, None]
    month, account = np.nonzero(live)
    health, stage, seats = h["health"][live], h["stage"][live], h["seats"][live]
    told = np.where(h["leave_month"][live] < NEVER, 0.6, 1.0)
    share = told / (1 + np.exp(-(-1.6 + 0.55 * stage + 0.5 * health + 0.25 * rng.standard_normal(len(month)))))
    users = np.minimum(seats, rng.binomial(np.maximum(seats, 1), share))
    logins = rng.poisson(users * np.exp(1.6 + 0.15 * stage + 0.2 * health))
    features = np.where(users > 0, 1 + rng.binomial(11, np.clip(share * 0.9, 0, 1)), 0)
    order = np.lexsort((d.months[month], account))
    metrics = ("active_users", "features_used", "logins", "seats")
    values = np.column_stack([users, features, logins, seats])[order].ravel()
    return pd.DataFrame(
        {
            "account_id": np.repeat(d.account_id[account[order]], len(metrics)),
            "month": np.repeat(month_text(d.months[month[order]]), len(metrics)),
            "metric": np.tile(np.array(metrics, dtype=object), len(order)),
            "value": values.astype(np.int64),
        }
    )


def contacts(world: World, d: Detail) -> pd.DataFrame:
    """The champions one after another, a decision maker and one to three users per account (with positions)."""
    rng = np.random.default_rng([world.seed, 21])
    n, c = len(d.rows), world.calendar
    place = np.full(len(world.state.active), -1)
    place[d.rows] = np.arange(n)
    account, day, kind = [np.arange(n)], [d.start], [np.zeros(n, dtype=int)]  # 0 begins, 1 leaves
    for k, name in ((0, "followed"), (1, "left")):
        who, when, _stage = world.log.gather(name)
        keep = place[who] >= 0
        account, day = [*account, place[who[keep]]], [*day, when[keep]]
        kind.append(np.full(keep.sum(), k))
    frame = pd.DataFrame({"at": np.concatenate(account), "day": np.concatenate(day), "kind": np.concatenate(kind)})
    frame = frame.sort_values(["at", "day", "kind"], kind="stable", ignore_index=True)
    follows = (frame["kind"].shift(-1) == 1) & (frame["at"].shift(-1) == frame["at"])
    # in whole numbers throughout: as a float "never" would turn into the distant past
    frame["left"] = frame["day"].shift(-1, fill_value=_MANY).where(follows, _MANY)
    champions = frame[frame["kind"] == 0].assign(role="champion")
    users = np.repeat(np.arange(n), rng.integers(1, 4, n))
    others = pd.DataFrame({"at": np.concatenate([np.arange(n), users]), "role": "user", "left": _MANY})
    others.loc[: n - 1, "role"] = "decision_maker"
    others["day"] = d.start[others["at"]]
    out = pd.concat([champions, others], ignore_index=True)
    out = out.sort_values(["at", "role", "day"], kind="stable", ignore_index=True)
    out["number"] = out.groupby("at").cumcount()
    out = out.loc[(out["day"] <= c.until) & (out["day"] < d.merged[out["at"]])].reset_index(drop=True)
    place = out["at"].to_numpy()
    out["account_id"] = d.account_id[place]
    out["contact"] = names.person(d.rows[place] * 13 + out["number"].to_numpy())
    return out


def contacts_file(found: pd.DataFrame, until: int) -> pd.DataFrame:
    """The contacts as a file."""
    left = found["left"].to_numpy()
    return pd.DataFrame(
        {
            "account_id": found["account_id"],
            "contact": found["contact"],
            "role": found["role"],
            "start_date": dates(found["day"].to_numpy()),
            "left_date": dates(np.minimum(left, until + 1), left > until),
        }
    )


def activities(world: World, d: Detail, team: Staff) -> pd.DataFrame:
    """Talks with customers: wishes before a healthy account grows, troubles before an account gives notice."""
    rng = np.random.default_rng([world.seed, 22])
    h = world.history
    often = np.array([1.6, 0.8, 0.35])[team.touch[d.rows]] * np.array([1.6, 1.1, 0.8, 1.2])[d.phase]
    count = rng.poisson(np.where(d.active, often, 0))
    month, account = np.nonzero(count)
    times = count[month, account]
    month, account = np.repeat(month, times), np.repeat(account, times)
    day = working_day(d.months[month], rng)
    health = h["health"][month, account]
    coming = np.minimum(month + 3, len(d.months) - 1)  # who gives notice soon talks differently first
    trouble = (h["leave_month"][coming, account] < NEVER) & h["active"][coming, account]
    chance = rng.random(len(month))
    kind = np.where(chance < np.where(trouble, 0.35, 0.06), 1, np.where(chance > 0.92 - 0.03 * health, 0, 2))
    pick = rng.integers(0, 30, len(month))
    pools = [np.array(pool, dtype=object) for pool in (_WISHES, _TROUBLES, _USUAL)]
    said = np.empty((len(month), 2), dtype=object)
    for k, pool in enumerate(pools):
        said[kind == k] = pool[pick[kind == k] % len(pool)]
    known = _known(d, account, day, world.calendar.until)
    order = np.flatnonzero(known)[np.lexsort((account[known], day[known]))]
    channel = np.array(("meeting", "call", "mail", "chat"), dtype=object)[
        rng.choice(4, len(month), p=(0.3, 0.2, 0.4, 0.1))
    ]
    return pd.DataFrame(
        {
            "date": dates(day[order]),
            "account_id": d.account_id[account[order]],
            "csm": team.name[team.csm[d.rows[account[order]]]],
            "channel": channel[order],
            "subject": said[order, 0],
            "text": said[order, 1],
        }
    )


def tasks(world: World, d: Detail, team: Staff) -> pd.DataFrame:
    """Tasks set and done; some of them late, some still open."""
    rng = np.random.default_rng([world.seed, 23])
    until = world.calendar.until
    often = np.array([0.5, 0.3, 0.12])[team.touch[d.rows]]
    month, account = np.nonzero(d.active & (rng.random(d.active.shape) < often))
    set_day = working_day(d.months[month], rng)
    known = _known(d, account, set_day, until)
    account, set_day = account[known], set_day[known]
    due = set_day + rng.integers(7, 31, len(account))
    done = set_day + np.ceil(14 * np.exp(0.7 * rng.standard_normal(len(account)))).astype(int)
    open_ = (done > until) | (rng.random(len(account)) < 0.01)
    order = np.lexsort((account, set_day))
    return pd.DataFrame(
        {
            "task_id": ids("T", np.arange(len(order)), max(5, len(str(len(order))))),
            "account_id": d.account_id[account[order]],
            "csm": team.name[team.csm[d.rows[account[order]]]],
            "title": np.array(_TASKS, dtype=object)[rng.integers(0, len(_TASKS), len(order))],
            "due_date": dates(due[order]),
            "done_date": dates(done[order], open_[order]),
        }
    )


def working_day(month: np.ndarray, rng) -> np.ndarray:
    """A random weekday of each month (days since 1970)."""
    first = first_day(month).astype("datetime64[D]")
    number = np.busday_count(first, first_day(month + 1).astype("datetime64[D]"))
    pick = np.floor(rng.random(len(month)) * number).astype(int)
    return np.busday_offset(first, pick, roll="forward").astype(np.int64)


def _known(d: Detail, account: np.ndarray, day: np.ndarray, until: int) -> np.ndarray:
    return (day >= d.start[account]) & (day <= until) & (day < d.merged[account])
