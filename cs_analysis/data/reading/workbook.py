"""An Excel workbook as grids of cells: what it must not hold, and what the values alone do not tell.

The values are calamine's. It gives error cells and formulas without a saved value as empty, knows no number formats
besides dates, and trusts its file; so the parts are looked through first, each in one pass over its bytes.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from cs_analysis.data.reading.cells import Grid, cell_text
from cs_analysis.data.reading.formats import Shown, shown_by
from cs_analysis.errors import N_, InputError

_UNREADABLE = N_(
    "The file {file} cannot be read as an Excel workbook; open it in Excel and save it as .xlsx, without a password."
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LARGEST = 600_000_000  # bytes that one part of a workbook may unpack to: well over a million rows
_CHUNK = 4_000_000
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROOMY = 2_000_000  # cells of a sheet, empty ones included, from which it must be filled to some part


def refuse_other_kinds(content: bytes, file: str) -> None:
    """Say what a file with the ending of a workbook is instead, and what to do."""
    if content.startswith(b"PK"):
        return
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content or "DRMEncrypted".encode("utf-16-le") in content:
            raise InputError(
                N_("The file {file} is protected with a password; open it in Excel, remove the password and save it."),
                file=file,
            )  # fmt: skip
        raise InputError(
            N_("The file {file} is a workbook of Excel 97-2003 under another name; open it in Excel and save it as "
               ".xlsx."), file=file,
        )  # fmt: skip
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<"):
        raise InputError(
            N_("The file {file} is a web page or XML under another name; open it in Excel and save it as .xlsx."),
            file=file,
        )  # fmt: skip
    if b"\0" not in content[:1000] or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            N_("The file {file} is text and no workbook; give it the ending .csv, or open it in Excel and save it as "
               ".xlsx."), file=file,
        )  # fmt: skip
    raise InputError(_UNREADABLE, file=file)


class Workbook:
    """An Excel workbook, opened once; its sheets are read when asked for."""

    def __init__(self, content: bytes, file: str) -> None:
        from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

        refuse_other_kinds(content, file)
        self.file = file
        try:
            self._parts = zipfile.ZipFile(io.BytesIO(content))
            self._refuse_traps()
            self._styles = self._read_styles()
            self._places, self._is_1904, self._recalculates = self._contents()
            self._book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        except InputError:
            raise
        except Exception as error:  # every library has its own exceptions for a broken file
            raise InputError(_UNREADABLE, file=file) from error
        found = [s for s in self._book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet and s.name in self._places]
        self.sheets: list[str] = [s.name for s in found]
        self._hidden = {s.name for s in found if s.visible != SheetVisibleEnum.Visible}

    def _refuse_traps(self) -> None:
        """Parts that grow beyond measure when unpacked, that are not what they say, or that define entities."""
        for info in self._parts.infolist():
            if not info.filename.lower().endswith((".xml", ".rels")):
                continue
            if info.file_size > _LARGEST:
                raise InputError(
                    N_("The file {file} would unpack to more than {size} MB; save large tables as CSV."),
                    file=self.file, size=_LARGEST // 1_000_000,
                )  # fmt: skip
            with self._parts.open(info) as part:
                head = part.read(2000)
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise InputError(
                    N_("The file {file} holds XML that Excel does not write (definitions of entities); open it in "
                       "Excel and save it again."), file=self.file,
                )  # fmt: skip

    def _contents(self) -> tuple[dict[str, str], bool, bool]:
        """Sheet → its part, whether days count from 1904, and whether the saved values wait to be calculated."""
        root = ElementTree.fromstring(self._parts.read("xl/workbook.xml"))
        targets = {
            r.get("Id"): r.get("Target", "")
            for r in ElementTree.fromstring(self._parts.read("xl/_rels/workbook.xml.rels"))
        }
        main = root.tag.removesuffix("workbook")
        places = {}
        for sheet in root.iter(f"{main}sheet"):
            relation = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), "")
            target = targets.get(relation, "")
            places[sheet.get("name", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        about, calculation = root.find(f"{main}workbookPr"), root.find(f"{main}calcPr")
        is_1904 = about is not None and about.get("date1904") in ("1", "true")
        waits = calculation is not None and calculation.get("fullCalcOnLoad") in ("1", "true")
        return places, is_1904, waits

    def _read_styles(self) -> Styles:
        """What the cell styles add to a number, and which of them strike the text through."""
        if "xl/styles.xml" not in self._parts.namelist():
            return Styles()
        root = ElementTree.fromstring(self._parts.read("xl/styles.xml"))
        main = root.tag.removesuffix("styleSheet")
        codes = {f.get("numFmtId", ""): f.get("formatCode", "") for f in root.iter(f"{main}numFmt")}
        fonts, cells = root.find(f"{main}fonts"), root.find(f"{main}cellXfs")
        strikes = {
            str(i)
            for i, font in enumerate(fonts if fonts is not None else ())
            if (strike := font.find(f"{main}strike")) is not None and strike.get("val", "1") not in ("0", "false")
        }
        shown, struck = {}, set()
        for number, style in enumerate(cells if cells is not None else ()):
            identifier, key = style.get("numFmtId", "0"), str(number).encode()
            code = codes.get(identifier) or ("0%" if identifier in ("9", "10") else "")
            if (adds := shown_by(code)) is not None:
                shown[key] = adds
            if style.get("fontId") in strikes:
                struck.add(key)
        return Styles(shown, frozenset(struck))

    def grid(self, sheet: str) -> Grid:
        """A sheet as texts, with the row numbers of Excel, and what its values do not tell."""
        try:
            marks = _look_through(self._chunks(self._places[sheet]), self._styles, self._recalculates)
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError) as error:
            raise InputError(_UNREADABLE, file=self.file) from error
        if marks.stray:
            raise InputError(
                N_("In {file}, sheet {sheet}, something stands in the cell {cell}, far from the table; delete the "
                   "rows and columns that look empty, and save it."),
                file=self.file, sheet=sheet, cell=marks.stray,
            )  # fmt: skip
        return self._with_marks(sheet, marks)

    def _with_marks(self, sheet: str, marks: Marks) -> Grid:
        try:
            source = self._book.get_sheet_by_name(sheet)
            columns = _columns(source.to_python(skip_empty_area=False))
            merged = [(top[0] + 1, top[1], end[0] + 1, end[1]) for top, end in source.merged_cell_ranges or ()]
        except Exception as error:  # a part that calamine cannot make sense of
            raise InputError(_UNREADABLE, file=self.file) from error
        height = len(columns[0]) if columns else 0
        shown = {}
        for (row, column), mark in marks.texts.items():
            if column >= len(columns) or row > height:
                continue
            if isinstance(mark, Shown) and mark.in_amounts:  # which columns hold amounts, the header says
                shown[row, column] = mark
                continue
            text = columns[column][row - 1]
            columns[column][row - 1] = mark.text(text) if isinstance(mark, Shown) else mark
        uncalculated = {(r, c): formula for (r, c), formula in marks.uncalculated.items() if c < len(columns)}
        cells = pd.DataFrame({i: np.array(c, dtype=object) for i, c in enumerate(columns)})
        return Grid(
            cells, np.arange(1, height + 1), merged, uncalculated, marks.hidden_rows, marks.hidden_columns,
            sorted(marks.struck_rows), shown, self.is_hidden(sheet), self._is_1904,
        )  # fmt: skip

    def is_hidden(self, sheet: str) -> bool:
        """Whether a person does not see the sheet in Excel."""
        return sheet in self._hidden

    def _chunks(self, part: str) -> Iterator[bytes]:
        """The bytes of a sheet in pieces that end with a row; its size and checksum are proved on the way."""
        rest = b""
        with self._parts.open(part) as stream:
            while piece := stream.read(_CHUNK):
                rest += piece
                end = rest.rfind(b"</row>") + 6
                if end < 6:  # rows of another prefix: all at once
                    continue
                yield rest[:end]
                rest = rest[end:]
        yield rest


def _columns(rows: list[list[Any]]) -> list[list[str]]:
    """The cells by column, as texts."""
    width = max(map(len, rows), default=0)
    if any(len(row) != width for row in rows):
        rows = [row + [""] * (width - len(row)) for row in rows]
    return [_texts(column) for column in zip(*rows, strict=True)]


def _texts(column: tuple[Any, ...]) -> list[str]:
    known: dict[tuple[type, Any], str] = {}  # by type too, because True, 1 and 1.0 are one key
    out = []
    for cell in column:
        kind = type(cell)
        if kind is str:
            out.append(cell)
            continue
        text = known.get((kind, cell))
        if text is None:
            text = known[kind, cell] = cell_text(cell)
        out.append(text)
    return out


# --------------------------------------------------------------------------------- what the values alone do not tell


@dataclass(frozen=True)
class Styles:
    """The numbers of cell styles: those whose number format adds to a number, and those that strike it through."""

    shown: dict[bytes, Shown] = field(default_factory=dict)
    struck: frozenset[bytes] = frozenset()

    def pattern(self) -> re.Pattern[bytes] | None:
        """What finds a cell of any of these styles."""
        numbers = b"|".join(sorted({*self.shown, *self.struck}))
        return re.compile(rb"\bs=\"(?:" + numbers + rb")\"") if numbers else None


@dataclass
class Marks:
    """What stands in the XML of a sheet besides the values: cells by (row from 1, column from 0).

    `texts` are the error cells, and what the number formats of others show around their numbers.
    """

    texts: dict[tuple[int, int], str | Shown] = field(default_factory=dict)
    uncalculated: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    struck_rows: set[int] = field(default_factory=set)
    stray: str = ""


_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>(.*?)(?=<(?:\w+:)?row\b|</(?:\w+:)?sheetData>|\Z)", re.S)
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.S)
_COL = re.compile(rb"<(?:\w+:)?col\b([^>]*)/?>")
_ATTRIBUTE = re.compile(rb"(\w+)\s*=\s*[\"']([^\"']*)[\"']")
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>([^<]*)<")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>([^<]*)<)")
_WIDE = re.compile(rb"<c r=\"([A-Z]{2,3})\d+\"[^>/]*>")
_LAST = re.compile(rb"<(?:\w+:)?c r=\"([A-Z]+)(\d+)\"[^>/]*>")
_HIDDEN = re.compile(rb"hidden\s*=\s*[\"'](?:1|true)")
_NOTEWORTHY = re.compile(rb"hidden\s*=\s*[\"'](?:1|true)|t=\"e\"|<(?:\w+:)?f\b|t='e'")


def _look_through(chunks: Iterator[bytes], styles: Styles, recalculates: bool) -> Marks:
    marks = Marks()
    style = styles.pattern()
    filled, wide, last, number, is_first = 0, set(), b"", 0, True
    for chunk in chunks:
        if is_first:
            _note_columns(chunk.partition(b"<sheetData")[0], marks)
            is_first = False
        filled += chunk.count(b"<v>") + chunk.count(b"<is>")
        wide.update(_WIDE.findall(chunk))
        end = max(chunk.rfind(b"<v>"), chunk.rfind(b"<is>"))
        last = chunk[chunk.rfind(b"<c ", 0, end) : end] if end > 0 else last
        if _NOTEWORTHY.search(chunk) or (style is not None and style.search(chunk)):
            number = _note_rows(chunk, number, styles, recalculates, marks)
        else:
            number = _last_row(chunk, number)
    if (found := _LAST.search(last)) is not None:
        column = max([_column(letters) for letters in wide] + [25])
        if int(found[2]) * (column + 1) > max(_ROOMY, 50 * filled):
            letters = max([found[1], *wide], key=_column) if int(found[2]) < 500_000 else found[1]
            marks.stray = (letters + found[2]).decode()
    return marks


def _note_columns(head: bytes, marks: Marks) -> None:
    for found in _COL.findall(head):
        if _HIDDEN.search(found):
            about = dict(_ATTRIBUTE.findall(found))
            first, final = int(about[b"min"]), int(about[b"max"])
            marks.hidden_columns += range(first - 1, min(final, first + 1000))


def _last_row(chunk: bytes, number: int) -> int:
    """The number of the last row of a piece."""
    found = chunk.rfind(b"<row")
    about = dict(_ATTRIBUTE.findall(chunk[found : chunk.find(b">", found)])) if found >= 0 else {}
    return int(about[b"r"]) if b"r" in about else number + chunk.count(b"<row")


def _note_rows(chunk: bytes, number: int, styles: Styles, recalculates: bool, marks: Marks) -> int:
    for found in _ROW.finditer(chunk):
        about = dict(_ATTRIBUTE.findall(found[1]))
        number = int(about.get(b"r", number + 1))
        if about.get(b"hidden") in (b"1", b"true"):
            marks.hidden_rows.append(number)
        column = -1
        for cell in _CELL.finditer(found[2]):
            kind = dict(_ATTRIBUTE.findall(cell[1]))
            place = kind.get(b"r", b"")
            column = _column(place.rstrip(b"0123456789")) if place else column + 1
            _note_cell((number, column), kind, cell[2] or b"", styles, recalculates, marks)
    return number


def _note_cell(
    place: tuple[int, int], kind: dict[bytes, bytes], inner: bytes, styles: Styles, recalculates: bool,
    marks: Marks,
) -> None:  # fmt: skip
    formula = _FORMULA.search(inner)
    found = _VALUE.search(inner)
    value = found[1] if found else b""
    style = kind.get(b"s", b"")
    if style in styles.struck and (value or b"<is>" in inner):
        marks.struck_rows.add(place[0])
    if kind.get(b"t") == b"e":
        marks.texts[place] = value.decode() or "#ERROR!"
    elif formula and kind.get(b"t") != b"str" and (not value or (recalculates and value in (b"0", b"0.0"))):
        # XlsxWriter and openpyxl write formulas without their result, and ask Excel to calculate on opening
        marks.uncalculated[place] = "=" + html.unescape((formula[1] or b"").decode("utf-8", "replace"))
    elif value and kind.get(b"t", b"n") == b"n" and (shown := styles.shown.get(style)) is not None:
        marks.texts[place] = shown


def _column(letters: bytes) -> int:
    """A → 0, Z → 25, AA → 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
