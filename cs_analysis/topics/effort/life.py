"""Hours over an account's life: week by week since its start, and a month of onboarding beside a month after it.

What is counted is the time an account was with us and the log was kept. So an account that began before the log enters
at the age it had then, and one that left drops out; neither counts as an account without hours.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy import stats as distributions

from cs_analysis.stats import periods
from cs_analysis.topics.effort.hours import texts

MIN_N = 10  # accounts below which no interval is given


def weeks_of_life(entries: Any, lives: pd.DataFrame, *, as_of: Any, weeks: int = 52, by: str = "") -> pd.DataFrame:
    """Mean hours per account in each week since its start.

    A week counts for an account when all its seven days lie within its life and within the log.

    Parameters
    ----------
    entries
        Time entries: date, account_id, hours.
    lives
        Lives of accounts, as ``stats.lives.lives`` returns them: account_id, start, stop, left_out.
    as_of
        Last day whose facts count.
    weeks
        How many weeks are told apart.
    by
        A column of ``lives`` (joined on by ``book.split``): one curve per group.

    Returns
    -------
    [by,] week → estimate (mean hours per account and week), low, high (log–t over accounts; missing below ten of
    them), n (accounts), hours (all hours of that week of life). Week 0 holds the hours outside any life, those of
    unknown accounts too, week ``weeks + 1`` all later ones, both without an estimate: the hours add up to the input.

    Examples
    --------
    >>> entries = pd.DataFrame({"date": pd.to_datetime(["2026-01-05", "2026-01-07", "2026-01-12", "2026-01-25"]),
    ...     "account_id": "A", "hours": [3.0, 1.0, 2.0, 1.0]})
    >>> life = pd.DataFrame({"account_id": ["A"], "start": pd.to_datetime(["2026-01-05"]),
    ...     "stop": pd.to_datetime([None]), "left_out": ""})
    >>> weeks_of_life(entries, life, as_of="2026-01-25", weeks=2)[["week", "estimate", "hours"]].values.tolist()
    [[0.0, nan, 0.0], [1.0, 4.0, 4.0], [2.0, 2.0, 2.0], [3.0, nan, 1.0]]
    """
    days = _account_days(entries, as_of)
    known = lives[lives["left_out"] != "start_unknown"].drop_duplicates(["account_id", "start"]).reset_index(drop=True)
    group = known[by].astype(str) if by else pd.Series("", index=known.index)
    day = days["day"].to_numpy("datetime64[D]")
    row = _life_of(days, known)
    start, until, opened = _bounds(known, day, as_of)
    names = sorted(group.unique()) if len(known) else [""]
    week, place = np.zeros(len(day), dtype=np.int64), np.full(len(day), -1)
    if len(known):
        age = (day - start[row]).astype(np.int64) // 7 + 1
        week = np.where(row >= 0, np.minimum(age, weeks + 1), 0)
        place = np.where(row >= 0, pd.Index(names).get_indexer(pd.Index(group))[row], -1)
    spent = days["hours"].to_numpy(dtype=float)
    tables = []
    for g, name in enumerate(names):
        inside = (place == g) & (week >= 1)
        part = group.to_numpy() == name
        table = _curve(row[inside], week[inside], spent[inside], part, (start, until, opened), weeks)
        tables.append(table.assign(**{by: name}) if by else table)
    outside = pd.DataFrame({"week": [0], "hours": [spent[week == 0].sum()], "n": [0]})
    tables.insert(0, outside.assign(**{by: ""}) if by else outside)
    found = pd.concat(tables, ignore_index=True)
    return found[[*([by] if by else []), "week", "estimate", "low", "high", "n", "hours"]].astype(
        {"estimate": float, "low": float, "high": float, "n": "int64", "week": "int64"}
    )


def account_months(hours: pd.DataFrame, lives: pd.DataFrame, *, as_of: Any) -> pd.DataFrame:
    """Account × month × phase: how long the account was in the phase in that month, and its hours.

    A month without entries belongs to the phase of the month before it (at the beginning, of the first one known); one
    with entries of two phases is shared by their hours.

    Parameters
    ----------
    hours
        As :func:`hours` returns them, internal time left out by itself.
    lives
        Lives of accounts.
    as_of
        Last day whose facts count.

    Returns
    -------
    account_id, month, phase, exposure (months: the share of the month in which the account was with us and the log
    kept), hours, alive (with us on ``as_of``). Hours of an account without a contract in that month have exposure 0.

    Examples
    --------
    >>> log = pd.DataFrame({"account_id": ["A", "A"], "phase": ["onboarding", "steady"],
    ...     "month": ["2026-04", "2026-05"], "hours": [6.0, 2.0]})
    >>> life = pd.DataFrame({"account_id": ["A"], "start": pd.to_datetime(["2026-04-16"]),
    ...     "stop": pd.to_datetime([None])})
    >>> account_months(log, life, as_of="2026-05-31")[["month", "phase", "exposure", "hours"]].values.tolist()
    [['2026-04', 'onboarding', 0.5, 6.0], ['2026-05', 'steady', 1.0, 2.0]]
    """
    columns = ["account_id", "month", "phase", "exposure", "hours", "alive"]
    customers = hours[hours["account_id"] != ""]
    if customers.empty:
        return pd.DataFrame({c: pd.Series(dtype=float if c in ("exposure", "hours") else object) for c in columns})
    first, last = (periods.month_index(m + "-01") for m in (hours["month"].min(), hours["month"].max()))
    exposure = _exposure(lives, first, min(periods.day(as_of), periods.last_day(last)))
    spent = customers.groupby(["account_id", "month", "phase"], as_index=False)["hours"].sum()
    spent["month"] = _index(spent["month"])
    keys = pd.concat([exposure[["account_id", "month"]], spent[["account_id", "month"]]]).drop_duplicates()
    grid = keys.merge(spent, on=["account_id", "month"], how="left").merge(
        exposure, on=["account_id", "month"], how="left"
    )
    grid = grid.sort_values(["account_id", "month", "phase"], kind="stable", ignore_index=True)
    grid["hours"], grid["exposure"] = grid["hours"].fillna(0.0), grid["exposure"].fillna(0.0)
    grid["phase"] = grid["phase"].where(grid["phase"] != "")
    by = grid.groupby("account_id", sort=False)["phase"]
    grid["phase"] = by.ffill()
    grid["phase"] = grid.groupby("account_id", sort=False)["phase"].bfill().fillna("").astype(object)
    grid = grid.groupby(["account_id", "month", "phase"], as_index=False, sort=True).agg(
        exposure=("exposure", "max"), hours=("hours", "sum")
    )
    cell = grid.groupby(["account_id", "month"], sort=False)["hours"]
    total, count = cell.transform("sum"), cell.transform("size")
    grid["exposure"] *= np.where(total > 0, grid["hours"] / total.where(total > 0, 1.0), 1.0 / count)
    now = set(_alive(lives, as_of)["account_id"])
    grid["alive"] = grid["account_id"].isin(now)
    labels = {m: periods.month_label(int(m)) for m in grid["month"].unique()}
    grid["month"] = grid["month"].map(labels).astype(object)
    return grid[columns]


def per_account_month(months: pd.DataFrame, *, by: tuple[str, ...] = ("phase",)) -> pd.DataFrame:
    """Hours per account and month of its life, by phase and whatever else the frame is split by.

    Parameters
    ----------
    months
        What :func:`account_months` found, with further columns joined on by ``book.split``.
    by
        Columns to split by.

    Returns
    -------
    by → estimate (hours per account and month), low, high (log–t, accounts as units; missing below ten of them), n
    (accounts), months (account-months), hours. A cell of hours without a contract has no estimate.

    Examples
    --------
    >>> months = pd.DataFrame({"account_id": ["A", "B"], "phase": "steady", "exposure": [2.0, 1.0],
    ...     "hours": [2.0, 4.0]})
    >>> per_account_month(months)[["phase", "estimate", "n", "hours"]].values.tolist()
    [['steady', 2.0, 2, 6.0]]
    """
    keys = list(by)
    units = months.groupby([*keys, "account_id"], as_index=False)[["exposure", "hours"]].sum()
    rows = [
        {**dict(zip(keys, name, strict=True)), **_rate(part)} for name, part in units.groupby(keys, sort=True)
    ]  # fmt: skip
    columns = [*keys, "estimate", "low", "high", "n", "months", "hours"]
    return pd.DataFrame(rows, columns=columns)


def first_phase(months: pd.DataFrame) -> str:
    """The phase in which accounts begin: that of most hours in their first month, "" where none is known.

    >>> months = pd.DataFrame({"account_id": "A", "month": ["2026-01", "2026-02", "2026-03"], "exposure": 1.0,
    ...     "phase": ["steady", "onboarding", "steady"], "hours": 2.0})
    >>> first_phase(months[1:])
    'onboarding'
    """
    inside = months[(months["exposure"] > 0) & (months["phase"] != "")]
    if inside.empty:
        return ""
    begins = inside.groupby("account_id")["month"].min()
    fresh = begins[begins > months["month"].min()]  # an account of the first month may be of any age
    fresh = fresh if len(fresh) else begins
    first = inside[inside["month"] == inside["account_id"].map(fresh)]
    return str(first.groupby("phase")["hours"].sum().idxmax())


def log_t(values: np.ndarray) -> tuple[float, float, float]:
    """A mean of amounts that are never negative, with a 95 % interval on the log scale; withheld below ten.

    >>> tuple(round(v, 2) for v in log_t(np.array([1.0, 2, 3, 1, 2, 3, 1, 2, 3, 2])))
    (2.0, 1.49, 2.68)
    """
    n, mean = len(values), float(np.mean(values)) if len(values) else float("nan")
    if n < MIN_N or not mean > 0:
        return mean, float("nan"), float("nan")
    return mean, *log_bounds(mean, float(np.std(values, ddof=1)) / np.sqrt(n), n - 1)


def log_bounds(mean: float, se: float, df: float) -> tuple[float, float]:
    """mean × exp(± t · se / mean)."""
    reach = float(distributions.t.ppf(0.975, df)) * se / mean
    return mean * float(np.exp(-reach)), mean * float(np.exp(reach))


def _rate(part: pd.DataFrame) -> dict[str, float]:
    """Σ hours ÷ Σ months with its interval, accounts as units (linearised)."""
    months, hours = part["exposure"].to_numpy(dtype=float), part["hours"].to_numpy(dtype=float)
    total, n = months.sum(), int((months > 0).sum())
    found: dict[str, float] = {"estimate": np.nan, "low": np.nan, "high": np.nan, "n": n, "months": total}
    found["hours"] = hours.sum()
    if total > 0:
        rate = found["estimate"] = hours.sum() / total
        if n >= MIN_N and rate > 0:
            rest = hours - rate * months
            se = np.sqrt(n / (n - 1) * (rest**2).sum()) / total
            found["low"], found["high"] = log_bounds(rate, se, n - 1)
    return found


def _curve(
    row: np.ndarray, week: np.ndarray, spent: np.ndarray, part: np.ndarray, bounds: tuple, weeks: int
) -> pd.DataFrame:
    """One group's weeks 1 to ``weeks``, and the later ones together."""
    start, until, opened = (b[part] for b in bounds)
    position = np.full(len(part), -1)
    position[part] = np.arange(int(part.sum()))
    from_week = -((opened - start).astype(np.int64) // -7) + 1  # the first one that lies in the log as a whole
    to_week = (until - start).astype(np.int64) // 7
    sums = np.bincount(
        position[row] * (weeks + 2) + week, weights=spent, minlength=int(part.sum()) * (weeks + 2)
    ).reshape(-1, weeks + 2)  # fmt: skip
    rows = []
    for w in range(1, weeks + 1):
        whole = (from_week <= w) & (to_week >= w)
        mean, low, high = log_t(sums[whole, w])
        rows.append((w, mean, low, high, int(whole.sum()), sums[:, w].sum()))
    rows.append((weeks + 1, np.nan, np.nan, np.nan, int((to_week > weeks).sum()), sums[:, weeks + 1].sum()))
    return pd.DataFrame(rows, columns=["week", "estimate", "low", "high", "n", "hours"])


def _account_days(entries: Any, as_of: Any) -> pd.DataFrame:
    """account_id × day: hours, internal time left out."""
    frame = nw.from_native(entries).lazy().filter(~nw.col("date").is_null() & ~nw.col("account_id").is_null())
    table = (
        frame.select(
            "account_id",
            key=periods.day_key_expr(nw.col("date")),
            spent=nw.col("hours").cast(nw.Float64).fill_null(0.0),
        )
        .filter(nw.col("key") <= periods.day_key(as_of))
        .group_by("account_id", "key")
        .agg(hours=nw.col("spent").sum())
        .collect(backend="pandas")
        .to_native()
    )
    table["account_id"] = texts(table["account_id"])
    table["day"] = periods.days_of(table.pop("key"))
    table = table[table["account_id"] != ""]
    return table.sort_values(["account_id", "day"], ignore_index=True)


def _life_of(days: pd.DataFrame, lives: pd.DataFrame) -> np.ndarray:
    """For each account-day the row of the life it lies in, −1 for none."""
    if days.empty or lives.empty:
        return np.full(len(days), -1)
    ordered = lives.assign(row=np.arange(len(lives))).sort_values("start", kind="stable")
    ordered = ordered.assign(start=ordered["start"].astype("datetime64[ns]"))[["account_id", "start", "stop", "row"]]
    left = days.reset_index().astype({"day": "datetime64[ns]"}).sort_values("day", kind="stable")
    found = pd.merge_asof(left, ordered, left_on="day", right_on="start", by="account_id")
    inside = found["row"].notna() & (found["stop"].isna() | (found["day"] < found["stop"]))
    out = np.full(len(days), -1)
    out[found["index"].to_numpy()] = found["row"].where(inside, -1).astype("int64").to_numpy()
    return out


def _bounds(lives: pd.DataFrame, day: np.ndarray, as_of: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per life its start, the first day that is not followed any more, and the first day of the log in it."""
    start = lives["start"].to_numpy("datetime64[D]")
    tomorrow = np.datetime64(periods.day(as_of), "D") + 1
    stop = lives["stop"].to_numpy("datetime64[D]")
    if len(day):  # months after the last entry were not logged, not without hours
        tomorrow = min(tomorrow, (day.max().astype("datetime64[M]") + 1).astype("datetime64[D]"))
    until = np.where(np.isnat(stop), tomorrow, np.minimum(stop, tomorrow))
    begin = day.min() if len(day) else tomorrow
    return start, until, np.maximum(start, begin)


def _exposure(lives: pd.DataFrame, first: int, as_of: Any) -> pd.DataFrame:
    """account_id × month: the share of the month in which the account was with us."""
    begin = np.datetime64(periods.first_day(first), "D")
    tomorrow = np.datetime64(periods.day(as_of), "D") + 1
    start = np.maximum(lives["start"].to_numpy("datetime64[D]"), begin)
    stop = lives["stop"].to_numpy("datetime64[D]")
    stop = np.where(np.isnat(stop), tomorrow, np.minimum(stop, tomorrow))
    with_us = stop > start
    start, stop = start[with_us], stop[with_us]
    a = start.astype("datetime64[M]").astype(np.int64)
    b = (stop - 1).astype("datetime64[M]").astype(np.int64)
    count = b - a + 1
    row = np.repeat(np.arange(len(count)), count)
    month = np.repeat(a, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    opens = month.astype("datetime64[M]").astype("datetime64[D]")
    closes = (month + 1).astype("datetime64[M]").astype("datetime64[D]")
    days = (np.minimum(stop[row], closes) - np.maximum(start[row], opens)).astype(np.int64)
    share = days / (closes - opens).astype(np.int64)
    ids = texts(lives["account_id"]).to_numpy()[with_us][row]
    table = pd.DataFrame({"account_id": ids, "month": month + 1970 * 12, "exposure": share})
    return table.groupby(["account_id", "month"], as_index=False)[["exposure"]].sum()


def _alive(lives: pd.DataFrame, as_of: Any) -> pd.DataFrame:
    today = pd.Timestamp(periods.day(as_of))
    return lives.loc[(lives["start"] <= today) & (lives["stop"].isna() | (lives["stop"] > today))]


def _index(labels: pd.Series) -> pd.Series:
    known = {m: periods.month_index(f"{m}-01") for m in labels.unique()}
    return labels.map(known).astype("int64")
