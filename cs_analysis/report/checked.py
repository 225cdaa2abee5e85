"""What a check of the input found, on the terminal: a table where there is one, a line per fault otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from cs_analysis.data.book import Checked
from cs_analysis.data.problems import in_a_row
from cs_analysis.display.language import _, ngettext, number
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
    """The numbers of errors and warnings in words."""
    problems = checked.problems
    errors, warnings = (int((problems["severity"] == kind).sum()) for kind in ("error", "warning"))
    if not errors and not warnings:
        return _("Nothing was found wrong.")
    parts = [
        ngettext("{count} error", "{count} errors", errors).format(count=number(errors)),
        ngettext("{count} warning", "{count} warnings", warnings).format(count=number(warnings)),
    ]
    return ", ".join(parts)


def _place(problem: dict) -> str:
    parts = [str(problem["file"]), str(problem["sheet"] or "")]
    if pd.notna(problem["row"]):
        parts.append(_("row {row}").format(row=problem["row"]))
    if problem["column"]:
        parts.append(_("column {column}").format(column=problem["column"]))
    return ", ".join(part for part in parts if part)


def _line(problem: dict) -> str:
    said = in_a_row(problem["problem"], problem["action"])
    return f"{_(_SEVERITIES[problem['severity']])}: {_place(problem)}: {said}"


def table(checked: Checked) -> Table:
    """The problems as a table for a terminal."""
    from rich.table import Table
    from rich.text import Text

    found = Table(show_lines=False, header_style="bold")
    for name in (_("severity"), _("where"), _("value"), _("problem"), _("what to do")):
        found.add_column(name, overflow="fold")
    for problem in checked.problems.to_dict("records"):
        kind = _(_SEVERITIES[problem["severity"]])
        cells = (kind, _place(problem), problem["value"], problem["problem"], problem["action"])
        # as Text: what a client wrote into a cell is not markup
        found.add_row(
            *(Text(str(cell or "")) for cell in cells), style="bold" if problem["severity"] == "error" else ""
        )
    return found
