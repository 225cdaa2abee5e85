"""Days and months as clients write them: ISO, slashes, Japanese words, eras, English names, Excel serials."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from cs_analysis.data.faults import (
    DATE,
    DAY_ORDER,
    FAR_DATE,
    MONTH,
    SHORT_MONTH,
    SHORT_YEAR,
    Fault,
    Unreadable,
    Wrong,
    slowly,
)

FIRST_YEAR, LAST_YEAR = 1900, 2199
_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_WEEKDAY = re.compile(r"\s*\([月火水木金土日]\)$")
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?" + _TIME)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_ERA_YEAR = r"(令和|平成|昭和|大正|[RHST])\s*(\d{1,2}|元)\s*[-/.年]\s*"
_ERA = re.compile(_ERA_YEAR + r"(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", re.I)
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})" + _TIME)
_SHORT = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{1,2}")
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
_DAY_NAME_YEAR = re.compile(r"(\d{1,2})[-/ ]([A-Za-z]{3,9})\.?[-/, ]+(\d{4})")
_NAME_DAY_YEAR = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})")
# fmt: off
_MONTH_NAMES = ("january", "february", "march", "april", "may", "june",
                "july", "august", "september", "october", "november", "december")
_ERAS = {
    "令和": (date(2019, 5, 1), 2018), "平成": (date(1989, 1, 8), 1988),
    "昭和": (date(1926, 12, 25), 1925), "大正": (date(1912, 7, 30), 1911),
}
# fmt: on
_ERA_LETTERS = {"R": "令和", "H": "平成", "S": "昭和", "T": "大正"}


def _day(year: int, month: int, day: int, fault: Fault = DATE) -> date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Unreadable(FAR_DATE)
    try:
        return date(year, month, day)
    except ValueError:
        raise Unreadable(fault) from None


def _month_number(name: str, fault: Fault) -> int:
    lower = name.lower().replace("sept", "sep") if len(name) == 4 else name.lower()
    for i, full in enumerate(_MONTH_NAMES):
        if lower in (full, full[:3]):
            return i + 1
    raise Unreadable(fault)


def _era_day(era: str, year: str, month: int, day: int, fault: Fault = DATE) -> date:
    begins, offset = _ERAS[_ERA_LETTERS.get(era.upper(), era)]
    found = _day(offset + (1 if year == "元" else int(year)), month, day, fault)
    # a day before the era began contradicts itself; one after its end is how old long contracts were written
    if found < begins and (found.year, found.month) != (begins.year, begins.month):
        raise Unreadable(fault)
    return found


def _read_date(text: str) -> date:
    text = _WEEKDAY.sub("", text)
    if found := (_YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text)):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _ERA.fullmatch(text):
        return _era_day(found[1], found[2], int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(text):
        first, second, year = map(int, found.groups())
        if first <= 12 and second <= 12 and first != second:
            raise Unreadable(DAY_ORDER)
        return _day(year, *((second, first) if first > 12 else (first, second)))
    if found := _DAY_NAME_YEAR.fullmatch(text):
        return _day(int(found[3]), _month_number(found[2], DATE), int(found[1]))
    if found := _NAME_DAY_YEAR.fullmatch(text):
        return _day(int(found[3]), _month_number(found[1], DATE), int(found[2]))
    if found := _SERIAL.fullmatch(text):
        return _serial(int(found[1]))
    raise Unreadable(SHORT_YEAR if _SHORT.fullmatch(text) else DATE)


def _serial(number: int) -> date:
    """Excel counts days from 1899-12-30; five digits are the years 1927 to 2173."""
    return date(1899, 12, 30) + timedelta(days=number)


def read_dates(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
    fast = pd.to_datetime(pd.Series(texts, dtype=object), format="%Y-%m-%d", errors="coerce")
    fast = fast.where(fast.dt.year.between(FIRST_YEAR, LAST_YEAR))
    out = fast.to_numpy("datetime64[ns]").copy()
    wrong = slowly(texts, np.flatnonzero(np.isnat(out)), lambda t: np.datetime64(_read_date(t), "ns"), out)
    return out, wrong


_MONTH = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*(?:月(?:度|分)?)?")
_MONTH_COMPACT = re.compile(r"(\d{4})(\d{2})")
_MONTH_LAST = re.compile(r"(\d{1,2})[-/](\d{4})")
_MONTH_ERA = re.compile(_ERA_YEAR + r"(\d{1,2})\s*(?:月(?:度|分)?)?", re.I)
_MONTH_NAME = re.compile(r"([A-Za-z]{3,9})\.?[-/, ]+(\d{4})")
_MONTH_SHORT = re.compile(r"[A-Za-z]{3,9}[-/ ]'?\d{1,2}")


def _read_month(text: str) -> date:
    if found := (_MONTH.fullmatch(text) or _MONTH_COMPACT.fullmatch(text)):
        return _day(int(found[1]), int(found[2]), 1, MONTH)
    if found := _MONTH_ERA.fullmatch(text):
        return _era_day(found[1], found[2], int(found[3]), 1, MONTH)
    if found := _MONTH_LAST.fullmatch(text):
        return _day(int(found[2]), int(found[1]), 1, MONTH)
    if found := _MONTH_NAME.fullmatch(text):
        return _day(int(found[2]), _month_number(found[1], MONTH), 1, MONTH)
    if _MONTH_SHORT.fullmatch(text):
        raise Unreadable(SHORT_MONTH)
    try:
        return _read_date(text).replace(day=1)
    except Unreadable as unreadable:
        raise Unreadable(MONTH if unreadable.fault is DATE else unreadable.fault) from None


def read_months(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
    out = np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[ns]")
    wrong = slowly(texts, np.arange(len(texts)), lambda t: np.datetime64(_read_month(t), "ns"), out)
    return out, wrong


def is_month(header: str) -> bool:
    """Whether a header is a month, as in the wide form of the monthly revenue table.

    >>> is_month("2024年4月"), is_month("202404"), is_month("mrr")
    (True, True, False)
    """
    try:
        _read_month(unicodedata.normalize("NFKC", str(header)).strip())
    except Unreadable:
        return False
    return True
