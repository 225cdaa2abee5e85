"""From a data folder to the client's tables as text: which file or sheet holds which table, and what stands in it.

Everything is read as text first, so that an id `NA`, a leading zero or an 18-digit number survives; types come later.
A table is a frame of texts ("" = empty cell) with the client's own headers and the column `__row__`, the row number
that the client sees in Excel.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.schema import TABLES, find_table
from cs_analysis.display.language import MISSING, choose
from cs_analysis.errors import N_, InputError

ROW = "__row__"
PART = 100_000_000  # in a table made of several places, what the row numbers of each next one are raised by
TEXT_FILES = (".csv", ".tsv", ".txt")
KNOWN_FILES = (*TEXT_FILES, ".parquet", ".xlsx", ".xlsm")


@dataclass(frozen=True)
class Source:
    """Where a table stands: its file, and its sheet in a workbook; or several of them, as `parts`."""

    file: str
    sheet: str = ""
    parts: tuple[Source, ...] = ()

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
    """A table as the client wrote it; `others` are the further places of a table that stands in several."""

    table: str
    source: Source
    frame: pd.DataFrame
    others: tuple[Raw, ...] = ()


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
    files = (f for f in folder.iterdir() if f.is_file() and f.suffix.lower() in KNOWN_FILES)
    return sorted((f for f in files if not f.name.startswith(("~$", "."))), key=lambda f: f.name)


def fingerprints(files: list[Path]) -> dict[str, str]:
    """File name → sha256 of its content."""
    return {f.name: hashlib.sha256(_bytes(f)).hexdigest() for f in files}


def read_tables(folder: Path, mappings: Mapping[str, Any] | None = None) -> Reading:
    """Read every table of a folder as text.

    Parameters
    ----------
    folder
        One file per table (`contracts.csv`, `契約.parquet`), or workbooks with one sheet per table.
    mappings
        Table → its mapping in the client file; `file`, `sheet` and `header_row` of it say where the table stands.

    Errors
    ------
    InputError for a file that is empty or cannot be read, a file or sheet that a mapping names and that is not
    there, and a table that stands in two places.
    """
    files = data_files(folder)
    mappings = mappings or {}
    books = {f.name: Workbook(f) for f in files if f.suffix.lower() in (".xlsx", ".xlsm")}
    sources, unmatched = _assign(files, books, mappings)
    tables = {}
    for table in (t for t in TABLES if t in sources):
        header_row = getattr(mappings.get(table), "header_row", None)
        first, *others = [Raw(table, s, _read(folder / s.file, s, books, header_row)) for s in sources[table]]
        tables[table] = replace(first, others=tuple(others))
    return Reading(tables, tuple(unmatched), fingerprints(files))


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
        table = find_table(place.sheet or Path(place.file).stem)
        if table is None and _only_sheet(place, books):
            table = find_table(Path(place.file).stem)
        if table is None or table.name in taken:
            unmatched.append(place)
        elif table.name in found:
            raise InputError(
                N_("The table {table} stands in two places, {first} and {second}; keep one of them."),
                table=table.name, first=str(found[table.name][0]), second=str(place),
            )  # fmt: skip
        else:
            found[table.name] = [place]
    return found, unmatched


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


def _read(path: Path, source: Source, books: dict[str, Workbook], header_row: int | None) -> pd.DataFrame:
    if path.suffix.lower() == ".parquet":
        return read_parquet(path)
    if source.file in books:
        return _with_header(books[source.file].grid(source.sheet), source, header_row)
    return read_csv(path, header_row=header_row)


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


# -------------------------------------------------------------------------------------------------------- text files


def decode(content: bytes, file: str) -> str:
    """The text of a file: by its byte order mark, else UTF-16 if it looks so, else strict UTF-8, else cp932."""
    if content.startswith(codecs.BOM_UTF8):
        encodings = ["utf-8-sig"]
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif b"\0" in content[:2000]:
        encodings = ["utf-16-be" if content[:1] == b"\0" else "utf-16-le"]
    else:
        encodings = ["utf-8", "cp932"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and not (encoding == "cp932" and _looks_like_euc(content, text)):
            return text
    raise InputError(N_("The file {file} is not text that can be read; save it as CSV UTF-8."), file=file)


def _looks_like_euc(content: bytes, text: str) -> bool:
    """Whether what cp932 reads as half-width katakana would be sound EUC-JP: refused rather than read as rubbish."""
    foreign = [letter for letter in text[:100_000] if letter > "\x7f"]
    if 2 * sum("\uff61" <= letter <= "\uff9f" for letter in foreign) <= len(foreign):
        return False
    try:
        content.decode("euc_jp")
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(text: str) -> str:
    """The delimiter of the first line that has one, outside quotes; a comma where none has."""
    for line in text[:20_000].splitlines()[:20]:
        bare = "".join(line.split('"')[::2])
        counts = {d: bare.count(d) for d in ",\t;"}
        best = max(counts, key=lambda d: counts[d])
        if counts[best]:
            return best
    return ","


def read_csv(path: Path, *, header_row: int | None = None) -> pd.DataFrame:
    """A delimited text file as texts, with its headers and row numbers."""
    text = decode(_bytes(path), path.name)
    if not text.strip("\ufeff \t\r\n,;"):
        raise InputError(N_("The file {file} is empty; fill it in or remove it."), file=path.name)
    try:
        grid = pd.read_csv(
            io.StringIO(text), sep=_delimiter(text), header=None, dtype=str, na_filter=False, skip_blank_lines=False,
            skiprows=(header_row or 1) - 1, quoting=csv.QUOTE_MINIMAL,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(
            N_("The file {file} cannot be read as a table ({reason}); save it as CSV UTF-8 again."),
            file=path.name, reason=_plain(str(error)),
        ) from None  # fmt: skip
    grid.insert(0, ROW, np.arange(header_row or 1, (header_row or 1) + len(grid)))
    return _with_header(grid, Source(path.name), header_row)


def _plain(reason: str) -> str:
    """The parser's own words without their prefix."""
    return reason.split("C error: ")[-1].strip().rstrip(".")


# ------------------------------------------------------------------------------------------- typed cells into text


def cell_text(value: object) -> str:
    """A typed cell as text, without loss: whole numbers without a point, days and times in ISO form.

    >>> cell_text(120.0), cell_text(0.1), cell_text(datetime(2024, 4, 1)), cell_text(True), cell_text(None)
    ('120', '0.1', '2024-04-01', 'TRUE', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(value)


class Workbook:
    """An Excel workbook, opened once; its sheets are read when asked for."""

    def __init__(self, path: Path) -> None:
        from python_calamine import CalamineError, CalamineWorkbook

        self.file = path.name
        content = _bytes(path)
        try:
            self._book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        except (CalamineError, ValueError, OSError) as error:
            raise InputError(
                N_("The file {file} cannot be read as an Excel workbook; open it in Excel and save it as .xlsx, "
                   "without a password."),
                file=path.name,
            ) from error  # fmt: skip
        self.sheets: list[str] = list(self._book.sheet_names)

    def grid(self, sheet: str) -> pd.DataFrame:
        """A sheet as texts, with the row numbers of Excel."""
        rows = self._book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        grid = pd.DataFrame([[cell_text(cell) for cell in row] for row in rows], dtype=object)
        grid.insert(0, ROW, np.arange(1, len(grid) + 1))
        return grid


def read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet file as texts; its rows are numbered as in a CSV, whose first row is the header."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError):
        raise InputError(N_("The file {file} cannot be read as Parquet; write it again."), file=path.name) from None
    frame = pd.DataFrame({name: _texts(table.column(i)) for i, name in enumerate(_distinct(table.column_names))})
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


# ------------------------------------------------------------------------------------------------------------ header


def _with_header(grid: pd.DataFrame, source: Source, header_row: int | None) -> pd.DataFrame:
    """The first row that is not blank (or the one named) becomes the header; blank rows and columns go."""
    body = grid.drop(columns=ROW)
    filled = (body != "").any(axis=1) if len(body.columns) else pd.Series(False, index=body.index)
    if header_row is not None:
        filled &= grid[ROW] >= header_row
    if not filled.any():
        raise InputError(N_("{place} is empty; fill it in or remove it."), place=str(source))
    header = int(filled.to_numpy().argmax())
    names = [str(h).strip().lstrip("\ufeff") for h in body.iloc[header]]
    rows = filled.to_numpy().copy()
    rows[: header + 1] = False
    frame = body if rows.all() else body[rows]
    keep = [i for i, name in enumerate(names) if name or (frame.iloc[:, i] != "").any()]
    frame = frame.iloc[:, keep].reset_index(drop=True)
    frame.columns = _distinct([names[i] or f"column {i + 1}" for i in keep])
    frame.insert(0, ROW, grid[ROW].to_numpy()[rows])
    return frame


def _distinct(names: list[str]) -> list[str]:
    """Headers made distinct: the second "memo" becomes "memo (2)"."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out
