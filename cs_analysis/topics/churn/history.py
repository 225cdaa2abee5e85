"""What was true of every account, and when: lives cut into spells within which no covariate changes.

The outcome here is the *notice*, the day on which a departure was decided; after it, usage and words are consequences.
A covariate's value is that at the end of the day on which its spell begins, so nothing later can enter:

    contacts: champion of A left on day 200         spells
    lives:    A from day 0, notice on day 300       account_id  entry_months  tenure_months  event  champion_gone
                                                    A           0.0           6.6            False  0
                                                    A           6.6           9.9            True   1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.data.engines import as_pandas
from cs_analysis.errors import N_, InputError
from cs_analysis.stats import periods

CHANGING = ("champion_gone", "usage_fell", "stages_reached")  # in the order in which they enter a model
NEEDS = {"champion_gone": "contacts", "usage_fell": "usage", "stages_reached": "stages"}
START = "mrr_start"
FALL = 0.8  # usage fell: the last three months' mean is at most this share of the three before
SPAN = 3  # months averaged
RECORDED = 0.95  # share of departures with a notice date from which notices count as recorded
_FIRST_CHOICE = ("active_users", "logins")
_KEY = 1_000_000  # account × this + day: one sortable number


@dataclass(frozen=True)
class History:
    """The lives of accounts with what changed in them, as known at ``as_of``.

    ``spells``: account_id, life, entry_months, tenure_months, event (notice at the spell's end), covariates (0/1,
    counts, texts; missing = unknown). ``accounts``: a row per life followed: account_id, life, start, entry_months,
    tenure_months, event. ``today``: a row per account at risk now: account_id, life, start, mrr, from_months (followed
    so far), to_months (tenure at ``as_of``), covariates. ``leaving``: accounts on notice that are still there.
    ``absent``: covariate → why it is not there. ``noticed_before``: accounts left out because notice was given before
    they were followed. ``followed_to``: the day up to which notices are known (``recorded``: from notice dates).
    ``metric``: the usage metric taken. ``unscored``: accounts there today whose beginning lies before the data.
    """

    spells: pd.DataFrame = field(repr=False)
    accounts: pd.DataFrame = field(repr=False)
    today: pd.DataFrame = field(repr=False)
    leaving: pd.DataFrame = field(repr=False)
    covariates: tuple[str, ...]
    absent: dict[str, str]
    as_of: date
    followed_to: date
    recorded: bool
    noticed_before: int
    metric: str
    unscored: int

    @property
    def events(self) -> int:
        """How many notices there are."""
        return int(self.accounts["event"].sum())


def history(
    lives: pd.DataFrame,
    tables: Mapping[str, Any],
    *,
    as_of: Any,
    notice_period: int = 60,
    columns: Sequence[str] = (),
) -> History:
    """Lives until the notice, cut where a covariate changes.

    The notice is ``notice_date`` where known, else ``stop - notice_period`` days. Where fewer than 95 % of departures
    bear a notice date, an account that is still there may have given notice that nobody recorded, so everybody is
    followed only until ``as_of - notice_period``. ``champion_gone``: all champions on record so far have left;
    ``usage_fell``: the mean of the last three complete months is at most 80 % of that of the three before;
    ``stages_reached``: how many; ``mrr_start``: logarithm to base 2 of the MRR on the first day.

    Parameters
    ----------
    lives
        From ``lives()``, as of the same day.
    tables
        A book's tables by name: contacts (account_id, role, start_date, left_date), usage (account_id, month, metric,
        value), stages (account_id, stage, reached_date), accounts (account_id and ``columns``). None is required;
        facts after ``as_of`` are not looked at.
    as_of
        Last day whose facts count.
    notice_period
        Days.
    columns
        Undated account columns to carry along, of the lives or of the accounts: as of the file.

    Raises
    ------
    InputError
        Neither the lives nor the accounts have one of the ``columns``.
    """
    today = periods.day(as_of)
    units = lives[lives["left_out"] == ""].reset_index(drop=True)
    codes, names = pd.factorize(units["account_id"], sort=True)
    units, facts = _outcome(units.assign(account=codes), today, int(notice_period))
    changes, absent, metric = _changes(tables, pd.Index(names), today)
    covariates = (*[c for c in CHANGING if c in changes], START, *columns)
    fixed = _fixed(units, tables, columns)
    spells = _spells(units, changes, fixed)
    there, noticed = units["stop"].isna(), units["notice_date"].notna()
    at_risk = units[there & ~noticed]
    now = pd.DataFrame(
        {
            "account_id": at_risk["account_id"],
            "life": at_risk["life"],
            "start": at_risk["start"],
            "mrr": at_risk["mrr_last"],
            "from_months": at_risk["until"],
            "to_months": periods.months_between(at_risk["start"], np.full(len(at_risk), np.datetime64(today, "D"))),
        }
    )
    place = at_risk["account"].to_numpy()
    for name, change in changes.items():
        now[name] = _state(change, place, np.full(len(now), _number(today)))
    now = now.join(fixed)
    leaving = units.loc[there & noticed, ["account_id", "mrr_last", "notice_date", "leaves"]]
    accounts = units.loc[units["followed"], ["account_id", "life", "start", "entry_months", "until", "event"]]
    return History(
        spells=spells,
        accounts=accounts.rename(columns={"until": "tenure_months"}).reset_index(drop=True),
        today=now.reset_index(drop=True),
        leaving=leaving.rename(columns={"mrr_last": "mrr"}).reset_index(drop=True),
        covariates=covariates,
        absent=absent,
        as_of=today,
        metric=metric,
        unscored=int((lives["left_out"].eq("start_unknown") & lives["stop"].isna()).sum()),
        **facts,
    )


def shorten(history: History, columns: Sequence[str]) -> History:
    """The history without the account columns that are not among ``columns``."""
    kept = (*[c for c in history.covariates if c in (*CHANGING, START) or c in columns],)
    dropped = [c for c in history.covariates if c not in kept]
    bare = {n: getattr(history, n).drop(columns=dropped) for n in ("spells", "today")}
    return replace(history, covariates=kept, **bare)


def frozen(history: History, months: int) -> History:
    """The history with covariates renewed only every ``months``, counted back from the last day followed.

    What a forecast is made from: today's covariates, held against months in which they will have changed. A model
    fitted on spells frozen for as long has learned what such ageing covariates are worth (landmark model [van
    Houwelingen 2007]).
    """
    accounts = history.accounts.rename(columns={"entry_months": "first", "tenure_months": "last", "event": "lost"})
    rows = history.spells.merge(accounts, on=["account_id", "life"])
    if rows.empty or months < 1:
        return history
    begins = rows["entry_months"] == rows["first"]
    at = np.where(begins, rows["first"], np.nan)
    parts, until, step = [rows[begins].assign(entry_months=at[begins])], history.followed_to, 0
    while until >= _date(_number(rows["start"].min())):
        step += 1
        until = periods.anniversary(history.followed_to, -months * step)
        at = periods.months_between(rows["start"], np.full(len(rows), np.datetime64(until, "D")))
        here = (rows["entry_months"].to_numpy() <= at) & (at < rows["tenure_months"].to_numpy())
        here &= at > rows["first"].to_numpy()
        parts.append(rows[here].assign(entry_months=at[here]))
    spells = pd.concat(parts, ignore_index=True).sort_values(["account_id", "life", "entry_months"], ignore_index=True)
    following = spells.groupby(["account_id", "life"])["entry_months"].shift(-1)
    spells["tenure_months"] = following.fillna(spells["last"])
    spells["event"] = following.isna() & spells["lost"]
    return replace(history, spells=spells[list(history.spells.columns)])


# ------------------------------------------------------------------------------------------------------------ outcome


def _outcome(units: pd.DataFrame, today: date, notice_period: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Until when each life is followed (``until``, months) and whether notice ended it (``event``)."""
    start = units["start"].to_numpy().astype("datetime64[D]")
    told = (units["stop"].notna() | units["notice_date"].notna()).to_numpy()
    given = units["notice_date"].to_numpy().astype("datetime64[D]")
    ends = units["stop"].fillna(units["leaves"]).to_numpy().astype("datetime64[D]")
    departed = units["stop"].notna().to_numpy()
    recorded = bool((~np.isnat(given[departed])).mean() >= RECORDED) if departed.any() else bool(told.any())
    derived = np.minimum(ends - notice_period, np.datetime64(today, "D"))
    notice = np.where(np.isnat(given), derived, np.fmin(given, ends))
    # nobody gives notice before the first day
    notice = np.where(told, np.maximum(notice, start + 1), np.datetime64("NaT", "D"))
    # those that began within the grace have not been followed at all yet
    alive = ~departed & (units["tenure_months"] > 0).to_numpy()
    if alive.any():
        last = periods.days_after(units.loc[alive, "start"], units.loc[alive, "tenure_months"].to_numpy()).max()
    else:
        last = np.datetime64(today, "D")
    followed_to = last if recorded else last - notice_period
    units["event"] = told & (notice <= followed_to)
    until = np.where(units["event"], notice, np.maximum(followed_to, start))
    units["until"] = periods.months_between(start, until)
    units["followed"] = units["until"] > units["entry_months"]
    before = units["event"] & ~units["followed"]
    facts = {"recorded": recorded, "followed_to": _date(_number(followed_to)), "noticed_before": int(before.sum())}
    return units, facts


# --------------------------------------------------------------------------------------------------------- covariates


def _changes(
    tables: Mapping[str, Any], names: pd.Index, today: date
) -> tuple[dict[str, pd.DataFrame], dict[str, str], str]:
    """Covariate → account (position), day, value: its value from the end of that day on."""
    found, absent, metric = {}, {}, ""
    for name, needed in NEEDS.items():
        if tables.get(needed) is None:
            absent[name] = "no_table"
            continue
        if name == "usage_fell":
            frame, metric = _usage(tables[needed], names, today)
        else:
            frame = (_champions if name == "champion_gone" else _stages)(as_pandas(tables[needed]), names, today)
        if frame.empty:
            absent[name] = "no_rows"
        else:
            found[name] = frame.sort_values(["account", "day"], kind="stable", ignore_index=True)
    return found, absent, metric


def _champions(contacts: pd.DataFrame, names: pd.Index, today: date) -> pd.DataFrame:
    if not {"role", "account_id"} <= set(contacts):
        return _none()
    rows = contacts[(contacts["role"] == "champion") & contacts["account_id"].isin(names)]
    begins = _numbers(rows["start_date"] if "start_date" in rows else pd.Series(pd.NaT, index=rows.index), missing=0)
    ends = _numbers(rows["left_date"] if "left_date" in rows else pd.Series(pd.NaT, index=rows.index), missing=_KEY)
    account, limit = names.get_indexer(pd.Index(rows["account_id"])), _number(today)
    moves = pd.DataFrame(
        {
            "account": np.concatenate([account, account]),
            "day": np.concatenate([begins, np.maximum(begins, ends)]),
            "there": np.repeat([1, -1], len(rows)),
        }
    )
    moves = moves[moves["day"] <= limit].groupby(["account", "day"], as_index=False)["there"].sum()
    there = moves.groupby("account")["there"].cumsum()
    return moves.assign(value=(there <= 0).astype(float)).drop(columns="there")


def _stages(stages: pd.DataFrame, names: pd.Index, today: date) -> pd.DataFrame:
    if not {"stage", "reached_date"} <= set(stages):
        return _none()
    rows = stages[stages["account_id"].isin(names)].dropna(subset=["reached_date"])
    rows = rows.assign(account=names.get_indexer(pd.Index(rows["account_id"])), day=_numbers(rows["reached_date"]))
    first = rows[rows["day"] <= _number(today)].groupby(["account", "stage"], as_index=False)["day"].min()
    if first.empty:
        return _none()
    first["value"] = 1.0
    reached = first.groupby(["account", "day"], as_index=False)["value"].sum()
    reached["value"] = reached.groupby("account")["value"].cumsum()
    # a table of stages holds what was reached: before the first, and without any, it is none
    none = pd.DataFrame({"account": np.arange(len(names)), "day": 0, "value": 0.0})
    return pd.concat([none, reached], ignore_index=True)


def _usage(usage: Any, names: pd.Index, today: date) -> tuple[pd.DataFrame, str]:
    """Falls of usage, known from the last day of each month on."""
    rows, metric, complete = _used(usage, today)
    rows = rows[rows["account_id"].isin(names)]
    if rows.empty:
        return _none(), metric
    account = names.get_indexer(pd.Index(rows["account_id"])).astype(np.int64)
    keyed = pd.Series(rows["value"].to_numpy(dtype=float), index=account * _KEY + rows["at"].to_numpy(dtype=np.int64))
    keyed = keyed.groupby(level=0).sum()
    # a month without a row gets its verdict too, until too few of the months behind it are known
    asked = np.unique(np.concatenate([keyed.index.to_numpy() + k for k in range(2 * SPAN)]))
    asked = asked[asked % _KEY <= complete]
    lagged = np.column_stack([keyed.reindex(asked - k).to_numpy() for k in range(2 * SPAN)])
    recent, before = _mean(lagged[:, :SPAN]), _mean(lagged[:, SPAN:])
    fell = np.where(np.isnan(recent) | np.isnan(before), np.nan, (recent <= FALL * before) & (before > 0))
    known = np.array([_number(periods.last_day(int(m))) for m in range(int((asked % _KEY).min()), complete + 1)])
    day = known[(asked % _KEY) - (asked % _KEY).min()]
    return pd.DataFrame({"account": asked // _KEY, "day": day, "value": fell}), metric


def _used(usage: Any, today: date) -> tuple[pd.DataFrame, str, int]:
    """Account, month (``at``), value of the one metric taken, in complete months; its name; the last complete month."""
    frame = nw.from_native(usage).lazy()
    complete = periods.last_complete_month(today)
    nothing = pd.DataFrame({"account_id": [], "value": [], "at": []})
    if not {"account_id", "month", "metric", "value"} <= set(frame.collect_schema().names()):
        return nothing, "", complete
    at = periods.month_expr(nw.col("month"), missing=0)
    frame = frame.select("account_id", "metric", "value", at=at).filter(
        (nw.col("at") > 0) & (nw.col("at") <= complete) & ~nw.col("value").is_null()
    )
    counted = frame.group_by("metric").agg(n=nw.len()).collect(backend="pandas").to_native()
    if counted.empty:
        return nothing, "", complete
    most = counted.sort_values(["n", "metric"], ascending=[False, True])["metric"].iloc[0]
    metric = next((m for m in _FIRST_CHOICE if m in set(counted["metric"])), most)
    rows = frame.filter(nw.col("metric") == metric).collect(backend="pandas").to_native()
    return rows[["account_id", "value", "at"]].dropna(), str(metric), complete


def last_use(usage: Any, as_of: Any) -> pd.Series:
    """account_id → last day of its last complete month with any use."""
    rows, _metric, _complete = _used(usage, periods.day(as_of))
    last = rows[rows["value"] > 0].groupby("account_id")["at"].max()
    days = [np.datetime64(periods.last_day(int(m)), "D") for m in last]
    return pd.Series(np.array(days, dtype="datetime64[ns]"), index=last.index)


def _mean(values: np.ndarray) -> np.ndarray:
    """Row means where at least two of the three months are known."""
    known = np.isfinite(values).sum(axis=1)
    return np.where(known >= SPAN - 1, np.nansum(values, axis=1) / np.maximum(known, 1), np.nan)


def _fixed(units: pd.DataFrame, tables: Mapping[str, Any], columns: Sequence[str]) -> pd.DataFrame:
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log2(units["mrr_first"].to_numpy(dtype=float))
    fixed = pd.DataFrame({START: np.where(np.isfinite(size), size, np.nan)}, index=units.index)
    accounts = tables.get("accounts")
    for name in columns:
        if name in units:  # joined on already
            found = units[name]
        elif accounts is not None and name in accounts:
            found = units["account_id"].map(accounts.drop_duplicates("account_id").set_index("account_id")[name])
        else:
            raise InputError(N_("Accounts have no column {column} to explain departures by."), column=name)
        fixed[name] = found.astype(object).where(found.notna(), "")
    return fixed


# ------------------------------------------------------------------------------------------------------------- spells


def _spells(units: pd.DataFrame, changes: dict[str, pd.DataFrame], fixed: pd.DataFrame) -> pd.DataFrame:
    """Start–stop rows: a new one only where a covariate takes another value."""
    lives = units[units["followed"]]
    entry = pd.Series(periods.days_after(lives["start"], lives["entry_months"].to_numpy()), index=lives.index)
    moves = [c[["account", "day"]] for c in changes.values()]
    points = pd.DataFrame({"unit": lives.index, "day": _numbers(entry), "entry_months": lives["entry_months"]})
    if moves:
        inner = (
            pd.concat(moves)
            .drop_duplicates()
            .merge(lives[["account", "start", "entry_months", "until"]].rename_axis("unit").reset_index(), on="account")
        )
        days = inner["day"].to_numpy().astype("datetime64[D]")
        tenure = periods.months_between(inner["start"], days)
        inside = (tenure > inner["entry_months"].to_numpy()) & (tenure < inner["until"].to_numpy())
        later = inner.loc[inside, ["unit", "day"]].assign(entry_months=tenure[inside])
        points = pd.concat([points, later], ignore_index=True)
    points = points.sort_values(["unit", "entry_months"], kind="stable", ignore_index=True)
    account = units["account"].to_numpy()[points["unit"].to_numpy(dtype=int)]
    for name, change in changes.items():
        points[name] = _state(change, account, points["day"].to_numpy())
    same = points["unit"].eq(points["unit"].shift())
    for name in changes:
        before = points[name].shift()
        same &= points[name].eq(before) | (points[name].isna() & before.isna())
    points = points[~same].reset_index(drop=True)
    at = points["unit"].to_numpy(dtype=int)
    last = ~points["unit"].eq(points["unit"].shift(-1))
    points["tenure_months"] = points["entry_months"].shift(-1).where(~last, units["until"].to_numpy()[at])
    points["event"] = last.to_numpy() & units["event"].to_numpy()[at]
    for name in ("account_id", "life"):
        points[name] = units[name].to_numpy()[at]
    points = points.join(fixed, on="unit")
    names = ["account_id", "life", "entry_months", "tenure_months", "event", *changes, *fixed.columns]
    return points[names]


def _state(change: pd.DataFrame, account: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The value that held for each account at the end of a day (``nan`` before the first that is known)."""
    keys = change["account"].to_numpy(dtype=np.int64) * _KEY + change["day"].to_numpy(dtype=np.int64)
    at = np.searchsorted(keys, account.astype(np.int64) * _KEY + day.astype(np.int64), side="right") - 1
    mine = (at >= 0) & (change["account"].to_numpy()[np.maximum(at, 0)] == account)
    return np.where(mine, change["value"].to_numpy()[np.maximum(at, 0)], np.nan)


def _numbers(days: pd.Series, missing: int = 0) -> np.ndarray:
    """Days as whole numbers since 1970, never below 0."""
    values = days.to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(values), missing, np.maximum(values.astype(np.int64), 0))


def _number(day: Any) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))


def _date(number: Any) -> date:
    return date(1970, 1, 1) + timedelta(days=int(number))


def _none() -> pd.DataFrame:
    return pd.DataFrame({"account": [], "day": [], "value": []})
