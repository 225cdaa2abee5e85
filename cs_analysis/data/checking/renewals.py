"""Faults of contract lines over time: lines that overlap, gaps between them, accounts that left and still pay."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from cs_analysis.data.checking.stake import of_money, stake
from cs_analysis.data.columns import Clean
from cs_analysis.data.door import gaps_of
from cs_analysis.data.problems import WARNING, Problems
from cs_analysis.data.reading.read import ROW
from cs_analysis.data.settings import Settings
from cs_analysis.display.language import MISSING
from cs_analysis.errors import N_
from cs_analysis.stats.money import ticks

FAR = pd.Timestamp("2261-12-31")  # an open end, as a day that can be compared
_SHORT_GAP = 31  # days; who was away for longer has rather been won back
_LAG = 31  # days that an account may still be paid for after the day it left
_DAY = pd.Timedelta(days=1)


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
    frame = known.assign(end=known["stop"].fillna(FAR), account_id=known["contract_id"].map(owners))
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
        open_end = until.iloc[i] == FAR
        problems.add(
            WARNING, clean.source,
            N_("The line begins on {value}, while the line {other} of the same account and product still runs; both "
               "count."),
            N_("If it renews that line, end that one the day before; if both are billed, nothing needs doing."),
            rows=[rows[i]], values=[iso(found["start"].iloc[i])], column=clean.header("start_date"),
            effect=N_("If it is a renewal, this counts twice from {first} on: {at_stake}.") if open_end
            else N_("If it is a renewal, this counts twice from {first} to {last}: {at_stake}."),
            other=others["contract_id"].iloc[i], first=iso(found["start"].iloc[i]),
            last=iso(until.iloc[i] - _DAY), stake=of_money(twice[i : i + 1], twice[i], settings.client.currency),
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
        (endless, "notice_date", notices.map(iso), N_("Notice was given on {value}, but the line has no end.")),
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
            rows=[rows[i]], values=[f"{back:%Y-%m}" if monthly else iso(back)], column=column, account=account,
            first=iso(stop), last=iso(back - _DAY), days=int(days.iloc[i]),
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
        values=left["churn_date"].map(iso), column=accounts.header("churn_date"),
        effect=N_("It does not count as lost: {at_stake}."),
        stake=of_money(left["account_id"].map(amounts).to_numpy(float), float(amounts.sum()),
                       settings.client.currency),
    )  # fmt: skip


def _rows_of(clean: Clean, contracts: pd.Series) -> list[int]:
    """The rows of contract lines."""
    rows = clean.frame.drop_duplicates("contract_id").set_index("contract_id")[ROW]
    return contracts.map(rows).fillna(0).astype(int).tolist()


def _month_rows(clean: Clean, accounts: pd.Series, months: pd.Series) -> list[int]:
    """The rows of accounts and months."""
    rows = clean.frame.drop_duplicates(["account_id", "month"]).set_index(["account_id", "month"])[ROW]
    return [int(rows.get((a, m), 0)) for a, m in zip(accounts, months, strict=True)]


def iso(day: object) -> str:
    return f"{day:%Y-%m-%d}" if isinstance(day, pd.Timestamp) and day is not pd.NaT else MISSING
