"""What was asked for, and where the client's things are: settled before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cs_analysis.data.book import locate
from cs_analysis.data.settings import read_settings
from cs_analysis.display.language import check_language
from cs_analysis.errors import N_, CsError, InputError


@dataclass(frozen=True)
class Request:
    """What was asked for, for one client; a ``workspace`` or a bare ``data`` folder, dates as they were written."""

    workspace: Path | None = None
    data: Path | None = None
    out: Path | None = None
    as_of: str = ""
    compare_to: str = ""
    lang: str = ""
    config: Path | None = None
    notebooks: Path | None = None
    only: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    jobs: int = 0  # 0: as many as there are cores, at most four


@dataclass(frozen=True)
class Client:
    """Where a client's things are; ``shown`` is the data folder's name in what is written."""

    data: Path
    config: Path | None
    workspace: Path | None
    shown: str


def find_client(request: Request) -> Client:
    """The data folder and client file of a request; both are checked for being there."""
    if request.data is not None and request.workspace is not None:
        raise InputError(N_("Give a workspace or --data, not both."))
    workspace = None if request.data is not None else (request.workspace or Path("."))
    data = request.data if workspace is None else workspace / "data"
    assert data is not None
    if workspace is not None and not data.is_dir():
        raise InputError(
            N_("The workspace {workspace} has no folder 'data'; give a workspace that has one, or --data DIR."),
            workspace=str(workspace),
        )
    if not data.is_dir():
        raise InputError(N_("There is no folder {folder}; check --data."), folder=str(data))
    config = request.config or locate(data)[1]
    return Client(
        data=data.resolve(),
        config=config.resolve() if config else None,
        workspace=workspace.resolve() if workspace else None,
        shown="data" if workspace else data.resolve().name,
    )


def language_of(request: Request) -> str:
    """The language to speak for a request: asked for, else the client file's, else English."""
    if request.lang:
        return check_language(request.lang)
    try:
        return read_settings(find_client(request).config).client.language
    except CsError:
        return "en"  # the fault itself is told by the run


def parse_day(text: str, option: str) -> date | None:
    """The day an option names, None if it was not given.

    >>> parse_day("2026-10-31", "--as-of")
    datetime.date(2026, 10, 31)
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            N_("{option} is {value!r}, which is not a day; write it as 2026-10-31."), option=option, value=text
        ) from error
