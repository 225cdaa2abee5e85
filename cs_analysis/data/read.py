"""From a data folder to the client's tables as text: which file or sheet holds which table, and what stands in it.

Everything is read as text first, so that an id `NA`, a leading zero or an 18-digit number survives; types come later.
A table is a frame of texts ("" = empty cell) with the client's own headers and the column `__row__`, the row number
that the client sees in Excel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.cells import ROW, cell_text
from cs_analysis.data.headers import Finding, Headers
from cs_analysis.data.large import LargeFile, is_large, open_large
from cs_analysis.data.marks import is_beside, mark_of
from cs_analysis.data.schema import TABLES, find_saved_sheet, find_table
from cs_analysis.data.sheets import distinct, tabulate
from cs_analysis.data.textfile import read_text
from cs_analysis.data.workbook import Workbook
from cs_analysis.display.language import MISSING, choose
from cs_analysis.errors import N_, InputError

_FIRST_ROWS = 30  # among which the header of a file that nobody has mapped is looked for
PART = 100_000_000  # in a table made of several places, what the row numbers of each next one are raised by
TEXT_FILES = (".csv", ".tsv", ".txt")
KNOWN_FILES = (*TEXT_FILES, ".parquet", ".xlsx", ".xlsm")
OTHER_SPREADSHEETS = (".xls", ".xlsb", ".ods", ".numbers", ".xlt", ".xltx", ".gsheet")


@dataclass(frozen=True)
class Source:
    """Where a table stands: its file, and its sheet in a workbook; or several of them, as `parts`."""

    file: str
    sheet: str = ""
    parts: tuple[Source, ...] = ()

    @property
    def name(self) -> str:
        """What names the table: the sheet's name, or the file's without its ending."""
        return self.sheet or Path(self.file).stem

    @classmethod
    def of(cls, parts: Sequence[Source]) -> Source:
        """The one place of a table, or several as one."""
        if len(parts) == 1:
            return parts[0]
        names = list(dict.fromkeys(str(part) for part in parts))
        return cls(", ".join(names[:3]) + (", …" if len(names) > 3 else ""), parts=tuple(parts))

    def place(self, row: int) -> tuple[Source, int]:
        """The file or sheet in which a row of the table stands, and its number there."""
        part, number = divmod(row, PART)
        return (self.parts[part], number) if self.parts else (self, row)

    def row(self, place: Source, number: int) -> int | None:
        """The row of the table that stands in a place under that number; None when the place is not a part of it."""
        if not self.parts:
            return number if place == self else None
        return self.parts.index(place) * PART + number if place in self.parts else None

    def __str__(self) -> str:
        return f"{self.file} [{self.sheet}]" if self.sheet else self.file


@dataclass(frozen=True)
class Raw:
    """A table as the client wrote it; `others` are the further places of a table that stands in several.

    `findings` are what was left out of the frame, or could not be read, on the way from the file. `large` holds all
    the rows where the frame holds their representatives only.
    """

    table: str
    source: Source
    frame: pd.DataFrame
    others: tuple[Raw, ...] = ()
    findings: tuple[Finding, ...] = ()
    large: LargeFile | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Reading:
    """What a folder holds: the tables found, the files and sheets that match none, and the hash of each file."""

    tables: dict[str, Raw]
    unmatched: tuple[Source, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)


def data_files(folder: Path) -> list[Path]:
    """The files of a data folder that may hold tables, in the order of their names.

    Excel's lock files (`~$…`) and hidden files are left out.
    """
    if not folder.is_dir():
        raise InputError(N_("There is no data folder {folder}; give the folder that holds the tables."), folder=folder)
    there = [f for f in folder.iterdir() if f.is_file() and not f.name.startswith(("~$", "."))]
    for file in sorted(f for f in there if f.suffix.lower() in OTHER_SPREADSHEETS):
        raise InputError(
            N_("The file {file} is a spreadsheet of a kind that is not read; save it as .xlsx, or remove it."),
            file=file.name,
        )  # fmt: skip
    return sorted((f for f in there if f.suffix.lower() in KNOWN_FILES), key=lambda f: f.name)


def _unread_files(folder: Path) -> list[Source]:
    """Files of other kinds that carry the name of a table (`usage.csv.zip`, `契約.json`): told, as sheets are."""
    names = sorted(f.name for f in folder.iterdir() if f.is_file() and f.suffix.lower() not in KNOWN_FILES)
    return [Source(n) for n in names if not n.startswith((".", "~$")) and find_table(n.split(".")[0]) is not None]


def fingerprints(files: list[Path]) -> dict[str, str]:
    """File name → sha256 of its content."""
    return {f.name: _hash(f) for f in files}


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return hashlib.sha256(_bytes(path)).hexdigest()  # says why it cannot be opened


def read_tables(folder: Path, mappings: Mapping[str, Any] | None = None, *, large: bool = False) -> Reading:
    """Read every table of a folder as text.

    Parameters
    ----------
    folder
        One file per table (`contracts.csv`, `契約.parquet`), or workbooks with one sheet per table.
    mappings
        Table → its mapping in the client file; `file`, `sheet` and `header_row` of it say where the table stands.
    large
        Whether the rows of a file too large for memory may stay in DuckDB.

    Errors
    ------
    InputError for a file that is empty or cannot be read, a file or sheet that a mapping names and that is not
    there, and a table that stands in two places.
    """
    files = data_files(folder)
    mappings = mappings or {}
    books = {f.name: Workbook(_bytes(f), f.name) for f in files if f.suffix.lower() in (".xlsx", ".xlsm")}
    sources, unmatched = _assign(files, books, mappings)
    tables = {}
    for table in (t for t in TABLES if t in sources):
        raw = _read_large(folder, table, sources[table], mappings.get(table)) if large else None
        if raw is not None:
            tables[table] = raw
            continue
        first, *others = [_read(folder / s.file, table, s, books, mappings.get(table)) for s in sources[table]]
        tables[table] = replace(first, others=tuple(others))
    return Reading(tables, (*unmatched, *_unread_files(folder)), fingerprints(files))


def _assign(
    files: list[Path], books: dict[str, Workbook], mappings: Mapping[str, Any]
) -> tuple[dict[str, list[Source]], list[Source]]:
    """Table → where it stands: what the mappings name first, then names of files and sheets."""
    places = [
        s
        for f in files
        for s in ([Source(f.name, n) for n in books[f.name].sheets] if f.name in books else [Source(f.name)])
    ]
    taken = {t: _named(t, m, places, books) for t, m in mappings.items() if t in TABLES and _names_a_place(m)}
    found: dict[str, list[Source]] = dict(taken)
    unmatched = []
    for place in places:
        if any(place in named for named in taken.values()):
            continue
        table = find_table(place.name)
        if table is None and _only_sheet(place, books):
            table = find_table(Path(place.file).stem)
        if table is None or table.name in taken:
            unmatched.append(place)
        elif table.name in found and _is_blank_form(place, books):
            continue
        elif table.name in found and not _is_blank_form(found[table.name][0], books):
            raise InputError(
                N_("The table {table} stands in two places, {first} and {second}; keep one of them."),
                table=table.name, first=str(found[table.name][0]), second=str(place),
            )  # fmt: skip
        else:
            found[table.name] = [place]
    for place in [p for p in unmatched if not p.sheet]:
        table = find_saved_sheet(place.name)
        if table is not None and table.name not in found:  # a file of the very name goes first
            found[table.name] = [place]
            unmatched.remove(place)
    return found, unmatched


def _is_blank_form(place: Source, books: dict[str, Workbook]) -> bool:
    """Whether a place is a sheet of a template that nobody filled in: its table may stand elsewhere."""
    if place.file not in books or not any(is_beside(sheet) for sheet in books[place.file].sheets):
        return False
    rows = [[text for text in row if str(text).strip()] for row in books[place.file].grid(place.sheet).cells.to_numpy()]
    return all(any(mark_of(text) for text in row) for row in [row for row in rows if row][1:])


def _names_a_place(mapping: Any) -> bool:
    return bool(getattr(mapping, "file", None) or getattr(mapping, "sheet", None))


def _only_sheet(place: Source, books: dict[str, Workbook]) -> bool:
    return place.file in books and len(books[place.file].sheets) == 1


def _named(table: str, mapping: Any, places: list[Source], books: dict[str, Workbook]) -> list[Source]:
    """The places that a mapping names, file by file and sheet by sheet; a `*` stands for any letters."""
    files = _expanded(getattr(mapping, "file", None), [p.file for p in places])
    found = []
    for file in files:
        sheets = [p.sheet for p in places if file in ("", p.file) and p.sheet]
        for sheet in _expanded(getattr(mapping, "sheet", None), sheets):
            found.append(_one_named(table, file, sheet, places, books))
    return list(dict.fromkeys(found))


def _expanded(asked: str | list[str] | None, there: list[str]) -> list[str]:
    """The names asked for, with a `*` put into the names that are there; the pattern itself where none fits."""
    names: list[str] = []
    for name in [asked] if isinstance(asked, str) else asked or [""]:
        names += [t for t in dict.fromkeys(there) if fnmatchcase(t, name)] if "*" in name else []
        if "*" not in name or not names:
            names.append(name)
    return names


def _one_named(table: str, file: str, sheet: str, places: list[Source], books: dict[str, Workbook]) -> Source:
    """The place of that file and sheet ("" = not named), or an error that says what is there instead."""
    names = sorted({p.file for p in places})
    if file and file not in names:
        raise InputError(
            N_("The mapping of {table} names the file {file}, which is not in the data folder; {choose}."),
            table=table, file=file, choose=choose(file, names),
        )  # fmt: skip
    if sheet and not any(p.sheet for p in places if file in ("", p.file)):
        raise InputError(
            N_("The mapping of {table} names the sheet {sheet}, but there is no Excel workbook: {files}."),
            table=table, sheet=sheet, files=file or ", ".join(names) or MISSING,
        )  # fmt: skip
    fits = [p for p in places if file in ("", p.file) and sheet in ("", p.sheet)]
    if not fits:
        sheets = [p.sheet for p in places if file in ("", p.file) and p.sheet]
        raise InputError(
            N_("The mapping of {table} names the sheet {sheet}, which {file} does not have; {choose}."),
            table=table, sheet=sheet, file=file or " / ".join(sorted(books)), choose=choose(sheet, sheets),
        )  # fmt: skip
    if len(fits) > 1:
        by_name = [p for p in fits if (t := find_table(p.sheet)) and t.name == table]
        if len(by_name) != 1:
            raise InputError(
                N_("The mapping of {table} must say which sheet of {file} to read: {sheets}."),
                table=table, file=file or " / ".join(names), sheets=", ".join(str(p) for p in fits),
            )  # fmt: skip
        return by_name[0]
    return fits[0]


def _read(path: Path, table: str, source: Source, books: dict[str, Workbook], mapping: Any) -> Raw:
    """A table as it stands in one place, and what was found in reading it."""
    if path.suffix.lower() == ".parquet":
        return Raw(table, source, read_parquet(path))
    named = mapping.names() if mapping is not None else ()
    units_given = bool(getattr(mapping, "units", None))
    headers = Headers(TABLES[table], getattr(mapping, "columns", None), named, units_given=units_given)
    if source.file in books:
        grid = books[source.file].grid(source.sheet)
    else:
        grid = read_text(_bytes(path), path.name, headers.count)
    frame, findings = tabulate(grid, str(source), headers, getattr(mapping, "header_row", None))
    return Raw(table, source, frame, findings=tuple(findings))


def read_place(folder: Path, source: Source, tables: Mapping[str, Sequence[str]]) -> dict[str, Raw]:
    """One file or sheet, read as each table that its first rows suggest.

    `tables` are those that it may hold, each with patterns of headers by which it may be known besides our own.
    """
    path = folder / source.file
    if path.suffix.lower() == ".parquet":
        return {table: Raw(table, source, read_parquet(path)) for table in tables}
    headers = {table: Headers(TABLES[table], patterns=words) for table, words in tables.items()}

    def count(texts: list[str]) -> int:
        return max(h.count(texts) for h in headers.values())

    is_book = path.suffix.lower() in (".xlsx", ".xlsm")
    book = Workbook(_bytes(path), path.name) if is_book else None
    grid = book.grid(source.sheet) if book is not None else read_text(_bytes(path), path.name, count)
    first = [[str(cell) for cell in row] for row in grid.cells.head(_FIRST_ROWS).itertuples(index=False)]
    like = [table for table, h in headers.items() if any(h.count(row) > 1 for row in first)]
    return {table: Raw(table, source, tabulate(grid, str(source), headers[table])[0]) for table in like}


def _read_large(folder: Path, table: str, sources: list[Source], mapping: Any) -> Raw | None:
    """The representatives of a table that is too large for memory; None for any other."""
    source = sources[0]
    path = folder / source.file
    if len(sources) > 1 or not is_large(path, table, mapping):
        return None
    headers = Headers(TABLES[table])
    opened = open_large(path, headers)
    if opened is None:
        return None
    frame, findings = tabulate(opened.representatives(), str(source), headers)
    return Raw(table, source, frame, findings=tuple(findings), large=opened)


def _bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            N_("The file {file} cannot be opened ({reason}); close it elsewhere and check its permissions."),
            file=path.name, reason=error.strerror or type(error).__name__,
        ) from None  # fmt: skip
    if not content:
        raise InputError(N_("The file {file} is empty; fill it in or remove it."), file=path.name)
    return content


# ----------------------------------------------------------------------------------------------------------- Parquet


def read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet file as texts; its rows are numbered as in a CSV, whose first row is the header."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError):
        raise InputError(N_("The file {file} cannot be read as Parquet; write it again."), file=path.name) from None
    frame = pd.DataFrame({name: _texts(table.column(i)) for i, name in enumerate(distinct(table.column_names))})
    frame.insert(0, ROW, np.arange(2, len(frame) + 2))
    return frame


def _texts(column: Any) -> pd.Series:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if (
        pa.types.is_integer(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_date(kind)
    ):
        return pc.fill_null(column.cast(pa.string()), "").to_pandas()
    return pd.Series([cell_text(v) for v in column.to_pylist()], dtype=object)
