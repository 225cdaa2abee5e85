"""One notebook through papermill: prose translated, parameters injected, every cell really run.

Papermill alone would count ``sys.exit(0)`` as success, run whatever kernel the name "python3"
points to, and leave times, random ids and absolute paths in the result. Here the kernel is this
interpreter, the outcome is judged cell by cell, and what is kept is the same from run to run.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import remove_error_markers
from papermill.translators import translate_parameters

from cs_analysis.display.language import _
from cs_analysis.errors import N_, CsError, InputError, NotebookError
from cs_analysis.report.notebooks import Notebook, message_of

# Unknown parameters are refused before, and failures are told by us: papermill's log would say both twice.
logging.getLogger("papermill").setLevel(logging.CRITICAL + 1)

_OUR_ERRORS = {kind.__name__ for kind in (CsError, InputError, NotebookError)}
_SOCKET_PATH_LIMIT = 90  # unix sockets allow 104 to 108 bytes, and jupyter appends "-ipc-1"


class Kernels:
    """Starts the kernels of one run, and can end them all at once when the run is broken off.

    Parameters
    ----------
    folder
        A private, short-lived folder for sockets and IPython's own files.
    environment
        Variables each kernel gets besides those of this process.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.stopped = False
        self._numbers = itertools.count(1)
        self._live: set[AsyncKernelManager] = set()
        self._lock = threading.Lock()
        self.spec = KernelSpec(
            # not the installed "python3": that may belong to another environment
            argv=[sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3 (ipykernel)",
            language="python",
            env={
                "PYTHONHASHSEED": "0",  # the order of sets is part of "the same bytes"
                # as many notebooks run at once as there are cores: threads of theirs would only wait for each other
                **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
                "PYDEVD_DISABLE_FILE_VALIDATION": "1",
                "IPYTHONDIR": str(folder / "ipython"),  # no start-up files of whoever runs this
                **environment,
            },
        )

    def manager_class(self) -> type[AsyncKernelManager]:
        """A kernel manager class, for nbclient to instantiate, that starts this interpreter."""
        kernels = self

        class Manager(AsyncKernelManager):
            def __init__(self, **options) -> None:
                path = kernels.folder / f"k{next(kernels._numbers)}.json"
                sockets = os.name == "posix" and len(os.fsencode(path)) < _SOCKET_PATH_LIMIT
                super().__init__(connection_file=str(path), transport="ipc" if sockets else "tcp", **options)

            @property
            def kernel_spec(self) -> KernelSpec:
                return kernels.spec

            async def _async_launch_kernel(self, kernel_cmd: list[str], **options) -> None:
                options |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                await super()._async_launch_kernel(kernel_cmd, **options)
                with kernels._lock:
                    kernels._live.add(self)
                if kernels.stopped:
                    kernels.stop()

        return Manager

    def stop(self) -> None:
        """Kill every kernel; the threads that wait for them then end by themselves."""
        self.stopped = True
        with self._lock:
            managers = list(self._live)
        for manager in managers:
            process = getattr(manager.provisioner, "process", None)
            if process is None or process.poll() is not None:
                continue
            try:
                os.killpg(process.pid, signal.SIGKILL)  # kernels lead a group of their own
            except (OSError, AttributeError):
                process.kill()


@dataclass(frozen=True)
class Job:
    """A notebook made ready in the main thread: translated, with its values and what may be shown of them."""

    notebook: Notebook
    node: nbformat.NotebookNode
    values: dict[str, object]
    shown: dict[str, object]
    folder: Path
    hidden: dict[str, str] = field(default_factory=dict)  # absolute path → what stands for it


@dataclass(frozen=True)
class Outcome:
    """How a notebook's run ended: its cells as far as they ran, and the reason if that was not to the end."""

    name: str
    node: nbformat.NotebookNode
    seconds: float
    reason: NotebookError | None
    warnings: tuple[str, ...]


def prepare(notebook: Notebook, values: dict[str, object], shown: dict[str, object], hidden: dict[str, str]) -> Job:
    """A job from a notebook: prose in the language in force, values for the parameters it declares."""
    node = deepcopy(notebook.node)
    for cell in node.cells:
        if cell.cell_type == "markdown":
            cell.source = _(message_of(cell))
    accepted = {name: value for name, value in values.items() if name in notebook.parameters}
    return Job(
        notebook=notebook,
        node=node,
        values=accepted,
        shown={name: shown.get(name, value) for name, value in accepted.items()},
        folder=notebook.path.resolve().parent,
        hidden=hidden,
    )


def execute(job: Job, kernels: Kernels, on_cell: Callable[[int, int], None]) -> Outcome:
    """Run a job to its end or its first fault; safe to call from several threads at once.

    Parameters
    ----------
    job
        From :func:`prepare`.
    kernels
        Where the kernel comes from.
    on_cell
        Called with (cells done, cells in all) after each cell.
    """
    live: dict[str, nbformat.NotebookNode] = {"node": job.node}
    at = {"index": 0}

    def begin(notebook: nbformat.NotebookNode) -> None:
        live["node"] = notebook

    def enter(cell: nbformat.NotebookNode, cell_index: int) -> None:
        at["index"] = cell_index
        on_cell(cell_index, len(live["node"].cells))

    started = perf_counter()
    reason: NotebookError | None = None
    try:
        live["node"] = papermill.execute_notebook(
            job.node,
            None,
            parameters=job.values,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            start_timeout=120,
            iopub_timeout=120,
            record_timing=False,
            kernel_manager_class=kernels.manager_class(),
            # papermill's own cwd= changes the folder of the whole process
            resources={"metadata": {"path": str(job.folder)}},
            on_notebook_start=begin,
            on_cell_start=enter,
        )
    except PapermillExecutionError:
        pass  # the cells say which one and why
    except DeadKernelError:
        reason = NotebookError(
            N_("The kernel of {notebook} died in code cell {cell}; often the memory did not suffice."),
            notebook=job.notebook.name,
            cell=_code_number(live["node"], at["index"]),
        )
    except Exception as error:  # whatever goes wrong around one notebook must not take the others with it
        reason = NotebookError(
            N_("{notebook} could not be run: {error}"),
            notebook=job.notebook.name,
            error=_one_line(f"{type(error).__name__}: {error}", job.hidden),
        )
    node = remove_error_markers(live["node"])
    warnings = _take_stderr(node, job.hidden)
    tidy(node, job)
    return Outcome(
        job.notebook.name, node, perf_counter() - started, reason or find_fault(node, job.notebook.name), warnings
    )


def find_fault(node: nbformat.NotebookNode, name: str) -> NotebookError | None:
    """The first code cell that failed, ended the run or was not run; None if all really ran."""
    for number, cell in enumerate(_code_cells(node), start=1):
        for output in cell.outputs:
            if output.output_type != "error":
                continue
            if output.ename == "SystemExit":
                return NotebookError(
                    N_("Code cell {cell} of {notebook} ended the run early (sys.exit), the rest did not run."),
                    cell=number,
                    notebook=name,
                )
            return _stopped(number, name, output.ename, _one_line(output.evalue, {}))
        if cell.execution_count is None:
            return NotebookError(N_("Code cell {cell} of {notebook} was not run."), cell=number, notebook=name)
    return None


def _stopped(cell: int, notebook: str, kind: str, text: str) -> NotebookError:
    """Our own errors speak for themselves, in the reader's language already; of others the type is told."""
    if kind in _OUR_ERRORS:
        message = N_("Code cell {cell}: {text}")
    elif text:
        message, text = N_("Code cell {cell} of {notebook} stopped with {kind}: {text}."), text.rstrip(".")
    else:
        message = N_("Code cell {cell} of {notebook} stopped with {kind}.")
    return NotebookError(message, cell=cell, notebook=notebook, kind=kind, text=text)


def _code_cells(node: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells that a kernel is given: the runner passes blank ones by."""
    return [cell for cell in node.cells if cell.cell_type == "code" and cell.source.strip()]


def _code_number(node: nbformat.NotebookNode, index: int) -> int:
    return sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in node.cells[: index + 1])


def _one_line(text: str, hidden: dict[str, str]) -> str:
    lines = [line.strip() for line in scrub(str(text), hidden).splitlines() if line.strip()]
    return lines[0][:500] if lines else ""


def _take_stderr(node: nbformat.NotebookNode, hidden: dict[str, str]) -> tuple[str, ...]:
    """Take what went to stderr out of the cells: warnings are for whoever runs this, not for the reader."""
    taken: list[str] = []
    for cell in node.cells:
        if cell.cell_type != "code":
            continue
        loud = [o for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
        taken += [line.strip() for o in loud for line in scrub(o.text, hidden).splitlines() if line.strip()]
        cell.outputs = [o for o in cell.outputs if o not in loud]
    return tuple(taken)


def tidy(node: nbformat.NotebookNode, job: Job) -> None:
    """Take out of an executed notebook, in place, all that differs from run to run or tells where it ran."""
    kept = {key: node.metadata[key] for key in ("cs_analysis", "language_info") if key in node.metadata}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    node.metadata = nbformat.from_dict({**kept, "kernelspec": kernel})
    for cell in node.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag]
        for key in ("papermill", "execution", "tags", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if tags:
            cell.metadata["tags"] = tags
        if "injected-parameters" in tags:
            cell["id"] = "injected-parameters"
            cell.source = translate_parameters("python3", "python", job.shown, "Parameters")
        for output in cell.get("outputs", []):
            _scrub_output(output, job.hidden)


def _scrub_output(output: nbformat.NotebookNode, hidden: dict[str, str]) -> None:
    if output.output_type == "stream":
        output.text = scrub(output.text, hidden)
    elif output.output_type == "error":
        output.evalue = scrub(output.evalue, hidden)
        output.traceback = [_MODULE_PATH.sub(r"\1", scrub(line, hidden)) for line in output.traceback]
    else:
        for mime, content in output.data.items():
            if isinstance(content, str) and (mime.startswith("text/") or mime == "image/svg+xml"):
                output.data[mime] = scrub(content, hidden)


_ADDRESS = re.compile(r"(?<= at )0x[0-9a-fA-F]{6,}")
_CELL_FILE = re.compile(r"[^\s\"'(]{0,200}ipykernel_\d+[\\/]\d+\.py")
_MODULE_PATH = re.compile(r"(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:'\"<>|]+)+[/\\]([^\s/\\:'\"<>|]+\.py)")


def scrub(text: str, hidden: dict[str, str]) -> str:
    """``text`` without the absolute paths of ``hidden``, memory addresses and kernels' own file names.

    >>> scrub("read /srv/a/data/x.csv <Axes at 0x7f00ab12>", {"/srv/a/data": "data"})
    'read data/x.csv <Axes at 0x…>'
    """
    for path in sorted(hidden, key=len, reverse=True):
        if path in text:
            text = re.sub(
                r"(?:file://)?(?<![\w.])" + re.escape(path) + r"(?![\w-])", lambda match, p=path: hidden[p], text
            )
    if "ipykernel_" in text:  # asked first: on a long line of base64 the pattern alone takes quadratic time
        text = _CELL_FILE.sub("cell.py", text)
    return _ADDRESS.sub("0x…", text)
