"""A table that comes from a database: `[source.<table>]` of the client file, read as text like every other table.

`url` says where the database is, `query` what to ask it (without one, the whole table of that name). PostgreSQL and
SQLite are reached through SQLAlchemy, and so is any other database whose driver is installed; DuckDB files are opened
by DuckDB itself.

    [source.contracts]
    url = "postgresql://${CRM_USER}:${CRM_PASSWORD}@db.example.com/crm"
    query = "SELECT id AS contract_id, account_id, start_date, end_date, mrr FROM contracts"

Nothing is written. A query is one SELECT, and each database holds it to that by its own means: PostgreSQL reads it
through a cursor in a read-only transaction, SQLite opens the file for reading and no second one, DuckDB opens the file
for reading and takes one SELECT by its own parser, MySQL reads in read-only transactions. Of others only the words of
the query are looked at, and what they did is rolled back. What a function does outside its transaction (a link to
another server, a file of the server) no client can prevent: that is for the rights of the user who asks.

Secrets stand in the environment alone (:mod:`secrets`). `${NAME}` is replaced when the connection is made and nowhere
else; a password written into the client file is refused; and of what a driver says about a failure only its main
sentence is passed on, with every part of the address taken out. So neither an error nor a traceback, even one that
shows the variables, nor a report can show them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

import numpy as np
import pandas as pd
from pydantic import Field

from cs_analysis.data.problems import ERROR, WARNING
from cs_analysis.data.reading.headers import Finding
from cs_analysis.data.reading.read import ROW, Raw, Source, cell_text
from cs_analysis.data.reading.secrets import VARIABLE, expand, without
from cs_analysis.data.sections import TEXT, Section
from cs_analysis.display.language import _
from cs_analysis.errors import N_, InputError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_REASONS = (
    (("authentication failed", "no password supplied", "access denied"), N_("the user or the password is refused")),
    (("connection refused",), N_("nothing answers there")),
    (("translate host name", "resolve host", "name or service not known"), N_("its host is not known")),
    (("timeout", "timed out"), N_("it does not answer")),
    (("does not exist", "unknown database"), N_("there is no such database or user")),
    (("not a database", "not a valid duckdb", "storage version"), N_("the file is not such a database")),
    (("lock", "different configuration"), N_("another program holds the file")),
)
_FORM = N_("its url must have the form kind://${{USER}}:${{PASSWORD}}@host:port/name")
_SELECT = N_("it must be one SELECT and nothing else")
_READ_ONLY = {  # what makes a session one that only reads, where the driver has no word for it
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
_ONE_STATEMENT = ("postgresql", "sqlite")  # their drivers refuse a second one themselves
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*(?!M?!).*?\*/", re.DOTALL)  # MySQL runs /*! … */
_BEGINS = re.compile(r"[\s(]*(?:select|with|values|table)\b", re.IGNORECASE)
_MORE = re.compile(r";|\binto\b", re.IGNORECASE)  # a second statement; a table or file to be written
_SETTING = re.compile(r"\benable_(?:logging|profiling)\b", re.IGNORECASE)  # DuckDB's functions that write files
_NEEDED = ("accounts", "contracts", "mrr_months")
_CHUNK = 50_000
_PATIENCE = 15  # seconds to wait for a server that does not answer
_LOCK_PATIENCE = 5  # seconds to wait for a file that another program holds


class Database(Section):
    """`[source.<table>]`: a table that comes from a database."""

    url: str = Field(description=TEXT, repr=False)
    query: str | None = Field(default=None, description=TEXT, repr=False)


def read_source(table: str, database: Database, *, file: Path | None = None) -> Raw:
    """The rows that a database gives, as texts.

    Parameters
    ----------
    table
        One of our tables.
    database
        Its section of the client file.
    file
        The client file; a database file is looked for from its folder on.

    Returns
    -------
    A frame of texts under the names of the query's columns ("" = NULL) with `__row__`, the number of the row in the
    result, from 1. Its source is called `source.<table>`: no address is kept. That there are no rows is a finding, an
    error where no report can do without them.

    Raises
    ------
    InputError
        When a variable is not set, the database cannot be reached, or the query fails or gives no table.
    """
    place = _Place(table, file.name if file else "cs-analysis.toml", file.parent if file else Path())
    for name in VARIABLE.findall(database.url):
        if not os.environ.get(name):
            raise place.error(
                N_("In {file}, url in [source.{table}] needs the environment variable {name}, which is not set; set it "
                   "before the run."),
                name=name,
            )  # fmt: skip
    # raised out here, so that the driver's own error, which may hold the address, is not even its context; and no
    # variable of this function holds it either, for there are tracebacks that show them
    frame, problem = _attempt(database, place)
    if problem is not None:
        raise problem
    assert frame is not None
    raw = Raw(table, Source(f"source.{table}"), frame)
    return raw if len(frame) else replace(raw, findings=(_no_rows(table),))


def _no_rows(table: str) -> Finding:
    return Finding(
        ERROR if table in _NEEDED else WARNING, N_("The database gives no rows for this table."),
        N_("Correct the query, or make sure that its user may see the rows."),
    )  # fmt: skip


@dataclass(frozen=True)
class _Place:
    """What an error may say about where it comes from."""

    table: str
    file: str
    folder: Path

    def error(self, message: str, **fields: object) -> InputError:
        return InputError(message, table=self.table, file=self.file, **fields)


def _attempt(database: Database, place: _Place) -> tuple[pd.DataFrame | None, BaseException | None]:
    """The frame, or the error to raise: whatever goes wrong here may hold a secret in its words."""
    stage = _Stage()
    try:
        url, values = expand(database.url)
        stage.hide(url, *values)
        if "://" not in url:
            stage.fails(_FORM)
        read = _read_duckdb if url.partition(":")[0].lower() == "duckdb" else _read_sqlalchemy
        return read(url, database.query, place, stage), None
    except Exception as error:
        if stage.connected:
            message = N_("The query of [source.{table}] in {file} fails ({reason}); correct it.")
        else:
            message = N_("The database of [source.{table}] in {file} cannot be reached ({reason}); check its url, the "
                         "variables in it and the network.")  # fmt: skip
        return None, place.error(message, reason=stage.reason(error))
    except KeyboardInterrupt:
        return None, KeyboardInterrupt()


class _Fault(Exception):
    """A fault of our own finding, in our own words."""


class _Stage:
    """How far a reading got, and what must not be told of its failure."""

    def __init__(self) -> None:
        self.connected = False
        self.secrets: list[str] = []

    def hide(self, *parts: object) -> None:
        self.secrets += [str(p) for p in parts if p]

    def fails(self, reason: str, **fields: object) -> NoReturn:
        raise _Fault(_(reason).format(**{name: without(str(value), self.secrets) for name, value in fields.items()}))

    def reason(self, error: Exception) -> str:
        """The main sentence of a driver's error without any part of the address."""
        if isinstance(error, _Fault):
            return str(error)
        if isinstance(error, ImportError):
            return _("its Python driver is not installed")
        if type(error).__name__ == "NoSuchModuleError":
            return _("its kind is not known")
        original = getattr(error, "orig", None) or error
        said = getattr(getattr(original, "diag", None), "message_primary", None)
        if not self.connected:  # all that drivers say here is about addresses, so it is said in words of our own
            text = str(original).casefold()
            known = next((reason for words, reason in _REASONS if any(w in text for w in words)), None)
            return _(known) if known else type(original).__name__
        said = said or next(iter(str(original).strip().splitlines()), "")
        return without(said, self.secrets).rstrip(".") or type(original).__name__


def _read_sqlalchemy(url: str, query: str | None, place: _Place, stage: _Stage) -> pd.DataFrame:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    try:
        address = sa.make_url(url)
    except (ValueError, ArgumentError):  # ValueError: a port that is no number
        stage.fails(_FORM)
    kind = address.drivername.partition("+")[0]
    if kind in ("postgres", "postgresql"):  # whatever driver is named: of this one we know what it refuses
        kind, address = "postgresql", address.set(drivername="postgresql+psycopg")
    stage.hide(address.password, address.username, address.host)
    arguments: dict[str, Any] = {}
    if kind == "sqlite":
        path = _database_file(address.database, place.folder, stage)
        stage.hide(address.database, path)
        address = address.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
        arguments["timeout"] = _LOCK_PATIENCE
    elif kind == "postgresql" and "connect_timeout" not in address.query:
        arguments["connect_timeout"] = _PATIENCE
    stage.hide(address.database)
    engine = sa.create_engine(address, connect_args=arguments, hide_parameters=True, poolclass=sa.pool.NullPool)
    asked = query or str(sa.select(sa.text("*")).select_from(sa.table(place.table)).compile(engine))
    try:
        with engine.connect() as connection:
            _open_for_reading(connection, kind)
            stage.connected = True
            _require_select(asked, kind, stage)
            # no_parameters: a % or a : of the query is its own
            connection = connection.execution_options(stream_results=True, no_parameters=True)
            result = connection.exec_driver_sql(asked.strip().rstrip(";"))
            if not result.returns_rows:
                stage.fails(_SELECT)
            frame = _frame(list(result.keys()), lambda: result.fetchmany(_CHUNK), stage)
            connection.rollback()
            return frame
    finally:
        engine.dispose()


def _open_for_reading(connection: Connection, kind: str) -> None:
    """Bar the way to writing by the database's own means, and make sure that it answers."""
    import sqlalchemy as sa

    first = sa.select(sa.text("1"))
    if kind == "postgresql":
        connection.execution_options(postgresql_readonly=True)
    elif kind == "sqlite":
        # the file itself is open for reading only; a second one (ATTACH, VACUUM INTO) would not be
        driver: Any = connection.connection.driver_connection
        driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        first = first.select_from(sa.table("sqlite_master"))  # without a table the file would not even be looked at
    elif kind in _READ_ONLY:
        connection.exec_driver_sql(_READ_ONLY[kind])
    # after a first statement PostgreSQL lets nobody turn the transaction into one that writes
    connection.execute(first).first()


def _require_select(query: str, kind: str, stage: _Stage) -> None:
    """Refuse by its words what is no SELECT, and what is more than that where nobody else would refuse it."""
    bare = _QUOTED.sub(" ", query).strip().rstrip("; \t\r\n")
    if not _BEGINS.match(bare) or (kind not in _ONE_STATEMENT and _MORE.search(bare)):
        stage.fails(_SELECT)


def _read_duckdb(url: str, query: str | None, place: _Place, stage: _Stage) -> pd.DataFrame:
    import duckdb

    path = _database_file(url.partition(":///")[2].partition("?")[0], place.folder, stage)
    stage.hide(path)
    # neither extensions fetched from the network, nor our own variables taken for tables
    config: dict[str, Any] = {"autoinstall_known_extensions": "false", "python_enable_replacements": "false"}
    with duckdb.connect(str(path), read_only=True, config=config) as connection:
        stage.connected = True
        asked = query or f'SELECT * FROM "{place.table}"'
        statements = connection.extract_statements(asked)  # by DuckDB's own parser: a COPY would write a file
        if [s.type for s in statements] != [duckdb.StatementType.SELECT] or _SETTING.search(asked):
            stage.fails(_SELECT)
        cursor = connection.execute(statements[0])
        return _frame([str(d[0]) for d in cursor.description or []], lambda: cursor.fetchmany(_CHUNK), stage)


def _database_file(name: str | None, folder: Path, stage: _Stage) -> Path:
    """The file of a database; one that is not there would be made, empty, by the driver."""
    if not name or name == ":memory:":
        stage.fails(N_("its url names no file"))
    path = folder / str(name)
    if not path.is_file():
        stage.fails(N_("there is no file {name} beside the client file"), name=path.name)
    return path


def _frame(names: list[str], fetch: Callable[[], Any], stage: _Stage) -> pd.DataFrame:
    """Rows, fetched in portions, as a frame of texts; a name that stands twice is refused rather than chosen from."""
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        stage.fails(N_("two columns are called {name}; give them names of their own with AS"), name=twice)
    columns: list[list[str]] = [[] for _name in names]
    while rows := fetch():
        for texts, values in zip(columns, zip(*rows, strict=True), strict=True):
            texts.extend(map(_text, values))
    frame = pd.DataFrame({n: pd.Series(t, dtype=object) for n, t in zip(names, columns, strict=True)})
    frame.insert(0, ROW, np.arange(1, len(frame) + 1))
    return frame


def _text(value: object) -> str:
    """A value of a database as text, without loss.

    >>> _text(Decimal("120000.50")), _text(Decimal("1E+3")), _text(None), _text("007"), _text({"a": 1})
    ('120000.50', '1000', '', '007', '{"a": 1}')
    """
    if isinstance(value, Decimal):
        return "" if value.is_nan() else format(value, "f")
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return cell_text(value)


def read_sources(databases: Mapping[str, Database], tables: Mapping[str, Raw], *, file: Path | None) -> dict[str, Raw]:
    """The tables that come from databases; a table that a file of the data folder holds as well is refused."""
    for table in databases:
        if table in tables:
            raise InputError(
                N_("The table {table} stands in two places, {first} and {second}; keep one of them."),
                table=table, first=str(tables[table].source), second=f"[source.{table}]",
            )  # fmt: skip
    return {table: read_source(table, database, file=file) for table, database in databases.items()}


def content_hash(frame: pd.DataFrame) -> str:
    """The sha256 of a table of texts, whatever order its rows came in."""
    rows = frame.drop(columns=ROW)
    parts = sorted("\x1f".join(row) for row in zip(*(rows[c] for c in rows), strict=True))
    return hashlib.sha256("\x1e".join(["\x1f".join(map(str, rows.columns)), *parts]).encode()).hexdigest()
