"""A report leaves whole or not at all: written beside its place, then swapped in.

Also what a report says about itself in ``run.json``, by which it is known again.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType

import cs_analysis
from cs_analysis.errors import N_, InputError

# put there by desktops, not by people
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
_VERSIONED = ("pandas", "numpy", "scipy", "narwhals", "lifelines", "duckdb", "matplotlib", "papermill", "nbconvert")


def previous_run(out: Path) -> dict | None:
    """What the report at ``out`` says of itself; None if nothing is there. Refuses a folder that is not a report."""
    if not out.exists():
        return None
    if not out.is_dir():
        raise InputError(N_("{out} is a file, not a folder; choose another --out."), out=str(out))
    there = sorted(path.name for path in out.iterdir() if path.name not in _LITTER)
    if not there:
        return None
    remedy = {"out": str(out), "file": there[0]}
    try:
        run = json.loads((out / "run.json").read_text(encoding="utf-8"))
        files = set(run["files"]) if run["kit"] == "cs-analysis" else set()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            N_("{out} is not empty and not a report of cs-analysis (it holds {file}); choose another --out."), **remedy
        ) from error
    foreign = [name for name in there if name not in files]
    if foreign:
        remedy["file"] = foreign[0]
        raise InputError(
            N_(
                "{out} holds {file}, which is no part of the report and would be lost; move it or choose another --out."
            ),
            **remedy,
        )
    return run


class Stage:
    """A folder beside ``out`` that becomes ``out`` on :meth:`swap`, and leaves no trace otherwise.

    Use as a context manager: whatever breaks off the block, the last report stays as it was.
    """

    def __init__(self, out: Path) -> None:
        self.out = out.resolve()  # of a link, what it points to is replaced
        self.folder = self.out.parent / f".{self.out.name}.{secrets.token_hex(4)}.part"
        self._made: list[Path] = []

    def __enter__(self) -> Stage:
        parent = self.out.parent
        while not parent.exists():
            self._made.append(parent)
            parent = parent.parent
        try:
            # not tempfile.mkdtemp: the report is for others to read, so the usual permissions hold
            self.folder.mkdir(parents=True)
        except OSError as error:
            self._clear()
            raise InputError(
                N_("{folder} cannot be written to ({error}); choose another --out."),
                folder=str(self.out.parent),
                error=error.strerror or str(error),
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def _clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if not self.out.exists():
            for parent in self._made:
                try:
                    parent.rmdir()
                except OSError:
                    return

    def swap(self) -> None:
        """Put the staged folder in the place of the last report; if that fails, the last one is put back."""
        if not self.out.exists():
            os.rename(self.folder, self.out)
            return
        aside = self.folder.with_suffix(".old")
        try:
            os.rename(self.out, aside)
        except OSError as error:
            raise InputError(
                N_("The report in {out} cannot be replaced ({error}); close its files, or choose another --out."),
                out=str(self.out),
                error=error.strerror or str(error),
            ) from error
        try:
            os.rename(self.folder, self.out)
        except BaseException:
            os.rename(aside, self.out)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def write_run(folder: Path, record: dict) -> None:
    """Write ``run.json``, the one file in which times and hashes of input files stand."""
    files = sorted({path.name for path in folder.iterdir()} | {"run.json"})
    record = {"kit": "cs-analysis", **record, "files": files}
    text = json.dumps(record, ensure_ascii=False, indent=1, default=str)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """The versions that numbers may depend on."""
    found = {"cs_analysis": cs_analysis.__version__, "python": platform.python_version()}
    for name in _VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
