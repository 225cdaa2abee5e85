"""The last steps before the Book: mergers, the account level, grace, and every canonical column in its place.

After them a topic may assume canonical names and types, and need not know that accounts ever had other ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from cs_analysis.data.clean import nones
from cs_analysis.data.lines import COLUMNS as LINE_COLUMNS
from cs_analysis.data.lines import FLAT
from cs_analysis.data.reading.read import ROW
from cs_analysis.data.schema import TABLES, Table
from cs_analysis.errors import N_, InputError
from cs_analysis.stats.money import ticks

_MERGER = ("merged_into", "merged_date")
_EMPTY = {
    "date": "datetime64[ns]",
    "month": "datetime64[ns]",
    "id": object,
    "text": object,
    "flag": object,
    "choice": object,
}


def final_ids(ids: pd.Series, into: pd.Series, column: str) -> dict[str, str]:
    """Id → the id at the end of its chain of mergers or parents, for the ids that change.

    >>> final_ids(pd.Series(["a", "b", "c"]), pd.Series(["b", "c", None]), "merged_into")
    {'a': 'c', 'b': 'c'}
    """
    step = {a: b for a, b in zip(ids, into, strict=True) if b is not None and b == b and a != b}
    found = {}
    for start in step:
        here, passed = start, {start: None}  # in the order of the chain
        while here in step:
            here = step[here]
            if here in passed:
                circle = list(passed)[list(passed).index(here) :]
                raise InputError(
                    N_("In accounts, {column} goes round in a circle: {chain}; correct one of them."),
                    column=column, chain=" → ".join([*circle, here]),
                )  # fmt: skip
            passed[here] = None
        found[start] = here
    return found


def relabel(frames: Mapping[str, pd.DataFrame], ids: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """The tables other than `accounts` with account ids replaced."""
    if not ids:
        return dict(frames)
    return {
        name: frame.assign(account_id=frame["account_id"].map(lambda i: ids.get(i, i)))
        if name != "accounts" and "account_id" in frame
        else frame
        for name, frame in frames.items()
    }


def merge_accounts(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """All history of an account that merged into another goes to that other one (the merger must be known by now).

    So do its children: their parent is the account that it merged into.
    """
    accounts = frames["accounts"]
    if "merged_into" not in accounts:
        return dict(frames)
    ids = final_ids(accounts["account_id"], accounts["merged_into"], "merged_into")
    kept = accounts[~accounts["account_id"].isin(list(ids))]
    if "parent_account_id" in kept:
        kept = kept.assign(parent_account_id=kept["parent_account_id"].map(lambda i: ids.get(i, i)))
    return {**relabel(frames, ids), "accounts": kept.reset_index(drop=True)}


def raise_to_parents(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Every table by the topmost parent; a parent without a row of its own takes what its children have in common."""
    accounts = frames["accounts"]
    if "parent_account_id" not in accounts:
        return dict(frames)
    ids = final_ids(accounts["account_id"], accounts["parent_account_id"], "parent_account_id")
    own = accounts[~accounts["account_id"].isin(list(ids))]
    children = accounts[accounts["account_id"].isin(list(ids))]
    children = children.assign(account_id=children["account_id"].map(ids))
    children = children[~children["account_id"].isin(own["account_id"])]
    common = [_common(group) for _key, group in children.groupby("account_id", sort=True)]
    rows = pd.concat([own, pd.DataFrame(common, columns=own.columns)]) if common else own
    return {**relabel(frames, ids), "accounts": rows.reset_index(drop=True)}


def _common(group: pd.DataFrame) -> dict[str, object]:
    """The values on which all rows agree."""
    common: dict[str, object] = {str(c): v.iloc[0] if v.nunique(dropna=False) == 1 else None for c, v in group.items()}
    return common | {"account_name": None, "parent_account_id": None}


def mark_opening(lines: pd.DataFrame, first: pd.Timestamp) -> pd.DataFrame:
    """The lines with `opening`: True for every line of an account whose MRR was above 0 in the first month covered.

    Such an account began at some time before; it is neither new in that month nor of its cohort.

    >>> lines = pd.DataFrame({"account_id": ["a", "a", "b"], "mrr": 5.0,
    ...                       "start": pd.to_datetime(["2024-01-01", "2024-03-01", "2024-02-01"])})
    >>> mark_opening(lines, pd.Timestamp("2024-01-01"))["opening"].tolist()
    [True, True, False]
    """
    amounts = pd.Series(ticks(lines["mrr"].to_numpy()), index=lines.index)
    level = amounts.where(lines["start"] == first, 0).groupby(lines["account_id"]).transform("sum")
    return lines.assign(opening=(level > 0).astype(bool))


def bridge_gaps(lines: pd.DataFrame, grace_days: int, as_of: date) -> pd.DataFrame:
    """Gaps of at most `grace_days` in an account's MRR filled at the earlier MRR.

    The lines that ended where the gap begins go on until it ends. A gap that is not yet longer than the grace at
    `as_of` is not known to be one: its lines become open.
    """
    if grace_days == 0 or lines.empty:
        return lines
    gaps = gaps_of(lines)
    length = gaps["back"] - gaps["stop"]
    grace = pd.Timedelta(days=grace_days)
    filled = gaps[length <= grace].set_index(["account_id", "stop"])["back"]
    waiting = gaps[
        gaps["back"].isna() & (gaps["stop"] + grace > pd.Timestamp(as_of)) & (gaps["stop"] <= pd.Timestamp(as_of))
    ]
    key = pd.MultiIndex.from_frame(lines[["account_id", "stop"]])
    stop = lines["stop"].where(~key.isin(filled.index), pd.Series(filled.reindex(key).to_numpy(), index=lines.index))
    stop = stop.mask(key.isin(pd.MultiIndex.from_frame(waiting[["account_id", "stop"]])))
    return lines.assign(stop=stop)


def gaps_of(lines: pd.DataFrame) -> pd.DataFrame:
    """Where the MRR of an account falls to 0: account_id, stop and back (it rises above 0 again; NaT = it has not)."""
    amounts = ticks(lines["mrr"].to_numpy())
    starts = pd.DataFrame({"account_id": lines["account_id"], "day": lines["start"], "change": amounts})
    stops = pd.DataFrame({"account_id": lines["account_id"], "day": lines["stop"], "change": -amounts}).dropna(
        subset="day"
    )
    changes = pd.concat([starts, stops]).groupby(["account_id", "day"], as_index=False)["change"].sum()
    level = changes.groupby("account_id")["change"].cumsum()
    above = level > 0
    before = above.groupby(changes["account_id"]).shift(fill_value=False)
    turns = changes[above != before].assign(above=above)
    turns["back"] = turns.groupby("account_id")["day"].shift(-1)
    return turns[~turns["above"]].rename(columns={"day": "stop"})[["account_id", "stop", "back"]]


def add_unlisted(accounts: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """A row in `accounts` for each account that has revenue and no row."""
    ids = pd.Series(lines["account_id"].unique(), dtype=object)
    new = ids[~ids.isin(accounts["account_id"])].sort_values()
    return accounts if new.empty else pd.concat([accounts, pd.DataFrame({"account_id": new})], ignore_index=True)


def finish(clean_tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Every canonical column there and of its type, sorted by all columns, without row numbers."""
    return {name: _finished(TABLES[name], frame) for name, frame in clean_tables.items()}


def _finished(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    dropped = {ROW, *(FLAT + _MERGER if table.name == "accounts" else ())}
    if table.name == "contracts":
        order, names = ["account_id", "start", "contract_id", "product"], list(LINE_COLUMNS)
        custom = [str(c) for c in frame if c not in names and c != ROW]
        return _sorted(
            frame[[*names, *custom]].assign(**{c: nones(frame[c]) for c in custom}), [*order, *names, *custom]
        )
    names = [c.name for c in table.columns if c.name not in dropped]
    custom = [str(c) for c in frame if c not in dropped and c not in names]
    out = pd.DataFrame(index=frame.index)
    for name in names:
        column = table.column(name)
        kind = _EMPTY.get(column.type if column else "text", float)
        values = frame[name] if name in frame else pd.Series(None, index=frame.index, dtype=kind)  # type: ignore[call-overload]
        out[name] = nones(values.astype(kind))  # type: ignore[arg-type]
    for name in custom:
        out[name] = nones(frame[name])
    order = list(table.key) or [c for c in names if out[c].dtype.kind != "O" or c.endswith("_id")]
    return _sorted(out, [*order, *names, *custom])


def _sorted(frame: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """Sorted by the given columns, missing first, so that the order of the client's rows changes nothing."""
    keys = []
    for name in dict.fromkeys(order):
        values = frame[name]
        keys.append(values.where(values.notna(), "").astype(str) if values.dtype == object else values)
    codes = [np.asarray(pd.factorize(k, sort=True)[0]) for k in reversed(keys)]
    return frame.iloc[np.lexsort(codes)].reset_index(drop=True) if codes else frame.reset_index(drop=True)
