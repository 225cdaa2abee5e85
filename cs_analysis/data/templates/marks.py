"""The marks by which the kit knows its own: example rows, and the sheets that it puts beside the tables."""

from __future__ import annotations

from cs_analysis.data.schema import normalise
from cs_analysis.errors import N_

MARKS = {"en": "[example] ", "ja": "【例】"}
_SPELLINGS = ("[example]", "[Example]", "[EXAMPLE]", "【例】", "[例]", "［例］")
# sheets beside the tables: how to fill in, the lists behind the dropdowns, what a check found
READ_ME, LISTS, FOUND = N_("Read me"), "_lists", N_("Check")
_BESIDE = frozenset(map(normalise, ("Read me", "はじめに", LISTS, "Check", "チェック結果")))


def mark_of(text: object) -> str:
    """The example mark that a text begins with, or "".

    >>> mark_of("【例】A001"), mark_of("A001")
    ('【例】', '')
    """
    return next((mark for mark in _SPELLINGS if str(text).lstrip().startswith(mark)), "")


def is_beside(sheet: str) -> bool:
    """Whether a sheet (or a CSV made from it) is one that the kit itself put beside the tables.

    >>> is_beside("はじめに"), is_beside("cs_data_ja-はじめに"), is_beside("契約")
    (True, True, False)
    """
    return normalise(sheet) in _BESIDE or normalise(sheet.rpartition("-")[2]) in _BESIDE
