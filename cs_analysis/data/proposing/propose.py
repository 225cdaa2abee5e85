"""A mapping proposed for files and headers that nobody has mapped: which table, which columns, and how sure of each.

Nothing here is applied. The proposal is written out (:mod:`as_toml`) for somebody to confirm:

- *certain*: the header is a name of ours, or the one that a known system gives this column;
- *likely*: it is nearly such a name, or a usual word for it, and its values can be read as what the column holds;
- *unsure*: a usual word for it, but the values do not fit, or the word often means something else. Such a line is
  written as a comment.

What no header can tell is a question, never a guess (:mod:`cs_analysis.data.proposing.questions`). A question stands in
the file as `"?"`, which is refused until it is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from cs_analysis.data.proposing.accounts import with_account
from cs_analysis.data.proposing.columns import Guess, guesses, headers, is_blank, labelled_scores, loose_months, months
from cs_analysis.data.proposing.questions import Found, Question, derive, questions
from cs_analysis.data.proposing.tables import READABLE, Candidate, Unknown, accounts_within, missing, recognised
from cs_analysis.data.reading.read import ROW, Raw, Reading, Source, read_tables
from cs_analysis.data.schema import TABLES, find_column
from cs_analysis.data.settings import Settings
from cs_analysis.data.templates.marks import is_beside
from cs_analysis.data.vocabulary import RECORD_START
from cs_analysis.display.language import _

_DAY_IN_NAME = re.compile(  # 2026-09, 2026-09-30, 20260930, 2026年9月
    r"(?<!\d)20\d\d(?:[-_.年](?:1[0-2]|0?[1-9])月?(?:[-_.]?(?:3[01]|[12]\d|0?[1-9])日?)?"
    r"|(?:1[0-2]|0[1-9])(?:3[01]|[12]\d|0[1-9])?)(?!\d)"
)
_ANY = "*"  # in a filter: every value but a blank


@dataclass(frozen=True)
class Proposal:
    """What one file or sheet seems to be."""

    table: str
    sources: tuple[Source, ...]  # the places whose rows make the table
    files: tuple[str, ...]  # their files as they are written: a * stands for the day in a name
    guesses: tuple[Guess, ...]
    questions: tuple[Question, ...]
    is_new: bool  # no mapping of the client file names this table yet
    by_name: bool = False
    derive: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fixed: Mapping[str, object] = field(default_factory=dict)  # further keys of the section, and their values
    set_aside: Mapping[str, str] = field(default_factory=dict)  # header → the column that it does not hold
    unused: tuple[str, ...] = ()

    def count(self, certainty: str) -> int:
        """How many columns are that sure."""
        return sum(g.certainty == certainty for g in self.guesses)


class Recognised(NamedTuple):
    """What is proposed for a folder, and the files and sheets that nothing is proposed for."""

    proposals: list[Proposal]
    unknown: list[Unknown]


def propose(folder: Path, settings: Settings, reading: Reading | None = None) -> list[Proposal]:
    """What the files, sheets and headers seem to be that are not known yet; empty when all is known.

    Parameters
    ----------
    folder
        The data folder.
    settings
        The client file; what it maps already is left alone.
    reading
        What was read of the folder already, if it was.

    Raises
    ------
    InputError
        When a file cannot be read.
    """
    return recognise(folder, settings, reading).proposals


def recognise(folder: Path, settings: Settings, reading: Reading | None = None) -> Recognised:
    """What is proposed, as by :func:`propose`, and why nothing is for the other files and sheets."""
    reading = reading or read_tables(folder, settings.mapping)
    there = dict(reading.tables)
    found: list[Proposal] = []
    for raw in there.values():
        if raw.table not in settings.mapping and (proposal := _of_known(raw, there, settings)) is not None:
            found.append(proposal)
    unmatched = [p for p in reading.unmatched if not is_beside(p.name)]
    taken = {t: str(raw.source) for t, raw in there.items()} | {t: f"[source.{t}]" for t in settings.source}
    looks = [recognised(folder, p, taken) for p in unmatched if (folder / p.file).suffix.lower() in READABLE]
    candidates = [c for c in looks if isinstance(c, Candidate)]
    unknown = [u for u in looks if isinstance(u, Unknown)]
    if "accounts" not in there and not any(c.raw.table == "accounts" for c in candidates):
        candidates += [within for c in candidates if (within := accounts_within(c.raw)) is not None][:1]
    names = [p.file for p in reading.unmatched] + [r.source.file for raw in there.values() for r in (raw, *raw.others)]
    for candidate in sorted(candidates, key=lambda c: c.raw.table != "accounts"):
        raw = candidate.raw
        if raw.table in there:
            continue
        there[raw.table] = raw
        same = [c for c in candidates if c.raw.table == raw.table]
        alike = [c.raw.source for c in same if _alike(candidate, c)]
        unknown += [_beside(c.raw, raw) for c in same if c.raw.source not in alike]
        proposal = _proposal(candidate, there, settings)
        found.append(replace(proposal, sources=tuple(alike), files=_written([s.file for s in alike], names)))
    return Recognised(found, unknown)


def _alike(candidate: Candidate, other: Candidate) -> bool:
    """Whether two places hold parts of one table: the same columns, in files of their own or in sheets of one file."""
    first, second = candidate.raw, other.raw
    one, two = first.source, second.source
    if second is first or first.table == "accounts" or one == two:
        return second is first
    same = {g.header for g in candidate.guesses} == {g.header for g in other.guesses}
    same = same and (not missing(candidate) or set(headers(first.frame)) == set(headers(second.frame)))
    return same and bool(one.sheet) == bool(two.sheet) and (not one.sheet or one.file == two.file)


def _beside(raw: Raw, first: Raw) -> Unknown:
    if raw.table == "accounts":
        why = _("it looks like {table} too, but these are proposed from {other}, and may stand in one place only. If "
                "it holds the revenue of another month, read all of them as [mapping.mrr_months] with "
                "constants.month = \"{{sheet}}\" or \"{{file}}\".")  # fmt: skip
    else:
        why = _("it looks like {table} too, but its columns are not those of {other}, for which {table} is proposed. "
                "If both are needed, name both in file and the headers of both in columns.")  # fmt: skip
    return Unknown(raw.source, why.format(table=raw.table, other=first.source))


def _of_known(raw: Raw, there: Mapping[str, Raw], settings: Settings) -> Proposal | None:
    """A table that was found by its name, but has headers that are not quite ours."""
    table = TABLES[raw.table]
    candidate = Candidate(raw, guesses(table, raw.frame))
    is_ours = set(table.required) <= {g.column for g in candidate.guesses if g.known}
    proposal = _proposal(candidate, there, settings, is_ours=is_ours)
    return proposal if any(g.sure and not g.known for g in proposal.guesses) else None


def _proposal(candidate: Candidate, there: Mapping[str, Raw], settings: Settings, *, is_ours: bool = False) -> Proposal:
    raw = candidate.raw
    table = TABLES[raw.table]
    given, by_name = with_account(raw, candidate.guesses, there.get("accounts"))
    found = Found(table, raw.frame, given, is_ours)
    aside = _set_aside(found)
    fixed = _fixed(found, list(aside))
    asked, rules = questions(found, settings), derive(found)
    seen = {g.header for g in given} | {h for rule in rules.values() for h in rule.values()} | {RECORD_START}
    seen |= set(aside) | {name for q in asked for name in q.names}
    seen |= {*_ignored(fixed), *(months(raw.frame) if found.is_wide else [])}
    return Proposal(
        raw.table, (raw.source,), (raw.source.file,), tuple(given), tuple(asked), raw.table not in settings.mapping,
        by_name, rules, fixed, aside, tuple(h for h in headers(raw.frame) if h not in seen),
    )  # fmt: skip


def _ignored(fixed: Mapping[str, object]) -> list[str]:
    ignored = fixed.get("ignore", [])
    return ignored if isinstance(ignored, list) else []


def _set_aside(found: Found) -> dict[str, str]:
    """Headers of our own names whose column another header is, or whose values are not what it holds.

    They would be taken for the column all the same, and two of one meaning are refused.
    """
    aside = {}
    unfit = {g.header for g in found.guesses if g.known and not g.sure and not g.rivals}
    for header in headers(found.frame):
        ours = find_column(found.table, header)
        guess = found.sure.get(ours.name) if ours is not None else None
        is_empty = ours is not None and ours.required and is_blank(found.frame[header]).all()
        if ours is not None and (header in unfit or is_empty or (guess is not None and guess.header != header)):
            aside[header] = ours.name
    return aside


def _fixed(found: Found, aside: list[str]) -> dict[str, object]:
    """Keys of the section that need no answer: what is ignored, records over several rows, scores with words."""
    fixed = _records(found)
    if ignored := [*_ignored(fixed), *aside]:
        fixed["ignore"] = list(dict.fromkeys(ignored))
    score = found.sure.get("score")
    if score is not None and (scores := labelled_scores(found.frame[score.header])):
        fixed["values"] = {"score": scores}
    return fixed


def _records(found: Found) -> dict[str, object]:
    """Where a record takes several rows, as kintone marks them: its first row, or its fields in every row."""
    frame, sure = found.frame, found.sure
    if found.table.name == "accounts" and RECORD_START not in frame:
        wide = [*months(frame), *loose_months(frame)]
        return {"ignore": wide} if wide else {}
    if RECORD_START not in frame:
        return {}
    if found.table.name == "accounts":
        rest = [str(c) for c in frame if c not in (ROW, RECORD_START) and c not in {g.header for g in sure.values()}]
        of_rows = [c for c in rest if (frame.loc[frame[RECORD_START] == "", c] != "").any()]
        first: dict[str, object] = {"filter": {RECORD_START: _ANY}}
        return {**first, "ignore": of_rows} if of_rows else first
    below = frame[frame[RECORD_START].str.strip() == ""]
    account = [sure["account_id"].header] if "account_id" in sure else []
    blank = [header for header in account if len(below) and is_blank(below[header]).all()]
    fixed: dict[str, object] = {"fill_down": blank, "record_start": RECORD_START} if blank else {}
    line = sure.get("contract_id")
    if line is not None and is_blank(frame[line.header]).any():  # a record without lines is no contract
        fixed["filter"] = {line.header: _ANY}
    return fixed


def _written(files: Sequence[str], there: Iterable[str]) -> tuple[str, ...]:
    """The names of files for the client file: with a * for the day, so that next month's export is read as well.

    >>> _written(["工数_2026-09.csv", "工数_2026-10.csv"], ["顧客.csv"])
    ('工数_*.csv',)
    >>> _written(["deals-2026-09.csv"], ["deals-2026-09.csv", "deals-old.csv"])
    ('deals-2026-09.csv',)
    """
    names = tuple(dict.fromkeys(files))
    patterns = {_DAY_IN_NAME.sub("*", name) for name in names}
    pattern = next(iter(patterns)) if len(patterns) == 1 else ""
    others = set(there) - set(names)
    if "*" not in pattern or re.search(r"[\[\]?]", pattern) or any(fnmatchcase(o, pattern) for o in others):
        return names
    return (pattern,)
