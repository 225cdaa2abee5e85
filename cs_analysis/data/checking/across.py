"""Faults that show only over time and across tables: dates far away, two kinds of revenue, usage, surveys, accounts.

All are warnings with the rows kept as they are, because each can be right; each says how much revenue hangs on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from cs_analysis.data.checking.customs import check_customs
from cs_analysis.data.checking.renewals import FAR, check_departures, check_gaps, check_left, check_overlaps, iso
from cs_analysis.data.checking.stake import of_money, stake
from cs_analysis.data.columns import Clean
from cs_analysis.data.cut import bounds, row_days
from cs_analysis.data.problems import NOTE, WARNING, Problems
from cs_analysis.data.reading.read import ROW
from cs_analysis.data.settings import Settings
from cs_analysis.display.language import money, month, number
from cs_analysis.errors import N_
from cs_analysis.stats.money import from_ticks, ticks

_FEW_BARE = 0.5  # where more rows than this have only an id, that is all the table says
_FEW_GONE, _MOST = 2, 0.5  # as many accounts, and more than this share, do not leave in one month
_NEARBY = pd.Timedelta(days=31)  # from the first and the last answer of a survey: rather the same one
_FEW_ROWS = 0.05  # up to this share of the rows of another survey, one is rather a slip in its name


def check_dates(read: Mapping[str, Clean], used: Mapping[str, Clean], as_of: date, settings: Settings,
                problems: Problems) -> None:  # fmt: skip
    """What shows before revenue is put together: columns that are not read, and dates far away or not known yet."""
    check_customs(read, as_of, settings, problems)
    check_bare_accounts(read, problems)
    first, last = bounds(read)
    for name, clean in read.items():
        days = row_days(clean)
        shown = "%Y-%m" if clean.table.cut == "month" else "%Y-%m-%d"
        stray = (days > last) if last is not None else days.isna() & False
        early = (days < first) if first is not None else stray & False
        for rows, problem, effect in (
            (stray, N_("The date {value} lies far after all other dates in the data (the last is of {month})."),
             N_("The row is not used: {at_stake}.")),
            (early & (days <= pd.Timestamp(as_of)), N_("The date {value} lies far before all other dates in the data "
                                                       "(the first is of {month})."),
             N_("The row is used as it is, so something seems to have lasted for very long: {at_stake}.")),
        ):  # fmt: skip
            if rows.any():
                problems.add(
                    WARNING, clean.source, problem, N_("Correct the year if it is a slip."),
                    rows=clean.frame.loc[rows, ROW], values=days[rows].dt.strftime(shown), effect=effect,
                    column=clean.header(str(clean.table.cut)), month=month(last if rows is stray else first),
                    stake=stake(name, clean.frame[rows], settings.client.currency, settings.money.fx),
                )  # fmt: skip
        later = (days > pd.Timestamp(as_of)) & ~stray
        if later.any() and name in used:
            problems.add(
                NOTE, clean.source, N_("{count} rows are dated after the as-of date {as_of}; they are not used."), "",
                column=clean.header(str(clean.table.cut)), count=number(int(later.sum())), as_of=as_of.isoformat(),
                effect=N_("Not used: {at_stake}."),
                stake=stake(name, clean.frame[later], settings.client.currency, settings.money.fx),
            )  # fmt: skip


def check_lines(
    tables: Mapping[str, Clean], frames: Mapping[str, pd.DataFrame], as_of: date, settings: Settings, problems: Problems
) -> None:
    """All faults of revenue over time, and of usage beside it.

    Parameters
    ----------
    tables
        The tables as cut, for their headers and sources.
    frames
        The same after mergers, `mrr_months` among them, with the contract lines as `contracts`.
    """
    lines = frames["contracts"]
    merged = {name: Clean(c.table, c.source, frames.get(name, c.frame), c.headers) for name, c in tables.items()}
    if "contracts" in tables:
        check_overlaps(tables["contracts"], lines, settings, problems)
        check_departures(tables["contracts"], settings, problems)
        if "mrr_months" in tables:
            check_months(merged["mrr_months"], lines, settings, problems)
    elif "mrr_months" in tables:
        check_last_month(merged["mrr_months"], settings, problems)
    if "contracts" in tables or "mrr_months" in tables:
        revenue = tables["contracts"] if "contracts" in tables else merged["mrr_months"]
        check_gaps(revenue, lines, settings, problems)
        check_left(tables["accounts"], lines, as_of, settings, problems)
    if "usage" in tables:
        opening = "mrr_months" in tables and "contracts" not in tables
        check_usage(merged["usage"], lines, opening, settings, problems)
    if "survey_responses" in tables:
        check_waves(tables["survey_responses"], settings, problems)


def without_faulty(lines: pd.DataFrame, clean: Clean, problems: Problems) -> pd.DataFrame:
    """The lines of accounts none of whose rows holds an error, so that one fault is not taken for another."""
    faulty = clean.frame.loc[clean.frame[ROW].isin(list(problems.rows_in_error(clean.source))), "account_id"]
    return lines[~lines["account_id"].isin(faulty)].dropna(subset=["account_id", "start", "mrr"])


# ------------------------------------------------------------------------------------------------- two kinds of revenue


def check_months(clean: Clean, lines: pd.DataFrame, settings: Settings, problems: Problems) -> None:
    """Monthly revenue given beside contracts: accounts that pay after their last contract, and amounts that differ."""
    frame = clean.frame.dropna(subset=["account_id", "month", "mrr"])
    theirs = ticks(frame["mrr"].to_numpy())
    ours = _mrr_of(frame["account_id"], frame["month"] + pd.offsets.MonthEnd(0), lines)
    apart = np.abs(theirs - ours) >= 10_000
    ends = lines.assign(stop=lines["stop"].fillna(FAR)).groupby("account_id")["stop"].max()
    ended = frame["account_id"].map(ends).to_numpy("datetime64[ns]") <= (
        frame["month"] + pd.offsets.MonthEnd(0)
    ).to_numpy("datetime64[ns]")
    gone = apart & (theirs > 0) & (ours == 0) & ended
    currency = settings.client.currency
    for rows, problem, effect, action in (
        (gone, N_("Its contracts have ended, but there is still a monthly revenue of {value}."),
         N_("By the contracts, which count, the account is lost: {at_stake}."),
         N_("Add the contract that goes on, or delete the revenue.")),
        (apart & ~gone, N_("The monthly revenue {value} is not that of the contracts."),
         N_("The contracts count. The difference: {at_stake}."), N_("Correct one of the two.")),
    ):  # fmt: skip
        if rows.any():
            difference = np.array([abs(from_ticks(int(d))) for d in (theirs - ours)[rows]], float)
            months = frame["month"][rows]
            worst = pd.Series(difference, index=months.index).groupby(months).sum().max()
            problems.add(
                WARNING, clean.source, problem, action, rows=frame[ROW][rows], column=clean.header("mrr"),
                values=frame["mrr"][rows].map(lambda v: money(v, currency)), effect=effect,
                stake=of_money(difference, float(worst), currency),
            )  # fmt: skip


def check_last_month(clean: Clean, settings: Settings, problems: Problems) -> None:
    """A last month in which most of those who paid the month before have nothing: rather not filled in yet."""
    frame = clean.frame.dropna(subset=["account_id", "month", "mrr"])
    paid = frame[frame["mrr"] > 0]
    last = frame["month"].max()
    before = paid[paid["month"] == last - pd.offsets.MonthBegin(1)]
    gone = before[~before["account_id"].isin(paid.loc[paid["month"] == last, "account_id"])]
    if len(gone) < _FEW_GONE or len(gone) <= _MOST * len(before):
        return
    amounts = gone["mrr"].to_numpy(float)
    problems.add(
        WARNING, clean.source,
        N_("{count} of the {all} accounts with revenue in {before} have none in {last}, the last month."),
        N_("If {last} is not filled in yet, leave it out until it is, or choose an earlier as-of date."),
        column=clean.header("month") if not clean.is_wide else "", count=number(len(gone)), all=number(len(before)),
        before=month(last - pd.offsets.MonthBegin(1)), last=month(last),
        effect=N_("They count as lost: {at_stake}."),
        stake=of_money(amounts, float(amounts.sum()), settings.client.currency),
    )  # fmt: skip


def _mrr_of(accounts: pd.Series, days: pd.Series, lines: pd.DataFrame) -> np.ndarray:
    """The MRR of each account on each day by its contract lines, in ticks."""
    amounts = ticks(lines["mrr"].to_numpy())
    starts = pd.DataFrame({"account_id": lines["account_id"], "day": lines["start"], "level": amounts})
    stops = pd.DataFrame({"account_id": lines["account_id"], "day": lines["stop"], "level": -amounts})
    changes = pd.concat([starts, stops]).dropna(subset="day").groupby(["account_id", "day"], as_index=False).sum()
    changes["level"] = changes.groupby("account_id")["level"].cumsum()
    asked = pd.DataFrame({"account_id": accounts.to_numpy(), "day": days.to_numpy(), "at": np.arange(len(days))})
    found = pd.merge_asof(asked.sort_values("day"), changes.sort_values("day"), on="day", by="account_id")
    return found.sort_values("at")["level"].fillna(0).to_numpy("int64")


# ------------------------------------------------------------------------------------------------------------- usage


def check_usage(clean: Clean, lines: pd.DataFrame, opening: bool, settings: Settings, problems: Problems) -> None:
    """Usage before the first contract of an account or after the last; `opening` = the first month hides starts."""
    frame = clean.frame
    if not {"account_id", "month"} <= set(frame):  # told as a missing column
        return
    used = frame[frame["value"] != 0] if "value" in frame else frame
    paid = lines[lines["mrr"] > 0].assign(stop=lines["stop"].fillna(FAR))
    by_account = paid.groupby("account_id")
    span = pd.DataFrame({"start": by_account["start"].min(), "stop": by_account["stop"].max()})
    if opening:  # who was there in the first month began at some time before
        span["start"] = span["start"].where(span["start"] > span["start"].min(), pd.Timestamp.min)
    used = used.join(span, on="account_id").dropna(subset=["start"])
    for rows, at, problem, effect, action in (
        (used["month"] + pd.offsets.MonthEnd(0) < used["start"], "start",
         N_("The account {account} uses the product from {value} on, but its first contract begins on {day}."),
         N_("If the contract began earlier, its revenue until then is missing: {at_stake}."),
         N_("If it was a trial, nothing needs doing; else correct the start or add the contract before.")),
        (used["month"] >= used["stop"], "stop",
         N_("The account {account} still uses the product from {value} on, but its last contract ended before {day}."),
         N_("If it never left, it counts as lost by mistake: {at_stake}."),
         N_("Look whether the contract was renewed; if it was, add the renewal.")),
    ):  # fmt: skip
        amounts = paid[paid[at] == paid["account_id"].map(span[at])].groupby("account_id")["mrr"].sum()
        once = used[rows].sort_values(["month", ROW]).drop_duplicates("account_id").sort_values(ROW)
        for account, row, first, day in zip(once["account_id"], once[ROW], once["month"], once[at], strict=True):
            amount = float(amounts.get(account, 0.0))
            problems.add(
                WARNING, clean.source, problem, action, rows=[row], values=[f"{first:%Y-%m}"],
                column=clean.header("month"), account=account, day=iso(day), effect=effect,
                stake=of_money(np.array([amount]), amount, settings.client.currency),
            )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- accounts


def check_bare_accounts(tables: Mapping[str, Clean], problems: Problems) -> None:
    """Rows of accounts that hold an id only, which no other table knows: a note, a heading or a total, rather."""
    accounts = tables["accounts"]
    frame = accounts.frame
    others = [c for c in frame.columns if c not in (ROW, "account_id")]
    if "account_id" not in frame or not others:
        return
    bare = frame[others].notna().sum(axis=1).eq(0) & frame["account_id"].notna()
    if bare.sum() > _FEW_BARE * len(frame):
        return
    ids = [c.frame["account_id"] for name, c in tables.items() if name != "accounts" and "account_id" in c.frame]
    ids += [frame[c] for c in ("parent_account_id", "merged_into") if c in frame]
    known = pd.concat(ids) if ids else pd.Series([], dtype=object)
    rows = bare & ~frame["account_id"].isin(known)
    if rows.any():
        problems.add(
            WARNING, accounts.source,
            N_("The row holds nothing but the account id “{value}”, and no other table knows that account."),
            N_("If it is a note, a heading or a total, delete the row; if it is an account, give its name."),
            rows=frame.loc[rows, ROW], values=frame.loc[rows, "account_id"], column=accounts.header("account_id"),
            effect=N_("It counts as an account without revenue."),
        )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- surveys


def check_waves(clean: Clean, settings: Settings, problems: Problems) -> None:
    """A wave of a few rows about the time of a large one: rather the same survey under a name that is misspelt."""
    frame = clean.frame
    if "wave" not in frame:  # told as a missing column
        return
    none = pd.Series(pd.NaT, index=frame.index)
    days = frame.get("responded_date", none).fillna(frame.get("invited_date", none))
    waves = days.groupby(frame["wave"]).agg(["min", "max", "size"]).sort_values("size", ascending=False)
    largest = waves[waves["size"] > waves["size"].max() * _FEW_ROWS]
    small = waves.drop(largest.index).reset_index()
    for wave, first, last, size in zip(*(small[c] for c in ("wave", "min", "max", "size")), strict=True):
        around = pd.isna(first) | ((largest["min"] - _NEARBY <= first) & (largest["max"] + _NEARBY >= last))
        hosts = largest[around & (size <= largest["size"] * _FEW_ROWS)]
        if hosts.empty:
            continue
        rows = frame["wave"].isin([wave])
        problems.add(
            WARNING, clean.source,
            N_("The survey “{value}” has few rows ({count}), all about the time of the survey “{other}”."),
            N_("If it is the same survey, write its name alike."), rows=frame.loc[rows, ROW],
            values=frame.loc[rows, "wave"], column=clean.header("wave"), count=number(size), other=hosts.index[0],
            effect=N_("If it is the same, these are missing from its score: {at_stake}."),
            stake=stake("survey_responses", frame[rows], settings.client.currency),
        )  # fmt: skip
