"""What a run shows of itself: a bar per notebook on a terminal, plain lines otherwise, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cs_analysis.display.language import _
from cs_analysis.errors import N_
from cs_analysis.report.run import Event

_STATUS = {"ok": N_("ok"), "failed": N_("failed"), "skipped": N_("skipped")}


@contextmanager
def shown(echo: Callable[[str], None], *, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """A function to hand to :func:`cs_analysis.report.run.run` for the time of a block; plain lines go to ``echo``."""
    if quiet:
        yield lambda event: None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield lambda event: echo(_sentence(event)) if event.kind in ("note", "end") else None


def _sentence(event: Event) -> str:
    if event.kind == "note":
        return event.text
    seconds = _("{seconds} s").format(seconds=f"{event.seconds:.1f}") if event.status != "skipped" else ""
    return "  ".join(part for part in (event.notebook, _(_STATUS[event.status]), seconds, event.text) if part)


@contextmanager
def _bars() -> Iterator[Callable[[Event], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    # names of files may hold brackets: nothing here is markup
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {}

        def show(event: Event) -> None:
            if event.kind == "start":
                tasks[event.notebook] = progress.add_task(event.notebook, total=event.total)
            elif event.kind == "cell":
                progress.update(tasks[event.notebook], completed=event.done, total=event.total)
            else:
                if event.notebook in tasks:
                    progress.remove_task(tasks.pop(event.notebook))
                console.print(_sentence(event), soft_wrap=True)

        yield show
