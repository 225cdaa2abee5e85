"""Rows that are no data: repeated headers, totals, notes, and what describes the columns. Each is listed."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from cs_analysis.data.parse import parse
from cs_analysis.data.reading.cells import where
from cs_analysis.data.reading.rows import AMOUNTS, TableRows
from cs_analysis.data.schema import TABLES, find_column, normalise
from cs_analysis.data.templates.marks import mark_of
from cs_analysis.errors import N_

_TOTAL = re.compile(
    r"[【\[(]?(?:全社|全体|全店|mrr|arr|月額|売上|金額)?(総合計|総計|合計|小計|中計|累計|月計|年計|集計|計|平均|件数|社数|grandtotal|total|"
    r"totals|subtotal|sum|average|count)(金額|額)?[】\])]?[::]?(\(?\d+[件社]?\)?)?"
)
_HINT = re.compile("[計均件数]|total|sum|average|count|ｔｏｔａｌ", re.IGNORECASE)  # without one it is no total
_TOTAL_OF = re.compile(r".+[\s\u3000](集計|合計|小計|計|total|count|average)", re.IGNORECASE)
_NO_SUM = ("累計", "平均", "件数", "社数", "average", "count")
_DIGIT = re.compile(r"\d")
_LONGEST_HEADER = 40
# what opens a note or a heading; △ and ▲ are the signs of numbers
_NOTE = re.compile(r"[※■□●◆◇▼▽★☆・【→⇒].*|以上|以下余白|\(?全?\d+件\)?|eof|\[eof\]", re.DOTALL)
_DESCRIPTION = re.compile(
    r"\(?(?:円|税抜|円[/・,]月|円[・,]?税抜|必須|任意|文字列?|テキスト|数値|整数|日付|年月日?|yyyy[-/]mm([-/]dd)?|required|optional|text|"
    r"date|number|yen|jpy)\)?"
)
_REPORT = re.compile("salesforce|confidential information|機密情報", re.IGNORECASE)
_MONEY_TABLES = ("contracts", "mrr_months", "ledger", "costs")


def _word(text: object) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(text)).casefold())


# ------------------------------------------------------------------------------------------------------------- notes


def set_notes_aside(table: TableRows) -> None:
    """Rows of one cell that begin as a note does, and a row of descriptions below the header, leave the table."""
    aside = np.zeros(len(table.frame), bool)
    if len(aside) and len(table.labels) > 1 and _describes(table):
        aside[0] = True
        _tell(table, 0, N_("The row describes the columns; it is set aside."))
    rest = []
    for i in (int(i) for i in table.alone() if not aside[i] and not table.headers.over_rows):
        text = table.first(i)[1]
        if _NOTE.fullmatch(_word(text)) and not mark_of(text):
            aside[i] = True
            _tell(table, i, N_("The row is a note and no data; it is set aside."))
        elif table.kinds[table.first(i)[0]] not in AMOUNTS and not total_word(text):
            rest.append(i)
    aside[_lone(table, rest)] = True
    table.drop(aside)


def _tell(table: TableRows, i: int, problem: str) -> None:
    label, text = table.first(i)
    table.add("note", problem, "", rows=[table.row(i)], column=label, values=[text])


def _describes(table: TableRows) -> bool:
    """Whether the first row says what belongs into the columns: (円), 必須, YYYY/MM/DD."""
    texts = [table.frame[label].iloc[0] for label, filled in zip(table.labels, table.written[0], strict=True) if filled]
    return all(_DESCRIPTION.fullmatch(_word(text)) for text in texts)


def _lone(table: TableRows, rows: list[int]) -> list[int]:
    """Rows of one cell where several are required: one sentence instead of one for each cell that is blank."""
    required = [label for label in table.required if label not in table.months]
    if len(required) < 2 or any(_REPORT.search(table.first(i)[1]) for i in rows):
        return []
    is_money = table.headers.table.name in _MONEY_TABLES
    for i in rows:
        label, text = table.first(i)
        table.add(
            "error" if is_money else "warning", N_("“{value}” is all that the row holds; it seems to be a note."),
            N_("Delete the row, or move it above the header; if it is data, fill in the other cells."),
            rows=[table.row(i)], column=label, values=[text],
        )  # fmt: skip
    return rows


# --------------------------------------------------------------------------------------------------- repeated headers


def set_aside(table: TableRows) -> None:
    """Repeated headers and totals leave the table, each is listed, and a total is compared with its rows."""
    aside = _repeated_headers(table)
    totals = _totals(table, aside)
    _compare_totals(table, totals, aside)
    aside |= totals
    if table.months:
        aside |= _blank_months(table, aside)
    table.drop(aside)


def _bare(text: str) -> str:
    """A cell without what is stuck to it where files were put one behind the other."""
    return text.strip('\ufeff" \u3000\t\r\n\x1a')


def _repeated_headers(table: TableRows) -> np.ndarray:
    """Rows that repeat the header; what follows another header belongs to another table."""
    frame, aside = table.frame, np.zeros(len(table.frame), bool)
    names = {spelling for t in TABLES.values() for c in t.columns for spelling in (c.name, c.label_ja)}
    names |= set(table.labels)
    keys = set(map(normalise, names))

    def is_name(text: str) -> bool:
        if text in names:
            return True
        return 0 < len(text) <= _LONGEST_HEADER and not _DIGIT.search(text) and normalise(_bare(text)) in keys

    hits = sum((where(frame[label], is_name).astype(int) for label in table.labels), np.zeros(len(aside), int))
    for i in map(int, np.flatnonzero(hits >= 2)):
        texts = {label: _bare(str(frame[label].iloc[i])) for j, label in enumerate(table.labels) if table.written[i, j]}
        same = all(_is_header(table, label, text) for label, text in texts.items())
        label, text = table.first(i)
        if same:
            aside[i] = True
            _tell(table, i, N_("The row repeats the header; it is set aside."))
        elif any(all(find_column(t, text) for text in texts.values()) for t in TABLES.values()):
            aside[i:] = True
            table.add(
                "error", N_("The row looks like the header of another table, and what follows it is not read."),
                N_("Put every table into a sheet of its own."), rows=[table.row(i)], column=label, values=[text],
            )  # fmt: skip
            break
    return aside


def _is_header(table: TableRows, label: str, text: str) -> bool:
    known = table.headers.known(text)
    return normalise(text) == normalise(label) or bool(known and known == table.headers.known(label))


# ------------------------------------------------------------------------------------------------------------- totals


def total_word(text: str) -> str:
    """The word by which a cell says that its row is a total; "" where it says nothing of the kind.

    >>> total_word("合　計"), total_word("A1 集計"), total_word("会計事務所")
    ('合計', '集計', '')
    """
    if len(text) > 60 or not _HINT.search(text):
        return ""
    word = _word(text)
    if _is_plain(text):
        return word
    found = _TOTAL_OF.fullmatch(text.strip())
    return found[1].lower() if found else ""


def _is_plain(text: str) -> bool:
    return _TOTAL.fullmatch(_word(text)) is not None


def is_total_row(table: TableRows, i: int) -> bool:
    """Whether a row says "total" where no data could stand, or lacks what every row of data must have.

    A task called 集計, a metric called 件数 and a contract with the id Total are data when the rest is there.
    """
    texts = {label: str(table.frame[label].iloc[i]) for label in table.labels}
    words = {label for label, text in texts.items() if total_word(text)}
    if not words:
        return False
    plain = {label for label in words if _is_plain(texts[label])}
    required = [label for label in table.required if table.kinds[label] not in AMOUNTS]
    others = [label for label in required if label not in words]
    lacking = [label for label in others if not _is_there(table, label, texts[label])]
    if not plain:  # “A1 集計” could be a name
        return bool(lacking) and len(lacking) == len(others)
    if any(label in plain and _never_total(table, label) for label in required):
        return True
    return bool(lacking) and 2 * len(lacking) >= len(others)


def _never_total(table: TableRows, label: str) -> bool:
    """Whether no row of data has such a word under this header: a date cannot be 合計, and no account is called so."""
    return table.kinds[label] not in ("id", "text") or _is_of(table, label, "account_id")


def _is_there(table: TableRows, label: str, text: str) -> bool:
    """Whether a cell holds a value that can be read as what its column holds."""
    column = table.headers.column(label)
    choices = column.choices if column is not None else {}
    return bool(text.strip()) and parse(pd.Series([text]), table.kinds[label] or "text", choices=choices).faults.empty


def _totals(table: TableRows, aside: np.ndarray) -> np.ndarray:
    said, is_named = np.zeros(len(table.frame), bool), np.zeros(len(table.frame), bool)
    for label in table.labels:
        has_word = where(table.frame[label], lambda t: bool(total_word(t)))
        said |= has_word
        is_account = _is_of(table, label, "account_id")
        is_named |= where(table.frame[label], lambda t, yes=is_account: bool(total_word(t)) and (yes or _is_plain(t)))
    amounts = {label: table.numbers(label).to_numpy() for label in _summed(table)} if said.any() else {}
    months = {label: values for label, values in amounts.items() if label in table.months}
    found, since = np.zeros(len(said), bool), 0
    for i in map(int, np.flatnonzero(said & ~aside)):
        # “A1 集計” may be the name of an account, and 小計 a product, unless the months are the sums of those above
        found[i] = is_total_row(table, i) or (is_named[i] and _adds_up(months, i, since, ~(found | aside)))
        since = i + 1 if found[i] else since
    return found


def _summed(table: TableRows) -> list[str]:
    return [label for label in table.labels if table.kinds[label] in ("money", "hours", "number")]


def _is_of(table: TableRows, label: str, name: str) -> bool:
    column = table.headers.column(label)
    return column is not None and column.name == name


def _adds_up(amounts: dict[str, np.ndarray], i: int, since: int, data: np.ndarray) -> bool:
    """Whether the months of a row are the sums of the rows above it: those since the last total, or all."""
    said = {label: values[i] for label, values in amounts.items() if values[i] == values[i] and values[i]}
    return bool(said) and any(
        all(abs(np.nansum(amounts[label][first:i][data[first:i]]) - value) < 1 for label, value in said.items())
        for first in (since, 0)
    )


def _compare_totals(table: TableRows, totals: np.ndarray, aside: np.ndarray) -> None:
    """Each total with the sum of its rows: those since the last subtotal, or all."""
    if not totals.any():
        return
    since, data, at = 0, ~(totals | aside), np.arange(len(totals))
    amounts = {label: table.numbers(label).to_numpy() for label in _summed(table)}
    for i in map(int, np.flatnonzero(totals)):
        word = next((w for lb in table.labels if (w := total_word(str(table.frame[lb].iloc[i])))), "")
        apart = False
        for label, values in amounts.items():
            if values[i] != values[i] or table.grid.is_part or any(w in word for w in _NO_SUM):
                continue
            sums = [np.nansum(values[data & (at < i) & (at >= first)]) for first in (since, 0)]
            if all(abs(total - values[i]) >= 1 for total in sums):
                apart = True
                table.add(
                    "warning", N_("The total row says {said}, but the rows add up to {total}; it is set aside."),
                    N_("Look for rows that are missing, doubled or wrong, or correct the total."), rows=[table.row(i)],
                    column=label, values=[str(table.frame[label].iloc[i])], said=f"{values[i]:,.10g}",
                    total=f"{sums[-1]:,.10g}",
                )  # fmt: skip
        since = i + 1
        if not apart:
            _tell(table, i, N_("The row is a total and is set aside."))


def _blank_months(table: TableRows, aside: np.ndarray) -> np.ndarray:
    """Rows of the wide form without an amount in any month: notes below the table, or accounts without revenue."""
    blank = ~table.written[:, [table.labels.index(label) for label in table.months]].any(axis=1) & ~aside
    rows = list(map(int, np.flatnonzero(blank)))
    if rows:
        label = table.first(rows[0])[0]
        table.add(
            "note", N_("The row has no amount in any month; it is left out."), "", rows=[table.row(i) for i in rows],
            column=label, values=[table.first(i)[1] for i in rows],
        )  # fmt: skip
    return blank
