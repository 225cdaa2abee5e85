"""Which table an unknown file or sheet is most like, or why it is like none.

A table is known by its columns, the required ones most, and by some without which it is another one: an invoice has a
subject and a customer as an onboarding step has, but no day on which it was completed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cs_analysis.data.lines import FLAT
from cs_analysis.data.mapping.exports import without_footer
from cs_analysis.data.problems import Problems
from cs_analysis.data.proposing.columns import (
    WEIGHT,
    WIDE,
    Guess,
    guesses,
    headers,
    is_header_row,
    loose_months,
    months,
)
from cs_analysis.data.proposing.questions import clock, is_wide
from cs_analysis.data.reading.read import Raw, Source, read_place
from cs_analysis.data.schema import TABLES, Table
from cs_analysis.data.vocabulary import HINTS, LOOSE_MONTH, RECORD_START
from cs_analysis.display.language import _
from cs_analysis.errors import InputError

READABLE = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xlsm")
_SHOWN = 8  # headers that are told of a file that is like no table
# of each set of columns one at least must be there
_TELLING: dict[str, tuple[tuple[str, ...], ...]] = {
    "contracts": (("start_date", "end_date", "billing_months", "mrr"),),
    "time_entries": (("hours",),),
    "onboarding_steps": (("step",), ("planned_date", "started_date", "completed_date", "is_go_live")),
    "survey_responses": (("score", "comment"),),
    "usage": (("metric", "value"),),
    "stages": (("stage",),),
    "contacts": (("contact",), ("role", "left_date")),
    "activities": (("date",), ("subject", "text")),
    "tasks": (("task_id", "title"), ("due_date", "done_date")),
}


@dataclass(frozen=True)
class Candidate:
    """A file or sheet as the table that it is most like."""

    raw: Raw
    guesses: Sequence[Guess]


@dataclass(frozen=True)
class Unknown:
    """A file or sheet that nothing is proposed for, and why."""

    source: Source
    why: str


def recognised(folder: Path, place: Source, taken: Mapping[str, str]) -> Candidate | Unknown:
    """The table that a file or sheet is most like, if it is like any that is not `taken` yet (table → its place)."""
    words = {t: [h.pattern for h in HINTS if t in h.tables] for t in TABLES}
    words["mrr_months"].append(LOOSE_MONTH)
    try:
        read = read_place(folder, place, words)
    except InputError as error:  # a file that nobody asks for need not be readable
        return Unknown(place, str(error))
    found: list[tuple[int, Candidate]] = []
    for name, whole in read.items():
        raw = Raw(name, place, without_footer(whole.frame, place, Problems()))
        if is_header_row(raw.frame):
            candidate = Candidate(raw, guesses(TABLES[name], raw.frame))
            found.append((_score(candidate), candidate))
    score, best = max(found, key=lambda f: f[0], default=(0, None))
    if best is None or score <= 0:
        return Unknown(place, _like_none([c for _score, c in found]))
    if best.raw.table in taken:  # a copy of a table that is there is no other table
        table = best.raw.table
        why = _("it looks like {table}, which is read from {other} already. If both are needed, name both in file of "
                "[mapping.{table}]; if it holds another table, write its section by hand; if it is a copy, nothing is "
                "to be done.")  # fmt: skip
        return Unknown(place, why.format(table=table, other=taken[table]))
    return best


def _like_none(candidates: Sequence[Candidate]) -> str:
    """Why a file is like no table: its headers, the table that comes nearest, and what to do."""
    nearest = max(candidates, key=lambda c: sum(WEIGHT[g.certainty] for g in c.guesses), default=None)
    said = [_("its columns do not tell which table it is.")]
    if nearest is not None and nearest.guesses:
        there = headers(nearest.raw.frame)
        shown = ", ".join(there[:_SHOWN]) + (", …" if len(there) > _SHOWN else "")
        said.append(_("They are {headers}.").format(headers=shown))
        if lacking := missing(nearest):
            said.append(_("Nearest comes {table}, but no column was found for {columns}.").format(
                table=nearest.raw.table, columns=", ".join(lacking)))  # fmt: skip
    said.append(_("If it is needed, write a section [mapping.<table>] with its file and its columns by hand."))
    return " ".join(said)


def accounts_within(raw: Raw) -> Candidate | None:
    """The accounts that stand in the file of another table: once each, or in the first rows of records."""
    found = guesses(TABLES["accounts"], raw.frame)
    by_column = {g.column: g for g in found}
    if not {"account_id", "account_name"} <= set(by_column) or not _once_each(raw.frame, by_column["account_id"]):
        return None
    return Candidate(Raw("accounts", raw.source, raw.frame), [g for g in found if g.column not in FLAT])


def _once_each(frame: pd.DataFrame, guess: Guess) -> bool:
    ids = frame[guess.header].str.strip()
    return RECORD_START in frame or not ids[ids != ""].duplicated().any()


def _score(candidate: Candidate) -> int:
    """How much a file is like a table: by its columns, the required ones most; a name and an id alone say nothing."""
    table, frame = TABLES[candidate.raw.table], candidate.raw.frame
    columns = {g.column: WEIGHT[g.certainty] for g in candidate.guesses}
    telling = [c for c in columns if c not in ("account_id", "csm", "date", "month")]
    wide = table.name == "mrr_months" and (len(months(frame)) >= WIDE or len(loose_months(frame)) >= WIDE)
    if (len(columns) < 2 or not telling) and not (wide and columns):
        return 0
    if not _is_telling(table, frame, candidate.guesses):
        return 0
    required = [c for c in table.required if c != "wave"]
    n_missing = len(missing(candidate))
    if n_missing > 1:
        return 0
    return sum(columns.values()) + 2 * (len(required) - n_missing) + 8 * wide - 4 * n_missing


def missing(candidate: Candidate) -> list[str]:
    """The required columns that no header means; which survey it was, files never say."""
    table = TABLES[candidate.raw.table]
    there = _there(table, candidate.raw.frame, candidate.guesses)
    return [c for c in table.required if c not in there and c != "wave"]


def _there(table: Table, frame: pd.DataFrame, found: Sequence[Guess]) -> set[str]:
    made = {"month", "mrr"} if table.name == "mrr_months" and is_wide(frame) else set()
    return {g.column for g in found} | made | ({"hours"} if clock(table, frame) else set())


def _is_telling(table: Table, frame: pd.DataFrame, found: Sequence[Guess]) -> bool:
    """Whether the columns are there without which it is another table, and accounts stand in it once each."""
    there = _there(table, frame, found)
    if table.name == "accounts":
        key = next((g for name in ("account_id", "account_name") for g in found if g.column == name), None)
        return key is not None and _once_each(frame, key)
    return all(there & set(columns) for columns in _TELLING.get(table.name, ()))
