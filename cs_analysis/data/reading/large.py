"""A text file of time entries too large for memory: its different values are read, its rows stay in DuckDB.

Every table goes through the same steps, whatever its size. Of a large one only *representatives* go: for each different
value of each column the first row that holds it. They carry their own row numbers, so that faults are named as usual;
what was found of the values is then joined back to all rows, inside DuckDB and on disk.
"""

from __future__ import annotations

import csv
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from cs_analysis.data.parse import parse
from cs_analysis.data.reading.cells import Grid
from cs_analysis.data.reading.headers import Headers
from cs_analysis.data.reading.textfile import read_text
from cs_analysis.data.schema import TABLES, find_column
from cs_analysis.errors import N_, InputError

LARGE = 200_000_000  # bytes from which a file is read in this way
TABLE = "time_entries"
_HEAD = 50_000
_MEMORY = "300MB"


def is_large(path: Path, table: str, mapping: Any) -> bool:
    """Whether a table is read in this way: time entries as text, under their own headers, without a mapping."""
    return table == TABLE and mapping is None and path.suffix.lower() == ".csv" and path.stat().st_size >= LARGE


class LargeFile:
    """The rows of a large text file in a DuckDB file of its own, and their representatives."""

    def __init__(self, path: Path, delimiter: str, labels: list[str]) -> None:
        self.file, self.labels = path.name, labels
        self._place = tempfile.TemporaryDirectory(prefix="cs-analysis-")
        self.connection = duckdb.connect(str(Path(self._place.name) / "rows.duckdb"))
        self.connection.execute(f"set memory_limit = '{_MEMORY}'; set threads = 2; set preserve_insertion_order = true")
        names = {f"c{i}": "VARCHAR" for i in range(len(labels))}
        columns = ", ".join(f"coalesce({name}, '') as {name}" for name in names)
        try:
            self.connection.execute(
                f"create table rows as select row_number() over () + 1 as row, {columns} from read_csv(?,"
                f" header = false, skip = 1, delim = ?, quote = '\"', escape = '\"', columns = {names},"
                " auto_detect = false, null_padding = true, parallel = false)",
                [str(path), delimiter],
            )
        except duckdb.Error:
            raise InputError(
                N_("The file {file} cannot be read as a table; save it as CSV UTF-8 again."), file=path.name
            ) from None
        self.rows = self._one("select count(*) from rows")

    def _one(self, query: str, *values: Any) -> Any:
        found = self.connection.execute(query, list(values)).fetchone()
        return found[0] if found else None

    def representatives(self) -> Grid:
        """The header, and the first row of each different value of each column."""
        known = [i for i, label in enumerate(self.labels) if find_column(TABLES[TABLE], label) is not None]
        firsts = " union ".join(f"select min(row) as row from rows group by c{i}" for i in known)
        frame = self.connection.execute(f"select * from rows where row in ({firsts}) order by row").df()
        cells = pd.DataFrame([self.labels, *frame.drop(columns="row").to_numpy()], dtype=object)
        return Grid(cells, np.concatenate([[1], frame["row"]]), is_part=True)

    def accounts(self) -> pd.DataFrame:
        """The different account ids: `text` as they are written, `account_id` as they are read."""
        label = next((lb for lb in self.labels if self._name(lb) == "account_id"), None)
        texts = self._distinct(self.labels.index(label)) if label is not None else pd.Series(dtype=object)
        return pd.DataFrame({"text": texts, "account_id": parse(texts, "id").values})

    def _distinct(self, column: int) -> pd.Series:
        return self.connection.execute(f"select distinct c{column} as text from rows").df()["text"].astype(object)

    @staticmethod
    def _name(label: str) -> str:
        column = find_column(TABLES[TABLE], label)
        return column.name if column is not None else label

    def table(self, as_of: date, accounts: pd.DataFrame) -> tuple[duckdb.DuckDBPyRelation, int]:
        """All rows with canonical names and types, known at `as_of`; and how many lack a required value.

        Parameters
        ----------
        as_of
            The last day whose rows are used.
        accounts
            Columns `text`, `account_id`: the account to which each id, as it is written, belongs by now.

        Raises
        ------
        InputError
            When a value cannot be read that no representative showed.
        """
        schema = TABLES[TABLE]
        values, joins, required, written = {}, [], [], []
        for i, label in enumerate(self.labels):
            column = find_column(schema, label)
            if column is None:  # a custom variable is a text, and may be different in every row
                values[label] = f"nullif(trim(c{i}), '')"
                continue
            texts = self._distinct(i)
            typed = parse(texts, column.type).values
            if column.name == "account_id":
                typed = texts.map(accounts.set_index("text")["account_id"])
            if column.maximum is not None:
                typed = typed.where(typed.between(column.minimum or 0, column.maximum))
            self.connection.register("seen", pd.DataFrame({"text": texts, "value": typed}))
            self.connection.execute(f"create or replace temp table v{i} as select text, value from seen")
            self.connection.unregister("seen")
            values[column.name] = f"v{i}.value"
            joins.append(f"left join v{i} on v{i}.text = c{i}")
            if column.required:
                required.append(f"v{i}.value is not null")
                written.append(f"(v{i}.value is null and trim(c{i}) <> '')")
        source = f"from rows {' '.join(joins)}"
        used = " and ".join(required)
        odd = f"select min(row) {source} where ({' or '.join(written)}) and {len(required) - 1} <= "
        odd += " + ".join(f"({r})::int" for r in required)
        if (row := self._one(odd)) is not None:
            raise InputError(
                N_("In {file}, row {row} holds a value that cannot be read; correct it."), file=self.file, row=row
            )
        columns = [c.name for c in schema.columns] + [n for n in values if schema.column(n) is None]
        kinds = {"date": "timestamp_ns", "hours": "double"}  # by our names, which are those of their types here
        shown = ", ".join(f'cast({values.get(n, "null")} as {kinds.get(n, "varchar")}) as "{n}"' for n in columns)
        aside = self._one(f"select count(*) {source} where not ({used})")
        self.connection.execute(
            f"create table entries as select {shown} {source} where {used} and {values['date']} <= ?", [as_of]
        )
        self.connection.execute("drop table rows")
        return self.connection.table("entries"), int(aside)


def open_large(path: Path, headers: Headers) -> LargeFile | None:
    """A large file, or None where it must be read in the usual way: not UTF-8, or its header is not its first row."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD).rpartition(b"\n")[0]
    try:
        head_text = head.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    grid = read_text(head_text.encode(), path.name, headers.count)
    first = next(csv.reader(head_text.splitlines(), delimiter=grid.delimiter), [])
    labels = [h.strip() for h in first]
    required = set(TABLES[TABLE].required)
    if len(set(labels)) < len(labels) or not all(labels) or not required <= {headers.known(h) for h in labels}:
        return None
    return LargeFile(path, grid.delimiter, labels)
