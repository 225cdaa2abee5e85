"""Tables that come from databases: a real PostgreSQL server, SQLite and DuckDB files; no secret ever comes out."""

import gc
import json
import sqlite3
import traceback
from contextlib import closing
from pathlib import Path
from unittest.mock import MagicMock, call

import duckdb
import nbformat
import pandas as pd
import postgres
import pytest
from typer.testing import CliRunner

import cs_analysis as cs
from cs_analysis.cli import app
from cs_analysis.data import cache
from cs_analysis.data.book import check
from cs_analysis.data.reading import sources
from cs_analysis.data.reading.secrets import expand, without
from cs_analysis.data.reading.sources import Database, content_hash, read_source
from cs_analysis.data.settings import read_settings
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
            "CREATE SEQUENCE numbers",
            "CREATE FUNCTION empty_them() RETURNS int LANGUAGE plpgsql AS"
            " $$ BEGIN DELETE FROM contracts; RETURN 1; END $$",
            "CREATE FUNCTION empty_them_all_the_same() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM contracts; RETURN 1; END $$",
            "CREATE PROCEDURE commit_and_empty_them() LANGUAGE plpgsql AS"
            " $$ BEGIN COMMIT; SET TRANSACTION READ WRITE; DELETE FROM contracts; END $$",
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
    """All that can be seen of an error: its traceback with the variables of our own frames, and its causes."""
    seen = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    ours = (f for f, _line in traceback.walk_tb(error.__traceback__) if "cs_analysis" in f.f_code.co_filename)
    seen += "".join(repr(value) for frame in ours for value in frame.f_locals.values())
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


def test_a_driver_that_is_named_does_not_matter(server, secrets):
    url = url_of(server).replace("postgresql:", "postgresql+psycopg2:")
    assert len(read_source("contracts", Database(url=url)).frame) == 3
    with pytest.raises(InputError, match="multiple commands"):
        read_source("contracts", Database(url=url, query="SELECT 1; COMMIT; DELETE FROM contracts"))


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
        assert str(tmp_path) not in refused(workspace(tmp_path, url, "DELETE FROM contracts RETURNING *"), [])
        assert len(read_source("contracts", Database(url=url), file=tmp_path / "x.toml").frame) == 3


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM contracts; COMMIT; DELETE FROM contracts",
        "COPY contracts TO STDOUT",
        "COPY contracts TO PROGRAM 'cat > {file}'",
        "SELECT empty_them()",
        "SELECT empty_them_all_the_same()",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT nextval('numbers')",
        "SELECT * INTO taken FROM contracts",
        "CALL commit_and_empty_them()",
        "EXPLAIN ANALYZE DELETE FROM contracts",
        "SELECT * FROM contracts FOR UPDATE",
    ],
)
def test_postgresql_reads_only(query, server, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_USER", server.user)
    monkeypatch.setenv("CRM_PASSWORD", server.password)
    file = tmp_path / "out"
    with pytest.raises(InputError, match=r"\[source.contracts\]"):
        read_source("contracts", Database(url=url_of(server), query=query.format(file=file)))
    assert server.count("contracts") == 3
    assert not file.exists()


@pytest.mark.parametrize(
    "query",
    ["ATTACH '{file}' AS other", "VACUUM INTO '{file}'", "CREATE TEMP TABLE t (a)", "SELECT 1; DELETE FROM contracts"],
)
def test_sqlite_makes_no_file(query, tmp_path, monkeypatch):
    url, file = file_of("sqlite", tmp_path), tmp_path / "out"
    for look in (sources._BEGINS, sources.re.compile("")):  # first by its words, then by SQLite's own means alone
        monkeypatch.setattr(sources, "_BEGINS", look)
        with pytest.raises(InputError, match=r"\[source.contracts\]"):
            read_source("contracts", Database(url=url, query=query.format(file=file)), file=tmp_path / "x.toml")
    assert {path.name for path in tmp_path.iterdir()} == {"crm.sqlite"}


@pytest.mark.parametrize(
    "query",
    [
        "COPY contracts TO '{file}'",
        "SELECT 1; COPY contracts TO '{file}'",
        "EXPLAIN ANALYZE COPY contracts TO '{file}'",
        "EXPORT DATABASE '{file}'",
        "ATTACH '{file}' AS other",
        "INSTALL httpfs",
        "CALL enable_logging(storage='file', storage_path='{file}')",
        "SELECT * FROM Enable_Logging(level='trace', storage='file', storage_path='{file}')",
        "SET enable_external_access = true",
        "CREATE TEMP TABLE t AS SELECT 1",
        "-- nothing",
    ],
)
def test_duckdb_takes_one_select(query, tmp_path):
    url, file = file_of("duckdb", tmp_path), tmp_path / "out"
    with pytest.raises(InputError, match="it must be one SELECT and nothing else"):
        read_source("contracts", Database(url=url, query=query.format(file=file)), file=tmp_path / "x.toml")
    assert {path.name for path in tmp_path.iterdir()} == {"crm.duckdb"}


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
@pytest.mark.parametrize(
    "query",
    [
        "-- all of them; really\nWITH a AS (SELECT * FROM contracts) SELECT * FROM a /* ; */;",
        "(SELECT contract_id, ';' AS note FROM contracts UNION ALL SELECT 'C9', 'DELETE') LIMIT 3",
        "VALUES (1), (2), (3)",
        "SELECT * FROM contracts, json_each('[1]')",
    ],
)
def test_whatever_reads_is_read(kind, query, tmp_path):
    if kind == "sqlite" and query.startswith("("):
        query = query.strip("(").replace(") LIMIT", " LIMIT")  # SQLite knows no such brackets
    raw = read_source("contracts", Database(url=file_of(kind, tmp_path), query=query), file=tmp_path / "x.toml")
    assert len(raw.frame) == 3


def test_duckdb_takes_none_of_our_variables_for_a_table(tmp_path):
    source = Database(url=file_of("duckdb", tmp_path), query="SELECT * FROM statements")
    with pytest.raises(InputError, match="Table with name statements does not exist"):
        read_source("contracts", source, file=tmp_path / "x.toml")


def test_other_databases_are_asked_by_the_words_of_the_query():
    def is_refused(query: str) -> bool:
        try:
            sources._require_select(query, "mysql", sources._Stage())
        except sources._Fault:
            return True
        return False

    assert not is_refused("SELECT GROUP_CONCAT(`a;b` SEPARATOR ';') FROM c -- it's; all\n;")
    assert is_refused("SELECT 1; DROP TABLE c")
    assert is_refused("/* SELECT */ DROP TABLE c")
    assert is_refused("")
    assert is_refused("SELECT * FROM c INTO OUTFILE 'c.csv'")
    assert is_refused("SELECT * FROM c /*! INTO OUTFILE 'c.csv' */")
    assert is_refused("SELECT * INTO d FROM c")


def test_mysql_reads_in_read_only_transactions():
    connection = MagicMock()
    sources._open_for_reading(connection, "mysql")
    first, second = connection.method_calls[:2]
    assert first == call.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
    assert str(second.args[0]) == "SELECT 1"


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
    text = refused(workspace(tmp_path, "${CRM_URL}", "SELECT current_user::text::int FROM contracts"), secrets)
    assert 'invalid input syntax for type integer: "…"' in text
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
        "postgresql://u:hun/ter2@h/d",
        "postgresql://u:hunter2#?@h/d",
        "postgresql://u:${P}@hunter2@h/d",
        "postgresql://u:hunter%32@h/d",
        "postgresql://u:$CRM_PASSWORD_hunter2@h/d",
        "postgresql:///u:hunter2@h/d",
        " jdbc:postgresql://u:hunter2@h/d",
        "jdbc:oracle:thin:u/hunter2:x@h",
        "postgresql://u@h/d?password=hunter2",
        "postgresql://u@h/d?sslmode=require&PassWord='hunter2'",
        "postgresql://u@h/d?%70assword=hunter2",
        "mysql+pymysql://h/d?ssl_key_password=hunter2",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Dsa%3BPWD%3D%7Bhunter2%7D",
        "duckdb://md:crm?motherduck_token=hunter2",
        "host=h user=u password=hunter2",
        "host=h user=u password = 'hunter2'",
    ],
)
def test_a_password_in_the_client_file_is_refused_and_not_repeated(url, tmp_path):
    text = refused(workspace(tmp_path, url), ["hunter2", "hun/ter2", "hunter%32"])
    assert "url in [source.contracts] holds a password" in text
    assert "${NAME}" in text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@h:5432/d?sslmode=require",
        "postgresql://${U}:${P}@${H}/d?application_name=me@work",
        "postgresql://h/d?user=u&password=${P}&sslkey=/a/key",
        "sqlite:///C:/data/me@home/crm.db",
        "duckdb:////srv/a:b/me@example/crm.db",
        "mssql+pyodbc:///?odbc_connect=UID%3Dsa%3BPWD%3D${P}%3BEncrypt%3Dyes",
        "bigquery://project?credentials_path=/a/key.json",
        "${CRM_URL}",
    ],
)
def test_an_address_without_a_password_of_its_own_is_accepted(url, tmp_path):
    workspace(tmp_path, url)
    assert read_settings(tmp_path / "cs-analysis.toml").source["contracts"].url == url


def test_a_password_in_place_of_a_variables_name_is_not_repeated(tmp_path):
    for url in ("postgresql://u:${hunter2!}@h/d", "postgresql://u:${CRM_PASSWORD:-hunter2}@h/d"):
        assert "letters, digits and underscores" in refused(workspace(tmp_path, url), ["hunter2"])


def test_the_query_holds_no_password_and_no_variable(tmp_path):
    url = file_of("sqlite", tmp_path)
    for text in ("host=h password=hunter2", "postgresql://u:hunter2@h/d"):
        query = f"SELECT * FROM dblink('{text}', 'SELECT 1') AS t (a int)"
        assert "query in [source.contracts] holds a password" in refused(workspace(tmp_path, url, query), ["hunter2"])
    assert "variables are replaced in url only" in refused(workspace(tmp_path, url, "SELECT '${CRM_PASSWORD}'"), [])
    query = "SELECT contract_id, account_id, start_date, mrr FROM contracts WHERE mrr <> 'password=' AND mrr <> '$'"
    assert len(cs.load(workspace(tmp_path, url, query), as_of="2026-01-31").contracts) == 3


def test_a_value_may_hold_any_sign_wherever_it_stands(monkeypatch):
    import sqlalchemy as sa

    monkeypatch.setenv("P", "p@ss/w:rd?%41&#+ ")
    monkeypatch.setenv("DIR", "/a b@c")
    for url in (
        "postgresql://u:${P}@h:5432/d",
        "postgresql://h:5432/d?user=u@work&password=${P}",
        "postgresql://h:5432?user=u@work&password=${P}",
    ):
        address = sa.make_url(expand(url)[0])
        assert (address.host, address.port) == ("h", 5432)
        assert (address.password or address.query["password"]) == "p@ss/w:rd?%41&#+ "
    assert expand("sqlite:///${DIR}/crm.db") == ("sqlite:////a b@c/crm.db", ["/a b@c"])


def test_no_part_of_an_address_is_left_in_a_sentence():
    hidden = ["p@ss\\w:rd", "cs_owner", "db.example.com"]
    sentence = "CS_OWNER at db.example.com with p%40ss%5Cw%3Ard, p@ss\\\\w:rd in cs_owners; password=x://u:y@z?Token=q"
    assert without(sentence, hidden) == "… at … with …, … in cs_owners; password=…"


def test_a_url_that_is_none(tmp_path):
    assert "kind://" in refused(workspace(tmp_path, "just text"), ["just text"])
    assert "kind://${USER}:${PASSWORD}@host:port/name" in refused(workspace(tmp_path, "postgresql://h:abc/d"), ["abc"])
    assert "its kind is not known" in refused(workspace(tmp_path, "nosuch://h/d"), [])
    assert "names no file" in refused(workspace(tmp_path, "sqlite://"), [])
    assert "cs-analysis.toml" in refused(workspace(tmp_path, "postgresql://${}@h/d"), [])


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_is_not_there_is_not_made(kind, tmp_path):
    text = refused(workspace(tmp_path, f"{kind}:///none.{kind}"), [])
    assert f"none.{kind}" in text
    assert str(tmp_path) not in text
    assert not (tmp_path / f"none.{kind}").exists()
    (tmp_path / f"none.{kind}").write_text("not a database at all, only some text\n" * 50)
    text = refused(workspace(tmp_path, f"{kind}:///none.{kind}"), [])
    assert "cannot be reached (the file is not such a database)" in text


def test_a_file_that_another_program_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_LOCK_PATIENCE", 0)
    data = workspace(tmp_path, file_of("sqlite", tmp_path))
    with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "cannot be reached (another program holds the file)" in refused(data, [])
    data = workspace(tmp_path, file_of("duckdb", tmp_path))
    with duckdb.connect(str(tmp_path / "crm.duckdb")):
        assert "cannot be reached (another program holds the file)" in refused(data, [])


def test_a_file_named_by_a_variable_is_not_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_FILE", "hunter2.db")
    assert "there is no file …" in refused(workspace(tmp_path, "sqlite:///${CRM_FILE}"), ["hunter2"])


def test_that_there_are_no_rows_is_told_with_its_source(tmp_path):
    data = workspace(tmp_path, file_of("sqlite", tmp_path), "SELECT * FROM contracts WHERE mrr < 0")
    assert "source.contracts: The database gives no rows for this table." in refused(data, [])
    problems = check(data).problems
    assert problems[["severity", "file"]].to_numpy().tolist() == [["error", "source.contracts"]]
    more = '[source.tasks]\nurl = "sqlite:///crm.sqlite"\nquery = "SELECT 1 AS task_id WHERE 1 = 0"\n'
    problems = check(workspace(tmp_path, "sqlite:///crm.sqlite", more=more)).problems
    assert ("warning", "source.tasks") in set(zip(problems["severity"], problems["file"], strict=True))


def test_a_query_without_the_column_of_accounts_is_told(tmp_path):
    query = "SELECT contract_id, account_id AS kunde, start_date, mrr FROM contracts"
    problems = check(workspace(tmp_path, file_of("sqlite", tmp_path), query)).problems
    assert problems[["severity", "file", "column"]].to_numpy().tolist() == [["error", "source.contracts", "account_id"]]


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


def test_the_command_line_and_the_logs_keep_the_secret(server, secrets, monkeypatch, tmp_path, caplog, recwarn):
    for name in ("", "sqlalchemy", "psycopg"):  # the drivers are silent unless each is asked
        caplog.set_level("DEBUG", logger=name)
    data = workspace(tmp_path, url_of(server))
    fine = CliRunner().invoke(app, ["check", "--data", str(data), "--json"])
    assert fine.exit_code == 0
    monkeypatch.setenv("CRM_PASSWORD", "wrong-hunter2")
    wrong = CliRunner().invoke(app, ["check", "--data", str(data), "--debug"])
    assert wrong.exit_code == 2
    assert "the user or the password is refused" in wrong.stderr
    assert "Traceback" in wrong.stderr
    seen = (fine.stdout + fine.stderr + wrong.stdout + wrong.stderr).replace(str(tmp_path), "")
    assert not [s for s in (*secrets, "hunter2") if s in seen]
    assert "connection attempt" in caplog.text
    told = caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert not [s for s in (server.password, "p%40ss", "hunter2") if s in told]


def test_nothing_of_a_failure_is_kept(server, secrets, monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_PASSWORD", "wrong-hunter2")
    refused(workspace(tmp_path, url_of(server)), ["hunter2"])
    gc.collect()
    kept = [x for x in gc.get_objects() if isinstance(x, BaseException) and "hunter2" in repr(vars(x)) + repr(x)]
    assert not kept


def test_an_interrupt_shows_nothing_either(monkeypatch, tmp_path):
    def interrupted(url: str, *rest: object) -> None:
        assert "hunter2" in url
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "_read_sqlalchemy", interrupted)
    monkeypatch.setenv("CRM_PASSWORD", "hunter2")
    with pytest.raises(KeyboardInterrupt) as caught:
        cs.load(workspace(tmp_path, "postgresql://u:${CRM_PASSWORD}@h/d"))
    assert "hunter2" not in said(caught.value)


# what a notebook may show of a book, and what becomes of an error in it when the variables of each frame are shown
CELLS = (
    "import os, sys\nimport cs_analysis as cs\nbook = cs.load(data_dir, as_of=as_of, config=config, lang=lang)",
    "print(repr(book), book.inputs, repr(book.settings), book.problems.to_string(), book.coverage.to_string())",
    "book.report()",
    "os.environ['CRM_PASSWORD'] = '2retnuh'[::-1]\nshell = get_ipython().InteractiveTB\nshell.set_mode('Verbose')\n"
    "try:\n    cs.load(data_dir, as_of='2025-12-31')\n"
    "except Exception:\n    print('\\n'.join(shell.structured_traceback(*sys.exc_info())))",
)


def test_a_report_shows_neither_secret_nor_address(server, secrets, tmp_path):
    workspace(tmp_path, url_of(server))
    node = nbformat.v4.new_notebook(metadata={"cs_analysis": {"title": "All of it", "requires": ["contracts"]}})
    parameters = 'data_dir = ""\nas_of = ""\ncompare_to = ""\nlang = ""\nconfig = ""\nout_dir = ""\n'
    node.cells = [
        nbformat.v4.new_markdown_cell("# All of it"),
        nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        *(nbformat.v4.new_code_cell(cell) for cell in CELLS),
    ]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(node, tmp_path / "notebooks" / "01_all.ipynb")
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["run", str(tmp_path), "--as-of", "2026-01-31", "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {"index.html", "run.json", "01_all.html", "01_all.ipynb"} <= {path.name for path in files}
    texts = {path.name: path.read_bytes().decode("utf-8", "replace") for path in files}
    assert "the user or the password is refused" in texts["01_all.html"]
    texts["said"] = result.stdout + result.stderr
    hidden = (server.password, "p%40ss", "hunter2", server.user, f"127.0.0.1:{server.port}")
    assert not [(name, s) for name, text in texts.items() for s in hidden if s in text]
    assert "source.contracts" in json.loads(texts["run.json"])["inputs"]
