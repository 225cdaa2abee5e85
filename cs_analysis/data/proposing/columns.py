"""Which column of a table each header of an unknown file seems to mean, and how sure that is.

A header is compared with our names, with what known systems call the column, and with names that are nearly ours; then
its values are tried: what cannot be read as the column's type, or holds people where a side is asked for, is unsure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from cs_analysis.data.checking.near import is_near
from cs_analysis.data.parse import parse
from cs_analysis.data.parse_dates import is_month
from cs_analysis.data.reading.read import ROW
from cs_analysis.data.schema import Column, Table, find_column, normalise
from cs_analysis.data.vocabulary import CERTAIN, HINTS, LIKELY, LOOSE_MONTH, SIDES, UNSURE
from cs_analysis.display.language import _
from cs_analysis.errors import N_

WEIGHT = {CERTAIN: 3, LIKELY: 2, UNSURE: 1}
WIDE = 3  # columns of months that make a table of monthly revenue
_WHY = {
    CERTAIN: N_("the name under which a known system exports it"),
    LIKELY: N_("a usual name for it"),
    UNSURE: N_("it may mean something else"),
}
_FITS = 0.9  # share of the values that must be readable
_DAY_FIRST_OR_MONTH = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(\D.*)?")
_LABELLED_SCORE = re.compile(r"(\d{1,2})\s*[-–—−:.)]\s*\D.*")
_AMOUNT = re.compile(r"[¥$€£]?\d[\d,]*(\.\d+)?")
_YEARS = range(1900, 2200)


@dataclass(frozen=True)
class Guess:
    """A header, what it seems to mean, how sure that is and why; `rivals` are further headers of the same meaning."""

    header: str
    column: str
    certainty: str
    why: str
    known: bool = False  # our own name: it needs no line in the mapping
    rivals: tuple[str, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether the line of the proposal is live; an unsure one is a comment."""
        return self.certainty != UNSURE


def headers(frame: pd.DataFrame) -> list[str]:
    """The headers of a table as it was read."""
    return [str(c) for c in frame.columns if c != ROW]


def months(frame: pd.DataFrame) -> list[str]:
    """The headers that are months; a bare number of five digits is rather an amount than a day of Excel's.

    >>> months(pd.DataFrame(columns=["2026年9月", "2026-10-01", "12000", "備考"]))
    ['2026年9月', '2026-10-01']
    """
    return [h for h in headers(frame) if is_month(h) and not re.fullmatch(r"\d{5}(\.\d+)?", _plain(h))]


def loose_months(frame: pd.DataFrame) -> list[str]:
    """The headers that look like a month, but do not say which or what of it: 4月, Aug-26, 2026年9月 予算.

    >>> loose_months(pd.DataFrame(columns=["4月", "Aug-26", "2026年9月 予算", "2026年9月", "備考"]))
    ['4月', 'Aug-26', '2026年9月 予算']
    """
    return [h for h in headers(frame) if not is_month(h) and re.fullmatch(LOOSE_MONTH, normalise(h))]


def is_header_row(frame: pd.DataFrame) -> bool:
    """Whether the headers of a table look like headers: a row of data that was taken for them holds an amount.

    >>> is_header_row(pd.DataFrame(columns=["収入", "2026-09-30", "132000"]))
    False
    >>> is_header_row(pd.DataFrame(columns=["顧客", "2025", "1", "2026-09"]))
    True
    """
    amounts = [_plain(h) for h in headers(frame) if _AMOUNT.fullmatch(_plain(h))]
    numbers = [float(re.sub(r"[^\d.]", "", a)) for a in amounts if not (len(a) == 6 and is_month(a))]
    return all(n <= 31 or n in _YEARS for n in numbers)


def guesses(table: Table, frame: pd.DataFrame) -> list[Guess]:
    """For each column of ours the header that means it most surely, in the order of the headers."""
    spelt = {normalise(h) for h in headers(frame)}
    best: dict[str, Guess] = {}
    for header in headers(frame):
        for guess in _meanings(table, header, frame[header], spelt):
            before = best.get(guess.column)
            if before is None or _rank(table, guess) > _rank(table, before):
                best[guess.column] = guess
    once: dict[str, Guess] = {}  # and each header means one column only
    for guess in sorted(best.values(), key=lambda g: (-_rank(table, g), table.names.index(g.column))):
        once.setdefault(guess.header, guess)
    filled = [h for h in headers(frame) if not is_blank(frame[h]).all()]
    found = [_against_rivals(table, guess, filled) for guess in once.values()]
    return sorted(found, key=lambda g: headers(frame).index(g.header))


def _rank(table: Table, guess: Guess) -> int:
    """A name of the schema itself goes before a synonym, and a synonym before what other systems call it."""
    return WEIGHT[guess.certainty] + guess.known + (guess.known and _is_own(table, guess))


def _is_own(table: Table, guess: Guess) -> bool:
    column = table.column(guess.column)
    return column is not None and normalise(guess.header) in (normalise(column.name), normalise(column.label_ja))


def _against_rivals(table: Table, guess: Guess, there: list[str]) -> Guess:
    """The guess and the other headers that are names of ours for the same column, of which only one can be meant.

    Which of two dates or amounts it is changes results, so that it is asked; of two texts the first is proposed.
    """
    same = [h for h in there if (c := find_column(table, h)) is not None and c.name == guess.column]
    rivals = tuple(h for h in same if h != guess.header)
    column = table.column(guess.column)
    if not rivals or column is None:
        return guess
    if column.type == "text" or _is_own(table, guess):
        return replace(guess, rivals=rivals)
    why = _("“{headers}” may mean it as well").format(headers=" / ".join(rivals))
    return replace(guess, rivals=rivals, certainty=UNSURE, why=why)


def _meanings(table: Table, header: str, texts: pd.Series, spelt: set[str]) -> Iterator[Guess]:
    column = find_column(table, header)
    if column is not None:
        if column.required and len(texts) and is_blank(texts).all():
            return  # what every row must have, stands in another column
        if column.name == "owner" and not is_readable(texts, column):
            yield Guess(header, column.name, UNSURE, _("its values do not look like it"), known=True)
        else:
            yield Guess(header, column.name, CERTAIN, _("a name of ours"), known=True)
        return
    key = normalise(header)
    for hint in (h for h in HINTS if table.name in h.tables and h.fits(key)):
        ours = table.column(hint.column)
        if ours is None or (hint.needs and not any(re.fullmatch(hint.needs, s) for s in spelt)):
            continue
        if is_readable(texts, ours):
            yield Guess(header, ours.name, hint.certainty, _(_WHY[hint.certainty]))
        else:
            yield Guess(header, ours.name, UNSURE, _("its values do not look like it"))
    for ours in table.columns:
        if is_near(header, ours) and is_readable(texts, ours):
            yield Guess(header, ours.name, LIKELY, _("nearly {name}").format(name=f"{ours.name} ({ours.label_ja})"))


# ------------------------------------------------------------------------------------------------------------ values


def is_blank(texts: pd.Series) -> pd.Series:
    """Which cells hold nothing but spaces."""
    return texts.str.strip() == ""


def is_readable(texts: pd.Series, column: Column) -> bool:
    """Whether nearly all values can be read as what the column holds, once the questions about them are answered.

    Choices and flags are asked about value by value, so that any will do; but people are no side that a step waits for.
    """
    filled = texts[~is_blank(texts)].head(1000)
    if filled.empty:
        return True
    if column.name == "owner":
        known = parse(filled, "choice", choices=column.choices).values.notna()
        return bool((known | filled.map(lambda t: SIDES.fullmatch(normalise(t)) is not None)).mean() >= 0.5)
    if column.type in ("choice", "flag", "text", "id"):
        return True
    if column.type == "score" and labelled_scores(filled):
        return True
    read = parse(filled, column.type).values.notna()
    if column.type in ("date", "month"):
        read |= filled.isin(two_ways(filled))
    return bool(read.mean() >= _FITS)


def two_ways(texts: pd.Series) -> list[str]:
    """The days written as numbers with the year last (4/1/2025), those first that can be read in one way only.

    Years of two digits may stand first as well (26/4/1): where all first numbers are too great for a month, they do.

    >>> two_ways(pd.Series(["4/1/2025", "2025-04-01", "7/15/2025", ""])), two_ways(pd.Series(["26/4/1", "25/12/15"]))
    (['7/15/2025', '4/1/2025'], [])
    """
    distinct = [str(t) for t in dict.fromkeys(texts)]
    found = {t: m for t in distinct if (m := _DAY_FIRST_OR_MONTH.fullmatch(_plain(t)))}
    if all(len(m[3]) == 2 and int(m[1]) > 12 for m in found.values()):
        return []
    return sorted(found, key=lambda t: max(int(found[t][1]), int(found[t][2])) <= 12)


def labelled_scores(texts: pd.Series) -> dict[str, str]:
    """Scores of 0 to 10 with words behind them → the number; nothing where other values cannot be read.

    >>> labelled_scores(pd.Series(["10 - Extremely likely", "7", ""]))
    {'10 - Extremely likely': '10'}
    >>> labelled_scores(pd.Series(["12 - a dozen", "7"]))
    {}
    """
    distinct = pd.Series([t for t in texts.unique() if str(t).strip()], dtype=object)
    unread = distinct[parse(distinct, "score").values.isna()]
    found = {str(t): m[1] for t in unread if (m := _LABELLED_SCORE.fullmatch(_plain(t))) and int(m[1]) <= 10}
    return found if len(found) == len(unread) else {}


def _plain(text: object) -> str:
    return unicodedata.normalize("NFKC", str(text)).strip()
