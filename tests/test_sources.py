"""Tables that come from databases: a real PostgreSQL server, SQLite and DuckDB files; no secret ever comes out."""

import json
import sqlite3
import traceback
from contextlib import closing
from pathlib import Path

import duckdb
import pandas as pd
import postgres
import pytest
from typer.testing import CliRunner

import cs_analysis as cs
from cs_analysis.cli import app
from cs_analysis.data import cache
from cs_analysis.data.book import check
from cs_analysis.data.settings import read_settings
from cs_analysis.data.sources import Database, content_hash, read_source
from cs_analysis.errors import InputError

ACCOUNTS = "account_id,account_name,segment\n0001,青空商事,大手\n0002,海山物産,中堅\n"
CONTRACTS = (
    ("C1", "0001", "2024-04-01", "2025-03-31", "120000.50"),
    ("C2", "0002", "2024-10-01", None, "80000"),
    ("C3", "0001", "2025-04-01", "2026-03-31", "150000"),
)
TYPES = {
    "postgresql": "(contract_id text, account_id char(4), start_date date, end_date timestamp, mrr numeric(12, 2))",
    "sqlite": "(contract_id text, account_id text, start_date text, end_date text, mrr text)",
    "duckdb": "(contract_id varchar, account_id varchar, start_date date, end_date timestamp, mrr decimal(12, 2))",
}


@pytest.fixture(scope="module")
def server():
    with postgres.running() as running:
        values = ", ".join(
            "({})".format(", ".join("NULL" if v is None else f"'{v}'" for v in row)) for row in CONTRACTS
        )
        running.execute(
            f"CREATE TABLE contracts {TYPES['postgresql']}",
            f"INSERT INTO contracts VALUES {values}",
            "CREATE TABLE odd (account_id text, n bigint, flag boolean, took interval, at timestamptz, more jsonb,"
            " share double precision, note text)",
            "INSERT INTO odd VALUES ('NA', 123456789012345678, true, '1 hour 30 minutes', '2026-10-31 15:00+00',"
            " '{\"a\": \"日本\"}', 0.1, '50% :x')",
        )
        yield running


@pytest.fixture
def secrets(server, monkeypatch):
    monkeypatch.setenv("CRM_USER", server.user)
    monkeypatch.setenv("CRM_PASSWORD", server.password)
    monkeypatch.setenv("CRM_URL", f"postgresql://{server.user}:p%40ss%2Fw%3Ard%20%2541@127.0.0.1:{server.port}/crm")
    return [server.password, "p%40ss", server.user, "127.0.0.1", str(server.port)]


def url_of(server) -> str:
    return f"postgresql://${{CRM_USER}}:${{CRM_PASSWORD}}@127.0.0.1:{server.port}/crm"


def workspace(folder: Path, url: str, query: str = "", more: str = "") -> Path:
    """A workspace whose accounts are a file and whose contracts come from a database."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    lines = ["[source.contracts]", f"url = {json.dumps(url)}", f"query = {json.dumps(query)}" if query else "", more]
    (folder / "cs-analysis.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder / "data"


def file_of(kind: str, folder: Path) -> str:
    """A database file with the contracts; its url, relative to the client file."""
    path = folder / f"crm.{kind}"
    insert = "INSERT INTO contracts VALUES (?, ?, ?, ?, ?)"
    if kind == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"CREATE TABLE contracts {TYPES[kind]}")
            connection.executemany(insert, CONTRACTS)
            connection.commit()
    else:
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE contracts {TYPES[kind]}")
            connection.executemany(insert, [list(row) for row in CONTRACTS])
    return f"{kind}:///{path.name}"


def said(error: BaseException) -> str:
    """All that can be seen of an error, its traceback and its causes included."""
    seen = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    return seen + repr(error.__cause__) + repr(error.__context__)


def refused(data: Path, hidden: list[str]) -> str:
    with pytest.raises(InputError) as caught:
        cs.load(data, as_of="2026-01-31")
    everything = said(caught.value)
    assert not [secret for secret in hidden if secret in everything]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["postgresql", "sqlite", "duckdb"])
def test_a_database_gives_the_same_book_as_a_file(kind, server, secrets, tmp_path):
    url = url_of(server) if kind == "postgresql" else file_of(kind, tmp_path)
    book = cs.load(workspace(tmp_path, url), as_of="2026-01-31")
    rows = "\n".join(",".join(v or "" for v in row) for row in CONTRACTS)
    plain = tmp_path / "other" / "plain"
    plain.mkdir(parents=True)
    (plain / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (plain / "contracts.csv").write_text(f"contract_id,account_id,start_date,end_date,mrr\n{rows}\n", encoding="utf-8")
    same = cs.load(plain, as_of="2026-01-31", config=None)
    assert book.fingerprint == same.fingerprint
    assert book.contracts["mrr"].tolist() == [120000.5, 150000.0, 80000.0]
    assert set(book.contracts["account_id"]) == {"0001", "0002"}


def test_the_query_chooses_and_the_mapping_still_applies(server, secrets, tmp_path):
    query = (
        'SELECT contract_id AS "契約番号", account_id, start_date::date AS von, mrr / 1000 AS "千円" FROM contracts '
        "WHERE account_id LIKE '%1' AND contract_id <> ':x';"
    )
    more = '[mapping.contracts]\ncolumns = {von = "start_date", "千円" = "mrr"}\nunits = {mrr = "千円"}'
    book = cs.load(workspace(tmp_path, url_of(server), query, more), as_of="2026-01-31")
    assert book.contracts["contract_id"].tolist() == ["C1", "C3"]
    assert book.contracts["mrr"].tolist() == [120000.5, 150000.0]


def test_the_whole_url_may_be_a_variable(server, secrets, tmp_path):
    assert len(cs.load(workspace(tmp_path, "${CRM_URL}"), as_of="2026-01-31").contracts) == 3


def test_types_become_texts_without_loss(server, secrets):
    raw = read_source("contracts", Database(url=url_of(server), query="SELECT * FROM odd"))
    row = raw.frame.iloc[0]
    assert raw.source.file == "source.contracts"
    assert row["account_id"] == "NA"
    assert row["n"] == "123456789012345678"
    assert (row["flag"], row["took"], row["share"]) == ("TRUE", "1:30:00", "0.1")
    assert row["at"].startswith("2026-")
    assert row["more"] == '{"a": "日本"}'
    assert row["note"] == "50% :x"
    assert raw.frame["__row__"].tolist() == [1]


def test_nothing_can_be_written(server, secrets, tmp_path):
    for query in ("DELETE FROM contracts", "WITH gone AS (DELETE FROM contracts RETURNING *) SELECT * FROM gone"):
        assert "[source.contracts]" in refused(workspace(tmp_path, url_of(server), query), secrets)
    assert server.count("contracts") == 3
    for kind in ("sqlite", "duckdb"):
        url = file_of(kind, tmp_path)
        refused(workspace(tmp_path, url, "DELETE FROM contracts RETURNING *"), [str(tmp_path)])
        assert len(read_source("contracts", Database(url=url), file=tmp_path / "x.toml").frame) == 3


def test_a_wrong_password_is_told_without_it(server, secrets, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CRM_PASSWORD", "wrong-hunter2")
    text = refused(workspace(tmp_path, url_of(server)), ["wrong-hunter2", *secrets])
    assert "the user or the password is refused" in text
    assert "cs-analysis.toml" in text
    assert "hunter2" not in "".join(capsys.readouterr())


def test_what_a_query_gets_wrong_is_told_in_the_servers_words(server, secrets, tmp_path):
    text = refused(workspace(tmp_path, url_of(server), "SELECT * FROM contarcts"), secrets)
    assert 'relation "contarcts" does not exist' in text
    text = refused(workspace(tmp_path, url_of(server), "SELECT 'a' || current_user::int FROM contracts"), secrets)
    assert "invalid input syntax" in text
    text = refused(workspace(tmp_path, url_of(server), "SELECT account_id, account_id FROM contracts"), secrets)
    assert "two columns are called account_id" in text


def test_a_server_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_USER", "someone")
    monkeypatch.setenv("CRM_PASSWORD", "hunter2")
    data = workspace(tmp_path, "postgresql://${CRM_USER}:${CRM_PASSWORD}@127.0.0.1:9/crm")
    assert "nothing answers there" in refused(data, ["hunter2", "someone", "127.0.0.1"])
    data = workspace(tmp_path, "postgresql://${CRM_USER}:${CRM_PASSWORD}@no-such-host.invalid/crm")
    refused(data, ["hunter2", "someone", "no-such-host"])


def test_a_variable_that_is_not_set_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("CRM_PASSWORD", raising=False)
    data = workspace(tmp_path, "postgresql://u:${CRM_PASSWORD}@h/d")
    text = refused(data, [])
    assert "CRM_PASSWORD" in text
    assert "cs-analysis.toml" in text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@h/d",
        "postgresql://${U}:${P}hunter2@h/d",
        "postgresql://u@h/d?password=hunter2",
        "mysql+pymysql://h/d?ssl_key_password=hunter2",
    ],
)
def test_a_password_in_the_client_file_is_refused_and_not_repeated(url, tmp_path):
    text = refused(workspace(tmp_path, url), ["hunter2"])
    assert "holds a password" in text
    assert "${NAME}" in text


def test_a_url_that_is_none(tmp_path):
    assert "kind://" in refused(workspace(tmp_path, "just text"), ["just text"])
    assert "its kind is not known" in refused(workspace(tmp_path, "nosuch://h/d"), [])
    assert "names no file" in refused(workspace(tmp_path, "sqlite://"), [])
    assert "cs-analysis.toml" in refused(workspace(tmp_path, "postgresql://${}@h/d"), [])


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_is_not_there_is_not_made(kind, tmp_path):
    text = refused(workspace(tmp_path, f"{kind}:///none.{kind}"), [str(tmp_path)])
    assert f"none.{kind}" in text
    assert not (tmp_path / f"none.{kind}").exists()
    (tmp_path / f"none.{kind}").write_text("not a database at all, only some text\n" * 50)
    refused(workspace(tmp_path, f"{kind}:///none.{kind}"), [str(tmp_path)])


def test_a_table_in_a_file_and_in_a_database_is_refused(tmp_path):
    data = workspace(tmp_path, file_of("sqlite", tmp_path))
    (data / "contracts.csv").write_text("contract_id,account_id,start_date,mrr\n", encoding="utf-8")
    text = refused(data, [])
    assert "contracts.csv" in text
    assert "[source.contracts]" in text


def test_faults_in_a_database_name_the_table_and_the_row(tmp_path):
    url = file_of("sqlite", tmp_path)
    query = "SELECT contract_id, account_id, start_date, 'soon' || mrr AS mrr FROM contracts ORDER BY contract_id"
    problems = check(workspace(tmp_path, url, query)).problems
    errors = problems[problems["severity"] == "error"]
    assert errors["file"].unique().tolist() == ["source.contracts"]
    assert errors["row"].tolist() == [1, 2, 3]


def test_no_secret_is_kept_in_the_book_or_its_cache(server, secrets, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.CACHE, str(tmp_path / "cache"))
    book = cs.load(workspace(tmp_path, url_of(server)), as_of="2026-01-31")
    seen = repr(book) + repr(book.settings) + str(book.report()) + json.dumps(book.inputs)
    seen += "".join(path.read_bytes().decode("latin-1") for path in (tmp_path / "cache").iterdir())
    assert server.password not in seen
    assert "p%40ss" not in seen
    assert set(book.inputs) == {"accounts.csv", "source.contracts"}


def test_the_hash_does_not_hang_on_the_order_of_rows():
    frame = pd.DataFrame({"__row__": [1, 2], "a": ["x", "y"], "b": ["1", "2"]})
    turned = pd.DataFrame({"__row__": [1, 2], "a": ["y", "x"], "b": ["2", "1"]})
    other = frame.assign(b=["2", "1"])
    assert content_hash(frame) == content_hash(turned) != content_hash(other)


def test_the_section_is_checked_like_any_other(tmp_path):
    (tmp_path / "c.toml").write_text('[source.contarcts]\nurl = "sqlite:///x"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"source\.contracts"):
        read_settings(tmp_path / "c.toml")


def test_the_command_line_and_the_logs_keep_the_secret(server, secrets, monkeypatch, tmp_path, caplog):
    caplog.set_level("DEBUG")
    data = workspace(tmp_path, url_of(server))
    fine = CliRunner().invoke(app, ["check", "--data", str(data), "--json"])
    assert fine.exit_code == 0
    monkeypatch.setenv("CRM_PASSWORD", "wrong-hunter2")
    wrong = CliRunner().invoke(app, ["check", "--data", str(data), "--debug"])
    assert wrong.exit_code == 2
    assert "the user or the password is refused" in wrong.stderr
    seen = fine.stdout + fine.stderr + wrong.stdout + wrong.stderr + caplog.text
    assert not [s for s in (*secrets, "hunter2") if s in seen.replace(str(tmp_path), "")]


def test_a_report_shows_neither_secret_nor_address(server, secrets, tmp_path):
    workspace(tmp_path, url_of(server))
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["run", str(tmp_path), "--as-of", "2026-01-31", "--only", "00", "--out", str(out), "--quiet"]
    )
    assert result.exit_code == 0, result.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {"index.html", "run.json"} <= {path.name for path in files}
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        assert not [s for s in (server.password, "p%40ss", server.user, f"127.0.0.1:{server.port}") if s in text], path
    assert "source.contracts" in json.loads((out / "run.json").read_text(encoding="utf-8"))["inputs"]
