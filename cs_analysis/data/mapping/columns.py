"""Which column of a client's file a mapping means, by their header or ours, and the names that it gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import pandas as pd

from cs_analysis.data.mapping.keys import TableMapping
from cs_analysis.data.problems import ERROR, Problems
from cs_analysis.data.reading.read import ROW, Source
from cs_analysis.data.schema import Table, find_column, normalise
from cs_analysis.display.language import choose
from cs_analysis.errors import N_, InputError


class Columns:
    """The columns of a file under a mapping; `headers` are their header → the name it now has."""

    def __init__(self, table: Table, source: Source, headers: dict[str, str]) -> None:
        self.table, self.source, self.headers = table, source, headers

    def find(self, frame: pd.DataFrame, name: str) -> str | None:
        """The column that a name means, None when there is none."""
        columns = [c for c in frame.columns if c != ROW]
        wanted, ours = normalise(name), find_column(self.table, name)
        exact = [c for c in (name, self.headers.get(name)) if c in columns]
        same = [c for c in columns if normalise(c) == wanted]
        meant = [c for c in columns if ours is not None and find_column(self.table, c) is ours]
        return next(iter([*exact, *same, *meant]), None)

    def locate(self, frame: pd.DataFrame, name: str) -> str:
        """The column of that name, or an error with what the file has."""
        found = self.find(frame, name)
        if found is None:
            raise lacks(self.table, self.source, name, self.headers)
        return found

    def new(self, frame: pd.DataFrame, name: str) -> str:
        """The canonical name of a column to be made, or an error when the file has it already."""
        found = self.find(frame, name)
        if found is not None:
            raise InputError(
                N_("The mapping of {table} makes the column {name!r}, but {where} already has {found!r}; keep one."),
                table=self.table.name, name=name, where=str(self.source), found=found,
            )  # fmt: skip
        ours = find_column(self.table, name)
        return ours.name if ours else name

    def theirs(self, column: str) -> str:
        """What the client calls a column."""
        return next((header for header, name in self.headers.items() if name == column), column)

    def of_cells(self, frame: pd.DataFrame, column: str) -> pd.Series:
        """What the client calls the column of each cell: that of its month, where each month had a column."""
        one = pd.Series(self.theirs(column), index=frame.index)
        if self.table.name != "mrr_months" or column != "mrr" or "month" not in frame:
            return one
        return frame["month"].where(frame["month"].isin(list(self.headers)), one)


def lacks(table: Table, source: Source, name: str, headers: Iterable[str]) -> InputError:
    """What to say when a mapping names a column that the file does not have."""
    return InputError(
        N_("The mapping of {table} names the column {name!r}, which {where} does not have; {choice}."),
        table=table.name, name=name, where=str(source), choice=choose(name, list(headers)),
    )  # fmt: skip


def undecided(frame: pd.DataFrame, mapping: TableMapping) -> pd.DataFrame:
    """The frame without repeated headers (“memo (2)”) that the mapping names: which one is meant is decided then."""
    named = {normalise(name) for name in (*mapping.columns, *mapping.ignore)}
    repeated = [c for c in frame.columns if re.search(r" \(\d+\)$", str(c))]
    return frame.drop(columns=[c for c in repeated if normalise(c) in named])


def unwanted(frame: pd.DataFrame, ignore: list[str], table: Table, source: Source, others: Sequence[str]) -> list[str]:
    """The columns that nobody wants; one that only `others`, the further files of the table, have is no slip."""
    headers = [c for c in frame.columns if c != ROW]
    gone: list[str] = []
    for name in ignore:
        meant = [c for c in headers if fnmatchcase(normalise(c), normalise(name))]
        if not meant and not any(fnmatchcase(normalise(c), normalise(name)) for c in others):
            raise lacks(table, source, name, headers)
        gone += meant
    return list(dict.fromkeys(gone))


def renamed(
    frame: pd.DataFrame, columns: dict[str, str], table: Table, source: Source, others: Sequence[str],
    problems: Problems,
) -> tuple[pd.DataFrame, Columns]:  # fmt: skip
    """The frame under the mapped names; a header that only `others` have leaves its column to another one here."""
    headers = {c: c for c in frame.columns if c != ROW}
    by_spelling = {normalise(c): c for c in reversed(headers)}
    elsewhere = {normalise(c) for c in others}
    chosen: dict[str, str] = {}
    missing: dict[str, str] = {}
    for theirs, target in columns.items():
        header = theirs if theirs in headers else by_spelling.get(normalise(theirs))
        ours = find_column(table, target)
        name = ours.name if ours else target.strip()
        if header is None and normalise(theirs) in elsewhere:
            missing[theirs] = name
            continue
        if header is None:
            raise lacks(table, source, theirs, headers)
        if chosen.setdefault(header, name) != name:
            raise InputError(
                N_("The mapping of {table} gives the column {header!r} of {where} two names, {first} and {second}; "
                   "keep one."),
                table=table.name, header=header, where=str(source), first=chosen[header], second=name,
            )  # fmt: skip
        headers[header] = name
    meaning = {}
    mapped = {headers[h] for h in headers if headers[h] != h}
    for header, name in headers.items():
        ours = find_column(table, name)
        key = ours.name if ours else name
        if key in meaning and (key in mapped or name in mapped):
            raise InputError(
                N_("In {where}, both {first!r} and {second!r} mean {column}; map one of them to another name."),
                where=str(source), first=meaning[key], second=header, column=key,
            )  # fmt: skip
        meaning[key] = header
    for theirs, name in ((theirs, name) for theirs, name in missing.items() if name not in meaning):
        problems.add(
            ERROR, source, N_("The header “{header}” ({name}) is in another file of this table, but not in this one."),
            N_("Map the header that this file has for {name}, or give the file that column; it has: {there}."),
            column=theirs, header=theirs, name=name, there=", ".join(headers),
        )  # fmt: skip
    return frame.rename(columns=headers), Columns(table, source, headers)
