"""Notes around a table that say in what its amounts are: （千円） in a title, 単位：分 beside the header, 税込 below.

Such a note changes every figure, and nothing but the note says so; it must be confirmed in the client file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import numpy as np
import pandas as pd

from cs_analysis.data.reading.rows import TableRows
from cs_analysis.errors import N_

_ENDS = r"(?=$|[)\]】(、,。・/※]|単位|表示|で)"  # 千円プラン is a name
_THOUSANDS = re.compile(
    rf"(?<![\d数幾〇一二三四五六七八九十百千万])(?:千円|万円|百万円|億円|千ドル){_ENDS}|単位[::]?(?:千|百万|k|m)(?![a-z])"
    r"|(?:jpy|usd|eur|yen|[¥$€]|units?:?|\bin|(?<=\()in|amountsin)(?:thousand|million)s?|^\(?(?:thousand|million)s?"
    r"(?:of)?(?:yen|jpy|usd|eur|dollars|euros)?\)?$|[¥$€'’]000\b"
)
_TAX = re.compile(r"税込|内税|taxinclu|includ(?:ing|es)tax|incl?\.?(?:of)?tax")
_MINUTES = re.compile(
    r"単位[::]?(?:分|人日|人月|日)|(?:分|人日)単位|^\((?:分|人日)\)$|(?:units?:?|\bin|^\(?)min(?:ute)?s?\)?$"
)
_CURRENCY = re.compile(
    r"\(?(?:単位|通貨|currency|units?|in)?[::]?(?:usd|us\$|eur|gbp|cny|krw|twd|hkd|sgd|aud|cad|米ドル|ドル|ユーロ|ポンド|"
    r"人民元|元|ウォン|€|£|\$)(?:建て?)?\)?"
)
_ACTION = N_(
    "Write the amounts in full and remove the note, or name the header row (header_row) and the unit (units) in the "
    "mapping of the client file."
)
_SAID = (
    (_THOUSANDS, "money", N_("“{value}” stands beside the table, so the amounts may not be in full units."), _ACTION),
    (
        _TAX, "money", N_("“{value}” stands beside the table, so the amounts may include tax."),
        N_("Write the amounts without tax and remove the note; if they are without tax, name the header row "
           "(header_row) and the unit (units) in the mapping of the client file."),
    ),
    (
        _MINUTES, "hours", N_("“{value}” stands beside the table, so the times may not be in hours."),
        N_("Write hours and remove the note, or name the header row (header_row) and the unit (units) in the mapping "
           "of the client file."),
    ),
)  # fmt: skip


def _word(text: object) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(text)).casefold())


def check_units(table: TableRows, above: pd.DataFrame, rows: np.ndarray, header: int) -> None:
    """Say what stands around the table about its amounts; a row below it that says nothing else is set aside.

    Parameters
    ----------
    above, rows
        The cells above the header, and their row numbers.
    header
        The row number of the header.
    """
    kinds = set(table.kinds.values())
    if table.headers.units_given or not kinds & {"money", "hours"}:
        return
    for number, text in _outside(table, above, rows, header):
        _check(table, number, text)
    aside = np.zeros(len(table.frame), bool)
    for i in table.alone():
        aside[i] = _check(table, table.row(int(i)), table.first(int(i))[1])
    table.drop(aside)


def _outside(table: TableRows, above: pd.DataFrame, rows: np.ndarray, header: int) -> Iterator[tuple[int, str]]:
    """The texts above the header, and those in its row over a column that is not ours and is blank."""
    for number, texts in zip(rows, above.itertuples(index=False), strict=True):
        yield from ((int(number), str(text)) for text in texts if text)
    for j, label in enumerate(table.labels):
        if not table.headers.known(label) and not table.written[:, j].any():
            yield header, label


def _check(table: TableRows, number: int, text: str) -> bool:
    """Whether a text says in what the amounts are; if so it is told."""
    word = _word(text)
    for pattern, kind, problem, action in _SAID:
        if kind in table.kinds.values() and pattern.search(word):
            table.add("error", problem, action, rows=[number], values=[text.strip()])
            return True
    has_currency = any((c := table.headers.column(lb)) is not None and c.name == "currency" for lb in table.labels)
    if "money" in table.kinds.values() and not has_currency and _CURRENCY.fullmatch(word):
        table.add(
            "warning",
            N_("“{value}” stands beside the table; the amounts are read in the currency of the client file."),
            N_("If they are in another one, give it in a column currency (通貨)."), rows=[number],
            values=[text.strip()],
        )  # fmt: skip
        return True
    return False
