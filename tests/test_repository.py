"""The repository around the package: lists that must stay in step, and what may not be in git."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from papermill.inspection import inspect_notebook

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LARGEST = 1_500_000  # bytes; the largest file on purpose is the Telco example's data


def tracked() -> list[Path]:
    """The files in git; outside a checkout the test is skipped."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def constraints() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def direct() -> list[Requirement]:
    project = PROJECT["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    found = [Requirement(line) for line in project["dependencies"] + extras + PROJECT["dependency-groups"]["dev"]]
    return [requirement for requirement in found if requirement.name != "cs-analysis"]


# --- lists in step ---------------------------------------------------------------------------------------------------


def test_constraints_are_mirrored_for_uv():
    assert PROJECT["tool"]["uv"]["constraint-dependencies"] == constraints()


def test_constraints_are_names_and_versions_only():
    assert not [line for line in constraints() if not re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][\w.]*( ; .+)?", line)]
    names = [Requirement(line).name for line in constraints()]
    assert names == sorted(names)


def test_constraints_hold_every_direct_dependency_within_its_bounds():
    pinned = {r.name: str(r.specifier).removeprefix("==") for r in map(Requirement, constraints())}
    for requirement in direct():
        assert requirement.name in pinned, f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_direct_dependencies_are_bounded_on_both_sides():
    for requirement in direct():
        signs = {specifier.operator for specifier in requirement.specifier}
        assert signs == {">=", "<"}, requirement


def test_conda_environment_is_in_step():
    conda_names = {"duckdb": "python-duckdb"}
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    environment = {line.split()[0]: SpecifierSet("".join(line.split()[1:])) for line in listed}
    expected = {r.name: r.specifier for r in map(Requirement, PROJECT["project"]["dependencies"])}
    expected = {conda_names.get(name, name): specifier for name, specifier in expected.items()}
    python = SpecifierSet(PROJECT["project"]["requires-python"])
    assert environment == expected | {"python": python, "pip": SpecifierSet()}


def test_changelog_has_the_version():
    version = re.search(r'__version__ = "(.+)"', (ROOT / "cs_analysis/__init__.py").read_text(encoding="utf-8"))
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_wheel_holds_notebooks_templates_and_catalogues(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    kit = [path.relative_to(ROOT).as_posix() for path in tracked()]
    wanted = [f"cs_analysis/_kit/{name}" for name in kit if name.startswith(("notebooks/", "data_templates/"))]
    wanted += [name for name in kit if name.startswith("cs_analysis/")]
    assert not set(wanted) - names
    assert NOTEBOOKS
    assert not [name for name in names if ".ipynb_checkpoints" in name or name.startswith("reports/")]


# --- what may not be in git ------------------------------------------------------------------------------------------


def test_no_lock_file_and_no_large_file():
    locks = {"uv.lock", "package-lock.json", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "yarn.lock"}
    assert not [path.name for path in tracked() if path.name in locks]
    assert not [(path.name, path.stat().st_size) for path in tracked() if path.stat().st_size > LARGEST]


def test_no_report_in_git():
    reports = [path for path in tracked() if path.relative_to(ROOT).parts[0] == "reports"]
    assert [path.name for path in reports] == [".gitkeep"]


def test_no_path_of_a_machine_and_no_registry_address():
    # written in pieces, so that this file does not find itself
    places = ["/" + "root/", "/" + "work/", re.escape(str(ROOT))]
    homes = ["/" + r"home/[a-z]\w", "/" + r"Users/[a-z]", r"[A-Z]:\\+" + "Users"]  # in tests they are made up
    registries = ["pypi" + r"\.org/simple", "files" + r"\.pythonhosted", "registry" + r"\.npmjs", "index-" + "url"]
    in_tests = re.compile(rf"(?<![\w.])(?:{'|'.join(places)})|{'|'.join(registries)}")
    elsewhere = re.compile(rf"{in_tests.pattern}|{'|'.join(homes)}")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary file
        name = path.relative_to(ROOT).as_posix()
        pattern = in_tests if name.startswith("tests/") else elsewhere
        found += [f"{name}: {hit[0]}" for hit in pattern.finditer(text)]
    assert not found


def test_ci_runs_the_test_command_of_the_readme():
    last = (ROOT / ".ci/run").read_text(encoding="utf-8").rstrip().splitlines()[-1]
    assert last == "pip install uv && uv run pytest"
    assert f"\n{last}\n" in (ROOT / "README.md").read_text(encoding="utf-8")


# --- the notebooks ---------------------------------------------------------------------------------------------------

COMMON = ["data_dir", "as_of", "compare_to", "lang", "config", "out_dir"]
# What prose may say in figures, because it is a definition or a way of reading and not a finding about the data
DEFINITIONS = [
    r"`[^`]*`",  # names
    r"\]\([^)]*\)",  # the address of a link
    r"(\b\d+ % )?\[[^\]]*\b(19|20)\d\d[^\]]*\]",  # a source with its year, and the published figure it is the source of
    r"\b95 %",  # the level of every interval
    r"\b100 %",  # the whole
    r"\b(1|3|6|12|13|24|36|60)[ -]months?\b",  # spans that are defined
    r"\bt[01]\b",  # the two ends of a span
]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks_named_in_order():
    assert NOTEBOOKS
    assert all(re.fullmatch(r"\d\d_[a-z_]+", path.stem) for path in NOTEBOOKS)


def test_notebook_is_valid_and_says_what_it_needs(notebook, path):
    nbformat.validate(notebook)
    said = notebook.metadata["cs_analysis"]
    assert said["name"] == path.stem
    assert said["order"] == int(path.stem[:2])
    assert said["title"]
    assert isinstance(said["requires"], list)
    assert notebook.metadata["kernelspec"]["name"] == "python3"


def test_notebook_has_no_outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def test_parameters_read_the_same_by_python_and_by_papermill(notebook, path):
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1
    source = cells[0].source
    assigned = {}
    for line in source.splitlines():
        statement = ast.parse(line).body[0]
        assert isinstance(statement, ast.AnnAssign), f"one annotated literal per line, `name: type = value`: {line}"
        assert isinstance(statement.target, ast.Name)
        assert re.search(r"  # [^=#]+$", line), f"a trailing comment, without = or #, says what it is: {line}"
        assert statement.value is not None
        assigned[statement.target.id] = (ast.unparse(statement.annotation), ast.literal_eval(statement.value))
    assert list(assigned)[: len(COMMON)] == COMMON
    assert all(assigned[name] == ("str", "") for name in COMMON)
    seen = inspect_notebook(str(path))
    read = {name: (said["inferred_type_name"], ast.literal_eval(said["default"])) for name, said in seen.items()}
    assert read == assigned
    assert all(said["help"] for said in seen.values())


def test_notebook_code_only_names_and_calls(notebook):
    forbidden = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.AsyncFor, ast.Lambda)
    for source in code(notebook):
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, forbidden)], source


def test_notebook_reads_as_prose_with_code_between(notebook):
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in notebook.cells)
    assert 18 <= len(kinds) <= 28
    assert "ccc" not in kinds, "three code cells in a row"
    assert kinds.count("cc") <= 4, "code cells in a row should be rare"


def test_prose_types_no_figure_about_the_data(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            rest = re.sub("|".join(DEFINITIONS), "", cell.source)
            assert not re.search(r"\d", rest), f"compute it, or add the definition to DEFINITIONS: {rest}"
