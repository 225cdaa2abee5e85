"""All tables of a report in one Excel file, the same bytes for the same tables."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from pathlib import Path

import xlsxwriter

from cs_analysis.display.language import _

ROW_LIMIT = 100_000
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_TEXT_LIMIT = 32_767  # of one cell
_WIDTHS = (8, 40)


def write_workbook(path: Path, tables: Path) -> None:
    """Write ``tables/NOTEBOOK/TABLE.csv`` to one workbook: a contents sheet, then a sheet per table.

    Texts stay texts (``=1+1`` is never live), numbers become numbers unless the column is an id.
    A table of more than 100,000 rows is cut, and its last line names the CSV that holds the rest.
    """
    files = sorted(tables.glob("*/*.csv"))
    options = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": datetime(2000, 1, 1), "author": "cs-analysis"})  # the clock must not show
        heading = book.add_format({"bold": True, "bg_color": "#E8EDF2", "bottom": 1, "text_wrap": False})
        sheets = sheet_names(
            [f"{file.parent.name.partition('_')[0]}_{file.stem}" for file in files], taken={"contents"}
        )
        listed = [[name, file.parent.name, file.stem, _count(file)] for name, file in zip(sheets, files, strict=True)]
        columns = [_("sheet"), _("notebook"), _("table"), _("rows")]
        _write(book.add_worksheet("contents"), [columns, *listed], heading, "")
        for name, file in zip(sheets, files, strict=True):
            with file.open(encoding="utf-8-sig", newline="") as handle:
                rows = [row for _n, row in zip(range(ROW_LIMIT + 2), csv.reader(handle), strict=False)]
            note = ""
            if len(rows) > ROW_LIMIT + 1:
                note = _("Cut at {limit} rows; the whole table is in {file}.").format(
                    limit=f"{ROW_LIMIT:,}", file=f"tables/{file.parent.name}/{file.name}"
                )
            _write(book.add_worksheet(name), _typed(rows[: ROW_LIMIT + 1]), heading, note)


def _count(file: Path) -> int:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        return max(0, sum(1 for _row in csv.reader(handle)) - 1)


def _typed(rows: list[list[str]]) -> list[list[object]]:
    """The rows with numbers where a whole column is numbers; ids stay texts, leading zeros and all."""
    if not rows:
        return []
    header, body = rows[0], rows[1:]
    numeric = [
        not name.endswith("_id") and all(_NUMBER.fullmatch(row[i]) for row in body if i < len(row) and row[i])
        for i, name in enumerate(header)
    ]
    typed: list[list[object]] = [list(header)]
    for row in body:
        typed.append([float(text) if text and ok else text for text, ok in zip(row, numeric, strict=False)])
    return typed


def _write(sheet, rows: list[list], heading, note: str) -> None:
    sheet.freeze_panes(1, 0)
    for column, width in enumerate(_column_widths(rows)):
        sheet.set_column(column, column, width)
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, (int, float)):
                sheet.write_number(number, column, value)
            elif value != "":
                sheet.write_string(number, column, str(value)[:_TEXT_LIMIT], heading if number == 0 else None)
    if note:
        sheet.write_string(len(rows), 0, note)


def _column_widths(rows: list[list]) -> list[int]:
    low, high = _WIDTHS
    columns = zip(*(row for row in rows[:200] if rows and len(row) == len(rows[0])), strict=True)
    return [min(high, max(low, *(len(str(value)) + 2 for value in column))) for column in columns]


def sheet_names(wanted: list[str], taken: set[str]) -> list[str]:
    """Names that Excel accepts: at most 31 characters, none of ``[]:*?/\\``, unique whatever the case.

    >>> sheet_names(["04_bridge", "04_Bridge", "a/b"], taken=set())
    ['04_bridge', '04_Bridge~2', 'a_b']
    """
    used = {name.lower() for name in taken} | {"history"}
    names: list[str] = []
    for want in wanted:
        clean = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", want).strip("'") or "_"
        name, number = clean[:31], 1
        while name.lower() in used:
            number += 1
            name = clean[: 31 - len(f"~{number}")] + f"~{number}"
        used.add(name.lower())
        names.append(name)
    return names
