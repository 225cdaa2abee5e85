"""Books kept on disk by the content of their input, so that all notebooks of a run parse the data once.

The folder is named by an environment variable and belongs to one run; nobody else's pickles are ever read.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cs_analysis.data.reading.read import data_files, fingerprints

CACHE = "CS_ANALYSIS_CACHE"


def place_of(folder: Path, config: Path | None) -> Path | None:
    """Where the Books of a data folder are kept, a path to be given endings; None when no cache is asked for.

    It depends on the content and names of the input, on the client file and on the version; never on the language.
    """
    if not (cache := os.environ.get(CACHE)):
        return None
    parts = [_version(), *(f"{n}={h}" for n, h in sorted(fingerprints(data_files(folder)).items()))]
    if config is not None and config.is_file():
        parts += [str(config.resolve()), hashlib.sha256(config.read_bytes()).hexdigest()]
    return Path(cache) / hashlib.sha256("\n".join(parts).encode()).hexdigest()


def find(place: Path, as_of: date | None) -> Any:
    """What is kept for a day, or for the default day (None); None if there is nothing."""
    try:
        day = as_of or date.fromisoformat(_default(place).read_text())
        return pickle.loads(_kept(place, day).read_bytes())
    except (OSError, ValueError, pickle.UnpicklingError, EOFError, AttributeError, ImportError):
        return None


def keep(place: Path, book: Any, *, as_of: date, default: date) -> None:
    """Keep a Book under its day, and remember which day is the default one of this input."""
    _write(_kept(place, as_of), pickle.dumps(book, protocol=pickle.HIGHEST_PROTOCOL))
    _write(_default(place), default.isoformat().encode())


def _kept(place: Path, day: date) -> Path:
    return place.with_suffix(f".{day.isoformat()}.pickle")


def _default(place: Path) -> Path:
    return place.with_suffix(".default")


def _version() -> str:
    try:
        return version("cs-analysis")
    except PackageNotFoundError:
        return ""


def _write(path: Path, content: bytes) -> None:
    """Written aside and moved into place: notebooks of one run may come here at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(name, path)
