"""The README does what it says: its commands exist, its files are accepted, its Python runs, its links lead somewhere.

A block after a line with `` `data/name.csv` `` is that file; a ``pycon`` block is a doctest; a ``python`` block runs
in a folder with the README's own English files.
"""

from __future__ import annotations

import doctest
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from cs_analysis.data.settings import read_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "data_templates").rglob("*.md"), *(ROOT / "tests").rglob("*.md")])
COMMANDS = ("demo", "run", "check", "template", "new", "sample")


class Block(NamedTuple):
    """A fenced block; ``before`` is the line of prose above it."""

    language: str
    text: str
    before: str


def blocks(language: str) -> list[Block]:
    found = re.findall(r"([^\n]*)\n+```(\w+)\n(.*?)```", README, flags=re.S)
    return [Block(kind, text, before) for before, kind, text in found if kind == language]


def shell_lines() -> list[str]:
    return [line for block in blocks("bash") for line in block.text.splitlines() if line.strip()]


def kit_calls() -> list[list[str]]:
    """The arguments of each ``cs-analysis …`` in a shell block."""
    return [shlex.split(m[1], comments=True) for line in shell_lines() if (m := re.search(r"\bcs-analysis (.*)", line))]


def csv_files(japanese: bool) -> dict[str, str]:
    named = {m[1]: block.text for block in blocks("csv") if (m := re.match(r"`(data/[^`]+)`", block.before))}
    return {name: text for name, text in named.items() if name.isascii() != japanese}


def kit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cs_analysis", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(params=[False, True], ids=["english", "japanese"])
def folder(request, tmp_path) -> Path:
    """A folder that holds the README's example files in one of the languages."""
    (tmp_path / "data").mkdir()
    files = csv_files(japanese=request.param)
    assert len(files) == 2
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_two_commands_stand_alone_in_their_blocks():
    texts = [block.text for block in blocks("bash")]
    assert "pip install uv && uv run cs-analysis demo\n" in texts
    assert "pip install uv && uv run pytest\n" in texts


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_each_command_exist(command, tmp_path):
    used = [arguments for arguments in kit_calls() if arguments[0] == command]
    if not used:
        return
    shown = kit(command, "--help", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    known = set(re.findall(r"--[a-z][a-z-]*", shown.stdout))
    for arguments in used:
        assert {word for word in arguments if word.startswith("--")} <= known, arguments


def test_every_kit_command_is_one_of_the_known():
    calls = kit_calls()
    assert len(calls) >= 5
    assert {arguments[0] for arguments in calls} <= set(COMMANDS)


def test_other_commands_run_what_is_there():
    """Tools named after ``uv run`` are installed, modules can be found, notebooks and scripts exist."""
    for line in shell_lines():
        words = shlex.split(line.split("uv run ")[-1], comments=True)
        if words[:2] == ["python", "-m"]:
            assert (ROOT / (words[2].replace(".", "/") + ".py")).exists(), line
        else:
            assert any((Path(sys.executable).parent / name).exists() for name in (words[0], words[0] + ".exe")), line
        for word in words:
            if word.startswith("notebooks/"):
                assert (ROOT / word).exists(), line


def test_example_files_have_no_fault(folder):
    done = kit("check", "--data", "data", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", [False], indirect=True)
def test_python_blocks_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = blocks("python")
    assert found
    names: dict[str, object] = {}
    for block in found:
        exec(compile(block.text, "README.md", "exec"), names)
    assert (folder / "tables" / "retention.csv").stat().st_size


def test_example_by_hand_comes_out():
    for block in blocks("pycon"):
        test = doctest.DocTestParser().get_doctest(block.text, {}, "README", "README.md", 0)
        report: list[str] = []
        assert not doctest.DocTestRunner().run(test, out=report.append).failed, "".join(report)


@pytest.mark.parametrize("number", range(len(blocks("toml"))))
def test_client_files_are_accepted(number, tmp_path):
    text = blocks("toml")[number].text
    assert tomllib.loads(text)
    file = tmp_path / "cs-analysis.toml"
    file.write_text(text, encoding="utf-8")
    read_settings(file)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
            assert target[1:] in {heading.lower().replace(" ", "-") for heading in headings}, target
        elif "://" not in target:
            assert (page.parent / target.split("#")[0]).exists(), target


def test_readme_lists_the_notebooks_there_are():
    listed = re.findall(r"\(notebooks/([\w]+)\.ipynb\)", README)
    assert listed == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_the_reference_is_that_of_the_schema_and_the_settings():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    for name, text in reference.pages().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"run docs/reference.py: {name}"
