"""Faults of the input, collected in one pass: where each stands, what it is and what to do about it.

A problem keeps its message and its fields apart, so that the same load can be read in either language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cs_analysis.data.checking.stake import Stake
from cs_analysis.data.reading.read import Source
from cs_analysis.display.language import _, money, ngettext, number, render
from cs_analysis.errors import N_, CsError, InputError

ERROR, WARNING, NOTE = "error", "warning", "note"  # stops the run · is carried into the report · is only listed
COLUMNS = ["severity", "file", "sheet", "row", "column", "value", "problem", "action", "effect", "money", "hours",
           "answers"]  # fmt: skip
BLOCKED = N_("No report can be made until it is mended.")  # what an error means where nothing more is known
MORE = N_("{count} more rows have the same problem.")
LISTED = 500  # rows listed per fault and column; the rest is counted in one line


@dataclass(frozen=True)
class Problem:
    """One fault of the input; `problem`, `effect` and `action` are messages, `fields` their values.

    `effect` says what it means for the figures; `money`, `hours` and `answers` are what its row holds. `touched` is
    the money of all rows of the same fault together, in the first of them only.
    """

    severity: str
    source: Source
    row: int | None
    column: str
    value: str
    problem: str
    action: str
    fields: dict[str, object] = field(default_factory=dict)
    effect: str = ""
    money: float | None = None
    hours: float | None = None
    answers: float | None = None
    touched: float | None = None

    def sentence(self, message: str) -> str:
        """A message of this problem in the language in force."""
        return render(CsError(message, value=self.value, column=self.column, **self.fields)) if message else ""

    def means(self) -> str:
        """What it means for the figures, in the language in force; an error stops the report whatever else it does."""
        return self.sentence(self.effect or (BLOCKED if self.severity == ERROR else ""))

    def said(self) -> str:
        """What is wrong, what it means for the figures and what to do, in the language in force."""
        return in_a_row(self.sentence(self.problem), self.sentence(self.effect), self.sentence(self.action))


def in_a_row(*sentences: str) -> str:
    """Sentences after each other, as the language in force sets them; those that are empty are left out."""
    said, *rest = [s for s in sentences if s] or [""]
    for more in rest:
        said = _("{problem} {action}").format(problem=said, action=more)
    return said


class Touched(NamedTuple):
    """What the rows named hold together, each row once."""

    money: float
    hours: float
    answers: float

    def said(self, currency: str) -> str:
        """The three in words, "" when there is none of them.

        >>> Touched(120.0, 1.5, 0.0).said("JPY")
        '¥120 a month, 1.5 hours'
        """
        parts = []
        if self.money:
            parts.append(_("{amount} a month").format(amount=money(self.money, currency)))
        if self.hours:
            parts.append(_("{n} hours").format(n=number(self.hours, 1)))
        if self.answers:
            parts.append((_("1 answer") if self.answers == 1 else _("{n} answers")).format(n=number(self.answers)))
        return _(", ").join(parts)


def touched(problems: pd.DataFrame) -> Touched:
    """Revenue, hours and answers of the rows that errors and warnings name; a row named twice counts once.

    Revenue of rows that follow each other in time (a contract and its renewal) is added up all the same: it is what is
    to be looked through, not what is paid in a month.
    """
    rows = problems[problems["severity"].isin([ERROR, WARNING])]
    place = ["file", "sheet", "row"]
    named = rows[rows["row"].notna()].groupby(place, dropna=False)[["money", "hours", "answers"]].max()
    whole = rows.loc[rows["row"].isna(), ["money", "hours", "answers"]]
    total = pd.concat([named, whole]).abs().sum()
    return Touched(float(total["money"]), float(total["hours"]), float(total["answers"]))


def with_touched(said: str, problems: pd.DataFrame, currency: str) -> str:
    """A sentence about problems, and one on what hangs on the rows they name, where anything does."""
    held = touched(problems).said(currency)
    return in_a_row(said, _("The rows they name hold {held}.").format(held=held) if held else "")


def where(problem: Mapping[Any, Any]) -> tuple[str, str]:
    """File and sheet of a row of `Problems.frame`, and the place in it; with the value, if the sentence lacks it."""
    inside = []
    if pd.notna(problem["row"]):
        inside.append(_("row {row}").format(row=problem["row"]))
    if problem["column"]:
        inside.append(_("column {column}").format(column=problem["column"]))
    if problem["value"] and problem["value"] not in problem["problem"]:
        inside.append(problem["value"])
    return str(Source(problem["file"], problem["sheet"] or "")), _(", ").join(inside)


def whole_sentence(problem: Mapping[Any, Any]) -> str:
    """What is wrong, what it means and what to do; that an error stops the report is what the word error says."""
    effect = "" if problem["effect"] == _(BLOCKED) else problem["effect"]
    return in_a_row(problem["problem"], effect, problem["action"])


class Problems:
    """The faults found so far.

    Examples
    --------
    >>> problems = Problems()
    >>> problems.add("error", Source("a.csv"), "“{value}” cannot be read as a date.", "", rows=[3], values=["x"])
    >>> problems.frame()[["file", "row", "problem"]].values.tolist()
    [['a.csv', 3, '“x” cannot be read as a date.']]
    """

    def __init__(self, found: Iterable[Problem] = ()) -> None:
        self.found: list[Problem] = list(found)

    def add(
        self,
        severity: str,
        source: Source,
        problem: str,
        action: str,
        *,
        rows: Iterable[int] | None = None,
        column: str = "",
        values: Iterable[object] | None = None,
        effect: str = "",
        stake: Stake | None = None,
        **fields: object,
    ) -> None:
        """Add a fault of the table as a whole (no `rows`), or the same fault in several rows.

        `stake` is what these rows hold, row by row; `effect` may name all of it as ``{at_stake}``.
        """
        touched = stake.total if stake else None
        if stake is not None:
            fields = {"at_stake": stake.said, **fields}
        if rows is None:
            held = stake.held(slice(None)) if stake else (None, None, None)
            self.found.append(
                Problem(severity, source, None, column, "", problem, action, fields, effect, *held, touched)
            )
            return
        rows = [int(r) for r in rows]
        texts = ["" if v is None or v != v else str(v) for v in values] if values is not None else [""] * len(rows)
        for i, (row, text) in enumerate(zip(rows[:LISTED], texts, strict=False)):
            held = stake.held(slice(i, i + 1)) if stake else (None, None, None)
            first = touched if i == 0 else None
            place, number = source.place(row)
            self.found.append(
                Problem(severity, place, number, column, text, problem, action, fields, effect, *held, first)
            )
        if len(rows) > LISTED:
            held = stake.held(slice(LISTED, None)) if stake else (None, None, None)
            rest = {**fields, "count": len(rows) - LISTED}
            self.found.append(Problem(severity, source, None, column, "", MORE, action, rest, effect, *held))

    @property
    def errors(self) -> list[Problem]:
        """The faults that stop the run."""
        return [p for p in self.found if p.severity == ERROR]

    def rows_in_error(self, source: Source) -> set[int]:
        """The rows of a table that hold an error already, so that one fault is not told twice."""
        return {row for row, _column in self.cells_in_error(source)}

    def cells_in_error(self, source: Source) -> set[tuple[int, str]]:
        """The rows and columns of a table that hold an error already."""
        told = ((source.row(p.source, p.row), p.column) for p in self.errors if p.row is not None)
        return {(row, column) for row, column in told if row is not None}

    def frame(self) -> pd.DataFrame:
        """One row per fault, errors first, in the language in force."""
        order = {ERROR: 0, WARNING: 1, NOTE: 2}
        found = sorted(self.found, key=lambda p: order[p.severity])
        rows = [
            (
                p.severity,
                p.source.file,
                p.source.sheet,
                p.row,
                p.column,
                p.value,
                p.sentence(p.problem),
                p.sentence(p.action),
                p.means(),
                *(np.nan if held is None else held for held in (p.money, p.hours, p.answers)),
            )
            for p in found
        ]
        frame = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
        return frame.astype({"row": "Int64", "money": float, "hours": float, "answers": float})

    def raise_errors(self) -> None:
        """Stop when there is an error: the first in words, the others counted."""
        if not self.errors:
            return
        first, more = self.errors[0], len(self.errors) - 1
        where = str(first.source)
        if first.row is not None:
            where += _(", row {row}").format(row=first.row)
        if first.column:
            where += _(", column {column}").format(column=first.column)
        said = first.said()
        if not more:
            raise InputError(N_("{where}: {said}"), where=where, said=said)
        counted = ngettext("… and {count} more error", "… and {count} more errors", more).format(count=more)
        raise InputError(
            N_("{where}: {said} {counted}; `cs-analysis check --data …` lists all."),
            where=where, said=said, counted=counted,
        )  # fmt: skip


def by_kind(faults: Iterable[Problem]) -> list[tuple[str, float]]:
    """The warnings kind by kind, those first that touch most money: the largest in words, and the money of all."""
    kinds: dict[tuple[str, Source, str], list[Problem]] = {}
    for fault in faults:
        if fault.severity == WARNING and fault.problem != MORE:
            kinds.setdefault((fault.problem, fault.source, fault.column), []).append(fault)
    told = []
    for same in kinds.values():
        said, others = max(same, key=lambda p: abs(p.touched or 0)).said(), len(same) - 1
        if others:
            more = ngettext("({count} more row like it)", "({count} more rows like it)", others)
            said = in_a_row(said, more.format(count=others))
        known = [abs(p.touched) for p in same if p.touched is not None]
        told.append((said, sum(known) if known else float("nan")))
    return sorted(told, key=lambda kind: -kind[1] if kind[1] == kind[1] else 0.0)
