"""What can be wrong with one value, as a sentence, and how to mend it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cs_analysis.errors import N_


class Fault(NamedTuple):
    """What is wrong with a value and how to mend it; both are messages with ``{value}`` and ``{choices}``.

    A fault that is not ``fatal`` is a warning: the value counts as missing, and is listed.
    """

    problem: str
    action: str
    fatal: bool = True


_WRITE_DATE = N_("Write it year first, for example 2024-04-01.")
_GIVE_ORDER = N_(
    "Write it year first, for example 2024-04-01; or, for a whole file that an export writes in one order, give "
    "date_order in its mapping."
)
_WRITE_MONTH = N_("Write it as year-month, for example 2024-04.")
_WRITE_NUMBER = N_("Write a plain number, for example 1234.5.")
DATE = Fault(N_("“{value}” cannot be read as a date."), _WRITE_DATE)
DAY_ORDER = Fault(N_("“{value}” is ambiguous: it could be day/month or month/day."), _GIVE_ORDER)
SHORT_YEAR = Fault(N_("“{value}” is ambiguous: the year has two digits only."), _GIVE_ORDER)
FAR_DATE = Fault(
    N_("“{value}” lies outside the years 1900 to 2199."), N_("Correct it, or leave the cell empty if there is no date.")
)
MONTH = Fault(N_("“{value}” cannot be read as a month."), _WRITE_MONTH)
SHORT_MONTH = Fault(N_("“{value}” is ambiguous: it could be a day or a year with two digits."), _WRITE_MONTH)
NUMBER = Fault(N_("“{value}” cannot be read as a number."), _WRITE_NUMBER)
WHOLE = Fault(N_("“{value}” is not a whole number."), N_("Write a whole number."))
COMMA = Fault(N_("“{value}” is ambiguous: the comma could separate thousands or decimals."), _WRITE_NUMBER)
POINT = Fault(
    N_("“{value}” is ambiguous: the point could separate thousands or decimals."),
    N_("Write the amount without a point, for example 100000."),
)
CURRENCY = Fault(
    N_("“{value}” is in another currency than its row."), N_("Give the currency in the currency column, or correct it.")
)
TWO_UNITS = Fault(
    N_("“{value}” has a unit of its own, and its column has another in the mapping."),
    N_("Write the plain number in the unit of the column."),
)
PERCENT = Fault(N_("“{value}” is ambiguous: it could be a fraction or a percentage."), N_("Write it with a % sign."))
HOURS = Fault(N_("“{value}” cannot be read as a time spent."), N_("Write it as 1.5, 1:30, 1時間30分 or 90分."))
NIGHT = Fault(
    N_("“{value}” ends before it starts, and across midnight it would be more than 12 hours."),
    N_("Correct the times, or write the hours, for example 1.5."),
)
FLAG = Fault(N_("“{value}” is neither yes nor no."), N_("Write yes or no (はい / いいえ)."))
CHOICE = Fault(N_("“{value}” is not an allowed value."), N_("Use one of: {choices}."))


SCORE = Fault(N_("“{value}” cannot be read as a score."), N_("Write a whole number from 0 to 10, or leave it empty."))
NO_SCORE = Fault(
    N_("“{value}” is no score; it counts as no answer."), N_("Leave the cell empty where there was no answer."), False
)


class Unreadable(Exception):
    """Raised by the reader of one text, with the fault it found."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


Wrong = dict[int, Fault]  # position among the texts → fault


def slowly(texts: list[str], todo: np.ndarray, reader: Callable[[str], object], out: np.ndarray) -> Wrong:
    """Read the texts at `todo` one by one into `out`; the faults by position."""
    wrong: Wrong = {}
    for i in todo:
        if texts[i]:
            try:
                out[i] = reader(unicodedata.normalize("NFKC", texts[i]).strip())
            except Unreadable as unreadable:
                wrong[int(i)] = unreadable.fault
    return wrong
