"""A client's workspace: complete, in its language, and ready to run from the folder it was moved to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from test_cli import assert_one_sentence, call
from test_template import IDS, fill, typed

import cs_analysis as cs
from cs_analysis.data.settings import read_settings
from cs_analysis.data.templates.template import write_templates
from cs_analysis.display.language import _, speaking
from cs_analysis.report.notebooks import find_notebooks, find_shelf, message_of, read_notebook

KIT = {notebook.name: notebook for notebook in find_notebooks(find_shelf(None, None))}


@pytest.fixture(params=["en", "ja"])
def lang(request) -> str:
    return request.param


@pytest.fixture
def home(lang, tmp_path) -> Path:
    result = call("new", tmp_path / "青空 & Co", "--lang", lang)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / '青空 & Co'}\n"), result.stderr
    return tmp_path / "青空 & Co"


def prose(path: Path) -> list[str]:
    return [cell.source for cell in read_notebook(path).node.cells if cell.cell_type == "markdown"]


def test_what_a_workspace_holds(home, lang):
    assert sorted(path.name for path in home.iterdir()) == [
        "README.md", "cs-analysis.toml", "data", "notebooks", "reports",
    ]  # fmt: skip
    assert [path.name for path in (home / "data").iterdir()] == [f"cs_data_{lang}.xlsx"]
    assert {path.stem for path in (home / "notebooks").iterdir()} == set(KIT)
    settings = read_settings(home / "cs-analysis.toml")
    assert settings.client.name == "青空 & Co"
    assert settings.client.language == lang
    assert settings.client.fiscal_year_start == {"en": 1, "ja": 4}[lang]
    readme = (home / "README.md").read_text(encoding="utf-8")
    assert f"cs_data_{lang}.xlsx" in readme
    assert len(readme.splitlines()) < 60  # one page
    for path in home.rglob("*"):  # it may be zipped and handed over: nothing tells where it was made
        assert not path.is_file() or str(home.parent).encode() not in path.read_bytes()


def test_notebooks_are_in_the_language_and_keep_their_messages(home, lang):
    for name, notebook in KIT.items():
        path = home / "notebooks" / f"{name}.ipynb"
        theirs = read_notebook(path)
        assert nbformat.validate(theirs.node) is None
        original = [cell.source for cell in notebook.node.cells if cell.cell_type == "markdown"]
        with speaking(lang):
            assert prose(path) == [_(text) for text in original]
        markdown = [cell for cell in theirs.node.cells if cell.cell_type == "markdown"]
        assert [message_of(cell) for cell in markdown] == original
        code = [cell.source for cell in notebook.node.cells if cell.cell_type == "code"]
        assert [cell.source for cell in theirs.node.cells if cell.cell_type == "code"] == code
        assert (theirs.title, theirs.requires) == (notebook.title, notebook.requires)


def test_prose_that_was_rewritten_stays(tmp_path):
    """A report in English of a Japanese workspace: our cells are English again, the analyst's own are as written."""
    from cs_analysis.report.execute import prepare

    call("new", tmp_path / "w", "--lang", "ja")
    path = tmp_path / "w" / "notebooks" / "00_data_check.ipynb"
    node = nbformat.read(path, as_version=4)
    cells = [index for index, cell in enumerate(node.cells) if cell.cell_type == "markdown"]
    node.cells[cells[1]].source = "# 自分で書いた見出し"
    nbformat.write(node, path)
    job = prepare(read_notebook(path), {}, {}, {})
    original = KIT["00_data_check"].node
    assert job.node.cells[cells[0]].source == original.cells[cells[0]].source
    assert job.node.cells[cells[1]].source == "# 自分で書いた見出し"


def test_a_folder_that_holds_anything_is_left_alone(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".hidden").write_text("mine")
    assert "is not empty" in assert_one_sentence(call("new", tmp_path / "w"))
    assert [path.name for path in (tmp_path / "w").iterdir()] == [".hidden"]
    assert "is not empty" in assert_one_sentence(call("new", tmp_path / "w" / ".hidden"))
    assert "'fr' is not known" in assert_one_sentence(call("new", tmp_path / "x", "--lang", "fr"))
    assert not (tmp_path / "x").exists()
    (tmp_path / "empty").mkdir()
    assert call("new", tmp_path / "empty").exit_code == 0


def test_filled_in_and_moved_it_is_checked_and_loaded(home, lang, tmp_path):
    fill(home / "data" / f"cs_data_{lang}.xlsx", typed(lang))
    moved = shutil.move(home, tmp_path / "elsewhere")
    result = call("check", moved)
    assert result.exit_code == 0, result.output
    book = cs.load(Path(moved) / "data", as_of="2025-05-31")
    assert (book.lang, book.accounts["account_id"].tolist()) == (lang, IDS)


def test_a_fresh_workspace_says_that_nothing_is_filled_in(home):
    said = call("check", home)
    assert said.exit_code == 2
    assert len(said.stderr.splitlines()) == 1


def test_template_command(lang, tmp_path):
    result = call("template", "--out", tmp_path / "t", "--lang", lang)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 't' / f'cs_data_{lang}.xlsx'}\n")
    assert (tmp_path / "t" / f"cs_data_{lang}.xlsx").read_bytes() == write_templates(tmp_path / "u", lang=lang)[
        0
    ].read_bytes()
    call("template", "--out", tmp_path / "c", "--lang", lang, "--format", "csv")
    assert len(list((tmp_path / "c").glob("*.csv"))) == 15
    refused = call("template", "--out", tmp_path / "t", "--lang", lang)
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["chek"], ["check", "--as-off", "1"], ["sample"], ["run", "--jobs", "x"]])
def test_a_wrong_use_is_one_line(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "cs_analysis", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "--help" in done.stderr
