"""Marked copies of a client's files: each faulty cell coloured and commented, and a list of all faults in front.

A workbook keeps its sheets; a text file comes back as a workbook with one sheet, so that it can carry marks. The
originals are never touched. Marking a copy that was marked before first takes the old marks away.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cs_analysis.data.problems import ERROR, NOTE, Problem, in_a_row
from cs_analysis.data.reading.cells import cell_text
from cs_analysis.data.reading.read import TEXT_FILES
from cs_analysis.data.schema import TABLES, find_column, find_table
from cs_analysis.data.templates.marks import FOUND
from cs_analysis.display.language import LANGUAGES, _, speaking
from cs_analysis.errors import N_, InputError

BOOKS, TEXTS = (".xlsx", ".xlsm"), TEXT_FILES
_AUTHOR = "cs-analysis"
_BEGIN = "[cs-analysis] "  # where our part of a comment begins
_OURS = "cs-analysis check"  # the keyword of a marked copy, by which it may be overwritten
_RED, _AMBER, _HEAD = "FFFFC7CE", "FFFFE699", "FF1F4E79"
_SEVERITIES = {"error": N_("error"), "warning": N_("warning"), "note": N_("note")}
_HEADER_ROWS = 30  # how far down a header may stand
_WIDTHS = (10, 18, 8, 20, 24, 60, 60)


def annotate(faults: Iterable[Problem], data: str | Path, out: str | Path) -> tuple[list[Path], list[str]]:
    """Write a copy of each faulty file into a folder, with the faulty cells marked and commented.

    Parameters
    ----------
    faults
        The problems that a check found.
    data
        The data folder that was checked.
    out
        Where the copies go: a folder that is neither the data folder nor in it, made if it is not there. A copy that
        was written there before is replaced.

    Returns
    -------
    The copies (a workbook under its own name, `contracts.csv` as `contracts.csv.xlsx`), and the names of the files
    that have faults and cannot be marked (Parquet, databases, workbooks that Excel must save anew first).

    Raises
    ------
    InputError
        `out` lies in the data folder or is a file, or holds a file of that name that is no marked copy.
    """
    source, target = Path(data).resolve(), Path(out).resolve()
    if target == source or source in target.parents:
        raise InputError(
            N_("The marked copies cannot go into the data folder, where they would be read; choose another folder."),
        )
    if target.exists() and not target.is_dir():
        raise InputError(N_("{out} is a file; give a folder for the marked copies."), out=str(out))
    by_file: dict[str, list[Problem]] = defaultdict(list)
    for fault in faults:
        by_file[fault.source.file].append(fault)
    by_file = {file: found for file, found in by_file.items() if any(p.severity != NOTE for p in found)}
    names = {file: _copy_name(file) for file in by_file if (source / file).is_file() and _copy_name(file)}
    for name in names.values():
        _refuse_foreign(target / name)
    written, left = [], [file for file in by_file if file not in names]
    for file, name in names.items():
        if (book := _opened(source / file)) is None:
            left.append(file)
            continue
        _mark(book, by_file[file])
        target.mkdir(parents=True, exist_ok=True)
        book.save(target / name)
        written.append(Path(out) / name)
    return written, left


def _copy_name(file: str) -> str:
    suffix = Path(file).suffix.lower()
    return file if suffix in BOOKS else f"{file}.xlsx" if suffix in TEXTS else ""


def _refuse_foreign(path: Path) -> None:
    """A file that is there and is no marked copy is somebody's work."""
    if not path.exists():
        return
    book = _opened(path)
    if book is None or _OURS not in (book.properties.keywords or ""):
        raise InputError(
            N_("{file} is there already and is no marked copy; choose another folder for the copies."), file=str(path)
        )


def _opened(path: Path) -> Any | None:
    """The file as a workbook that can be written, or None where that cannot be had."""
    import openpyxl

    if path.suffix.lower() in TEXTS:
        return _from_text(path)
    try:
        return openpyxl.load_workbook(path, keep_vba=path.suffix.lower() == ".xlsm", rich_text=True)
    except Exception:  # the reader was content with it; openpyxl stumbles over much that Excel and the reader accept
        return None


def _from_text(path: Path) -> Any:
    import openpyxl

    from cs_analysis.data.reading.textfile import read_text

    grid = read_text(path.read_bytes(), path.name, _count_known)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    table = find_table(path.stem)
    sheet.title = table.local_name if table else "data"
    for number, texts in zip(grid.rows, grid.cells.to_numpy(), strict=True):
        for column, text in enumerate(texts, start=1):
            if text:
                cell = sheet.cell(int(number), column, _plain(text))
                cell.data_type = "s"  # a text that begins with = is no formula
                cell.number_format = "@"
    return book


def _plain(text: str) -> str:
    """A text that a workbook can hold: no control characters, at most what fits into a cell."""
    return "".join(letter for letter in str(text) if letter >= " " or letter in "\t\n\r")[:32_767]


def _count_known(texts: list[str]) -> int:
    return max(sum(find_column(table, text) is not None for text in texts) for table in TABLES.values())


# ------------------------------------------------------------------------------------------------------------- marks


def _mark(book: Any, faults: list[Problem]) -> None:
    _take_marks_away(book)
    order = sorted(faults, key=lambda p: (p.severity != ERROR, p.severity == NOTE, p.source.sheet, p.row or 0))
    places = [_place(book, fault) for fault in order]
    said: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for fault, place in zip(order, places, strict=True):
        if place is not None and fault.severity != NOTE:
            said[place].append(fault)
    for (sheet, cell), found in said.items():
        _comment(book[sheet][cell], found)
    _list(book, order, places)
    book.properties.keywords = _OURS
    book.calculation.fullCalcOnLoad = True  # openpyxl keeps formulas without their values


def _take_marks_away(book: Any) -> None:
    for lang in LANGUAGES:
        with speaking(lang):
            if _(FOUND) in book.sheetnames and _OURS in (book.properties.keywords or ""):
                del book[_(FOUND)]
    from openpyxl.styles import PatternFill

    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment is not None and _BEGIN in cell.comment.text:
                    kept = cell.comment.text.split(_BEGIN)[0].rstrip()
                    cell.comment = _note(kept, cell.comment.author) if kept else None
                    cell.fill = PatternFill()


def _note(text: str, author: str) -> Any:
    from openpyxl.comments import Comment

    lines = sum(1 + len(line) // 32 for line in text.split("\n"))
    return Comment(text, author, width=320, height=30 + 20 * lines)


def _place(book: Any, fault: Problem) -> tuple[str, str] | None:
    """Sheet and cell of a fault: its row under its header, else the cell of that row that holds its value, else the
    first filled cell of the row; without a row, the header."""
    sheet = book[fault.source.sheet] if fault.source.sheet in book.sheetnames else None
    if sheet is None and not fault.source.sheet and len(book.worksheets) == 1:
        sheet = book.worksheets[0]
    if sheet is None:
        return None
    column = _column(sheet, fault)
    if fault.row is None:
        header = _header_cell(sheet, fault.column)
        return (sheet.title, header.coordinate) if header is not None else None
    if fault.row > sheet.max_row:
        return None
    row = [_owner(sheet, cell) for cell in sheet[fault.row]]
    if column is None:
        same = [c for c in row if fault.value and cell_text(c.value).strip() == fault.value.strip()]
        filled = same if len(same) == 1 else [c for c in row if c.value is not None]
        return (sheet.title, (filled or row)[0].coordinate)
    return (sheet.title, row[column - 1].coordinate) if column <= len(row) else None


def _column(sheet: Any, fault: Problem) -> int | None:
    header = _header_cell(sheet, fault.column, below=fault.row)
    return header.column if header is not None else None


def _header_cell(sheet: Any, header: str, below: int | None = None) -> Any | None:
    """The cell of a header; where it stands more than once, the lowest one above the row."""
    last = min(sheet.max_row, _HEADER_ROWS, (below or sheet.max_row + 1) - 1)
    if not header or last < 1:
        return None
    found = [c for r in sheet.iter_rows(1, last) for c in r if cell_text(c.value).strip() == header.strip()]
    return found[-1] if found else None


def _owner(sheet: Any, cell: Any) -> Any:
    """The cell itself, or the first one of the merged cells it belongs to."""
    for merged in sheet.merged_cells.ranges:
        if cell.coordinate in merged:
            return sheet.cell(merged.min_row, merged.min_col)
    return cell


def _comment(cell: Any, found: list[Problem]) -> None:
    from openpyxl.styles import PatternFill

    worst = _RED if any(p.severity == ERROR for p in found) else _AMBER
    cell.fill = PatternFill("solid", fgColor=worst)
    told = list(dict.fromkeys(f"{_(_SEVERITIES[p.severity])}: {p.said()}" for p in found))
    before = f"{cell.comment.text.rstrip()}\n\n" if cell.comment is not None else ""
    cell.comment = _note(before + _BEGIN + "\n".join(told), cell.comment.author if cell.comment else _AUTHOR)


# -------------------------------------------------------------------------------------------------- the list in front


def _list(book: Any, faults: list[Problem], places: list[tuple[str, str] | None]) -> None:
    """A sheet in front of the others with every fault of the file; its cells lead to the places."""
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.hyperlink import Hyperlink
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet = book.create_sheet(_(FOUND), 0)
    heads = (_("severity"), _("sheet"), _("cell"), _("column"), _("value"), _("problem"), _("what to do"))
    for place, (head, width) in enumerate(zip(heads, _WIDTHS, strict=True), start=1):
        cell = sheet.cell(1, place, head)
        cell.font, cell.fill = Font(bold=True, color="FFFFFFFF"), PatternFill("solid", fgColor=_HEAD)
        sheet.column_dimensions[get_column_letter(place)].width = width
    for line, (fault, place) in enumerate(zip(faults, places, strict=True), start=2):
        problem = in_a_row(fault.sentence(fault.problem), fault.means())
        where = place[1] if place is not None else fault.row
        texts = (_(_SEVERITIES[fault.severity]), fault.source.sheet, where, fault.column, fault.value, problem,
                 fault.sentence(fault.action))  # fmt: skip
        for column, text in enumerate(texts, start=1):
            cell = sheet.cell(line, column)
            cell.value = _plain(text) if isinstance(text, str) else text
            if isinstance(text, str):
                cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=column > 4, vertical="top")
        lines = max(-(-_width(str(text or "")) // (width - 2)) for text, width in zip(texts, _WIDTHS, strict=True))
        sheet.row_dimensions[line].height = 16 * max(1, lines)
        if place is not None:
            leads_to = f"'{place[0].replace(chr(39), chr(39) * 2)}'!{place[1]}"
            sheet.cell(line, 3).hyperlink = Hyperlink(ref=f"C{line}", location=leads_to)
            sheet.cell(line, 3).font = Font(underline="single", color=_HEAD)
        if fault.severity != NOTE:
            fill = PatternFill("solid", fgColor=_RED if fault.severity == ERROR else _AMBER)
            sheet.cell(line, 1).fill = fill
    sheet.freeze_panes = "A2"
    sheet.sheet_properties.tabColor = _RED
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.auto_filter.ref = f"A1:G{len(faults) + 1}"
    book.active = 0
    for other in book.worksheets[1:]:
        other.sheet_view.tabSelected = False


def _width(text: str) -> int:
    """How many columns a text takes; East Asian letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in text)
