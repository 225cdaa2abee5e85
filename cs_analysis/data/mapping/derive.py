"""What a mapping may compute on the way in: a closed list of three rules, no expressions.

- `tenure`: months with us, a flag and a reference day → first and last day of service. The first day is the reference
  day minus the months (the last day of a shorter month where there is no such day); who has left was served until the
  day before the reference day, and at 0 months on that day alone. So an account of 12 months at 2026-10-01 began on
  2025-10-01. What neither means that somebody left nor that somebody stayed is an error.
- `amount`: an amount and the period it covers → mrr = amount / months of the period. The amount may be that of one of
  several units (`quantity`), the period may be told as a number of months or years (`every`).
- `clock`: start, end and break → hours = end − start − break. The break is in the unit that `units` gives for its
  column, else in minutes, or written h:mm; bare numbers that look like hours are an error. An end earlier than the
  start is taken to lie after midnight, as long as the time between is at most 12 hours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from cs_analysis.data.faults import FLAG, HOURS, NUMBER, Fault
from cs_analysis.data.parse import LATEST, across_midnight, parse
from cs_analysis.data.parse_dates import time_of_day
from cs_analysis.data.problems import ERROR, WARNING, Problems
from cs_analysis.data.reading.read import ROW, Source, cell_text
from cs_analysis.data.sections import DAY, HEADER, NAMES, Day, Names, Section
from cs_analysis.errors import N_

Locate = Callable[[str], str]  # their header or our name → the column of the frame; an InputError when there is none

_POSITIVE_PAIRS = N_("a table of name = number above 0")
_MONTHS_OF = {
    1: ("monthly", "month", "1 month", "月", "月次", "毎月", "月額", "月払い", "月払"),
    3: ("quarterly", "quarter", "四半期", "四半期払い"),
    6: ("half-yearly", "semi-annual", "half year", "半年", "半期", "半年払い"),
    12: ("yearly", "annual", "annually", "year", "1 year", "年", "年次", "毎年", "年額", "年払い", "年払"),
}
_COUNT_AND_UNIT = re.compile(
    r"(\d{1,3}(?:\.\d+)?)(?:(months?|mos?|[かカヵヶケ箇]?月間?)|(years?|yrs?|[かカヵヶケ箇]?年間?))?"
)
_IN_MINUTES = re.compile(r"分|min", re.IGNORECASE)  # a header that says so
_LONG_BREAK = 5.0  # from here on a bare number is taken for minutes
PERIOD = Fault(
    N_("“{value}” is not a known billing period."), N_("Add it to periods in the mapping, with its number of months.")
)
LEFT_OR_STAYED = Fault(
    N_("“{value}” may mean that the customer left or that it stayed."),
    N_("Add it to left_values or to stayed_values in the mapping."),
)
NEGATIVE_SPAN = Fault(
    N_("“{value}”: the time between start and end, less the break, is below 0, or over 12 hours across midnight."),
    N_("The row is set aside; correct the times if they are wrong."),
)


class Tenure(Section):
    """`derive.tenure`: months with us and a flag become a first and a last day of service."""

    months: str = Field(description=HEADER)
    left: str = Field(description=HEADER)
    left_values: Annotated[Names, Field(min_length=1)] = Field(description=NAMES)
    stayed_values: Names = Field(default_factory=list, description=N_("a list of names; yes and no need not be named"))
    reference_day: Day = Field(description=DAY)


class Amount(Section):
    """`derive.amount`: an amount and the period it covers become MRR."""

    amount: str = Field(description=HEADER)
    period: str = Field(description=HEADER)
    periods: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict, description=_POSITIVE_PAIRS)
    quantity: str | None = Field(default=None, description=HEADER)
    every: str | None = Field(default=None, description=HEADER)


class Clock(Section):
    """`derive.clock`: start, end and break become hours."""

    start: str = Field(description=HEADER)
    end: str = Field(description=HEADER)
    pause: str | None = Field(default=None, alias="break", description=HEADER)


class Derive(Section):
    """`derive`: the closed list of what may be computed on the way in."""

    tenure: Tenure | None = None
    amount: Amount | None = None
    clock: Clock | None = None

    def rules(self) -> dict[str, Tenure | Amount | Clock]:
        """The rules in force, by name."""
        found = {"tenure": self.tenure, "amount": self.amount, "clock": self.clock}
        return {name: rule for name, rule in found.items() if rule is not None}


# Rule → table → the columns it makes; a rule under a table that is not here is refused.
MAKES: dict[str, dict[str, tuple[str, ...]]] = {
    "tenure": {"accounts": ("contract_start", "churn_date"), "contracts": ("start_date", "end_date")},
    "amount": {"accounts": ("mrr",), "contracts": ("mrr",), "mrr_months": ("mrr",), "ledger": ("mrr",)},
    "clock": {"time_entries": ("hours",)},
}


def fold(text: object) -> str:
    """A value without what does not tell values apart: width, case and outer spaces.

    >>> fold(" Ｙｅｓ ")
    'yes'
    """
    return unicodedata.normalize("NFKC", str(text)).strip().casefold()


def alike(text: object) -> str:
    """A value without what does not tell values apart, the spaces in it among them.

    >>> alike("受 注"), alike("Closed  Won")
    ('受注', 'closedwon')
    """
    return re.sub(r"\s+", "", fold(text))


def tenure_dates(
    frame: pd.DataFrame, rule: Tenure, makes: tuple[str, ...], locate: Locate, source: Source, problems: Problems
) -> pd.DataFrame:
    """The frame with the first and, for those who left, the last day of service.

    Examples
    --------
    >>> rule = Tenure(months="tenure", left="Churn", left_values=["Yes"], reference_day="2026-10-01")
    >>> frame = pd.DataFrame({"tenure": ["12", "1"], "Churn": ["No", "Yes"], "__row__": [2, 3]})
    >>> out = tenure_dates(frame, rule, ("contract_start", "churn_date"), str, Source("a.csv"), Problems())
    >>> out[["contract_start", "churn_date"]].values.tolist()
    [['2025-10-01', ''], ['2026-09-01', '2026-09-30']]
    """
    months, left = frame[locate(rule.months)], frame[locate(rule.left)]
    blank, gone = left.str.strip() == "", left.map(alike).isin([alike(v) for v in rule.left_values])
    parsed = parse(months, "count")
    wrong = parsed.values.isna() | (parsed.values < 0)
    reference = pd.Timestamp(rule.reference_day)
    starts = {m: reference - pd.DateOffset(months=int(m)) for m in parsed.values[~wrong].unique()}
    unclear = ~blank & ~gone & ~left.isin(_stayed(left[~blank & ~gone].unique(), rule))
    _report(problems, NUMBER, frame[wrong], rule.months, months[wrong], source)
    _report(problems, FLAG, frame[blank], rule.left, left[blank], source)
    first = frame[unclear & ~left.duplicated()]  # one row speaks for all that hold the same value
    _report(problems, LEFT_OR_STAYED, first, rule.left, left[first.index], source)
    start = parsed.values.map(lambda m: starts[m].date().isoformat() if m in starts else "")
    last = (rule.reference_day - timedelta(days=1)).isoformat()
    start = start.mask(gone & (parsed.values == 0), last)
    return frame.assign(**{makes[0]: start, makes[1]: np.where(gone, last, "")})


def _stayed(values: Sequence[str], rule: Tenure) -> set[str]:
    """Which of the values mean that a customer is still there: those named, else the opposite of yes or no.

    Nothing is taken for granted of a word that says the same as one of `left_values` in another way.
    """
    named = {alike(v) for v in rule.stayed_values}
    if named:
        return {v for v in values if alike(v) in named}
    of_leaving = set(parse(pd.Series(rule.left_values, dtype=object), "flag").values.dropna()) or {True}
    flags = parse(pd.Series(values, dtype=object), "flag").values
    return {v for v, flag in zip(values, flags, strict=True) if flag is not None and flag not in of_leaving}


def amount_mrr(
    frame: pd.DataFrame, rule: Amount, currency: str, locate: Locate, source: Source, problems: Problems
) -> pd.DataFrame:
    """The frame with `mrr`, the amount (times the quantity) divided by the months of its period (times `every`).

    Examples
    --------
    >>> rule = Amount(amount="Fee", period="Billing", periods={"prepaid": 24})
    >>> frame = pd.DataFrame({"Fee": ["1,200", "300", "240"], "Billing": ["年払い", "3", "Prepaid"], "__row__": 2})
    >>> amount_mrr(frame, rule, "JPY", str, Source("a.csv"), Problems())["mrr"].tolist()
    ['100', '100', '10']
    >>> rule = Amount(amount="Price", period="Interval", quantity="Seats", every="Count")
    >>> frame = pd.DataFrame({"Price": ["300"], "Interval": ["month"], "Seats": ["5"], "Count": ["3"], "__row__": 2})
    >>> amount_mrr(frame, rule, "JPY", str, Source("a.csv"), Problems())["mrr"].tolist()
    ['500']
    """
    amounts, periods = frame[locate(rule.amount)], frame[locate(rule.period)]
    parsed = parse(amounts, "money", currency=currency)
    for fault, rows in parsed.faults.groupby(parsed.faults):
        _report(problems, fault, frame.loc[rows.index], rule.amount, amounts[rows.index], source)  # type: ignore[arg-type]
    known = {alike(name): float(n) for n, names in _MONTHS_OF.items() for name in names}
    known |= {alike(name): float(n) for name, n in rule.periods.items()}
    months = periods.map({t: known.get(alike(t), _plain_months(t)) for t in periods.unique()})
    wrong = months.isna() & (amounts != "")
    _report(problems, PERIOD, frame[wrong], rule.period, periods[wrong], source)
    units = _counts(frame, rule.quantity, locate, source, problems) if rule.quantity else 1
    every = _counts(frame, rule.every, locate, source, problems) if rule.every else 1
    return frame.assign(mrr=(parsed.values * units / (months * every)).map(cell_text))


def _counts(frame: pd.DataFrame, header: str, locate: Locate, source: Source, problems: Problems) -> pd.Series:
    """Numbers above 0; a blank is 1."""
    texts = frame[locate(header)]
    blank = texts.str.strip() == ""
    parsed = parse(texts, "number").values
    wrong = ~blank & ~(parsed > 0)
    _report(problems, NUMBER, frame[wrong], header, texts[wrong], source)
    return parsed.where(~blank, 1.0)


def _plain_months(text: str) -> float:
    """A number of months or years in months: 12, 12.0, 12 months, 12ヶ月, 1年 and 1 year → 12."""
    found = _COUNT_AND_UNIT.fullmatch(alike(text))
    months = float(found[1]) * (12 if found[3] else 1) if found else 0.0
    return months if months > 0 and months.is_integer() else np.nan


def clock_hours(
    frame: pd.DataFrame, rule: Clock, locate: Locate, source: Source, problems: Problems, unit: str = ""
) -> pd.DataFrame:
    """The frame with `hours`, the time from start to end less the break; rows in which that is below 0 are set aside.

    `unit` is that of bare numbers in the break: hours or minutes, "" where nobody has said so.

    Examples
    --------
    >>> rule = Clock(**{"start": "From", "end": "To", "break": "Break"})
    >>> frame = pd.DataFrame({"From": ["9:30", "13時", "22:00"], "To": ["12:00", "14:15", "1:30"],
    ...                       "Break": ["30", "", ""], "__row__": 2})
    >>> clock_hours(frame, rule, str, Source("a.csv"), Problems())["hours"].tolist()
    ['2', '1.25', '3.5']
    """
    start = _times(frame, rule.start, locate, source, problems)
    end = _times(frame, rule.end, locate, source, problems)
    pause = _break(frame, rule.pause, unit, locate, source, problems) if rule.pause else 0.0
    spent = pd.Series([across_midnight(a, b) for a, b in zip(start, end, strict=True)], index=frame.index, dtype=float)
    hours = (spent - pause).round(6)
    below = (hours < 0) | (spent.isna() & start.notna() & end.notna())
    spans = frame[locate(rule.start)] + " – " + frame[locate(rule.end)]
    _report(problems, NEGATIVE_SPAN, frame[below], "hours", spans[below], source, severity=WARNING)
    return frame.assign(hours=hours.map(cell_text))[~below]


def _times(frame: pd.DataFrame, header: str, locate: Locate, source: Source, problems: Problems) -> pd.Series:
    """Times of day in hours: 9:30, 09:30:00, 9:30 PM, 9時30分, or the time of a day with time."""
    texts = frame[locate(header)]
    parsed = parse(texts.map({t: time_of_day(t) for t in texts.unique()}).astype(object), "hours").values
    wrong = parsed.isna() | (parsed > LATEST)
    _report(problems, HOURS, frame[wrong], header, texts[wrong], source)
    return parsed


def _break(
    frame: pd.DataFrame, header: str, unit: str, locate: Locate, source: Source, problems: Problems
) -> pd.Series:
    texts = frame[locate(header)]
    parsed = parse(texts, "hours").values
    bare = texts.map(fold).str.fullmatch(r"[\d.]+")
    wrong = parsed.isna() & (texts.str.strip() != "")
    _report(problems, HOURS, frame[wrong], header, texts[wrong], source)
    if not unit and not _IN_MINUTES.search(fold(header)):
        _refuse_likely_hours(parsed[bare], header, texts, source, problems)
    return parsed.where(~bare | (unit == "hours"), parsed / 60).where(texts.str.strip() != "", 0.0)


def _refuse_likely_hours(bare: pd.Series, header: str, texts: pd.Series, source: Source, problems: Problems) -> None:
    """Breaks in bare numbers, all of them small or one with decimals, are rather hours than minutes."""
    numbers = bare[bare > 0]
    if len(numbers) and ((numbers < _LONG_BREAK).all() or (numbers % 1 != 0).any()):
        problems.add(
            ERROR, source,
            N_("The breaks in “{header}” are bare numbers such as {example}: they may be hours or minutes."),
            N_('Say which, under units in the mapping: units."{header}" = "hours", or "minutes".'),
            column=header, header=header, example=texts[numbers.index[0]].strip(),
        )  # fmt: skip


def _report(
    problems: Problems, fault: Fault, rows: pd.DataFrame, column: str, values: pd.Series, source: Source, *,
    severity: str = ERROR,
) -> None:  # fmt: skip
    if len(rows):
        problems.add(severity, source, fault.problem, fault.action, rows=rows[ROW], column=column, values=values)
