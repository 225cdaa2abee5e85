"""The command line: exit codes, one sentence per error, results on stdout and all else on stderr."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from typer.testing import CliRunner

import cs_analysis
from cs_analysis.cli import app

PARAMETERS = 'data_dir: str = ""\nas_of: str = ""\nout_dir: str = ""\nspan: int = 12\n'


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="cs-analysis")


def write_data(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    accounts = [f"A{i},Name {i}" for i in range(12)]
    contracts = [f"C{i},A{i},2024-0{1 + i % 9}-01,{100 + i}" for i in range(12)]
    (folder / "accounts.csv").write_text("\n".join(["account_id,account_name", *accounts]) + "\n")
    (folder / "contracts.csv").write_text("\n".join(["contract_id,account_id,start_date,mrr", *contracts]) + "\n")
    return folder


def write_notebook(folder: Path, name: str, requires: str) -> Path:
    node = nbformat.v4.new_notebook(metadata={"cs_analysis": {"title": name, "requires": [requires]}})
    node.cells = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, folder / f"{name}.ipynb")
    return folder


@pytest.fixture
def client(tmp_path) -> Path:
    """A workspace whose one notebook is skipped for want of data, so that no kernel starts."""
    home = tmp_path / "acme"
    write_data(home / "data")
    write_notebook(home / "notebooks", "09_lacks", "usage")
    return home


def assert_one_sentence(result, code: int = 2) -> str:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_run_prints_the_index_and_nothing_else(client, tmp_path):
    result = call("run", client, "--as-of", "2024-09-30", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'out' / 'index.html'}\n"
    assert "09_lacks  skipped" in result.stderr
    assert call("run", client, "--quiet").stderr == ""
    assert (client / "reports" / "2024-08" / "run.json").exists()  # August: not all of September is known


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def assert_refused(folder: Path, *arguments: object) -> str:
    """One sentence in either language, exit code 2, and not a file more or less anywhere in the folder."""
    before = everything_below(folder)
    japanese = assert_one_sentence(call(*arguments, "--lang", "ja"))
    assert re.search("[ぁ-ん]", japanese), japanese
    english = assert_one_sentence(call(*arguments, "--lang", "en"))
    assert everything_below(folder) == before
    return english


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--parameter", "spam=1"], "did you mean 'span'"),
        (["--parameter", "span"], "NAME=VALUE"),
        (["-p", "span=x"], "a whole number"),
        (["--only", "04,lacks"], "no notebook '04'"),
        (["--as-of", "soon"], "'soon'"),
        (["--as-of", "2024-02-30"], "'2024-02-30'"),
        (["--as-of", "2031-01-31"], "2025-08-31"),
        (["--as-of", "1924-09-30"], "2024-01-01"),
        (["--compare-to", "2025-01-31"], "2025-01-31"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
        (["-p", "as_of=2024-01-31"], "set by the run itself"),
        (["--only", "lackz"], "did you mean '09_lacks'"),
        (["--only", ","], "names no notebook"),
        (["--notebooks", "nowhere"], "nowhere"),
        (["--data", "nowhere"], "not both"),
    ],
)
def test_a_wrong_argument_is_one_sentence(client, tmp_path, arguments, said):
    assert said in assert_refused(tmp_path, "run", client, *arguments)


@pytest.mark.parametrize("command", [["run"], ["check"], ["demo"], ["sample", "--out", "s"]])
def test_an_unknown_language(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    assert "'fr' is not known; choose en / ja" in assert_one_sentence(call(*command, "--lang", "fr"))
    assert not list(tmp_path.iterdir())


def test_places_that_are_not_there(client, tmp_path):
    nowhere, file = tmp_path / "nowhere", client / "data" / "accounts.csv"
    (tmp_path / "empty").mkdir()
    for arguments in (
        [nowhere],
        [client / "data"],
        ["--data", nowhere],
        ["--data", file],
        ["--data", tmp_path / "empty"],
    ):
        assert_refused(tmp_path, "run", *arguments)
        assert_refused(tmp_path, "check", *arguments)


def test_an_out_that_is_somebody_elses(client, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for out in (tmp_path / "mine", client, client / "data"):
        assert "not a report of cs-analysis" in assert_refused(tmp_path, "run", client, "--out", out)
    letter = tmp_path / "mine" / "letter.txt"
    assert "is a file" in assert_refused(tmp_path, "run", client, "--out", letter)
    assert "cannot be written to" in assert_refused(tmp_path, "run", client, "--out", letter / "report")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("contracts.csv", "", "contracts.csv"),
        ("contracts.csv", "contract_id,account_id,start\nC1,A1,2024-01-01\n", "contracts.csv"),
        ("contracts.csv", "contract_id,account_id,start_date,mrr\n", "No date was found"),
        ("usage.csv", "", "usage.csv is empty"),
        ("usage.csv", bytes(range(256)), "not text that can be read"),
        ("accounts.csv", "顧客ID,顧客名\nA1,青空商事\n".encode("euc_jp"), "not text that can be read"),
        ("usage.xlsx", "", "usage.xlsx is empty"),
        ("usage.xlsx", bytes(range(256)), "cannot be read as an Excel workbook"),
        ("usage.parquet", bytes(range(256)), "cannot be read as Parquet"),
        ("contracts.xlsx", "this is not a workbook", "contracts"),
        ("accounts.csv", None, "accounts"),
        ("cs-analysis.toml", "[client]\nnam = 'x'\n", "did you mean 'name'"),
        ("cs-analysis.toml", "[mapping.usage]\nfile = 'accounts.csv'\nsheet = 'Nope'\n", "no Excel workbook"),
        ("cs-analysis.toml", "[mapping.usage]\nfile = 'nope.xlsx'\n", "nope.xlsx, which is not in the data folder"),
        ("cs-analysis.toml", bytes(range(128, 256)), "not UTF-8"),
        ("cs-analysis.toml", "[client", "TOML"),
    ],
)
def test_a_fault_of_the_input_is_one_sentence(client, tmp_path, file, content, said):
    path = client / "data" / file
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert said in assert_refused(tmp_path, "run", client)


def test_a_sheet_that_the_workbook_lacks(client, tmp_path):
    pd.DataFrame({"Konto": ["A1"]}).to_excel(client / "data" / "crm.xlsx", sheet_name="Usage 2024", index=False)
    (client / "cs-analysis.toml").write_text('[mapping.usage]\nfile = "crm.xlsx"\nsheet = "Usage 2042"\n')
    said = assert_refused(tmp_path, "run", client)
    assert "names the sheet Usage 2042, which crm.xlsx does not have; did you mean 'Usage 2024'?" in said


def test_debug_adds_the_traceback(client):
    result = call("run", client, "--as-of", "soon", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr


def test_an_unforeseen_fault_is_told_in_a_sentence(client, monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("no such luck")

    monkeypatch.setattr("cs_analysis.report.run.write_workbook", crash)
    result = call("run", client, "--quiet")
    assert "RuntimeError: no such luck" in assert_one_sentence(result, code=3)


def test_an_interrupt_is_told_in_a_sentence(client, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("cs_analysis.report.run.write_workbook", stop)
    assert "nothing was written" in assert_one_sentence(call("run", client, "--quiet"), code=130)
    assert not (client / "reports").exists()


def test_one_bad_client_does_not_stop_the_others(client, tmp_path):
    bad = tmp_path / "bad"
    (bad / "data").mkdir(parents=True)
    result = call("run", bad, client, "--out", tmp_path / "all", "--quiet")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{bad}: ")  # which of them is meant
    assert result.stdout == f"{tmp_path / 'all' / 'acme' / 'index.html'}\n"
    assert not (tmp_path / "all" / "bad").exists()
    checked = call("check", bad, client)
    assert (checked.exit_code, checked.stdout) == (2, f"{client}\nNothing was found wrong.\n")
    assert checked.stderr.startswith(f"{bad}: ")


def test_two_workspaces_of_one_name_cannot_share_an_out(client, tmp_path):
    other = tmp_path / "other" / "acme"
    write_data(other / "data")
    assert "acme" in assert_one_sentence(call("run", client, other, "--out", tmp_path / "all"))


def test_check_lists_every_fault(client):
    contracts = client / "data" / "contracts.csv"
    contracts.write_text(contracts.read_text().replace("2024-02-01", "2024-02-31", 1).replace(",103", ",lots"))
    result = call("check", client)
    assert result.exit_code == 1
    assert "contracts.csv, row 3, column start_date" in result.stdout
    assert "2024-02-31" in result.stdout
    assert "lots" in result.stdout
    found = json.loads(call("check", "--data", client / "data", "--json").stdout)[str(client / "data")]
    errors = [problem["row"] for problem in found["problems"] if problem["severity"] == "error"]
    assert set(errors) == {3, 5}
    assert result.stdout.splitlines()[-1].startswith(f"{len(errors)} errors")
    assert {row["table"] for row in found["coverage"]} == {"accounts", "contracts"}


def test_check_with_warnings_only(client):
    contracts = client / "data" / "contracts.csv"
    contracts.write_text(contracts.read_text() + contracts.read_text().splitlines()[-1] + "\n")
    result = call("check", client)
    assert result.exit_code == 0
    assert "contracts.csv, row 14, column contract_id, C11: The row repeats an earlier one" in result.stdout
    assert result.stdout.splitlines()[-1] == "0 errors, 1 warning, on rows that hold ¥111 a month"
    (client / "data" / "usage.csv").write_text("")
    unreadable = call("check", client, "--json")
    assert (unreadable.exit_code, json.loads(unreadable.stdout)) == (2, {})


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_table_of_check_fits_a_terminal(client, lang):
    from rich.cells import cell_len
    from rich.console import Console

    from cs_analysis.data.book import check
    from cs_analysis.display.language import speaking
    from cs_analysis.report.checked import table

    thing = "a very [bold]long thing that somebody wrote into the cell of a date"
    contracts = client / "data" / "contracts.csv"
    contracts.write_text(contracts.read_text().replace("2024-02-01", thing, 1))
    checked = check(client / "data", lang=lang)
    console = Console(width=100, file=io.StringIO())
    with console.capture() as captured, speaking(lang):
        console.print(table(checked, console.width))
    lines = captured.get().splitlines()
    assert max(map(cell_len, lines)) <= 100
    assert all(word in captured.get() for word in thing.split())
    assert len(lines) < 10


def test_check_of_good_and_of_unreadable_input(client, tmp_path):
    result = call("check", client)
    assert (result.exit_code, result.stderr) == (0, "")
    (tmp_path / "empty").mkdir()
    assert_one_sentence(call("check", "--data", tmp_path / "empty"))
    assert_one_sentence(call("check", "--data", tmp_path / "nowhere"))


def test_sample_is_written_once(tmp_path):
    result = call("sample", "--out", tmp_path / "s", "--accounts", 30, "--months", 14)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 's'}\n")
    assert {"truth.json", "accounts.csv", "contracts.csv"} <= {path.name for path in (tmp_path / "s").iterdir()}
    assert "not empty" in assert_one_sentence(call("sample", "--out", tmp_path / "s"))
    assert "csv, xlsx, parquet" in assert_one_sentence(call("sample", "--out", tmp_path / "t", "--format", "ods"))
    assert "--until" in assert_one_sentence(call("sample", "--out", tmp_path / "t", "--until", "later"))
    assert not (tmp_path / "t").exists()


def test_version_and_help():
    assert call("--version").stdout == f"cs-analysis {cs_analysis.__version__}\n"
    said = call("--help").stdout
    for command in ("run", "check", "sample", "demo"):
        assert f"\n  {command} " in said
    assert "WORKSPACE" in call("run", "--help").stdout


def test_help_imports_nothing_heavy():
    """What keeps --help fast; the time itself is in the benchmarks."""
    probe = (
        "import sys\nfrom typer.testing import CliRunner\nfrom cs_analysis.cli import app\n"
        "assert CliRunner().invoke(app, ['run', '--help']).exit_code == 0\n"
        "heavy = {'pandas', 'numpy', 'papermill', 'nbformat', 'matplotlib', 'rich', 'babel'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_python_m():
    done = subprocess.run(
        [sys.executable, "-m", "cs_analysis", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"cs-analysis {cs_analysis.__version__}\n"
