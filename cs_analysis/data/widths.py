"""Texts in the widths that tell nothing apart: full-width letters, half-width kana, spaces nobody sees."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u3000"), " ")
_LETTERS = {c: c - 0xFEE0 for r in (range(0xFF10, 0xFF1A), range(0xFF21, 0xFF3B), range(0xFF41, 0xFF5B)) for c in r}
_MARKS_OF_IDS = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)} | dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
_HALF_KANA = re.compile("[\uff61-\uff9f]+")
_LONGEST_NAME = 60  # what is longer, or has several lines, is somebody's own words


def tidy(text: str) -> str:
    """A text without spaces around it, and, where it is short, in the widths that a keyboard gives; ㈱ and （ stay.

    A letter and its mark apart, as a Mac writes them, become one letter.

    >>> tidy("　ＡＢＣ商事（株） "), tidy("ｱｵｿﾞﾗ"), tidy("㈱青空")
    ('ABC商事（株）', 'アオゾラ', '㈱青空')
    """
    if text.isascii():
        return text.strip()
    text = unicodedata.normalize("NFC", text.translate(_UNSEEN)).strip()
    if len(text) > _LONGEST_NAME or "\n" in text:
        return text
    return _HALF_KANA.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text.translate(_SPACES | _LETTERS)).strip()


def tidy_id(text: str) -> str:
    """An id with its marks and letters in half width, so that "Ａ－１" and "A-1" are one account."""
    return tidy(text).translate(_MARKS_OF_IDS)
