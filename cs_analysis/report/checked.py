"""What a check of the input found, on the terminal: a table where there is one, a line per fault otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from cs_analysis.data.book import Checked
from cs_analysis.data.problems import touched, where, whole_sentence
from cs_analysis.display.language import _, ngettext, number
from cs_analysis.display.wrap import wrapped
from cs_analysis.errors import N_

if TYPE_CHECKING:
    from rich.table import Table

_SEVERITIES = {"error": N_("error"), "warning": N_("warning"), "note": N_("note")}


def as_dict(checked: Checked) -> dict[str, list[dict]]:
    """The problems and the coverage as plain lists of records, missing values as None."""
    return {
        "problems": _records(checked.problems),
        "coverage": _records(checked.coverage),
    }


def _records(frame: pd.DataFrame) -> list[dict]:
    return json.loads(frame.to_json(orient="records", date_format="iso", force_ascii=False) or "[]")


def lines(checked: Checked) -> list[str]:
    """A line per problem, and one with their numbers."""
    return [*(_line(problem) for problem in checked.problems.to_dict("records")), summary(checked)]


def summary(checked: Checked) -> str:
    """The numbers of errors and warnings in words, and what the rows they name hold."""
    problems = checked.problems
    errors, warnings = (int((problems["severity"] == kind).sum()) for kind in ("error", "warning"))
    if not errors and not warnings:
        return _("Nothing was found wrong.")
    parts = [
        ngettext("{count} error", "{count} errors", errors).format(count=number(errors)),
        ngettext("{count} warning", "{count} warnings", warnings).format(count=number(warnings)),
    ]
    held = touched(problems).said(checked.currency)
    if held:
        parts.append(_("on rows that hold {held}").format(held=held))
    return _(", ").join(parts)


def _line(problem: dict) -> str:
    place = _(", ").join(filter(None, where(problem)))
    return f"{_(_SEVERITIES[problem['severity']])}: {place}: {whole_sentence(problem)}"


def table(checked: Checked, width: int) -> Table:
    """The problems as a table for a terminal of that many letters: the widest column is for the sentences."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    place_width = width // 4
    said_width = width - place_width - _SEVERITY_WIDTH
    found = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    found.add_column(_("severity"), no_wrap=True)
    found.add_column(_("where"), width=place_width)
    found.add_column(_("problem, what it means and what to do"), width=said_width)
    for problem in checked.problems.to_dict("records"):
        kind = Text(_(_SEVERITIES[problem["severity"]]), style="bold" if problem["severity"] == "error" else "")
        # as Text: what a client wrote into a cell is not markup
        place = Text("\n".join(wrapped(part, place_width) for part in where(problem) if part))
        found.add_row(kind, place, Text(wrapped(whole_sentence(problem), said_width)), end_section=True)
    return found


_SEVERITY_WIDTH = 16  # the first column in either language, and what stands between the columns
