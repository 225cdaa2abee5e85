"""A PostgreSQL server of the tests' own: made in a temporary folder, started on a free port, thrown away afterwards.

Nothing of the machine's own clusters is touched. The server refuses to run as root, so there it runs as the user
`postgres` that Debian's package brings.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "p@ss/w:rd %41"  # what a url must not be broken by


@dataclass(frozen=True)
class Server:
    """A running server with one database, `crm`, and its owner."""

    port: int
    user: str = "cs_owner"
    password: str = PASSWORD
    database: str = "crm"

    def execute(self, *statements: str) -> None:
        """Run statements as the owner of the database, over a connection of their own."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=self.user, password=self.password, dbname=self.database
        ) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def count(self, table: str) -> int:
        """The number of rows of a table."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=self.user, password=self.password, dbname=self.database
        ) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[call-overload]
            assert row is not None
            return row[0]


def binaries() -> Path | None:
    """The folder of the server's programs, the newest version first, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    return found[0].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block lasts; without its programs the test is skipped, under CI it fails."""
    programs = binaries()
    if programs is None:
        reason = "needs PostgreSQL's server (apt-get install postgresql)"
        if os.environ.get("CI", "").lower() in ("", "0", "false"):
            pytest.skip(reason)
        pytest.fail(f"{reason}; under CI this is a failure, not a skip", pytrace=False)
    with tempfile.TemporaryDirectory(prefix="cs-pg-") as folder:
        server = Server(_free_port())
        place = Path(folder)
        secret = place / "password"
        secret.write_text(server.password)
        as_user: dict = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            for path in (place, secret):
                os.chown(path, user.pw_uid, user.pw_gid)
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": folder}

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [str(programs / program), *arguments], check=True, cwd=folder, env=environment, timeout=60,
                stdout=subprocess.DEVNULL, **as_user,
            )  # fmt: skip

        data = str(place / "data")
        run("initdb", "-D", data, "-U", server.user, "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8",
            "--no-sync")  # fmt: skip
        options = f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(place / "log"), "-o", options, "start")
        try:
            _create(server)
            yield server
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _create(server: Server) -> None:
    import psycopg

    with psycopg.connect(
        host="127.0.0.1", port=server.port, user=server.user, password=server.password, dbname="postgres",
        autocommit=True,
    ) as connection:  # fmt: skip
        connection.execute("CREATE DATABASE crm")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
