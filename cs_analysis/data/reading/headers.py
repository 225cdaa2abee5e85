"""The headers by which a table is known, and what was found in reading it, before there are any problems to add to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cs_analysis.data.parse_dates import is_month
from cs_analysis.data.schema import Column, Table, find_column, normalise


@dataclass(frozen=True)
class Finding:
    """What was found in reading a table; `rows` None = the table as a whole. Messages are those of a problem."""

    severity: str
    problem: str
    action: str = ""
    rows: tuple[int, ...] | None = None
    column: str = ""
    values: tuple[str, ...] | None = None
    fields: dict[str, Any] = field(default_factory=dict)


class Headers:
    """Which texts are headers of a table: the schema's, those that a mapping names, and months in the wide form."""

    def __init__(
        self, table: Table, columns: Mapping[str, str] | None = None, others: Iterable[str] = (), *,
        units_given: bool = False, over_rows: bool = False, patterns: Iterable[str] = (),
    ) -> None:  # fmt: skip
        """`columns` are their header → our name, `others` what else the mapping names, by their header.

        `units_given`: the mapping says in which unit the amounts are. `over_rows`: a record may go over several rows,
        most of their cells blank. `patterns` are those of further headers.
        """
        self._patterns = [re.compile(p) for p in patterns]
        self.table, self.units_given, self.over_rows = table, units_given, over_rows
        self._mapped = {normalise(name): name for name in others}
        self._mapped |= {normalise(theirs): ours for theirs, ours in (columns or {}).items()}

    def known(self, text: object) -> str:
        """What a header means: the name of our column, else what a mapping names; "" = not known."""
        if not str(text).strip():
            return ""
        column = self.column(text)
        if column is not None:
            return column.name
        key = normalise(text)
        if key in self._mapped or (self.table.name == "mrr_months" and is_month(str(text))):
            return key
        return key if any(p.fullmatch(key) for p in self._patterns) else ""

    def column(self, text: object) -> Column | None:
        """The column of the schema that a header means."""
        mapped = self._mapped.get(normalise(text))
        return find_column(self.table, text if mapped is None else mapped)

    def count(self, texts: Iterable[object]) -> int:
        """How many of the texts are different headers of the table."""
        return len({k for t in texts if (k := self.known(t))})

    def kind(self, header: str) -> str:
        """The type of the column under a header; "" for a custom variable."""
        column = self.column(header)
        if column is None and self.known(header) and is_month(header):
            return "money"
        return column.type if column is not None else ""
