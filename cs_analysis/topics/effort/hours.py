"""Hours by account × phase × task × CSM × month: every entry in one pass, and none of them lost.

    entries                                             hours
    date   csm   account  phase   task     hours        account  phase   task     csm   month    hours
    3 Apr  Sato  A        steady  meeting  1.5          ""       ""      admin    Sato  2026-04  0.5
    9 Apr  Sato  A        steady  meeting  1.0          A        steady  meeting  Sato  2026-04  2.5
    9 Apr  Sato  –        –       admin    0.5          set aside: account_id A7, nearest A1, hours 2.0
    9 Apr  Sato  A7       steady  meeting  2.0

An empty account is internal time, an empty phase is one that nobody gave. Hours that were booked to an account that is
not known belong to no segment and to no revenue: they are set aside and listed, with the nearest known account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.errors import N_, check_columns, nearest
from cs_analysis.stats import periods

NEEDED = ("date", "csm", "task", "hours")
KEYS = ("account_id", "phase", "task", "csm", "month")
_SUGGEST = 20_000  # above this many known accounts a nearest id is not looked for


def hours(entries: Any, *, as_of: Any | None = None, accounts: Any | None = None) -> pd.DataFrame:
    """Hours by account × phase × task × CSM × month, internal time apart.

    Parameters
    ----------
    entries
        Time entries: date, csm, task, hours, and if there are account_id (missing = internal) and phase. Any frame
        narwhals reads; it is collapsed in one pass.
    as_of
        Last day whose entries count; None = all.
    accounts
        The known accounts (a frame with account_id, or ids): hours of others are left out here and listed by
        :func:`set_aside`. None = all are taken as known.

    Returns
    -------
    Sorted by account_id ("" = internal), phase ("" = not given), task, csm, month ("YYYY-MM"): hours, entries.

    Raises
    ------
    InputError
        A column is missing.

    Examples
    --------
    >>> entries = pd.DataFrame({"date": pd.to_datetime(["2026-04-03", "2026-04-09", "2026-04-09"]), "csm": "Sato",
    ...     "account_id": ["A", "A", None], "phase": ["steady", "steady", None], "task": ["call", "call", "admin"],
    ...     "hours": [1.5, 1.0, 0.5]})
    >>> hours(entries)[["account_id", "task", "month", "hours"]].values.tolist()
    [['', 'admin', '2026-04', 0.5], ['A', 'call', '2026-04', 2.5]]
    """
    return _known(collapse(entries, as_of=as_of), accounts, aside=False).reset_index(drop=True)


def set_aside(entries: Any, *, accounts: Any, as_of: Any | None = None) -> pd.DataFrame:
    """The hours booked to accounts that are not known, each with the nearest account that is.

    Parameters
    ----------
    entries, as_of
        As in :func:`hours`; a frame that `hours` made without ``accounts`` will do too.
    accounts
        The known accounts: a frame with account_id, or ids.

    Returns
    -------
    One row per unknown account, most hours first: account_id, nearest ("" = none is near), hours, entries, csms,
    first_month, last_month.

    Examples
    --------
    >>> entries = pd.DataFrame({"date": pd.to_datetime(["2026-04-03"] * 2), "csm": "Sato", "task": "call",
    ...     "account_id": ["A0001", "A0oo1"], "hours": [1.5, 2.0]})
    >>> set_aside(entries, accounts=["A0001"])[["account_id", "nearest", "hours"]].values.tolist()
    [['A0oo1', 'A0001', 2.0]]
    """
    collapsed = entries if _is_collapsed(entries) else collapse(entries, as_of=as_of)
    unknown = _known(collapsed, accounts, aside=True)
    grouped = unknown.groupby("account_id", sort=True)
    table = grouped.agg(
        hours=("hours", "sum"), entries=("entries", "sum"), csms=("csm", "nunique"), first_month=("month", "min"),
        last_month=("month", "max"),
    ).reset_index()  # fmt: skip
    ids = sorted(known_ids(accounts))
    pool = ids if len(ids) <= _SUGGEST else []
    table.insert(1, "nearest", pd.Series([nearest(str(a), pool) or "" for a in table["account_id"]], dtype=object))
    return table.sort_values(["hours", "account_id"], ascending=[False, True], ignore_index=True)


def balance(entries: Any, hours: pd.DataFrame, *, set_aside: pd.DataFrame, as_of: Any | None = None) -> pd.DataFrame:
    """Where every hour of the input went: the parts add up to the total, which is summed on its own.

    Parameters
    ----------
    entries, as_of
        The input, as in :func:`hours`.
    hours, set_aside
        What was made of it.

    Returns
    -------
    part (customers, internal, set_aside, missing, total) → hours, entries, share. "missing" is what the parts lack to
    the total: 0.

    Examples
    --------
    >>> entries = pd.DataFrame({"date": pd.to_datetime(["2026-04-03"] * 3), "csm": "Sato", "task": "call",
    ...     "account_id": ["A0001", "A0oo1", None], "hours": [1.5, 2.0, 0.5]})
    >>> used, aside = hours(entries, accounts=["A0001"]), set_aside(entries, accounts=["A0001"])
    >>> balance(entries, used, set_aside=aside)["hours"].tolist()
    [1.5, 0.5, 2.0, 0.0, 4.0]
    """
    frame = _checked(entries, as_of).select("hours")
    summed = frame.select(total=nw.col("hours").cast(nw.Float64).sum(), n=nw.len())
    found: Any = summed.collect(backend="pandas").to_native().iloc[0]
    total, count = float(found["total"] if found["total"] == found["total"] else 0.0), int(found["n"])
    internal = hours["account_id"] == ""
    parts = [
        ("customers", hours.loc[~internal, "hours"].sum(), hours.loc[~internal, "entries"].sum()),
        ("internal", hours.loc[internal, "hours"].sum(), hours.loc[internal, "entries"].sum()),
        ("set_aside", set_aside["hours"].sum(), set_aside["entries"].sum()),
    ]
    lack = total - sum(r[1] for r in parts)
    # sums taken in another order differ in the last bits; an hour that is lost is more than that
    lack = 0.0 if abs(lack) <= 1e-9 * max(1.0, total) else lack
    parts += [("missing", lack, count - sum(r[2] for r in parts)), ("total", total, count)]
    table = pd.DataFrame(parts, columns=pd.Index(["part", "hours", "entries"]))
    table["entries"] = table["entries"].astype("int64")
    table["share"] = table["hours"] / total if total > 0 else float("nan")
    return table


def collapse(entries: Any, *, as_of: Any | None = None) -> pd.DataFrame:
    """All entries by account × phase × task × CSM × month, those of unknown accounts included."""
    frame = _checked(entries, as_of)
    there = frame.collect_schema().names()
    keys = [k for k in ("account_id", "phase", "task", "csm") if k in there]
    grouped = (
        frame.select(
            *keys, month=periods.month_expr(nw.col("date")), spent=nw.col("hours").cast(nw.Float64).fill_null(0.0)
        )
        .group_by(*keys, "month")
        .agg(hours=nw.col("spent").sum(), entries=nw.len())
    )
    table = grouped.collect(backend="pandas").to_native()
    for key in ("account_id", "phase", "task", "csm"):
        table[key] = texts(table[key]) if key in table else ""
    labels = {m: periods.month_label(int(m)) for m in table["month"].unique()}
    table["month"] = table["month"].map(labels).astype(object)
    codes = [np.asarray(pd.factorize(table[key], sort=True)[0]) for key in KEYS]
    order = np.lexsort(codes[::-1])
    same = np.all([np.diff(code[order]) == 0 for code in codes], axis=0)
    group = np.concatenate([[0], np.cumsum(~same)]) if len(table) else np.zeros(0, dtype=int)  # "" and missing are one
    first = order[np.concatenate([[True], ~same])] if len(table) else order
    out = table.iloc[first][list(KEYS)].reset_index(drop=True)
    out["hours"] = np.bincount(group, weights=table["hours"].to_numpy(dtype=float)[order], minlength=len(out))
    out["entries"] = np.bincount(group, weights=table["entries"].to_numpy(dtype=float)[order], minlength=len(out))
    return out.astype({"entries": "int64"})


def window(hours: pd.DataFrame, as_of: Any, months: int = 12) -> list[str]:
    """The last complete months, at most ``months`` and none from before the log begins or after it ends.

    A log that was exported before the other tables ends before ``as_of``: its missing months are not months of 0 hours.

    >>> log = pd.DataFrame({"month": ["2026-08", "2026-10"]})
    >>> window(log, "2026-10-30"), window(log, "2026-10-31", 1)
    (['2026-08', '2026-09'], ['2026-10'])
    """
    if hours.empty:
        return []
    last = periods.last_complete_month(as_of)
    last = min(last, periods.month_index(hours["month"].max() + "-01"))
    first = max(last - months + 1, periods.month_index(hours["month"].min() + "-01"))
    return [periods.month_label(m) for m in range(first, last + 1)]


def dated(entries: Any, as_of: Any | None) -> nw.LazyFrame:
    """The entries as a lazy frame, those with a day and up to ``as_of``."""
    frame = nw.from_native(entries).lazy().filter(~nw.col("date").is_null())
    if as_of is None:
        return frame
    return frame.filter(periods.day_key_expr(nw.col("date")) <= periods.day_key(as_of))


def known_ids(accounts: Any) -> set[str]:
    """Account ids of a frame or of a list of ids."""
    ids: Iterable[Any] = accounts["account_id"] if isinstance(accounts, pd.DataFrame) else accounts
    return {str(a) for a in ids if a is not None and a == a}


def texts(values: pd.Series) -> pd.Series:
    """A key as text, "" where it is missing."""
    return values.astype(object).where(values.notna(), "").astype(str).astype(object)


def _known(collapsed: pd.DataFrame, accounts: Any | None, *, aside: bool) -> pd.DataFrame:
    if accounts is None:
        return collapsed.iloc[:0] if aside else collapsed
    known = collapsed["account_id"].isin(known_ids(accounts)) | (collapsed["account_id"] == "")
    return collapsed[~known if aside else known]


def _is_collapsed(entries: Any) -> bool:
    return isinstance(entries, pd.DataFrame) and {"month", "entries"} <= set(entries.columns)


def _checked(entries: Any, as_of: Any | None) -> nw.LazyFrame:
    """The :func:`dated` entries, after a check that the columns are there."""
    there = nw.from_native(entries).lazy().collect_schema().names()
    check_columns(there, NEEDED, N_("The time entries have no column {missing}; the columns there are: {known}."))
    return dated(entries, as_of)
