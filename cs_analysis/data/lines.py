"""Revenue in whatever form it came, as contract lines: account_id, contract_id, product, start, stop, mrr and more.

`start` is the first day of service and `stop` the first day without it; a missing `stop` is open. Lines from monthly
revenue have a column more, `opening`: whether the account was there in the first month already (its start is unknown).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.checking.stake import Stake, of_money, stake
from cs_analysis.data.clean import Clean, nones
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problems
from cs_analysis.data.reading.read import ROW
from cs_analysis.data.settings import Settings
from cs_analysis.display.language import choose
from cs_analysis.errors import N_
from cs_analysis.stats.money import ticks

COLUMNS = [
    "account_id", "contract_id", "product", "start", "stop", "mrr", "quantity", "notice_date", "churn_reason",
]  # fmt: skip
TERM_SHARE = 0.95  # from this share of lines with an end date on, end dates are terms
_FAR_YEARS = 20
FLAT = ("contract_start", "contract_end", "churn_date", "mrr")
ONE_DAY = pd.Timedelta(days=1)
_SAME_PRODUCT, _SAME_ACCOUNT = ["account_id", "product", "day"], ["account_id", "day"]


def revenue_source(tables: Mapping[str, Clean]) -> str | None:
    """Which table revenue is taken from: `contracts`, else `mrr_months`, else `accounts` (the flat form), else None."""
    for name in ("contracts", "mrr_months"):
        if name in tables:
            return name
    flat = tables.get("accounts")
    return "accounts" if flat is not None and {"contract_start", "mrr"} <= set(flat.frame) else None


def revenue_lines(tables: Mapping[str, Clean], settings: Settings, as_of: date, problems: Problems) -> pd.DataFrame:
    """The contract lines of the revenue source, as known at `as_of`; the tables must have been cut there."""
    source = revenue_source(tables)
    if source == "contracts":
        return _from_contracts(tables["contracts"], settings, as_of, problems)
    if source == "mrr_months":
        return _from_months(tables["mrr_months"], as_of)
    return _from_accounts(tables["accounts"], settings, as_of, problems)


# --------------------------------------------------------------------------------------------------------- contracts


def _from_contracts(clean: Clean, settings: Settings, as_of: date, problems: Problems) -> pd.DataFrame:
    clean = _recurring(clean, settings, problems)
    frame = clean.frame.copy()
    frame["mrr"] = _mrr(clean, settings, problems) * _rate(clean, settings, problems)
    frame = _with_columns(frame, end_date=pd.NaT, notice_date=pd.NaT, quantity=np.nan, product=None, churn_reason=None)
    frame["product"] = frame["product"].fillna("")
    announced = frame["notice_date"].notna()
    lines = _service(
        clean, frame.rename(columns={"start_date": "start"}), "end_date", announced, settings, as_of, problems
    )
    known = [*COLUMNS, ROW, "amount", "billing_months", "currency", "recurring", "end_date"]
    custom = [c for c in lines if c not in known]
    # a reason is known from the notice, or from the end where there was none; without either it is not known
    ended = lines["notice_date"].notna() | (lines["end_date"] <= pd.Timestamp(as_of))
    lines["churn_reason"] = nones(lines["churn_reason"].where(ended))
    return _tidy(lines[[*COLUMNS, *custom]])


def _recurring(clean: Clean, settings: Settings, problems: Problems) -> Clean:
    if "recurring" not in clean.frame:
        return clean
    once = clean.frame["recurring"].eq(False)
    if once.any():
        problems.add(
            NOTE, clean.source, N_("{count} lines are not recurring and are left out of recurring revenue."), "",
            column=clean.header("recurring"), count=int(once.sum()), effect=N_("Left out: {at_stake}."),
            stake=stake("contracts", clean.frame[once], settings.client.currency, settings.money.fx),
        )  # fmt: skip
    return clean.keep(~once)


def _mrr(clean: Clean, settings: Settings, problems: Problems) -> pd.Series:
    """MRR as given, else amount / months; a line with neither is an error."""
    frame = _with_columns(clean.frame, mrr=np.nan, amount=np.nan, billing_months=np.nan)
    given, computed = frame["mrr"], frame["amount"] / frame["billing_months"]
    missing = given.isna() & computed.isna() & ~frame[ROW].isin(list(problems.rows_in_error(clean.source)))
    if missing.any():
        problems.add(
            ERROR, clean.source, N_("The line has no monthly revenue."),
            N_("Give mrr (月額), or amount (金額) with billing_months (請求月数)."), rows=frame.loc[missing, ROW],
            column=clean.header("mrr"),
        )  # fmt: skip
    apart = given.notna() & computed.notna() & ((given - computed).abs() > 0.01 * computed.abs() + 1)
    if apart.any():
        problems.add(
            WARNING, clean.source,
            N_("The monthly revenue {value} is not amount / billing months; it is used as given."),
            N_("Correct one of them."), rows=frame[ROW][apart], values=given[apart], column=clean.header("mrr"),
            effect=N_("These rows hold {at_stake}; by their amounts it would be {computed}."),
            stake=stake("contracts", frame[apart], settings.client.currency, settings.money.fx),
            computed=stake(
                "contracts", frame[apart].assign(mrr=np.nan), settings.client.currency, settings.money.fx
            ).said,
        )  # fmt: skip
    return given.fillna(computed)


def _rate(clean: Clean, settings: Settings, problems: Problems) -> pd.Series:
    """What one unit of each line's currency is worth in the client's."""
    frame, own = clean.frame, settings.client.currency
    if "currency" not in frame:
        return pd.Series(1.0, index=frame.index)
    rates = {**settings.money.fx, own: 1.0}
    code = frame["currency"].fillna(own)
    unknown = ~code.isin(list(rates))
    for name in code[unknown].unique():
        problems.add(
            ERROR, clean.source, N_("There is no exchange rate for {value}."),
            N_("Give it in the client file under [money] fx; {choose}."), rows=frame[ROW][code == name],
            values=code[code == name], column=clean.header("currency"), choose=choose(str(name), list(rates)),
        )  # fmt: skip
    return code.map(rates)


def _service(
    clean: Clean,
    frame: pd.DataFrame,
    end: str,
    announced: pd.Series,
    settings: Settings,
    as_of: date,
    problems: Problems,
) -> pd.DataFrame:
    """`stop` from the end date: both days included or not, terms or announced ends, a successor's overlap taken off."""
    inclusive = settings.rules.end_date_inclusive
    wrong = frame[end] < frame["start"]
    if wrong.any():
        problems.add(
            ERROR, clean.source, N_("The end {value} lies before the start."), N_("Correct one of the two dates."),
            rows=frame.loc[wrong, ROW], values=frame.loc[wrong, end].dt.strftime("%Y-%m-%d"), column=clean.header(end),
            effect=N_("From when to when it was paid cannot be known, and no report can be made: {at_stake}."),
            stake=_monthly(frame[wrong], settings),
        )  # fmt: skip
    _check_far_ends(clean, frame, end, settings, as_of, problems)
    check_successors(clean, frame, end, settings, problems)
    known = frame[end]
    if known.notna().mean() < TERM_SHARE:  # not terms: an end after the as-of date is known from its notice only
        known = known.mask((known > pd.Timestamp(as_of)) & ~announced)
    stop = known + ONE_DAY if inclusive else known
    frame = frame.assign(stop=stop)
    return _without_overlap(frame, known) if inclusive else frame


def _check_far_ends(
    clean: Clean, frame: pd.DataFrame, end: str, settings: Settings, as_of: date, problems: Problems
) -> None:
    """Ends so far ahead that a digit is rather wrong: such a line would never be lost."""
    far = frame[end] > pd.Timestamp(as_of) + pd.DateOffset(years=_FAR_YEARS)
    if far.any():
        problems.add(
            WARNING, clean.source, N_("The end {value} lies more than {years} years after {as_of}."),
            N_("Correct the year, or leave the end empty if there is none."), rows=frame.loc[far, ROW],
            values=frame.loc[far, end].dt.strftime("%Y-%m-%d"), column=clean.header(end), years=_FAR_YEARS,
            as_of=as_of.isoformat(), effect=N_("Until then it counts as paying: {at_stake}."),
            stake=_monthly(frame[far], settings),
        )  # fmt: skip


def _without_overlap(lines: pd.DataFrame, end: pd.Series) -> pd.DataFrame:
    """A successor that starts on its predecessor's last day counts once: the predecessor stops there.

    Each line follows one other at most, of its own product where there is one, else of any product of the account. A
    line that goes on the day after its end has its successor already; what starts a day earlier is then an addition.
    """
    ids = lines[["account_id", "product", "contract_id", "mrr"]]
    longer = end.notna() & (end != lines["start"])  # a line of one day is not its own successor
    ended, began = ids.assign(day=end)[longer], ids.assign(day=lines["start"])
    concerned = ended.loc[_has_match(ended, began, _SAME_ACCOUNT), "account_id"]
    ended, began = (frame[frame["account_id"].isin(concerned)] for frame in (ended, began))
    began_next = began.assign(day=began["day"] - ONE_DAY)
    free = began_next[~_has_match(began_next, ended, _SAME_PRODUCT)]  # goes on from no line of its own product
    renewed = _has_match(ended, began_next, _SAME_PRODUCT) | _has_match(ended, free, _SAME_ACCOUNT)
    ended = ended[~renewed]
    same, successors = _pairs(ended, began, _SAME_PRODUCT)
    other, _rest = _pairs(ended.drop(index=same), began.drop(index=successors), _SAME_ACCOUNT)
    return lines.assign(stop=lines["stop"].mask(lines.index.isin(same.union(other)), end))


def _has_match(rows: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> pd.Series:
    """For each row whether one of the others has the same keys."""
    found = pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(others[keys]))
    return pd.Series(found, index=rows.index)


def _pairs(rows: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> tuple[pd.Index, pd.Index]:
    """The rows and the others of the same keys one to one, the largest MRR with the largest."""
    ranked = []
    for frame in (rows, others):
        ordered = frame.sort_values(["mrr", "contract_id"], ascending=[False, True], kind="stable")
        ranked.append(ordered[keys].assign(rank=ordered.groupby(keys).cumcount(), line=ordered.index))
    both = ranked[0].merge(ranked[1], on=[*keys, "rank"])
    return pd.Index(both["line_x"]), pd.Index(both["line_y"])


def check_successors(clean: Clean, frame: pd.DataFrame, end: str, settings: Settings, problems: Problems) -> None:
    """Say so when most successors start on the day that contradicts `end_date_inclusive`."""
    inclusive = settings.rules.end_date_inclusive
    ordered = frame.sort_values(["account_id", "product", "start", end])
    same = (ordered["account_id"] == ordered["account_id"].shift(-1)) & (
        ordered["product"] == ordered["product"].shift(-1)
    )
    gap = (ordered["start"].shift(-1) - ordered[end])[same].dt.days
    same_day, next_day = int((gap == 0).sum()), int((gap == 1).sum())
    if inclusive and same_day > next_day and same_day >= 3:
        problems.add(
            WARNING, clean.source,
            N_("{same_day} contract lines start on their predecessor's last day and {next_day} on the day after, "
               "but end dates are taken as the last day of service."),
            N_("If the end date is the first day without service, set end_date_inclusive = false under [rules]."),
            effect=N_("The day is counted once; but contracts that were not renewed end a day late, which is a month "
                      "late where that day is a month's last."),
            column=clean.header(end), same_day=same_day, next_day=next_day,
        )  # fmt: skip
    elif not inclusive and next_day > same_day and next_day >= 3:
        problems.add(
            WARNING, clean.source,
            N_("{next_day} contract lines start on the day after their predecessor's end and {same_day} on the same "
               "day, but end dates are taken as the first day without service."),
            N_("If the end date is the last day of service, set end_date_inclusive = true under [rules]."),
            effect=N_("Each such renewal counts as a loss and a win-back a day later: {at_stake}.")
            if settings.rules.grace_days == 0
            else N_("The gap is bridged by grace_days, but contracts that were not renewed end a day early."),
            stake=_monthly(ordered[(same & (ordered["start"].shift(-1) - ordered[end]).dt.days.eq(1))], settings),
            column=clean.header(end), same_day=same_day, next_day=next_day,
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- flat form


def _from_accounts(clean: Clean, settings: Settings, as_of: date, problems: Problems) -> pd.DataFrame:
    frame = _with_columns(clean.frame, contract_end=pd.NaT, churn_date=pd.NaT)
    has_start, has_mrr = frame["contract_start"].notna(), frame["mrr"].notna()
    told = frame[ROW].isin(list(problems.rows_in_error(clean.source)))
    for lacks, column in ((has_start & ~has_mrr & ~told, "mrr"), (~has_start & has_mrr & ~told, "contract_start")):
        if lacks.any():
            problems.add(
                ERROR, clean.source, N_("The contract start and the monthly revenue must both be there."),
                N_("Fill it in."), rows=frame.loc[lacks, ROW], column=clean.header(column),
            )  # fmt: skip
    frame = frame[has_start & has_mrr]
    _check_past_ends(clean, frame, settings, as_of, problems)
    frame = frame.rename(columns={"contract_start": "start"}).assign(
        end=frame["churn_date"].fillna(frame["contract_end"]), contract_id=frame["account_id"], product="",
        quantity=np.nan, notice_date=pd.Series(pd.NaT, index=frame.index), churn_reason=None,
    )  # fmt: skip
    labels = "churn_date" if "churn_date" in clean.headers else "contract_end"
    at = Clean(clean.table, clean.source, frame, {**clean.headers, "end": clean.header(labels)})
    nothing_announced = pd.Series(False, index=frame.index)  # a churn date after the as-of date was cut away
    return _tidy(_service(at, frame, "end", nothing_announced, settings, as_of, problems)[COLUMNS])


def _check_past_ends(clean: Clean, frame: pd.DataFrame, settings: Settings, as_of: date, problems: Problems) -> None:
    past = (frame["contract_end"] < pd.Timestamp(as_of)) & frame["churn_date"].isna()
    if past.any():
        problems.add(
            WARNING, clean.source,
            N_("The contract end {value} is past and there is no churn date; the account counts as lost."),
            N_("If it was renewed, move the contract end or leave it empty; if it left, fill in the churn date."),
            rows=frame.loc[past, ROW], values=frame.loc[past, "contract_end"].dt.strftime("%Y-%m-%d"),
            effect=N_("Often this is an automatic renewal; then revenue is missing and churn is too high: {at_stake}."),
            column=clean.header("contract_end"), stake=_monthly(frame[past], settings),
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- months


def _from_months(clean: Clean, as_of: date) -> pd.DataFrame:
    """Runs of months with the same MRR as lines; a run that reaches the last month covered is open."""
    frame = clean.frame[["account_id", "month", "mrr"]].dropna()  # what cannot be read is told already
    last = clean.frame["month"].max()
    frame = frame[pd.Series(ticks(frame["mrr"].to_numpy()), index=frame.index) != 0].sort_values(
        ["account_id", "month"]
    )
    index = frame["month"].dt.year * 12 + frame["month"].dt.month
    begins = (frame["account_id"] != frame["account_id"].shift()) | (index != index.shift() + 1)
    begins |= frame["mrr"] != frame["mrr"].shift()
    runs = frame.groupby(begins.cumsum(), sort=False).agg(
        account_id=("account_id", "first"), start=("month", "first"), final=("month", "last"), mrr=("mrr", "first")
    )
    runs["stop"] = (runs["final"] + pd.offsets.MonthBegin(1)).where(runs["final"] < last)
    runs["contract_id"] = runs["account_id"] + "/" + runs["start"].dt.strftime("%Y-%m")
    return _tidy(_with_columns(runs, product="", quantity=np.nan, notice_date=pd.NaT, churn_reason=None)[COLUMNS])


def observed_from(tables: Mapping[str, Clean], settings: Settings) -> date | None:
    """The first day from which departures were recorded: the client file's, else the end of the first month of MRR."""
    if settings.rules.observed_from is not None:
        return settings.rules.observed_from
    if revenue_source(tables) == "mrr_months" and len(tables["mrr_months"].frame):
        return (tables["mrr_months"].frame["month"].min() + pd.offsets.MonthEnd(0)).date()
    return None


def _monthly(lines: pd.DataFrame, settings: Settings) -> Stake:
    """The MRR of lines, one by one and in all."""
    amounts = lines["mrr"].to_numpy(float)
    return of_money(amounts, float(np.nansum(amounts)), settings.client.currency)


def _with_columns(frame: pd.DataFrame, **defaults: Any) -> pd.DataFrame:
    """The frame with the columns it lacks, each filled with its default."""
    missing = {c: v for c, v in defaults.items() if c not in frame}
    frame = frame.assign(**missing)
    dates = [c for c, v in missing.items() if v is pd.NaT]
    return frame.astype(dict.fromkeys(dates, "datetime64[ns]"))


def _tidy(lines: pd.DataFrame) -> pd.DataFrame:
    """Sorted by account, start and line, so that the order of the file changes nothing."""
    lines = lines.astype({"start": "datetime64[ns]", "stop": "datetime64[ns]", "notice_date": "datetime64[ns]"})
    lines = lines.astype({"churn_reason": object, "mrr": float, "quantity": float})
    return lines.sort_values(["account_id", "start", "contract_id", "product"], kind="stable").reset_index(drop=True)
