"""Which notebooks a run takes, what they need, and which parameters they accept.

Everything here is read from the files themselves, before any kernel starts: the metadata
(name, title, tables needed) and, with ``ast``, the cell tagged ``parameters``. Papermill's own
reader of that cell is not used: it stumbles over comments and only logs an unknown name.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat

import cs_analysis
from cs_analysis.display.language import LANGUAGES, _, choose, speaking
from cs_analysis.errors import N_, CsError, InputError

# Without these a notebook would compute on other data, or as of another day, than its report says.
NEEDED = ("data_dir", "as_of")

_KINDS = {
    str: N_("a text"),
    int: N_("a whole number"),
    float: N_("a number"),
    bool: N_("true or false"),
    list: N_("a list of texts, with commas between them"),
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: its name, type and default."""

    name: str
    type: type
    default: object


@dataclass(frozen=True)
class Notebook:
    """A notebook as it lies on disk, with what its metadata and its parameters cell say."""

    path: Path
    name: str
    title: str
    requires: tuple[tuple[str, ...], ...]
    parameters: dict[str, Parameter]
    node: nbformat.NotebookNode


@dataclass(frozen=True)
class Shelf:
    """The folder that notebooks come from; ``origin`` is "package", "workspace" or "folder"."""

    folder: Path
    origin: str


def kit_folder(name: str) -> Path:
    """A folder shipped with the kit ("notebooks", "data_templates"): in the wheel, else in the checkout."""
    package = Path(cs_analysis.__file__).resolve().parent
    installed = package / "_kit" / name
    return installed if installed.is_dir() else package.parent / name


def find_shelf(folder: Path | None, workspace: Path | None) -> Shelf:
    """Where a run takes its notebooks from: the folder asked for, else the workspace's, else the kit's."""
    if folder is not None:
        if not any(folder.glob("*.ipynb")):
            raise InputError(
                N_("The folder {folder} holds no notebook (*.ipynb); give --notebooks a folder that does."),
                folder=str(folder),
            )
        return Shelf(folder, "folder")
    if workspace is not None and any((workspace / "notebooks").glob("*.ipynb")):
        return Shelf(workspace / "notebooks", "workspace")
    return Shelf(kit_folder("notebooks"), "package")


def find_notebooks(shelf: Shelf, only: tuple[str, ...] = ()) -> list[Notebook]:
    """The notebooks of a shelf in the order of their names, or those named by ``only``.

    A name may be the number ("04"), the name without it ("nrr_cohorts") or the whole ("04_nrr_cohorts").
    """
    paths = {path.stem: path for path in sorted(shelf.folder.glob("*.ipynb"))}
    wanted: set[str] = set()
    for asked in only:
        found = [name for name in paths if _answers_to(name, asked)]
        if not found:
            raise InputError(
                N_("There is no notebook {name!r}; {choice}."), name=asked, choice=choose(asked, list(paths))
            )
        wanted.update(found)
    return [read_notebook(path) for name, path in paths.items() if name in wanted or not only]


def _answers_to(name: str, asked: str) -> bool:
    number, _, rest = name.partition("_")
    return asked.removesuffix(".ipynb") in ({name, number, rest} if number.isdigit() else {name})


def read_notebook(path: Path) -> Notebook:
    """Read one notebook; cells without an id get one from their place, so that two runs agree."""
    try:
        text = path.read_text(encoding="utf-8")
        has_id = ["id" in cell for cell in json.loads(text).get("cells", [])]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a cell without an id is put right below
            node = nbformat.v4.upgrade(nbformat.reads(text, as_version=4))
    except (OSError, ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        raise InputError(
            N_("The notebook {file} cannot be read ({error}); save it again from JupyterLab."),
            file=path.name,
            error=str(error).splitlines()[0] if str(error) else type(error).__name__,
        ) from error
    for index, cell in enumerate(node.cells):
        if index >= len(has_id) or not has_id[index]:
            cell["id"] = f"cell-{index:02d}"  # nbformat would draw a random one
    about = node.metadata.get("cs_analysis", {})
    requires = tuple((need,) if isinstance(need, str) else tuple(need) for need in about.get("requires", []))
    return Notebook(
        path=path,
        name=path.stem,
        title=str(about.get("title") or path.stem),
        requires=requires,
        parameters=read_parameters(node, path.stem),
        node=node,
    )


def message_of(cell: nbformat.NotebookNode) -> str:
    """What a markdown cell is translated from: the message kept in its metadata, or the cell as it is.

    A notebook written in another language keeps the English of each cell, so that a report can be in either; a cell
    that somebody has rewritten since is left as it is.
    """
    kept = cell.metadata.get("cs_analysis", {}).get("message", "")
    for lang in LANGUAGES if kept else ():
        with speaking(lang):
            if _(kept) == cell.source:
                return kept
    return cell.source


def read_parameters(node: nbformat.NotebookNode, name: str) -> dict[str, Parameter]:
    """The names, types and defaults in the cell tagged ``parameters``."""
    cells = [cell for cell in node.cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells:
        raise InputError(
            N_("The notebook {notebook} has no cell tagged 'parameters'; tag the cell that sets data_dir and as_of."),
            notebook=name,
        )
    try:
        lines = ast.parse(cells[0].source).body
    except SyntaxError as error:
        raise InputError(
            N_("The parameters cell of {notebook} is not valid Python (line {line}): correct it and run again."),
            notebook=name,
            line=error.lineno,
        ) from error
    found = [parameter for line in lines for parameter in _parameter(line, name)]
    parameters = {parameter.name: parameter for parameter in found}
    for needed in NEEDED:
        if needed not in parameters:
            raise InputError(
                N_("The parameters cell of {notebook} lacks {parameter}; {choice}."),
                notebook=name,
                parameter=needed,
                choice=choose(needed, list(parameters)),
            )
    return parameters


def _parameter(line: ast.stmt, notebook: str) -> list[Parameter]:
    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None:
        target, annotation, value = line.target, line.annotation, line.value
    elif isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name):
        target, annotation, value = line.targets[0], None, line.value
    else:
        return []
    try:
        default = ast.literal_eval(value)
    except ValueError as error:
        raise InputError(
            N_("The parameter {parameter} of {notebook} is not a plain value but {value}; write a literal."),
            parameter=target.id,
            notebook=notebook,
            value=ast.unparse(value),
        ) from error
    named = re.match(r"\w+", ast.unparse(annotation)) if annotation is not None else None
    types = {kind.__name__: kind for kind in _KINDS}
    kind = types.get(named.group()) if named else None
    return [Parameter(target.id, kind or (type(default) if type(default) in _KINDS else str), default)]


def given_parameters(notebooks: list[Notebook], given: dict[str, str], reserved: frozenset[str]) -> dict[str, object]:
    """The values of ``--parameter NAME=VALUE`` in the types the notebooks declare.

    Each name must be known to at least one of the notebooks and not be set by the run itself.
    """
    known: dict[str, Parameter] = {}
    for notebook in notebooks:
        known |= {name: parameter for name, parameter in notebook.parameters.items() if name not in reserved}
    values: dict[str, object] = {}
    for name, text in given.items():
        if name in reserved:
            raise InputError(
                N_("The parameter {name} is set by the run itself; use its own option instead (see --help)."), name=name
            )
        if name not in known:
            raise InputError(
                N_("No notebook of this run has a parameter {name!r}; {choice}."),
                name=name,
                choice=choose(name, sorted(known)),
            )
        values[name] = convert(known[name], text)
    return values


def convert(parameter: Parameter, text: str) -> object:
    """``text`` in the type of the parameter.

    >>> convert(Parameter("span", int, 12), "24"), convert(Parameter("by", list, []), "segment, csm")
    (24, ['segment', 'csm'])
    """
    try:
        if parameter.type is bool:
            return {"true": True, "false": False}[text.strip().lower()]
        if parameter.type is list:
            return [item.strip() for item in text.split(",") if item.strip()]
        return parameter.type(text)
    except (ValueError, KeyError) as error:
        raise InputError(
            N_("The parameter {name} takes {kind}, not {value!r}."),
            name=parameter.name,
            kind=CsError(_KINDS[parameter.type]),
            value=text,
        ) from error
