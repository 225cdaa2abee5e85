"""Faults that show only across rows and tables, all in one pass, on the tables as cut at the as-of date.

Errors are what is ambiguous or changes money. All else is a warning, with the rows set aside and counted. Each fault
says what it means for the figures: the revenue, the hours or the answers that hang on its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import numpy as np
import pandas as pd

from cs_analysis.data.checking.stake import Stake, of_money, stake
from cs_analysis.data.clean import Clean
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problems
from cs_analysis.data.reading.read import ROW, Source
from cs_analysis.data.settings import Settings
from cs_analysis.display.language import MISSING, money, month, percent
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
# amounts that are rarely below 0
_AMOUNTS = {
    "accounts": ("mrr",), "contracts": ("mrr", "amount"), "mrr_months": ("mrr",), "ledger": ("mrr",),
    "costs": ("amount",),
}  # fmt: skip
_REPEATED = 0.05  # from this share of repeated entries on, a part was rather pasted twice; some are alike by right
_NAMED = 200  # unknown accounts told one by one, with a suggestion each
_SUGGEST = 20_000  # above this many known accounts a nearest id is not looked for
_EXPECTED = 4.0  # departures that should have been seen before the first one, for late entry to be suspected


def check_rows(tables: Mapping[str, Clean], settings: Settings, problems: Problems) -> dict[str, Clean]:
    """The tables without the rows that are set aside; duplicates, unknown accounts and wrong periods are listed."""
    checked = {name: _without_duplicates(clean, settings, problems) for name, clean in tables.items()}
    known = known_accounts(checked)
    listed = "accounts" in checked and "account_id" in checked["accounts"].frame  # else nobody can be unknown
    for name, clean in checked.items():
        if listed and name != "accounts" and "account_id" in clean.frame:
            checked[name] = _without_unknown(clean, known, settings, problems)
        if name in _PERIODS:
            _check_period(clean, *_PERIODS[name], problems)
        for column in _AMOUNTS.get(name, ()):
            if column in clean.frame:
                _check_negative(clean, column, settings, problems)
    return checked


def held(clean: Clean, rows: pd.Series | np.ndarray, settings: Settings) -> Stake:
    """What hangs on the rows marked."""
    return stake(clean.table.name, clean.frame[rows], settings.client.currency, settings.money.fx)


def known_accounts(tables: Mapping[str, Clean]) -> pd.Index:
    """The ids of `accounts`, of those merged away included, and of the table that brings the revenue.

    A table that lacks its column of ids is told elsewhere, and adds none.
    """
    frames = [tables[t].frame for t in ("accounts", *REVENUE_TABLES) if t in tables]
    ids = [frame["account_id"] for frame in frames if "account_id" in frame]
    return pd.Index(pd.concat(ids).dropna().unique()) if ids else pd.Index([])


def _without_duplicates(clean: Clean, settings: Settings, problems: Problems) -> Clean:
    key = [k for k in clean.table.key if k in clean.frame]
    content = [c for c in clean.frame if c != ROW]
    if not clean.table.key:
        _check_repeats(clean, clean.frame.duplicated(content), settings, problems)
    if len(key) < len(clean.table.key) or not key:
        return clean
    again = clean.frame.duplicated(content)
    if again.any():
        problems.add(
            WARNING, clean.source, N_("The row repeats an earlier one; it is set aside."), N_("Delete it."),
            rows=clean.frame.loc[again, ROW], column=clean.header(key[0]), values=_key_text(clean.frame[again], key),
            effect=N_("It counts once. Set aside: {at_stake}."), stake=held(clean, again, settings),
        )  # fmt: skip
        clean = clean.keep(~again)
    if clean.table.name == "survey_responses":
        return _latest_answers(clean, key, settings, problems)
    twice = clean.frame.duplicated(key, keep=False)
    if twice.any():
        problems.add(
            ERROR, clean.source, N_("The key {key} stands in more than one row: “{value}”."),
            N_("Keep one of the rows, or give each its own key."), rows=clean.frame.loc[twice, ROW],
            column=clean.header(key[0]), values=_key_text(clean.frame[twice], key),
            effect=N_("Which of them is right cannot be known, and no report can be made. They hold {at_stake}."),
            stake=held(clean, twice, settings), key=" + ".join(clean.header(k).rstrip(" *") for k in key),
        )  # fmt: skip
    return clean


def _check_repeats(clean: Clean, again: pd.Series, settings: Settings, problems: Problems) -> None:
    """Entries without a key may be alike by right; many that are look like a part pasted twice."""
    if again.sum() < 2 or again.mean() < _REPEATED:
        return
    problems.add(
        WARNING, clean.source,
        N_("{count} of {all} rows repeat an earlier one to the letter; they are kept."),
        N_("If a part was pasted twice, delete it."), count=int(again.sum()), all=len(again),
        effect=N_("If they were entered twice, this counts twice: {at_stake}."), stake=held(clean, again, settings),
    )  # fmt: skip


def _latest_answers(clean: Clean, key: list[str], settings: Settings, problems: Problems) -> Clean:
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
            N_("The respondent answered this survey again later; only the latest answer counts."),
            N_("Nothing, unless the later answer is the wrong one: then delete that."),
            rows=clean.frame.loc[older, ROW], column=clean.header(key[1]), values=_key_text(clean.frame[older], key),
            effect=N_("Set aside: {at_stake}."), stake=held(clean, older, settings),
        )  # fmt: skip
    return clean.keep(~older)


def _key_text(frame: pd.DataFrame, key: list[str]) -> list[str]:
    parts = [frame[k].dt.strftime("%Y-%m-%d") if frame[k].dtype.kind == "M" else frame[k].astype(str) for k in key]
    return [" / ".join(map(str, texts)) for texts in zip(*parts, strict=True)]


def _without_unknown(clean: Clean, known: pd.Index, settings: Settings, problems: Problems) -> Clean:
    ids = clean.frame["account_id"]
    unknown = ids.notna() & ~ids.isin(known)
    if not unknown.any():
        return clean
    if clean.table.name == "time_entries":  # an hour is never lost: it stays under the id it was booked to
        problem = N_("The account {value} is not in accounts; its hours are kept, and listed apart.")
        effect = N_("Their cost is set against no revenue: {at_stake}.")
        _name_unknown(clean, unknown, known, problem, effect, settings, problems)
        return clean
    problem = N_("The account {value} is not in accounts; the row is set aside.")
    _name_unknown(clean, unknown, known, problem, N_("Set aside: {at_stake}."), settings, problems)
    return clean.keep(~unknown)


def check_unlisted(tables: Mapping[str, Clean], settings: Settings, problems: Problems) -> None:
    """Accounts that have revenue and are missing from `accounts`: kept, so that totals still equal the ledger."""
    listed = pd.Index(tables["accounts"].frame["account_id"].dropna().unique())
    for clean in (tables[t] for t in REVENUE_TABLES if t in tables):
        ids = clean.frame["account_id"]
        problem = N_("The account {value} is not in accounts; its revenue is kept, as an account of its own.")
        effect = N_("It counts in every total, but without name, segment or CSM: {at_stake}. If the id is a slip, it "
                    "looks like one account lost and another won.")  # fmt: skip
        _name_unknown(clean, ids.notna() & ~ids.isin(listed), listed, problem, effect, settings, problems)


def _name_unknown(
    clean: Clean,
    unknown: pd.Series,
    known: Collection[str],
    problem: str,
    effect: str,
    settings: Settings,
    problems: Problems,
) -> None:
    """A fault per unknown account with the nearest known one; beyond the first many, all the others in one."""
    ids = clean.frame["account_id"]
    pool = list(known) if len(known) <= _SUGGEST else []
    bare = {_bare(k): k for k in pool}
    plain = N_("Add the account to accounts, or correct the id.")
    shared = {"column": clean.header("account_id"), "effect": effect}
    places = clean.frame[unknown].groupby("account_id", sort=False).indices
    rows = clean.frame.index[unknown]
    named: list[int] = []
    for name in list(places)[:_NAMED]:
        mine = rows[places[name]]
        named.extend(mine)
        near, action = bare.get(_bare(str(name))), _LOST_DIGITS
        if near is None:
            near = nearest(str(name), pool)
            action = N_("Did you mean {near}? Correct it, or add the account to accounts.") if near else plain
        problems.add(
            WARNING, clean.source, problem, action, rows=clean.frame.loc[mine, ROW], values=ids[mine],
            stake=held(clean, clean.frame.index.isin(mine), settings), near=near, **shared,
        )  # fmt: skip
    others = unknown & ~clean.frame.index.isin(named)
    if others.any():
        problems.add(
            WARNING, clean.source, problem, plain, rows=clean.frame.loc[others, ROW], values=ids[others],
            stake=held(clean, others, settings), **shared,
        )  # fmt: skip


_LOST_DIGITS = N_("Probably {near}: Excel drops leading zeros and people mix capitals. Format the column as text and "
                  "write the id as it stands in accounts.")  # fmt: skip


def _bare(name: str) -> str:
    """An id without what gets lost on the way: leading zeros and capitals.

    >>> _bare("00123") == _bare("123"), _bare("a001") == _bare("A001")
    (True, True)
    """
    return name.casefold().lstrip("0") or name


def _check_period(clean: Clean, start: str, end: str, problems: Problems) -> None:
    if not {start, end} <= set(clean.frame):
        return
    wrong = clean.frame[end] < clean.frame[start]
    if wrong.any():
        problems.add(
            WARNING, clean.source, N_("The date {value} lies before “{start}”; the row is used as it is."),
            N_("Correct one of the two dates."), rows=clean.frame.loc[wrong, ROW], column=clean.header(end),
            effect=N_("The time between the two dates counts as 0 or is left out."),
            values=clean.frame.loc[wrong, end].dt.strftime("%Y-%m-%d"), start=clean.header(start),
        )  # fmt: skip


def _check_negative(clean: Clean, column: str, settings: Settings, problems: Problems) -> None:
    negative = clean.frame[column] < 0
    if clean.table.name == "contracts" and column == "amount" and "mrr" in clean.frame:
        negative &= clean.frame["mrr"].isna()  # told by its MRR already
    if not negative.any():
        return
    problem, effect, action = _NEGATIVE[clean.table.name if clean.table.name in _NEGATIVE else ""]
    problems.add(
        WARNING, clean.source, problem, action, rows=clean.frame.loc[negative, ROW],
        values=clean.frame.loc[negative, column].map(lambda v: money(v, settings.client.currency)),
        column=clean.header(column), effect=effect, stake=held(clean, negative, settings),
    )  # fmt: skip


_SIGN = N_("If it is not a discount, correct its sign.")
_NEGATIVE = {
    "": (
        N_("The monthly revenue {value} is negative; it counts as a discount."),
        N_("It takes this off the revenue of its account: {at_stake}."), _SIGN,
    ),
    "ledger": (
        N_("The total {value} of the ledger is negative."), N_("The month cannot tie to the contracts: {at_stake}."),
        N_("Correct its sign."),
    ),
    "costs": (
        N_("The cost {value} is negative; it counts as a refund."), N_("It lowers the cost of the month: {at_stake}."),
        N_("If it is not a refund, correct its sign."),
    ),
}  # fmt: skip


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
    amounts = pd.Series(ticks(lines["mrr"].to_numpy()), index=lines["contract_id"])
    currency = settings.client.currency
    for i in np.flatnonzero(apart):
        gap = float(from_ticks(int(ours[i] - theirs[i])))
        one = _line_of(abs(int(ours[i] - theirs[i])), amounts)
        problems.add(
            WARNING, ledger.source,
            N_("The ledger's {month} does not tie to the contracts: {ledger} against {ours}, "
               "a difference of {difference}."),
            N_("Look for contracts that are missing, doubled or wrongly dated in that month, or correct the ledger.")
            if one is None
            else N_("The difference is exactly the contract line {line}: look at its dates first, else for lines that "
                    "are missing or doubled, or correct the ledger."),
            rows=[frame[ROW].iloc[i]], column=ledger.header("mrr"), values=[money(frame["mrr"].iloc[i], currency)],
            month=month(frame["month"].iloc[i]), ledger=money(from_ticks(int(theirs[i])), currency),
            ours=money(from_ticks(int(ours[i])), currency),
            difference=money(gap, currency), line=one,
            share=percent(abs(gap) * 10_000 / abs(int(theirs[i])) if theirs[i] else np.nan),
            effect=N_("Every figure built on the revenue of that month is off by as much: {share} of the ledger."),
            stake=of_money(np.array([abs(gap)]), abs(gap), currency),
        )  # fmt: skip


def _line_of(difference: int, amounts: pd.Series) -> str | None:
    """The only contract line whose MRR is exactly the difference, or None."""
    fits = amounts.index[amounts == difference].unique()
    return str(fits[0]) if len(fits) == 1 else None


def check_late_entry(lines: pd.DataFrame, source: Source, as_of: date, problems: Problems) -> None:
    """Suspect that early departures were never recorded.

    Each account's first year is left out, because annual contracts cannot end in it. From the rate of departures
    over the rest, the number to be expected before the first one recorded follows; where it is 4 or more, seeing
    none has a probability below 2 %.
    """
    day = pd.Timestamp(as_of)
    stopped = lines["stop"].where(lines["stop"] <= day)
    accounts = lines.assign(stop=stopped, open=stopped.isna()).groupby("account_id")
    begins = accounts["start"].min() + pd.DateOffset(years=1)
    left = accounts["stop"].max().where(~accounts["open"].any())
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
               "departures would be expected: those that left earlier seem to be missing."),
            N_("Give the first day from which departures were recorded as observed_from under [rules]."),
            effect=N_("Retention and the time customers stay look better than they are."),
            early=early, first=_iso(first), expected=round(expected),
        )  # fmt: skip


def check_merges(accounts: Clean, lines: pd.DataFrame, settings: Settings, problems: Problems) -> None:
    """Mergers into an account that is not there, or without a date; `lines` before the mergers."""
    frame = accounts.frame
    if "merged_into" not in frame:
        return
    merged = frame["merged_into"].notna()
    faults = (
        (merged & ~frame["merged_into"].isin(frame["account_id"]),
         N_("The account {value}, into which this one merged, is not in accounts."),
         N_("The revenue goes to an account without name, segment or CSM: {at_stake}."),
         N_("Add it, or correct the id.")),
        (merged & (frame["merged_date"].isna() if "merged_date" in frame else True),
         N_("The merger has no date; it counts from the beginning."),
         N_("The two accounts are one in every month, also before they merged: {at_stake}."),
         N_("Fill in merged_date.")),
    )  # fmt: skip
    for wrong, problem, effect, action in faults:
        if wrong.any():
            problems.add(
                WARNING, accounts.source, problem, action, rows=frame.loc[wrong, ROW], effect=effect,
                values=frame.loc[wrong, "merged_into"], column=accounts.header("merged_into"),
                stake=revenue_of(frame.loc[wrong, "account_id"], lines, settings),
            )  # fmt: skip


def revenue_of(accounts: pd.Series, lines: pd.DataFrame, settings: Settings) -> Stake:
    """The MRR of accounts, one by one and together: the highest at one time."""
    spans = lines.assign(start_date=lines["start"], end_date=lines["stop"] - pd.Timedelta(days=1), currency=None)
    currency = settings.client.currency

    def highest(chosen: pd.DataFrame) -> float:
        return stake("contracts", chosen, currency).total or 0.0

    mine = spans[spans["account_id"].isin(set(accounts))]
    each = {name: highest(group) for name, group in mine.groupby("account_id")}
    return of_money(accounts.map(each).fillna(0).to_numpy(float), highest(mine), currency)


def check_places(unmatched: tuple[Source, ...], problems: Problems) -> None:
    """Files and sheets that hold no table of ours are listed."""
    for source in unmatched:
        problems.add(
            NOTE, source, N_("No table of this name is known; it is not read."),
            N_("If it holds data, rename it or name it in a mapping of the client file."),
        )  # fmt: skip


def _iso(day: pd.Timestamp) -> str:
    return day.strftime("%Y-%m-%d") if pd.notna(day) else MISSING
