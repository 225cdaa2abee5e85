"""From a data folder to the client's tables as text: which file or sheet holds which table, and what stands in it.

Everything is read as text first, so that an id `NA`, a leading zero or an 18-digit number survives; types come later.
A table is a frame of texts ("" = empty cell) with the client's own headers and the column `__row__`, the row number
that the client sees in Excel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cs_analysis.data.reading.cells import ROW as ROW
from cs_analysis.data.reading.cells import Grid
from cs_analysis.data.reading.cells import cell_text as cell_text
from cs_analysis.data.reading.headers import Finding, Headers
from cs_analysis.data.reading.large import LargeFile, is_large, open_large
from cs_analysis.data.reading.parquet import read_parquet
from cs_analysis.data.reading.places import PART as PART
from cs_analysis.data.reading.places import Source, assign
from cs_analysis.data.reading.sheets import tabulate
from cs_analysis.data.reading.textfile import read_text
from cs_analysis.data.reading.workbook import Workbook
from cs_analysis.data.schema import TABLES, find_table
from cs_analysis.errors import N_, InputError

_FIRST_ROWS = 30  # among which the header of a file that nobody has mapped is looked for
TEXT_FILES = (".csv", ".tsv", ".txt")
KNOWN_FILES = (*TEXT_FILES, ".parquet", ".xlsx", ".xlsm")
OTHER_SPREADSHEETS = (".xls", ".xlsb", ".ods", ".numbers", ".xlt", ".xltx", ".gsheet")


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
    sources, unmatched = assign(files, books, mappings)
    tables = {}
    for table in (t for t in TABLES if t in sources):
        raw = _read_large(folder, table, sources[table], mappings.get(table)) if large else None
        if raw is not None:
            tables[table] = raw
            continue
        first, *others = [_read(folder / s.file, table, s, books, mappings.get(table)) for s in sources[table]]
        tables[table] = replace(first, others=tuple(others))
    return Reading(tables, (*unmatched, *_unread_files(folder)), fingerprints(files))


def _read(path: Path, table: str, source: Source, books: dict[str, Workbook], mapping: Any) -> Raw:
    """A table as it stands in one place, and what was found in reading it."""
    named = mapping.names() if mapping is not None else ()
    headers = Headers(
        TABLES[table], getattr(mapping, "columns", None), named, units_given=bool(getattr(mapping, "units", None)),
        over_rows=bool(getattr(mapping, "fill_down", None)),
    )  # fmt: skip
    grid = _grid(path, source, books, headers.count)
    frame, findings = tabulate(grid, str(source), headers, getattr(mapping, "header_row", None))
    return Raw(table, source, frame, findings=tuple(findings))


def _grid(path: Path, source: Source, books: Mapping[str, Workbook], count_known: Callable[[list[str]], int]) -> Grid:
    """The cells of a file or a sheet, whatever its kind."""
    if path.suffix.lower() == ".parquet":
        return read_parquet(path)
    if source.file in books:
        return books[source.file].grid(source.sheet)
    return read_text(_bytes(path), path.name, count_known)


def read_place(folder: Path, source: Source, tables: Mapping[str, Sequence[str]]) -> dict[str, Raw]:
    """One file or sheet, read as each table that its first rows suggest.

    `tables` are those that it may hold, each with patterns of headers by which it may be known besides our own.
    """
    path = folder / source.file
    headers = {table: Headers(TABLES[table], patterns=words) for table, words in tables.items()}
    is_book = path.suffix.lower() in (".xlsx", ".xlsm")
    books = {source.file: Workbook(_bytes(path), path.name)} if is_book else {}
    grid = _grid(path, source, books, lambda texts: max(h.count(texts) for h in headers.values()))
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
