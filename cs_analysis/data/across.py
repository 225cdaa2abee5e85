"""Faults that show only over time and across tables: lines that overlap, gaps, accounts that left and still pay.

All are warnings with the rows kept as they are, because each can be right; each says how much revenue hangs on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from cs_analysis.data.clean import Clean
from cs_analysis.data.cut import bounds, row_days
from cs_analysis.data.door import gaps_of
from cs_analysis.data.problems import NOTE, WARNING, Problems
from cs_analysis.data.read import ROW
from cs_analysis.data.settings import Settings
from cs_analysis.data.stake import of_money, stake
from cs_analysis.display.language import MISSING, money, month, number
from cs_analysis.errors import N_
from cs_analysis.stats.money import from_ticks, ticks

_FAR = pd.Timestamp("2261-12-31")  # an open end, as a day that can be compared
_SHORT_GAP = 31  # days; who was away for longer has rather been won back
_LAG = 31  # days that an account may still be paid for after the day it left
_DAY = pd.Timedelta(days=1)
_FEW_ROWS = 0.05  # up to this share of the rows of another survey, one is rather a slip in its name


def check_dates(read: Mapping[str, Clean], used: Mapping[str, Clean], as_of: date, settings: Settings,
                problems: Problems) -> None:  # fmt: skip
    """Rows dated after the as-of date are counted; dates far from all others are named."""
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


# --------------------------------------------------------------------------------------------------- contract lines


def check_overlaps(clean: Clean, lines: pd.DataFrame, settings: Settings, problems: Problems) -> None:
    """Lines that begin while an earlier one of the same account and product runs, and look like its renewal or twin.

    A twin has the same dates and amount. A renewal has the same amount, or goes on after the earlier one and shares the
    lesser half of its time; and neither of the two is part of a chain of its own (followed, or preceded, by a line
    without a gap). Other lines side by side are additional ones.
    """
    keys = ["account_id", "product"]
    owners = clean.frame.drop_duplicates("contract_id").set_index("contract_id")["account_id"]
    known = lines[lines["mrr"] > 0]
    # under the id of the file: after a merger the two accounts' lines stand side by side by right
    frame = known.assign(end=known["stop"].fillna(_FAR), account_id=known["contract_id"].map(owners))
    frame = frame.sort_values([*keys, "start", "end", "contract_id"]).reset_index(drop=True)
    longest = frame.groupby(keys)["end"].cummax()
    holder = pd.Series(frame.index, index=frame.index).where(frame["end"] == longest)
    holder = holder.groupby([frame[k] for k in keys]).ffill().groupby([frame[k] for k in keys]).shift()
    later = frame[holder.notna()]
    earlier = frame.loc[holder.dropna().astype(int)].set_axis(later.index)
    same = ticks(later["mrr"].to_numpy()) == ticks(earlier["mrr"].to_numpy())
    begin, begin_later, over = (v.astype("datetime64[s]") for v in (earlier["start"], later["start"], earlier["end"]))
    lesser = 2 * (over - begin_later) <= over - begin  # in seconds: nanoseconds do not hold 300 years
    goes_on = lesser & earlier["stop"].notna() & (later["end"] > earlier["end"])
    starts, ends = (pd.MultiIndex.from_frame(frame[[*keys, at]]) for at in ("start", "end"))
    chained = pd.MultiIndex.from_frame(earlier[[*keys, "end"]]).isin(starts)
    chained |= pd.MultiIndex.from_frame(later[[*keys, "start"]]).isin(ends)
    twin = same & (begin == begin_later) & (earlier["end"] == later["end"])
    beside = (later["start"] < earlier["end"]) & (twin | ((same | goes_on) & ~chained))
    found, others = later[beside], earlier[beside]
    twice = np.minimum(found["mrr"], others["mrr"]).to_numpy(float)
    rows = _rows_of(clean, found["contract_id"])
    until = np.minimum(found["end"], others["end"])
    for i in range(len(found)):
        open_end = until.iloc[i] == _FAR
        problems.add(
            WARNING, clean.source,
            N_("The line begins on {value}, while the line {other} of the same account and product still runs; both "
               "count."),
            N_("If it renews that line, end that one the day before; if both are billed, nothing needs doing."),
            rows=[rows[i]], values=[_iso(found["start"].iloc[i])], column=clean.header("start_date"),
            effect=N_("If it is a renewal, this counts twice from {first} on: {at_stake}.") if open_end
            else N_("If it is a renewal, this counts twice from {first} to {last}: {at_stake}."),
            other=others["contract_id"].iloc[i], first=_iso(found["start"].iloc[i]),
            last=_iso(until.iloc[i] - _DAY), stake=of_money(twice[i : i + 1], twice[i], settings.client.currency),
        )  # fmt: skip


def check_departures(clean: Clean, settings: Settings, problems: Problems) -> None:
    """Lines with a notice or a reason for leaving, but without an end: they go on paying."""
    frame = clean.frame
    if "recurring" in frame:
        frame = frame[~frame["recurring"].eq(False)]
    none = pd.Series(pd.NaT, index=frame.index)
    ends, notices, reasons = (frame.get(c, none) for c in ("end_date", "notice_date", "churn_reason"))
    endless = ends.isna() & notices.notna()
    for rows, column, shown, problem in (
        (endless, "notice_date", notices.map(_iso), N_("Notice was given on {value}, but the line has no end.")),
        (ends.isna() & notices.isna() & reasons.notna(), "churn_reason", reasons,
         N_("A reason for leaving is given (“{value}”), but neither a notice nor an end.")),
    ):  # fmt: skip
        if rows.any():
            held = stake("contracts", frame[rows], settings.client.currency, settings.money.fx)
            problems.add(
                WARNING, clean.source, problem, N_("Fill in the end date, or delete the entry if it was withdrawn."),
                rows=frame.loc[rows, ROW], values=shown[rows], column=clean.header(column), stake=held,
                effect=N_("It counts as paying until an end is given: {at_stake}."),
            )  # fmt: skip


def check_gaps(clean: Clean, lines: pd.DataFrame, settings: Settings, problems: Problems) -> None:
    """Short gaps in the revenue of an account: each counts as a loss and a win-back."""
    gaps = gaps_of(lines).dropna(subset="back")
    days = (gaps["back"].astype("datetime64[s]") - gaps["stop"].astype("datetime64[s]")).dt.days
    told = 1 if not settings.rules.end_date_inclusive else 0  # a day between all lines is told once, by the switch
    chosen = (days > max(settings.rules.grace_days, told)) & (days <= _SHORT_GAP)
    gaps, days = gaps[chosen], days[chosen]
    if gaps.empty:
        return
    ended = lines.merge(gaps[["account_id", "stop"]].drop_duplicates())
    lost = ended.groupby(["account_id", "stop"])["mrr"].sum()
    began = lines.sort_values("contract_id").drop_duplicates(["account_id", "start"])
    began = began.set_index(["account_id", "start"])["contract_id"]
    monthly = clean.table.name == "mrr_months"
    column = clean.header("mrr" if monthly else "start_date")
    firsts = [began.get((a, b), "") for a, b in zip(gaps["account_id"], gaps["back"], strict=True)]
    rows = _month_rows(clean, gaps["account_id"], gaps["back"]) if monthly else _rows_of(clean, pd.Series(firsts))
    for i, (account, stop, back) in enumerate(zip(gaps["account_id"], gaps["stop"], gaps["back"], strict=True)):
        amount = float(lost.get((account, stop), 0.0))
        problems.add(
            WARNING, clean.source,
            N_("The account {account} has no revenue from {first} to {last}, and has some again from {value} on."),
            N_("If it was paid for, fill in the months between; a month left blank or out is no revenue.") if monthly
            else N_("If the service went on, close the gap between the dates, or set grace_days to {days} or more "
                    "under [rules]."),
            rows=[rows[i]], values=[f"{back:%Y-%m}" if monthly else _iso(back)], column=column, account=account,
            first=_iso(stop), last=_iso(back - _DAY), days=int(days.iloc[i]),
            effect=N_("It counts as lost and won back {days} days later: {at_stake}."),
            stake=of_money(np.array([amount]), amount, settings.client.currency),
        )  # fmt: skip


def check_left(accounts: Clean, lines: pd.DataFrame, as_of: date, settings: Settings, problems: Problems) -> None:
    """Accounts with a churn date that still have revenue a month after it."""
    frame = accounts.frame
    if "churn_date" not in frame:
        return
    left = frame[frame["churn_date"] + pd.Timedelta(days=_LAG) <= pd.Timestamp(as_of)]
    if "merged_into" in left:
        left = left[left["merged_into"].isna()]  # its history goes on under another id
    paying = lines.merge(left[["account_id", "churn_date"]], on="account_id")
    over = paying["stop"].isna() | (paying["stop"] > paying["churn_date"] + pd.Timedelta(days=_LAG))
    paying = paying[over & (paying["start"] <= paying["churn_date"]) & (paying["mrr"] > 0)]
    amounts = paying.groupby("account_id")["mrr"].sum()
    left = left[left["account_id"].isin(amounts.index)]
    if left.empty:
        return
    problems.add(
        WARNING, accounts.source, N_("The account left on {value}, but its revenue goes on after that."),
        N_("End its contracts on that day, or delete the date if it stayed."), rows=left[ROW],
        values=left["churn_date"].map(_iso), column=accounts.header("churn_date"),
        effect=N_("It does not count as lost: {at_stake}."),
        stake=of_money(left["account_id"].map(amounts).to_numpy(float), float(amounts.sum()),
                       settings.client.currency),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------- two kinds of revenue


def check_months(clean: Clean, lines: pd.DataFrame, settings: Settings, problems: Problems) -> None:
    """Monthly revenue given beside contracts: accounts that pay after their last contract, and amounts that differ."""
    frame = clean.frame.dropna(subset=["account_id", "month", "mrr"])
    theirs = ticks(frame["mrr"].to_numpy())
    ours = _mrr_of(frame["account_id"], frame["month"] + pd.offsets.MonthEnd(0), lines)
    apart = np.abs(theirs - ours) >= 10_000
    ends = lines.assign(stop=lines["stop"].fillna(_FAR)).groupby("account_id")["stop"].max()
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
    used = frame[frame["value"] != 0] if "value" in frame else frame
    paid = lines[lines["mrr"] > 0].assign(stop=lines["stop"].fillna(_FAR))
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
                column=clean.header("month"), account=account, day=_iso(day), effect=effect,
                stake=of_money(np.array([amount]), amount, settings.client.currency),
            )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- surveys


def check_waves(clean: Clean, settings: Settings, problems: Problems) -> None:
    """A wave of a few rows within the time of a large one: rather the same survey under a name that is misspelt."""
    frame = clean.frame
    none = pd.Series(pd.NaT, index=frame.index)
    days = frame.get("responded_date", none).fillna(frame.get("invited_date", none))
    waves = days.groupby(frame["wave"]).agg(["min", "max", "size"]).sort_values("size", ascending=False)
    largest = waves[waves["size"] > waves["size"].max() * _FEW_ROWS]
    for wave, first, last, size in waves.drop(largest.index).itertuples():
        around = pd.isna(first) | ((largest["min"] <= first) & (largest["max"] >= last))
        hosts = largest[around & (size <= largest["size"] * _FEW_ROWS)]
        if hosts.empty:
            continue
        rows = frame["wave"] == wave
        problems.add(
            WARNING, clean.source,
            N_("The survey “{value}” has few rows ({count}), all within the time of the survey “{other}”."),
            N_("If it is the same survey, write its name alike."), rows=frame.loc[rows, ROW],
            values=frame.loc[rows, "wave"], column=clean.header("wave"), count=number(size), other=hosts.index[0],
            effect=N_("If it is the same, these are missing from its score: {at_stake}."),
            stake=stake("survey_responses", frame[rows], settings.client.currency),
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- helpers


def _rows_of(clean: Clean, contracts: pd.Series) -> list[int]:
    """The rows of contract lines."""
    rows = clean.frame.drop_duplicates("contract_id").set_index("contract_id")[ROW]
    return contracts.map(rows).fillna(0).astype(int).tolist()


def _month_rows(clean: Clean, accounts: pd.Series, months: pd.Series) -> list[int]:
    """The rows of accounts and months."""
    rows = clean.frame.drop_duplicates(["account_id", "month"]).set_index(["account_id", "month"])[ROW]
    return [int(rows.get((a, m), 0)) for a, m in zip(accounts, months, strict=True)]


def _iso(day: object) -> str:
    return f"{day:%Y-%m-%d}" if isinstance(day, pd.Timestamp) and day is not pd.NaT else MISSING
