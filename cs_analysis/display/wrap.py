"""Texts in lines of a width, for terminals and for the comments of a file."""

from __future__ import annotations

import re

from rich.cells import cell_len

# a number with its sign of percent, a Latin word, or a single letter; with the marks that may not be parted from it
_PIECE = re.compile(r"[（「『【〈《“‘]*(?:\d[\d.,]* %|[\x21-\x7e¥−–]+|\S)[。、，．）」』】〉》”’％・ー！？：；…〜]*\s*")


def wrapped(text: str, width: int) -> str:
    """A text in lines of at most that width, where Japanese may break between any two letters.

    >>> print(wrapped("顧客 0002 が表にありません。売上は 3.4 % です。", 20))
    顧客 0002 が表にあり
    ません。売上は 3.4 %
    です。
    """
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and cell_len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)
