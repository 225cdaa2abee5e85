"""The house holds: every import goes to a lower floor or stays in its package, and each rule of the package is kept.

All imports count, also those inside functions and under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cs_analysis"
FLOORS = {"errors": 0, "display": 1, "stats": 1, "data": 2, "topics": 3, "report": 4, "cli": 5, "__main__": 6, "": 7}
MODULES = sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    """``cs_analysis.data.book`` for its file; a package's own name for its ``__init__``."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Absolute names of everything imported; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = module.split(".")
                kept = here[: len(here) - node.level + is_package]
                base = ".".join([*kept, base] if base else kept)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def face(name: str) -> str:
    """The part of the package a dotted name belongs to: ``cs_analysis.data.book.load`` → ``data``."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def topic(name: str) -> str:
    parts = name.split(".")
    return parts[2] if parts[1:2] == ["topics"] and len(parts) > 2 else ""


@pytest.fixture(scope="module", params=MODULES, ids=dotted)
def module(request) -> tuple[str, ast.AST, list[str]]:
    path = request.param
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = dotted(path)
    return name, tree, list(imports(tree, name, path.name == "__init__.py"))


def test_every_module_stands_on_a_known_floor():
    unknown = {face(dotted(path)) for path in MODULES} - FLOORS.keys()
    assert not unknown, f"{unknown}: give it a floor in FLOORS, or put it into a package that has one"


def test_imports_go_down(module):
    name, _tree, imported = module
    for other in imported:
        if other.split(".")[0] != "cs_analysis" or other in ("cs_analysis", "cs_analysis.__version__"):
            continue
        here, there = face(name), face(other)
        assert here == there or FLOORS[there] < FLOORS[here], f"{name} imports {other}: not a lower floor"


def test_the_face_is_asked_only_for_its_version_and_place(module):
    name, tree, _imported = module
    if name != "cs_analysis":
        used = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
        asked = {node.attr for node in used if node.value.id == "cs_analysis"}
        assert asked <= {"__version__", "__file__"}, f"{name} takes {asked} from the face: import it from its own floor"


def test_topics_do_not_import_each_other(module):
    name, _tree, imported = module
    if topic(name):
        assert {topic(other) for other in imported if topic(other)} <= {topic(name)}, name


def test_lifelines_stays_in_one_place(module):
    name, _tree, imported = module
    if not f"{name}.".startswith("cs_analysis.stats.survival."):
        assert not [other for other in imported if other.split(".")[0] == "lifelines"], name


def test_no_pyplot(module):
    name, _tree, imported = module
    assert not [other for other in imported if f"{other}.".startswith("matplotlib.pyplot.")], name


def test_nothing_prints_outside_the_command_line(module):
    name, tree, _imported = module
    if face(name) in ("cli", "__main__"):
        return
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    printing = [f.id for f in calls if isinstance(f, ast.Name) and f.id in ("print", "input", "breakpoint")]
    assert not printing, name


def test_no_module_is_called_utils():
    assert not [dotted(path) for path in MODULES if path.stem in ("utils", "util", "helpers", "common", "misc")]


@pytest.mark.parametrize(
    ("source", "is_package", "expected"),
    [
        ("from . import ratios", False, ["cs_analysis.stats.ratios"]),
        ("from .ratios import net", True, ["cs_analysis.stats.ratios.net"]),
        ("from ..data.book import Book", False, ["cs_analysis.data.book.Book"]),
        ("def f():\n    import lifelines.utils", False, ["lifelines.utils"]),
        ("from matplotlib import pyplot as plt", False, ["matplotlib.pyplot"]),
    ],
)
def test_the_reader_of_imports_itself(source, is_package, expected):
    name = "cs_analysis.stats" if is_package else "cs_analysis.stats.survival"
    assert list(imports(ast.parse(source), name, is_package)) == expected
