"""Columns of the client's own that are perhaps one of ours: an end, an account or a currency under another name.

Such a column would pass for a variable to split by, and what it says would silently not count. A column that the
mapping of the client file names, under whatever key, has been decided on and is left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

import pandas as pd

from cs_analysis.data.checking.near import is_near, unit_in, without_remark
from cs_analysis.data.checking.stake import stake
from cs_analysis.data.checking.states import check_states
from cs_analysis.data.columns import IN_UNITS, WITH_TAX, Clean
from cs_analysis.data.currencies import code_of, is_currency
from cs_analysis.data.lines import FLAT, revenue_source
from cs_analysis.data.mapping.match import company_key
from cs_analysis.data.parse import parse
from cs_analysis.data.problems import ERROR, WARNING, Problems
from cs_analysis.data.reading.read import ROW
from cs_analysis.data.schema import TABLES, Column, find_column, normalise
from cs_analysis.data.settings import Settings
from cs_analysis.data.typed import without_never
from cs_analysis.data.vocabulary import HINTS
from cs_analysis.errors import N_

_MOSTLY = 0.8  # share of the values that must be dates, or currencies, for a column to be one of them
_FOUND = 0.5  # share of the values that must be accounts


class _Ending(NamedTuple):
    """How a table says that something is over: our column, what its headers are like, and what it means without."""

    column: str
    words: re.Pattern[str]
    effect: str


_END = r"(?<![a-z])end(s|ed|ing)?(?![a-z])|(?<![a-z])(expir|cancel|terminat|churn)"
_OVER = re.compile(rf"終了|満了|解約|退会|脱退|失効|期限|{_END}")
_LEAVING = re.compile(r"解約|退会|脱退|(?<![a-z])(cancel|terminat|churn)")
_DONE = re.compile(rf"完了|終了|済|{_END}|(?<![a-z])(complet|finish|done|closed)")
_GONE = re.compile(rf"退職|退社|離任|異動|終了|{_END}|(?<![a-z])(left|leav|resign)")
_FOR_EVER = N_("Nothing is read as {label}, so these go on for ever: {at_stake}.")
_OPEN = N_("Nothing is read as {label}, so all count as open: {at_stake}.")
_STILL = N_("Nothing is read as {label}, so all count as still there: {at_stake}.")
_ENDINGS = {
    "contracts": _Ending("end_date", _OVER, _FOR_EVER),
    "accounts": _Ending("churn_date", _OVER, _FOR_EVER),  # where it brings the revenue
    "onboarding_steps": _Ending("completed_date", _DONE, _OPEN),
    "tasks": _Ending("done_date", _DONE, _OPEN),
    "csms": _Ending("end_date", _GONE, _STILL),
    "contacts": _Ending("left_date", _GONE, _STILL),
}
# days on which something else ends, or may end
_OTHER = re.compile(
    r"予告|通知|申|受付|連絡|可能|不可|無料|試用|トライアル|割引|キャンペーン|保証|支払|入金|請求|更新|締|notice|request|"
    r"trial|discount|warrant|payment|paid|invoice|renew"
)
_PLANNED = re.compile(r"予定|期限|期日|目標|計画|plan|due|target|deadline")


def check_customs(tables: Mapping[str, Clean], as_of: date, settings: Settings, problems: Problems) -> None:
    """Columns that are not read, and whose values would change what is.

    Parameters
    ----------
    tables
        All tables, not cut.
    as_of
        The day as of which a line counts as running.
    settings
        The client file, for its mappings, its currency and its rates.
    problems
        Where the faults go: an error for amounts in another currency, else warnings.
    """
    revenue = revenue_source(tables)
    for name, clean in tables.items():
        open_headers = [h for h in clean.customs if not _is_answered(h, name, settings)]
        told = _check_currency(clean, name == revenue, settings, problems)
        if name in _ENDINGS and (name != "accounts" or name == revenue):
            told |= _check_ending(clean, [h for h in open_headers if h not in told], _ENDINGS[name], settings, problems)
        if name in ("time_entries", "tasks") and "account_id" not in clean.frame:
            rest = [h for h in open_headers if h not in told]
            told |= _check_account(clean, rest, tables.get("accounts"), settings, problems)
        if name == revenue and name in ("contracts", "accounts"):
            rest = [h for h in open_headers if h not in told]
            told |= check_states(clean, rest, as_of, settings, problems)
        _check_near(clean, [h for h in open_headers if h not in told], problems)


def _is_answered(header: str, table: str, settings: Settings) -> bool:
    """Whether the mapping of the client file names a column, by the client's header or by the name that it gives it."""
    mapping = settings.mapping.get(table)
    named = [*mapping.names(), *mapping.columns.values()] if mapping is not None else []
    return normalise(header) in map(normalise, named)


# ----------------------------------------------------------------------------------------------------------- currency


def _check_currency(clean: Clean, is_revenue: bool, settings: Settings, problems: Problems) -> set[str]:
    """Amounts of another currency, which a column that is not read names: they would count as the client's own."""
    if "currency" in clean.frame or not (is_revenue or clean.table.name in ("ledger", "costs")):
        return set()
    rows, own = clean.frame.drop_duplicates(ROW), settings.client.currency
    told = set()
    for header in clean.customs:
        values = rows[header].dropna().astype(str)
        known = values.map({v: is_currency(v) for v in values.unique()}).astype(bool)
        if not len(values) or known.mean() < _MOSTLY:
            continue
        codes = values.map({v: code_of(v) for v in values.unique()})
        other = codes.index[(codes != own) & known]
        if not len(other):
            continue
        told.add(header)
        problems.add(
            ERROR, clean.source, N_("The column “{header}” names {value}, but it is not read as the currency."),
            N_('Call it currency (通貨), or write under [mapping.contracts] in the client file: columns = {{"{header}" '
               '= "currency"}}; and give the rates under [money] fx.')
            if clean.table.name == "contracts"
            else N_("This table has no column for the currency: write all its amounts in {currency}, or, where the "
                    "column means something else, write under [mapping.{table}] in the client file: ignore = "
                    '["{header}"].'),
            rows=rows.loc[other, ROW], values=values.loc[other], column=header, header=header, currency=own,
            table=clean.table.name, effect=N_("These amounts would count as {currency}: {at_stake}."),
            stake=stake(clean.table.name, rows.loc[other], own),
        )  # fmt: skip
    return told


# --------------------------------------------------------------------------------------------------------------- ends


def _plain(header: str) -> str:
    """A header in one width and case, with capitals inside a word parted: “endDate” as “end Date”."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header)).casefold()


def _dates(clean: Clean, header: str) -> pd.Series | None:
    """The days in a column, the last of the month where it holds months; None where it does not hold such."""
    texts = without_never(clean.frame[header].fillna("").astype(str))
    filled = texts.str.strip() != ""
    days = parse(texts, "date").values
    days = days.fillna(parse(texts.where(days.isna(), ""), "month").values + pd.offsets.MonthEnd(0))
    return days if filled.any() and days[filled].notna().mean() >= _MOSTLY else None


def _check_ending(
    clean: Clean, headers: list[str], ending: _Ending, settings: Settings, problems: Problems
) -> set[str]:
    """Dates under a header that speaks of an end: instead of ours, or earlier than ours."""
    name, frame = clean.table.name, clean.frame
    ours = [c for c in ((ending.column, "contract_end") if name == "accounts" else (ending.column,)) if c in frame]
    planned = name in ("onboarding_steps", "tasks")
    told = set()
    for header in headers:
        words = _plain(header)
        if not (_LEAVING if ours else ending.words).search(words) or _OTHER.search(words):
            continue
        if (planned and _PLANNED.search(words)) or (ours and name not in ("contracts", "accounts")):
            continue
        days = _dates(clean, header)
        if days is None:
            continue
        ends = frame[ours].min(axis=1) if ours else pd.Series(pd.NaT, index=frame.index)
        rows = days.notna() & ~(ends <= days)
        if not rows.any():
            continue
        told.add(header)
        column = clean.table.column(ending.column)
        problems.add(
            WARNING, clean.source,
            N_("The column “{header}” holds dates that are not read: {count} of {all} rows, the first {first}.")
            if not ours
            else N_("The column “{header}” holds dates that are not read, where “{theirs}” is empty or later: {count} "
                    "of {all} rows, the first {first}."),
            N_("If it is {label}, call it so, or write under [mapping.{table}] in the client file: columns = "
               '{{"{header}" = "{name}"}}. If it is something else: ignore = ["{header}"].')
            if not ours
            else N_("If the service ended on these days, write them into “{theirs}”; if they mean something else, "
                    'write under [mapping.{table}] in the client file: ignore = ["{header}"].'),
            effect=ending.effect if not ours else N_("By “{theirs}” these go on longer: {at_stake}."), column=header,
            header=header, count=int(rows.sum()), all=len(frame), first=f"{days[rows].iloc[0]:%Y-%m-%d}", table=name,
            theirs=clean.header(ours[0]) if ours else "", name=ending.column,
            label=f"{ending.column} ({column.label_ja})" if column else ending.column,
            stake=stake(name, frame[rows], settings.client.currency, settings.money.fx),
        )  # fmt: skip
    return told


# ----------------------------------------------------------------------------------------------------------- accounts


def _check_account(
    clean: Clean, headers: list[str], accounts: Clean | None, settings: Settings, problems: Problems
) -> set[str]:
    """A table without account_id, one of whose columns holds the ids or names of accounts."""
    name = clean.table.name
    ids, names = _known(accounts, "account_id", str), _known(accounts, "account_name", company_key)
    best: tuple[float, bool, str] | None = None
    for header in headers:
        values = pd.Series(clean.frame[header].dropna().unique(), dtype=object).astype(str)
        if values.empty:
            continue
        as_ids, as_names = values.isin(list(ids)).mean(), values.map(company_key).isin(list(names)).mean()
        share = max(as_ids, as_names)
        if (share >= _FOUND or _means_account(header, name)) and (best is None or share > best[0]):
            best = (share, as_names > as_ids, header)
    if best is None:
        return set()
    _share, by_name, header = best
    problems.add(
        WARNING, clean.source, N_("No column is read as {label}; “{header}” seems to hold the accounts."),
        N_('Write under [mapping.{table}] in the client file: columns = {{"{header}" = "account_id"}} and match = '
           '"name".')
        if by_name
        else N_('Call it account_id (顧客ID), or write under [mapping.{table}] in the client file: columns = '
                '{{"{header}" = "account_id"}}; where it holds names, also match = "name".'),
        effect=N_("All hours count as internal work, for no account: {at_stake}.") if name == "time_entries"
        else N_("No task belongs to an account: {at_stake}."),
        column=header, header=header, label="account_id (顧客ID)", table=name,
        stake=stake(name, clean.frame, settings.client.currency),
    )  # fmt: skip
    return {header}


def _known(accounts: Clean | None, column: str, key: Callable[[str], str]) -> set[str]:
    """The ids or the names of all accounts, as they are compared."""
    values = accounts.frame[column].dropna() if accounts is not None and column in accounts.frame else []
    return {key(str(v)) for v in values} - {""}


def _means_account(header: str, table: str) -> bool:
    """Whether a header is one under which accounts stand elsewhere."""
    column = find_column(TABLES["accounts"], header)
    hints = (h for h in HINTS if h.column == "account_id" and table in h.tables)
    return (column is not None and column.name in ("account_id", "account_name")) or any(
        h.fits(normalise(header)) for h in hints
    )


# --------------------------------------------------------------------------------------------------------- like ours


def _check_near(clean: Clean, headers: list[str], problems: Problems) -> None:
    """Headers nearly those of a column of ours that is missing, by a letter or by a remark in brackets behind."""
    enough = any(set(group) <= set(clean.frame.columns) for group in clean.table.any_of)
    spared = {c for group in clean.table.any_of for c in group} if enough else set()
    spared |= set(FLAT) if clean.table.name == "accounts" and "mrr" not in clean.frame else set()
    told = {p.column for p in problems.errors if p.source == clean.source and p.row is None}
    absent = [c for c in clean.table.columns if c.name not in clean.frame and not c.required and c.name not in told]
    for header in headers:
        column = next((c for c in absent if is_near(header, c) or _is_ours_with_remark(header, c, clean, spared)), None)
        if column is None:
            continue
        unit = unit_in(header) if column.type in ("money", "hours") else None
        label = f"{column.name} ({column.label_ja})"
        problems.add(
            WARNING, clean.source, N_("The header “{header}” is nearly {label}, which is not there."),
            N_("If it is {label}, rename it; if it is your own, give it a name less alike, in the file or by a mapping "
               "in the client file.")
            if unit is None
            else (IN_UNITS if unit else WITH_TAX),
            effect=N_("Nothing is read as {label}; the column is kept as a variable of your own."),
            column=header, header=header, label=label, near=header, unit=unit, name=column.name,
            table=clean.table.name,
        )  # fmt: skip


def _is_ours_with_remark(header: str, column: Column, clean: Clean, spared: set[str]) -> bool:
    """Whether a header is that of a column of ours with a remark; one of a text may tell two columns apart."""
    bare = without_remark(header)
    if bare == header or column.type == "text" or column.name in spared or _PLANNED.search(_plain(header)):
        return False
    return find_column(clean.table, bare) is column or is_near(bare, column)
