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
# the time after a day, as T10:15:33Z, 10:15 AM, 午後 3:15 and 10:15:33 午前 GMT+9; alone it must be the whole text
_HALF = r"(?:午前|午後|[AP]\.?M\.?)"
_TIME = re.compile(
    rf"(?:^|[T,\s]\s*|(?<=日)|(?<=\)))(?:at\s+)?(?P<before>{_HALF})?\s*(?P<hour>\d{{1,2}})"
    r"(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.\d+)?)?|時(?:(?P<minutes>[0-5]?\d)分(?:[0-5]?\d秒)?)?)"
    rf"\s*(?P<after>{_HALF})?\s*\(?(?P<zone>Z|(?:UTC|GMT|JST)?(?:[+-]\d{{1,2}}(?::?\d{{2}})?)?)\)?$",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"\s*\([月火水木金土日]\)$")
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_ERA_YEAR = r"(令和|平成|昭和|大正|[RHST])\s*(\d{1,2}|元)\s*[-/.年]\s*"
_ERA = re.compile(_ERA_YEAR + r"(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", re.I)
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_DAY_ORDER = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})")
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


def _day_part(text: str) -> tuple[str, str]:
    """A text as its day, without the weekday, and the time written after it."""
    text = _WEEKDAY.sub("", text)
    found = _TIME.search(text)
    return (_WEEKDAY.sub("", text[: found.start()].rstrip()), text[found.start() :]) if found else (text, "")


def time_of_day(text: str) -> str:
    """The time of day in a text, with or without a day before it, as h:mm:ss; "" when there is none.

    >>> time_of_day("2026/10/01 01:15:30 PM"), time_of_day("午前 12:05"), time_of_day("25:30"), time_of_day("late")
    ('13:15:30', '0:05:00', '25:30:00', '')
    """
    found = _TIME.search(_plain(text))
    if not found:
        return ""
    hour, half = int(found["hour"]), (found["before"] or found["after"] or "").upper()
    if half:
        if hour > 12:
            return ""
        hour = hour % 12 + (12 if half in ("午後", "PM", "P.M.", "P.M", "PM.") else 0)
    return f"{hour}:{int(found['minute'] or found['minutes'] or 0):02d}:{int(found['second'] or 0):02d}"


def days_off(text: str, hours: int) -> int:
    """By how many days a time with a zone falls later in the zone that is `hours` ahead of UTC; 0 without a zone.

    >>> days_off("2025-03-31T15:00:00Z", 9), days_off("2025-03-31 23:00 GMT+9", 9), days_off("2025-03-31 23:00", 9)
    (1, 0, 0)
    """
    found = _TIME.search(_plain(text))
    if not found or not found["zone"]:
        return 0
    hour, minute = map(int, time_of_day(text).split(":")[:2]) if time_of_day(text) else (0, 0)
    ahead = re.search(r"([+-])(\d{1,2}):?(\d{2})?$", found["zone"])
    of_zone = 540 if found["zone"].upper() == "JST" else 0
    if ahead:
        of_zone = int(f"{ahead[1]}1") * (int(ahead[2]) * 60 + int(ahead[3] or 0))
    return (hour * 60 + minute - of_zone + hours * 60) // (24 * 60)


def in_order(text: str, order: str) -> str | None:
    """A date of three numbers with its year last, year first, by the order `mdy` or `dmy`; other texts as they are.

    A year of two digits lies between 1970 and 2069. None when the date contradicts the order.

    >>> in_order("4/1/2025", "mdy"), in_order("4/1/25 10:15", "dmy"), in_order("13/4/2025", "mdy"), in_order("x", "mdy")
    ('2025-04-01', '2025-01-04 10:15', None, 'x')
    """
    day, time = _day_part(_plain(text))
    found = _DAY_ORDER.fullmatch(day)
    if not found:
        return text
    first, second, year = (int(part) for part in found.groups())
    month, day_of_month = (first, second) if order == "mdy" else (second, first)
    century = 0 if len(found[3]) == 4 else 2000 if year < 70 else 1900
    try:
        return f"{_day(century + year, month, day_of_month).isoformat()}{time}"
    except Unreadable:
        return None


def _plain(text: object) -> str:
    return unicodedata.normalize("NFKC", str(text)).strip()


def _read_date(text: str) -> date:
    text, _time = _day_part(text)
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


def _read_year_and_month(text: str) -> date | None:
    """A month without a day; None when the text is of another form."""
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
    return None


def _read_month(text: str) -> date:
    if found := _read_year_and_month(text):
        return found
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

    Excel keeps a month as its first day, and people write its last; any other day, and any time but midnight, is a
    date and no month.

    >>> is_month("2024年4月"), is_month("202404"), is_month("2024-04-01"), is_month("2024/4/30"), is_month("mrr")
    (True, True, True, True, False)
    >>> is_month("2024-04-29"), is_month("2024-04-01 10:15")
    (False, False)
    """
    text = _plain(header)
    try:
        if _read_year_and_month(text):
            return True
        day = _read_date(text)
    except Unreadable:
        return False
    is_edge = 1 in (day.day, (day + timedelta(days=1)).day)
    return is_edge and time_of_day(text) in ("", "0:00:00")
