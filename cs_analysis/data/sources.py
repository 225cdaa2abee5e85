"""A table that comes from a database: `[source.<table>]` of the client file, read as text like every other table.

`url` says where the database is, `query` what to ask it (without one, the whole table of that name). PostgreSQL and
SQLite are reached through SQLAlchemy, and so is any other database whose driver is installed; DuckDB files are opened
by DuckDB itself. Nothing can be written: every connection is opened for reading only.

    [source.contracts]
    url = "postgresql://${CRM_USER}:${CRM_PASSWORD}@db.example.com/crm"
    query = "SELECT id AS contract_id, account_id, start_date, end_date, mrr FROM contracts"

Secrets stand in the environment alone. `${NAME}` is replaced when the connection is made and nowhere else; a password
written into the client file is refused; and of what a driver says about a failure only its main sentence is passed on,
with every part of the address taken out. So neither an error nor a traceback nor a report can show them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from pydantic import Field

from cs_analysis.data.read import ROW, Raw, Source, cell_text
from cs_analysis.data.sections import TEXT, Section
from cs_analysis.display.language import _
from cs_analysis.errors import N_, InputError

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USER_PART = re.compile(r"^[^:/]+://(?P<user>[^/?#]*)@")
_SECRET_OPTION = re.compile(r"[?&](?P<key>\w*(?:password|passwd|pwd|secret|token)\w*)=(?P<value>[^&]*)", re.IGNORECASE)
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_REASONS = (
    (("authentication failed", "no password supplied", "access denied"), N_("the user or the password is refused")),
    (("connection refused",), N_("nothing answers there")),
    (("translate host name", "resolve host", "name or service not known"), N_("its host is not known")),
    (("timeout", "timed out"), N_("it does not answer")),
    (("does not exist", "unknown database"), N_("there is no such database or user")),
    (("not a database", "not a valid duckdb", "storage version"), N_("the file is not such a database")),
    (("lock",), N_("another program holds the file")),
)
_CHUNK = 50_000
_PATIENCE = 15  # seconds to wait for a server that does not answer


class Database(Section):
    """`[source.<table>]`: a table that comes from a database."""

    url: str = Field(description=TEXT)
    query: str | None = Field(default=None, description=TEXT)


def check_source(database: Database, table: str, file: str) -> None:
    """Refuse a secret that stands in the client file itself (`file`) rather than in the environment."""
    user = _USER_PART.match(database.url)
    password = user["user"].partition(":")[2] if user else ""
    options = [m["value"] for m in _SECRET_OPTION.finditer(database.url)]
    if any(_VARIABLE.sub("", secret) for secret in (password, *options)):
        raise InputError(
            N_("In {file}, url in [source.{table}] holds a password; write ${{NAME}} in its place and set NAME in the "
               "environment."),
            file=file, table=table,
        )  # fmt: skip
    for name in _VARIABLE.findall(database.url):
        if not _NAME.fullmatch(name):
            raise InputError(
                N_("In {file}, url in [source.{table}] names the environment variable {name!r}; a name has letters, "
                   "digits and underscores only."),
                file=file, table=table, name=name,
            )  # fmt: skip


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
    result, from 1. Its source is called `source.<table>`: no address is kept.

    Raises
    ------
    InputError
        When a variable is not set, the database cannot be reached, or the query fails or gives no table.
    """
    place = _Place(table, file.name if file else "cs-analysis.toml", file.parent if file else Path())
    url, secrets = _expand(database.url, place)
    # raised out here, so that the driver's own error, which may hold the address, is not even its context
    frame, problem = _attempt(url, database.query, table, place, secrets)
    if problem is not None:
        raise problem
    assert frame is not None
    return Raw(table, Source(f"source.{table}"), frame)


@dataclass(frozen=True)
class _Place:
    """What an error may say about where it comes from."""

    table: str
    file: str
    folder: Path

    def error(self, message: str, **fields: object) -> InputError:
        return InputError(message, table=self.table, file=self.file, **fields)


def _expand(url: str, place: _Place) -> tuple[str, list[str]]:
    """The url with the variables' values, and these values.

    In the part before the @ a value is encoded, since a password may hold a / or an @ of its own.
    """
    user = _USER_PART.match(url)
    secrets: list[str] = []

    def value(found: re.Match[str]) -> str:
        text = os.environ.get(found[1], "")
        if not text:
            raise place.error(
                N_("In {file}, url in [source.{table}] needs the environment variable {name}, which is not set; set it "
                   "before the run."),
                name=found[1],
            )  # fmt: skip
        secrets.append(text)
        return quote(text, safe="") if user and found.start() < user.end("user") else text

    return _VARIABLE.sub(value, url), secrets


def _attempt(
    url: str, query: str | None, table: str, place: _Place, secrets: list[str]
) -> tuple[pd.DataFrame | None, InputError | None]:
    """The frame, or the error to raise: whatever goes wrong here may hold a secret in its words."""
    stage = _Stage(secrets)
    try:
        kind = url.partition(":")[0].lower()
        if "://" not in url:
            stage.fails(N_("it has the form kind://…, such as postgresql://host/name"))
        read = _read_duckdb if kind == "duckdb" else _read_sqlalchemy
        return read(url, query, table, place.folder, stage), None
    except Exception as error:
        if stage.connected:
            message = N_("The query of [source.{table}] in {file} fails ({reason}); correct it.")
        else:
            message = N_("The database of [source.{table}] in {file} cannot be reached ({reason}); check its url, the "
                         "variables in it and the network.")  # fmt: skip
        return None, place.error(message, reason=stage.reason(error))


class _Fault(Exception):
    """A fault of our own finding, in our own words."""


class _Stage:
    """How far a reading got, and what may be told of its failure."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.connected = False
        self.secrets = [s for s in secrets if s]

    def hide(self, *parts: object) -> None:
        self.secrets += [str(p) for p in parts if p]

    def fails(self, reason: str, **fields: object) -> None:
        raise _Fault(_(reason).format(**fields))

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
        for secret in sorted(self.secrets, key=len, reverse=True):
            said = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", said)
        return said.rstrip(".") or type(original).__name__


def _read_sqlalchemy(url: str, query: str | None, table: str, folder: Path, stage: _Stage) -> pd.DataFrame:
    import sqlalchemy as sa

    address = sa.make_url(url)
    address = address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))
    stage.hide(address.password, address.username, address.host, address.database)
    arguments: dict[str, Any] = {}
    if address.get_backend_name() == "sqlite":
        path = _database_file(address.database, folder, stage)
        address = address.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    elif address.get_backend_name() == "postgresql" and "connect_timeout" not in address.query:
        arguments["connect_timeout"] = _PATIENCE
    engine = sa.create_engine(address, connect_args=arguments, hide_parameters=True, poolclass=sa.pool.NullPool)
    asked = query or str(sa.select(sa.text("*")).select_from(sa.table(table)).compile(engine))
    try:
        with engine.connect() as connection:
            if address.get_backend_name() == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            connection.execute(sa.text("SELECT 1"))
            stage.connected = True
            # no_parameters: a % or a : of the query is its own
            connection = connection.execution_options(stream_results=True, no_parameters=True)
            result = connection.exec_driver_sql(asked.strip().rstrip(";"))
            if not result.returns_rows:
                stage.fails(N_("it gives no table; it must be a SELECT"))
            frame = _frame(list(result.keys()), lambda: result.fetchmany(_CHUNK))
            connection.rollback()
            return frame
    finally:
        engine.dispose()


def _read_duckdb(url: str, query: str | None, table: str, folder: Path, stage: _Stage) -> pd.DataFrame:
    import duckdb

    path = _database_file(url.partition(":///")[2].partition("?")[0], folder, stage)
    stage.hide(path)
    with duckdb.connect(str(path), read_only=True) as connection:
        stage.connected = True
        cursor = connection.execute(query or f'SELECT * FROM "{table}"')
        if cursor.description is None:
            stage.fails(N_("it gives no table; it must be a SELECT"))
        return _frame([str(d[0]) for d in cursor.description or []], lambda: cursor.fetchmany(_CHUNK))


def _database_file(name: str | None, folder: Path, stage: _Stage) -> Path:
    """The file of a database; one that is not there would be made, empty, by the driver."""
    if not name or name == ":memory:":
        stage.fails(N_("its url names no file"))
    path = folder / str(name)
    if not path.is_file():
        stage.fails(N_("there is no file {name} beside the client file"), name=path.name)
    return path


def _frame(names: list[str], fetch: Callable[[], Any]) -> pd.DataFrame:
    """Rows, fetched in portions, as a frame of texts; a name that stands twice is refused rather than chosen from."""
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise _Fault(_("two columns are called {name}; give them names of their own with AS").format(name=twice))
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
