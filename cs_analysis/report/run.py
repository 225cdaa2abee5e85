"""A client's data in, a whole report out: the order of things, from checking the request to the swap.

What can be wrong with the request or the input is found before the first kernel starts, and then
nothing is written. What goes wrong within one notebook costs that notebook alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

import nbformat

import cs_analysis
from cs_analysis.data.book import Book, load
from cs_analysis.data.cache import CACHE
from cs_analysis.data.schema import TABLES
from cs_analysis.data.settings import Settings, read_settings
from cs_analysis.display.language import _, render, speaking
from cs_analysis.errors import N_, CsError, InputError, NotebookError
from cs_analysis.report.contents import page_context, write_contents, write_listing
from cs_analysis.report.execute import Job, Kernels, Outcome, execute, prepare
from cs_analysis.report.frame import PageContext
from cs_analysis.report.notebooks import Notebook, Shelf, find_notebooks, find_shelf, given_parameters
from cs_analysis.report.page import write_page
from cs_analysis.report.request import Request, find_client, language_of, parse_day
from cs_analysis.report.stage import Stage, previous_run, versions, write_run
from cs_analysis.report.workbook import write_workbook

RESERVED = frozenset({"data_dir", "as_of", "compare_to", "lang", "config", "out_dir"})
_JOBS_AT_MOST = 4


@dataclass(frozen=True)
class Event:
    """Something to show while a run goes on.

    ``kind`` is "note" (a sentence in ``text``), "start" (a notebook begins), "cell" (``done`` of ``total`` cells) or
    "end" (with ``status``, ``seconds`` and the reason in ``text``). "cell" comes from worker threads.
    """

    kind: str
    notebook: str = ""
    text: str = ""
    done: int = 0
    total: int = 0
    status: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """Where the report is, what became of each notebook, and the exit code: 0, or 1 when one failed."""

    out: Path
    notebooks: tuple[dict, ...]
    exit_code: int


Progress = Callable[[Event], None]


def run(request: Request, *, progress: Progress = lambda event: None) -> Result:
    """Run the notebooks on one client's data and put the report in its place.

    Parameters
    ----------
    request
        What was asked for.
    progress
        Called with each :class:`Event`.

    Returns
    -------
    Result
        The folder of the report, a record per notebook and the exit code (0 or 1).

    Raises
    ------
    InputError
        The input or the request is at fault; nothing was written.
    """
    with (
        speaking(language_of(request)),
        tempfile.TemporaryDirectory(prefix="cs-", ignore_cleanup_errors=True) as private,
    ):
        return _Run(request, Path(private), progress).go()


class _Run:
    """One client's run, with what its steps share."""

    def __init__(self, request: Request, private: Path, progress: Progress) -> None:
        self.started = perf_counter()
        self.request = request
        self.progress = progress
        self.client = find_client(request)
        self.settings: Settings = read_settings(self.client.config)
        self.lang = request.lang or self.settings.client.language
        self.shelf: Shelf = find_shelf(request.notebooks, self.client.workspace)
        chosen = request.only or tuple(self.settings.report.notebooks)
        self.notebooks: list[Notebook] = find_notebooks(self.shelf, chosen)
        self.given = given_parameters(self.notebooks, request.parameters, RESERVED)
        self.asked = parse_day(request.as_of, "--as-of")
        self.compared = parse_day(request.compare_to, "--compare-to")
        self.cache = private / "cache"
        self.cache.mkdir()
        self.kernels = Kernels(private, {CACHE: str(self.cache)})
        self.private = private

    def go(self) -> Result:
        """Load, run, write, swap."""
        book = self._load()
        before_as_of = (book.as_of.replace(day=1)) - timedelta(days=1)
        compare_to = self.compared or before_as_of
        if compare_to >= book.as_of:
            raise InputError(
                N_("--compare-to is {day}, which is not before the as-of date {as_of}; give an earlier day."),
                day=compare_to.isoformat(),
                as_of=book.as_of.isoformat(),
            )
        out = self._out(book.as_of)
        last = previous_run(out)
        identity = self._identity(book, compare_to)
        kept = self._kept(last, identity, out)
        with Stage(out) as stage:
            self._say_origin()
            if kept:
                shutil.copytree(stage.out, stage.folder, dirs_exist_ok=True)
            context = page_context(book, self.client.workspace, compare_to)
            fresh = self._run_all(book, compare_to, stage.folder)
            records = sorted([*kept, *fresh], key=lambda record: record["name"])
            self._write_pages(records, stage.folder, context)
            monthly = self._is_monthly(stage.out, book.as_of)
            write_contents(stage.folder, context, book, records, stage.out if monthly else None)
            write_workbook(stage.folder / "tables.xlsx", stage.folder / "tables")
            write_run(
                stage.folder,
                {
                    **identity,
                    "notebooks_from": {"origin": self.shelf.origin, "folder": self.shelf.folder.resolve().name},
                    "fingerprint": context.fingerprint,
                    "seconds": round(perf_counter() - self.started, 2),
                    "notebooks": records,
                    "problems": {str(k): int(v) for k, v in book.problems["severity"].value_counts().items()},
                },
            )
            stage.swap()
        if monthly:
            write_listing(stage.out.parent, replace(context, index_href=""), self.settings.report.key_metrics)
        return Result(out, tuple(records), int(any(record["status"] == "failed" for record in fresh)))

    def _load(self) -> Book:
        """The Book, left in the cache of this run, so that no kernel parses the data again."""
        config = str(self.client.config) if self.client.config else None
        with _environment(CACHE, str(self.cache)):
            return load(self.client.data, as_of=self.asked, config=config, lang=self.lang)

    def _out(self, as_of: date) -> Path:
        if self.request.out is not None:
            return self.request.out
        return (self.client.workspace or Path(".")) / "reports" / f"{as_of:%Y-%m}"

    def _is_monthly(self, out: Path, as_of: date) -> bool:
        home = (self.client.workspace or Path(".")).resolve() / "reports"
        return out == home / f"{as_of:%Y-%m}"

    def _identity(self, book: Book, compare_to: date) -> dict:
        config = self.client.config
        return {
            "as_of": book.as_of.isoformat(),
            "compare_to": compare_to.isoformat(),
            "lang": self.lang,
            "parameters": self.given,
            "inputs": dict(sorted(book.inputs.items())),
            "client_file": hashlib.sha256(config.read_bytes()).hexdigest() if config else None,
            "versions": versions(),
        }

    def _kept(self, last: dict | None, identity: dict, out: Path) -> list[dict]:
        """With ``--only``, what the last report keeps; refused when it was made from something else."""
        if not self.request.only or last is None:
            return []
        for key, value in identity.items():
            if last.get(key) != value:
                raise InputError(
                    N_("--only replaces notebooks in a report of the same input and parameters, but {out} differs in "
                       "{what}; run without --only, or choose another --out."),
                    out=str(out),
                    what=key,
                )  # fmt: skip
        again = {notebook.name for notebook in self.notebooks}
        return [record for record in last["notebooks"] if record["name"] not in again]

    def _say_origin(self) -> None:
        text = {
            "package": N_("Notebooks: those of cs-analysis."),
            "workspace": N_("Notebooks: those of the workspace ({folder})."),
            "folder": N_("Notebooks: {folder}"),
        }[self.shelf.origin]
        self.progress(Event("note", text=_(text).format(folder=str(self.shelf.folder))))

    def _run_all(self, book: Book, compare_to: date, folder: Path) -> list[dict]:
        """Run every notebook there is data for, several at a time; a record for each."""
        for name in ("notebooks", "tables"):
            (folder / name).mkdir(exist_ok=True)
        records, jobs = [], []
        for notebook in self.notebooks:
            _remove(folder, notebook.name)
            missing = [need for need in notebook.requires if not any(book.has(table) for table in need)]
            if missing:
                records.append(self._finish(notebook, "skipped", 0.0, _lacking(missing[0])))
            else:
                jobs.append(self._job(notebook, book, compare_to, folder))
        with ThreadPoolExecutor(self.request.jobs or min(_cores(), _JOBS_AT_MOST)) as pool:
            try:
                futures = {pool.submit(self._execute, job): job for job in jobs}
                for future in as_completed(futures):
                    records.append(self._ended(futures[future].notebook, future.result(), folder))
            except BaseException:
                self.kernels.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return records

    def _job(self, notebook: Notebook, book: Book, compare_to: date, folder: Path) -> Job:
        tables = folder / "tables" / notebook.name
        config = self.client.config
        common = {
            "as_of": book.as_of.isoformat(),
            "compare_to": compare_to.isoformat(),
            "lang": self.lang,
            **self.given,
        }
        places = {"data_dir": str(self.client.data), "config": str(config or ""), "out_dir": str(tables)}
        names = {
            "data_dir": self.client.shown,
            "config": config.name if config else "",
            "out_dir": f"tables/{notebook.name}",
        }
        # in the order of the notebook's own cell, whatever the order of the options
        values = {name: {**common, **places}.get(name) for name in notebook.parameters}
        values = {name: value for name, value in values.items() if value is not None}
        return prepare(notebook, values, {**common, **names}, self._hidden(folder, names))

    def _hidden(self, folder: Path, names: dict[str, str]) -> dict[str, str]:
        """The absolute paths a kernel may mention, and what stands for each in what is written."""
        pairs = {
            self.client.data: names["data_dir"],
            self.client.config: names["config"],
            self.client.workspace: ".",
            folder: ".",
            self.private: "cache",
            self.shelf.folder.resolve(): "notebooks",
            Path(cs_analysis.__file__).resolve().parent.parent: ".",
            Path(sys.prefix): "python",
            Path.home(): "~",
        }
        return {str(path): name for path, name in pairs.items() if path is not None and len(path.parts) > 1}

    def _execute(self, job: Job) -> Outcome:
        name = job.notebook.name
        self.progress(Event("start", name, total=len(job.node.cells)))
        return execute(
            job, self.kernels, lambda done, total: self.progress(Event("cell", name, done=done, total=total))
        )

    def _ended(self, notebook: Notebook, outcome: Outcome, folder: Path) -> dict:
        """Keep the executed notebook, as far as it ran, and say how it ended."""
        nbformat.write(outcome.node, _executed(folder, notebook.name))
        if outcome.reason is not None:
            _remove_tables(folder, notebook.name)
        status = "failed" if outcome.reason else "ok"
        return self._finish(notebook, status, outcome.seconds, outcome.reason, outcome.warnings)

    def _write_pages(self, records: list[dict], folder: Path, context: PageContext) -> None:
        """A page for each notebook that ran to its end, with links to the one before and the one after."""
        whole = [record for record in records if record["status"] == "ok"]
        links = [None, *((record["title"], f"{record['name']}.html") for record in whole), None]
        for record, before, after in zip(whole, links, links[2:], strict=False):
            name = record["name"]
            page = replace(context, title=record["title"], previous=before, next=after)
            try:
                write_page(nbformat.read(_executed(folder, name), as_version=4), folder / f"{name}.html", page)
            except Exception as error:  # a fault in one page must not cost the others
                fault = f"{type(error).__name__}: {error}"
                reason = NotebookError(
                    N_("The page of {notebook} could not be written: {error}"), notebook=name, error=fault
                )
                record |= {"status": "failed", "reason": render(reason)}
                (folder / f"{name}.html").unlink(missing_ok=True)
                _remove_tables(folder, name)
                self.progress(Event("end", name, text=record["reason"], status="failed"))

    def _finish(
        self, notebook: Notebook, status: str, seconds: float, reason: CsError | None, warnings: tuple[str, ...] = ()
    ) -> dict:
        text = render(reason) if reason else ""
        self.progress(Event("end", notebook.name, text=text, status=status, seconds=seconds))
        return {
            "name": notebook.name,
            "title": _(notebook.title),
            "status": status,
            "seconds": round(seconds, 2),
            "reason": text,
            "warnings": list(warnings),
        }


def _lacking(need: tuple[str, ...]) -> NotebookError:
    names = [TABLES[table].local_name for table in need]
    return NotebookError(
        N_("There is no table {tables} in the data; add {file}, or a sheet of that name, to bring this page to life."),
        tables=" / ".join(names),
        file=f"{names[0]}.csv",
    )


def _executed(folder: Path, name: str) -> Path:
    return folder / "notebooks" / f"{name}.ipynb"


def _remove_tables(folder: Path, name: str) -> None:
    """Half a notebook's tables would pass for the whole in the index and in tables.xlsx."""
    shutil.rmtree(folder / "tables" / name, ignore_errors=True)


def _remove(folder: Path, name: str) -> None:
    """What an earlier run of this notebook left."""
    (folder / f"{name}.html").unlink(missing_ok=True)
    _executed(folder, name).unlink(missing_ok=True)
    _remove_tables(folder, name)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """An environment variable for the time of a block."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
