"""Where each table stands: by what a mapping names, else by the names of files and sheets."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cs_analysis.data.reading.workbook import Workbook
from cs_analysis.data.schema import TABLES, find_saved_sheet, find_table
from cs_analysis.data.templates.marks import is_beside, mark_of
from cs_analysis.display.language import MISSING, choose
from cs_analysis.errors import N_, InputError

PART = 100_000_000  # in a table made of several places, what the row numbers of each next one are raised by


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


def assign(
    files: list[Path], books: dict[str, Workbook], mappings: Mapping[str, Any]
) -> tuple[dict[str, list[Source]], list[Source]]:
    """Table → where it stands, and the places that hold none: what the mappings name first, then by their names.

    Raises
    ------
    InputError
        When a table stands in two places, or a mapping names a place that is not there.
    """
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
            raise _twice(table.name, found[table.name][0], place, books)
        else:
            found[table.name] = [place]
    by_end: dict[str, Source] = {}
    for place in [p for p in unmatched if not p.sheet]:
        table = find_saved_sheet(place.name)
        if table is None or table.name in found:  # a file of the very name goes first
            continue
        if table.name in by_end:  # 2023-契約 and 2024-契約: neither is the one of the name
            raise _twice(table.name, by_end[table.name], place, books)
        by_end[table.name] = place
        unmatched.remove(place)
    return found | {table: [place] for table, place in by_end.items()}, unmatched


def _twice(table: str, first: Source, second: Source, books: dict[str, Workbook]) -> InputError:
    """That a table stands in two places, and which of them a person does not see in Excel."""
    places = {"table": table, "first": str(first), "second": str(second)}
    hidden = [p for p in (first, second) if p.file in books and books[p.file].is_hidden(p.sheet)]
    if len(hidden) == 1:
        return InputError(
            N_("The table {table} stands in two places, {first} and {second}, of which {hidden} is hidden in Excel; "
               "keep one of them."), **places, hidden=str(hidden[0]),
        )  # fmt: skip
    return InputError(N_("The table {table} stands in two places, {first} and {second}; keep one of them."), **places)


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
    composed = {t: unicodedata.normalize("NFC", t) for t in there}  # a Mac writes ガ as カ and its mark
    for name in [asked] if isinstance(asked, str) else asked or [""]:
        key = unicodedata.normalize("NFC", name)
        if "*" in name:
            names += [t for t, same in composed.items() if fnmatchcase(same, key)]
        if "*" not in name or not names:
            names.append(next((t for t, same in composed.items() if same == key), name))
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
