"""Faults that show only across rows and tables, all in one pass, on the tables as cut at the as-of date.

Errors are what is ambiguous or changes money. All else is a warning, with the rows set aside and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import numpy as np
import pandas as pd

from cs_analysis.data.clean import Clean
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problems
from cs_analysis.data.read import ROW, Source
from cs_analysis.data.settings import Settings
from cs_analysis.display.language import MISSING, money, month
from cs_analysis.errors import N_, nearest
from cs_analysis.stats.money import from_ticks, ticks

REVENUE_TABLES = ("contracts", "mrr_months")
# an end that lies before its start, outside revenue: table → (start, end)
_PERIODS = {
    "csms": ("start_date", "end_date"),
    "contacts": ("start_date", "left_date"),
    "survey_responses": ("invited_date", "responded_date"),
    "onboarding_steps": ("started_date", "completed_date"),
}
_NAMED = 200  # unknown accounts told one by one, with a suggestion each
_SUGGEST = 20_000  # above this many known accounts a nearest id is not looked for
_EXPECTED = 4.0  # departures that should have been seen before the first one, for late entry to be suspected


def check_rows(tables: Mapping[str, Clean], settings: Settings, problems: Problems) -> dict[str, Clean]:
    """The tables without the rows that are set aside; duplicates, unknown accounts and wrong periods are listed."""
    checked = {name: _without_duplicates(clean, problems) for name, clean in tables.items()}
    known = known_accounts(checked)
    for name, clean in checked.items():
        if name != "accounts" and "account_id" in clean.frame:
            checked[name] = _without_unknown(clean, known, problems)
        if name in _PERIODS:
            _check_period(clean, *_PERIODS[name], problems)
        if "mrr" in clean.frame:
            _check_negative(clean, settings, problems)
    return checked


def known_accounts(tables: Mapping[str, Clean]) -> pd.Index:
    """The ids of `accounts`, of those merged away included, and of the table that brings the revenue."""
    ids = [tables[t].frame["account_id"] for t in ("accounts", *REVENUE_TABLES) if t in tables]
    return pd.Index(pd.concat(ids).dropna().unique()) if ids else pd.Index([])


def _without_duplicates(clean: Clean, problems: Problems) -> Clean:
    key = [k for k in clean.table.key if k in clean.frame]
    if len(key) < len(clean.table.key) or not key:
        return clean
    content = [c for c in clean.frame if c != ROW]
    again = clean.frame.duplicated(content)
    if again.any():
        problems.add(
            WARNING, clean.source, N_("The row repeats an earlier one; it is set aside."), N_("Delete it."),
            rows=clean.frame.loc[again, ROW], column=clean.header(key[0]), values=_key_text(clean.frame[again], key),
        )  # fmt: skip
        clean = clean.keep(~again)
    if clean.table.name == "survey_responses":
        return _latest_answers(clean, key, problems)
    twice = clean.frame.duplicated(key, keep=False)
    if twice.any():
        problems.add(
            ERROR, clean.source, N_("The key {key} stands in more than one row: “{value}”."),
            N_("Keep one of the rows, or give each its own key."), rows=clean.frame.loc[twice, ROW],
            column=clean.header(key[0]), values=_key_text(clean.frame[twice], key),
            key=" + ".join(clean.header(k) for k in key),
        )  # fmt: skip
    return clean


def _latest_answers(clean: Clean, key: list[str], problems: Problems) -> Clean:
    """One answer per respondent and wave: the latest one."""
    if "responded_date" not in clean.frame:
        return clean
    # two answers of one day are told apart by their score, so that the order of the rows does not decide
    by = [c for c in ("responded_date", "score", ROW) if c in clean.frame]
    order = clean.frame.sort_values(by, na_position="first", kind="stable")
    older = order.duplicated(key, keep="last").reindex(clean.frame.index)
    if older.any():
        problems.add(
            WARNING, clean.source,
            N_("The respondent answered this survey again later; only the latest answer counts."), "",
            rows=clean.frame.loc[older, ROW], column=clean.header(key[1]), values=_key_text(clean.frame[older], key),
        )  # fmt: skip
    return clean.keep(~older)


def _key_text(frame: pd.DataFrame, key: list[str]) -> list[str]:
    parts = [frame[k].dt.strftime("%Y-%m-%d") if frame[k].dtype.kind == "M" else frame[k].astype(str) for k in key]
    return [" / ".join(map(str, texts)) for texts in zip(*parts, strict=True)]


def _without_unknown(clean: Clean, known: pd.Index, problems: Problems) -> Clean:
    ids = clean.frame["account_id"]
    unknown = ids.notna() & ~ids.isin(known)
    if not unknown.any():
        return clean
    if clean.table.name == "time_entries":  # an hour is never lost: it stays under the id it was booked to
        problem = N_("The account {value} is not in accounts; its hours are kept, and listed apart.")
        _name_unknown(clean, unknown, known, problem, problems)
        return clean
    problem = N_("The account {value} is not in accounts; the row is set aside.")
    _name_unknown(clean, unknown, known, problem, problems)
    return clean.keep(~unknown)


def check_unlisted(tables: Mapping[str, Clean], problems: Problems) -> None:
    """Accounts that have revenue and are missing from `accounts`: kept, so that totals still equal the ledger."""
    listed = set(tables["accounts"].frame["account_id"].dropna())
    for clean in (tables[t] for t in REVENUE_TABLES if t in tables):
        ids = clean.frame["account_id"]
        problem = N_("The account {value} is not in accounts; its revenue is kept, as an account of its own.")
        _name_unknown(clean, ids.notna() & ~ids.isin(listed), listed, problem, problems)


def _name_unknown(clean: Clean, unknown: pd.Series, known: Collection[str], problem: str, problems: Problems) -> None:
    """A fault per unknown account with the nearest known one; beyond the first many, all the others in one."""
    ids = clean.frame["account_id"]
    pool = list(known) if len(known) <= _SUGGEST else []
    plain = N_("Add the account to accounts, or correct the id.")
    first = ids[unknown].unique()[:_NAMED]
    for name in first:
        near = nearest(name, pool)
        action = N_("Did you mean {near}? Correct it, or add the account to accounts.") if near else plain
        problems.add(
            WARNING, clean.source, problem, action, rows=clean.frame[ROW][unknown & (ids == name)],
            column=clean.header("account_id"), values=ids[unknown & (ids == name)], near=near,
        )  # fmt: skip
    others = unknown & ~ids.isin(first)
    if others.any():
        problems.add(
            WARNING, clean.source, problem, plain, rows=clean.frame[ROW][others],
            column=clean.header("account_id"), values=ids[others],
        )  # fmt: skip


def _check_period(clean: Clean, start: str, end: str, problems: Problems) -> None:
    if not {start, end} <= set(clean.frame):
        return
    wrong = clean.frame[end] < clean.frame[start]
    if wrong.any():
        problems.add(
            WARNING, clean.source, N_("The date {value} lies before “{start}”; the row is used as it is."),
            N_("Correct one of the two dates."), rows=clean.frame.loc[wrong, ROW], column=clean.header(end),
            values=clean.frame.loc[wrong, end].dt.strftime("%Y-%m-%d"), start=clean.header(start),
        )  # fmt: skip


def _check_negative(clean: Clean, settings: Settings, problems: Problems) -> None:
    negative = clean.frame["mrr"] < 0
    if negative.any():
        problems.add(
            WARNING, clean.source, N_("The monthly revenue {value} is negative; it counts as a discount."),
            N_("If it is not a discount, correct its sign."), rows=clean.frame.loc[negative, ROW],
            values=clean.frame.loc[negative, "mrr"].map(lambda v: money(v, settings.client.currency)),
            column=clean.header("mrr"),
        )  # fmt: skip


def mrr_on(lines: pd.DataFrame, days: pd.Series) -> np.ndarray:
    """Total MRR on each day, in ticks."""
    amounts = ticks(lines["mrr"].to_numpy())
    stops = lines["stop"].notna().to_numpy()
    when = np.concatenate([lines["start"].to_numpy(), lines["stop"].to_numpy()[stops]]).astype("datetime64[ns]")
    change = np.concatenate([amounts, -amounts[stops]])
    order = np.argsort(when, kind="stable")
    level = np.concatenate([[0], np.cumsum(change[order])])
    return level[np.searchsorted(when[order], days.to_numpy("datetime64[ns]"), side="right")]


def check_ledger(ledger: Clean, lines: pd.DataFrame, settings: Settings, problems: Problems) -> None:
    """Each month of the client's own total against the contract lines: a difference of one unit or more is listed."""
    frame = ledger.frame
    ours = mrr_on(lines, frame["month"] + pd.offsets.MonthEnd(0))
    theirs = ticks(frame["mrr"].to_numpy())
    apart = np.abs(ours - theirs) >= 10_000
    currency = settings.client.currency
    for i in np.flatnonzero(apart):
        problems.add(
            WARNING, ledger.source,
            N_("The ledger's {month} does not tie to the contracts: {ledger} against {ours}, "
               "a difference of {difference}."),
            N_("Look for contracts that are missing, doubled or wrongly dated in that month, or correct the ledger."),
            rows=[frame[ROW].iloc[i]], column=ledger.header("mrr"), values=[money(frame["mrr"].iloc[i], currency)],
            month=month(frame["month"].iloc[i]), ledger=money(from_ticks(int(theirs[i])), currency),
            ours=money(from_ticks(int(ours[i])), currency),
            difference=money(from_ticks(int(ours[i] - theirs[i])), currency),
        )  # fmt: skip


def check_late_entry(lines: pd.DataFrame, source: Source, as_of: date, problems: Problems) -> None:
    """Suspect that early departures were never recorded.

    Each account's first year is left out, because annual contracts cannot end in it. From the rate of departures
    over the rest, the number to be expected before the first one recorded follows; where it is 4 or more, seeing
    none has a probability below 2 %.
    """
    day = pd.Timestamp(as_of)
    accounts = lines.assign(stop=lines["stop"].where(lines["stop"] <= day)).groupby("account_id")
    begins = accounts["start"].min() + pd.DateOffset(years=1)
    left = accounts["stop"].max().where(accounts["stop"].apply(lambda s: s.notna().all()))
    departed = left[left > begins]
    if len(departed) < 5:
        return
    first = departed.min()
    ends = left.fillna(day)
    exposure = (ends - begins).dt.days.clip(lower=0)
    before = (ends.clip(upper=first) - begins).dt.days.clip(lower=0)
    expected = len(departed) * before.sum() / exposure.sum()
    if expected >= _EXPECTED:
        early = int((accounts["start"].min() < first).sum())
        problems.add(
            WARNING, source,
            N_("{early} accounts start before the first recorded departure ({first}), where about {expected} "
               "departures would be expected: those that left earlier seem to be missing, which makes retention "
               "look too good."),
            N_("Give the first day from which departures were recorded as observed_from under [rules]."),
            early=early, first=_iso(first), expected=round(expected),
        )  # fmt: skip


def check_merges(accounts: Clean, problems: Problems) -> None:
    """Mergers into an account that is not there, or without a date."""
    frame = accounts.frame
    if "merged_into" not in frame:
        return
    unknown = frame["merged_into"].notna() & ~frame["merged_into"].isin(frame["account_id"])
    if unknown.any():
        problems.add(
            WARNING, accounts.source, N_("The account {value}, into which this one merged, is not in accounts."),
            N_("Add it, or correct the id."), rows=frame.loc[unknown, ROW], values=frame.loc[unknown, "merged_into"],
            column=accounts.header("merged_into"),
        )  # fmt: skip
    undated = frame["merged_into"].notna() & (frame["merged_date"].isna() if "merged_date" in frame else True)
    if undated.any():
        problems.add(
            WARNING, accounts.source, N_("The merger has no date; it counts from the beginning."),
            N_("Fill in merged_date."), rows=frame.loc[undated, ROW], values=frame.loc[undated, "merged_into"],
            column=accounts.header("merged_into"),
        )  # fmt: skip


def check_places(unmatched: tuple[Source, ...], problems: Problems) -> None:
    """Files and sheets that hold no table of ours are listed."""
    for source in unmatched:
        problems.add(
            NOTE, source, N_("No table of this name is known; it is not read."),
            N_("If it holds data, rename it or name it in a mapping of the client file."),
        )  # fmt: skip


def _iso(day: pd.Timestamp) -> str:
    return day.strftime("%Y-%m-%d") if pd.notna(day) else MISSING
