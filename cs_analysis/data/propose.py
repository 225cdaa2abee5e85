"""A mapping proposed for files and headers that nobody has mapped: which table, which columns, and how sure of each.

Nothing here is applied. The proposal is written out (:mod:`cs_analysis.data.propose_toml`) for somebody to confirm:

- *certain*: the header is a name of ours, or the one that a known system gives this column;
- *likely*: it is nearly such a name, or a usual word for it, and its values can be read as what the column holds;
- *unsure*: a usual word for it, but the values do not fit, or the word often means something else. Such a line is
  written as a comment.

What no header can tell is a question, never a guess: the unit and the currency of an amount, the period that it covers,
which rows count, whose court a step is in, which survey it was. A question stands in the file as `"?"`, which is
refused until it is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from cs_analysis.data.exports import without_footer
from cs_analysis.data.lines import FLAT
from cs_analysis.data.marks import is_beside
from cs_analysis.data.match import company_key
from cs_analysis.data.near import is_near
from cs_analysis.data.parse import parse
from cs_analysis.data.parse_dates import is_month
from cs_analysis.data.problems import Problems
from cs_analysis.data.read import ROW, Raw, Reading, Source, read_place, read_tables
from cs_analysis.data.schema import TABLES, Column, Table, find_column, normalise
from cs_analysis.data.settings import Settings
from cs_analysis.data.vocabulary import CERTAIN, CLOCK, HINTS, LIKELY, PERIOD, RECORD_START, STATUS, UNSURE
from cs_analysis.display.language import _
from cs_analysis.errors import N_, InputError

_WEIGHT = {CERTAIN: 3, LIKELY: 2, UNSURE: 1}
_WHY = {
    CERTAIN: N_("the name under which a known system exports it"),
    LIKELY: N_("a usual name for it"),
    UNSURE: N_("it may mean something else"),
}
_LISTED = 20  # values of a column that a question lists
_FITS = 0.9  # share of the values that must be readable
_FOUND = 0.5  # share of the names that must be names of accounts


@dataclass(frozen=True)
class Guess:
    """A header, what it seems to mean, how sure that is and why."""

    header: str
    column: str
    certainty: str
    why: str
    known: bool = False  # our own name: it needs no line in the mapping


@dataclass(frozen=True)
class Question:
    """What only somebody who knows the data can answer: where the answer goes (a dotted key), and what is asked."""

    key: str
    asked: str
    names: tuple[str, ...] = ("",)  # the entries under the key that wait for an answer


@dataclass(frozen=True)
class Proposal:
    """What one file or sheet seems to be."""

    table: str
    sources: tuple[Source, ...]  # the places whose rows make the table
    guesses: tuple[Guess, ...]
    questions: tuple[Question, ...]
    is_new: bool  # no mapping of the client file names this table yet
    by_name: bool = False
    clock: Mapping[str, str] | None = None
    fixed: Mapping[str, object] = field(default_factory=dict)  # further keys of the section, and their values

    def count(self, certainty: str) -> int:
        """How many columns are that sure."""
        return sum(g.certainty == certainty for g in self.guesses)


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
    reading = reading or read_tables(folder, settings.mapping)
    there = dict(reading.tables)
    found: list[Proposal] = []
    for raw in there.values():
        if raw.table not in settings.mapping and (proposal := _of_known(raw, there, settings)) is not None:
            found.append(proposal)
    unmatched = (p for p in reading.unmatched if not is_beside(p.name))
    places = [p for p in unmatched if (folder / p.file).suffix.lower() in _READABLE]
    candidates = [c for p in places if (c := _best(folder, p, set(there) | set(settings.source))) is not None]
    if "accounts" not in there and not any(raw.table == "accounts" for raw, _guesses_of in candidates):
        candidates += [c for raw, _guesses_of in candidates if (c := _accounts_within(raw)) is not None][:1]
    for raw, guesses in sorted(candidates, key=lambda c: c[0].table != "accounts"):
        if raw.table in there:
            continue
        there[raw.table] = raw
        alike = [r.source for r, g in candidates if r.table == raw.table and _alike(raw, guesses, r, g)]
        found.append(replace(_proposal(raw, guesses, there, settings), sources=tuple(alike)))
    return found


def _alike(raw: Raw, guesses: list[Guess], other: Raw, others: list[Guess]) -> bool:
    """Whether two places hold parts of one table: the same columns, in files of their own or in sheets of one file."""
    same = {g.header for g in guesses} == {g.header for g in others} and raw.table != "accounts"
    return other is raw or (same and raw.source != other.source and bool(raw.source.sheet) == bool(other.source.sheet)
                            and (not raw.source.sheet or raw.source.file == other.source.file))  # fmt: skip


def _accounts_within(raw: Raw) -> tuple[Raw, list[Guess]] | None:
    """The accounts that stand in the file of another table: once each, or in the first rows of records."""
    guesses = _guesses(TABLES["accounts"], raw.frame)
    by_column = {g.column: g for g in guesses}
    if not {"account_id", "account_name"} <= set(by_column):
        return None
    ids = raw.frame[by_column["account_id"].header]
    if RECORD_START not in raw.frame and ids.duplicated().any():
        return None
    theirs = [g for g in guesses if g.column not in FLAT]
    return Raw("accounts", raw.source, raw.frame), theirs


_READABLE = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xlsm")


def _of_known(raw: Raw, there: Mapping[str, Raw], settings: Settings) -> Proposal | None:
    """A table that was found by its name, but has headers that are not quite ours."""
    guesses = _guesses(TABLES[raw.table], raw.frame)
    new = [g for g in guesses if not g.known and g.certainty != UNSURE]
    return _proposal(raw, guesses, there, settings) if new else None


def _best(folder: Path, place: Source, taken: set[str]) -> tuple[Raw, list[Guess]] | None:
    """The table that a file or sheet is most like, if it is like any."""
    scored = []
    words = {t: [h.pattern for h in HINTS if t in h.tables] for t in TABLES}
    try:
        read = read_place(folder, place, words)
    except InputError:  # a file that nobody asks for need not be readable
        return None
    for name, whole in read.items():
        raw = Raw(name, place, without_footer(whole.frame, place, Problems()))
        guesses = _guesses(TABLES[name], raw.frame)
        scored.append((_score(TABLES[name], raw.frame, guesses), raw, guesses))
    best = max(scored, key=lambda s: s[0], default=None)
    if best is None or best[0] <= 0 or best[1].table in taken:  # a copy of a table that is there is no other table
        return None
    return best[1], best[2]


def _score(table: Table, frame: pd.DataFrame, guesses: list[Guess]) -> int:
    """How much a file is like a table: by its columns, the required ones most; a name and an id alone say nothing."""
    columns = {g.column: _WEIGHT[g.certainty] for g in guesses}
    telling = [c for c in columns if c not in ("account_id", "csm", "date", "month")]
    wide = table.name == "mrr_months" and len(_months(frame)) >= 3
    if (len(columns) < 2 or not telling) and not (wide and columns):
        return 0
    there = set(columns) | ({"month", "mrr"} if wide else set()) | ({"hours"} if _clock(table, frame) else set())
    required = [c for c in table.required if c not in ("wave",)]
    missing = sum(c not in there for c in required)
    if missing > 1:
        return 0
    return sum(columns.values()) + 2 * (len(required) - missing) + 8 * wide - 4 * missing


def _headers(frame: pd.DataFrame) -> list[str]:
    return [str(c) for c in frame.columns if c != ROW]


def _months(frame: pd.DataFrame) -> list[str]:
    return [str(c) for c in frame.columns if c != ROW and is_month(str(c))]


def _guesses(table: Table, frame: pd.DataFrame) -> list[Guess]:
    """For each column of ours the header that means it most surely."""
    headers = _headers(frame)
    spelt = {normalise(h) for h in headers}
    best: dict[str, Guess] = {}
    for header in headers:
        for guess in _meanings(table, header, frame[header], spelt):
            before = best.get(guess.column)
            if before is None or _WEIGHT[guess.certainty] + guess.known > _WEIGHT[before.certainty] + before.known:
                best[guess.column] = guess
    once: dict[str, Guess] = {}  # and each header means one column only
    for guess in sorted(best.values(), key=lambda g: (-_WEIGHT[g.certainty] - g.known, table.names.index(g.column))):
        once.setdefault(guess.header, guess)
    return sorted(once.values(), key=lambda g: headers.index(g.header))


def _meanings(table: Table, header: str, texts: pd.Series, spelt: set[str]) -> Iterator[Guess]:
    column = find_column(table, header)
    if column is not None:
        yield Guess(header, column.name, CERTAIN, _("a name of ours"), known=True)
        return
    key = normalise(header)
    for hint in (h for h in HINTS if table.name in h.tables and h.fits(key)):
        ours = table.column(hint.column)
        if ours is None or (hint.needs and not any(re.fullmatch(hint.needs, s) for s in spelt)):
            continue
        if _readable(texts, ours):
            yield Guess(header, ours.name, hint.certainty, _(_WHY[hint.certainty]))
        else:
            yield Guess(header, ours.name, UNSURE, _("its values do not look like it"))
    for ours in table.columns:
        if is_near(header, ours) and _readable(texts, ours):
            yield Guess(header, ours.name, LIKELY, _("nearly {name}").format(name=f"{ours.name} ({ours.label_ja})"))


def _readable(texts: pd.Series, column: Column) -> bool:
    """Whether nearly all values can be read as what the column holds; choices and flags are asked about instead."""
    filled = texts[texts.str.strip() != ""].head(1000)
    if column.type in ("choice", "flag", "text", "id") or filled.empty:
        return True
    return bool(parse(filled, column.type).values.notna().mean() >= _FITS)


# --------------------------------------------------------------------------------------------------------- questions


def _proposal(raw: Raw, guesses: list[Guess], there: Mapping[str, Raw], settings: Settings) -> Proposal:
    table = TABLES[raw.table]
    guesses, by_name = _accounts_by_name(raw, guesses, there)
    sure = {g.column: g for g in guesses if g.certainty != UNSURE}
    clock = _clock(table, raw.frame) if "hours" not in sure else None
    questions = [
        *_missing(table, raw.frame, sure, clock), *_units(table, raw.frame, guesses, sure, settings),
        *_values(table, raw.frame, sure), *_rows(table, raw.frame),
    ]  # fmt: skip
    is_new = raw.table not in settings.mapping
    fixed = _records(table, raw.frame, sure)
    return Proposal(raw.table, (raw.source,), tuple(guesses), tuple(questions), is_new, by_name, clock, fixed)


def _records(table: Table, frame: pd.DataFrame, sure: Mapping[str, Guess]) -> dict[str, object]:
    """Where a record takes several rows, as kintone marks them: its first row, or its fields in every row."""
    if RECORD_START not in frame:
        months = _months(frame) if table.name == "accounts" else []
        return {"ignore": months} if months else {}
    if table.name == "accounts":
        rest = [str(c) for c in frame if c not in (ROW, RECORD_START) and c not in {g.header for g in sure.values()}]
        of_rows = [c for c in rest if (frame.loc[frame[RECORD_START] == "", c] != "").any()]
        first: dict[str, object] = {"filter": {RECORD_START: "*"}}
        return {**first, "ignore": of_rows} if of_rows else first
    below = frame[frame[RECORD_START].str.strip() == ""]
    account = [sure["account_id"].header] if "account_id" in sure else []
    blank = [header for header in account if len(below) and (below[header].str.strip() == "").all()]
    return {"fill_down": blank, "record_start": RECORD_START} if blank else {}


def _accounts_by_name(raw: Raw, guesses: list[Guess], there: Mapping[str, Raw]) -> tuple[list[Guess], bool]:
    """Whether the column of accounts holds their names rather than their ids, counted in the accounts there are."""
    accounts = there.get("accounts")
    first = next((g for g in guesses if g.column == "account_id"), None)
    if raw.table == "accounts" or accounts is None or first is None:
        return guesses, False
    known = {g.column: accounts.frame[g.header] for g in _guesses(TABLES["accounts"], accounts.frame)}
    ids = set(known["account_id"].str.strip()) if "account_id" in known else set()
    names = set(known["account_name"].map(company_key)) - {""} if "account_name" in known else set()
    taken = {g.header for g in guesses if g is not first}
    spelt = [h for h in HINTS if h.column == "account_id" and raw.table in h.tables]
    headers = [h for h in _headers(raw.frame) if any(s.fits(normalise(h)) for s in spelt) and h not in taken]
    best = (0, False, first.header, 0)
    for header in dict.fromkeys([first.header, *headers]):
        values = pd.Series(raw.frame[header].str.strip().unique(), dtype=object)
        values = values[values != ""]
        as_ids, as_names = int(values.isin(ids).sum()), int(values.map(company_key).isin(names).sum())
        best = max(best, (max(as_ids, as_names), as_names > as_ids, header, len(values)), key=lambda b: b[0])
    hits, by_name, header, count = best
    if first.known and not by_name:
        return guesses, False
    sure = bool(count) and hits / count >= _FOUND
    names_found, ids_found = (
        N_("{hits} of {count} values are names of accounts"),
        N_("{hits} of {count} are account ids"),
    )
    message = names_found if by_name else ids_found
    told = Guess(header, "account_id", LIKELY if sure else UNSURE, _(message).format(hits=hits, count=count))
    return [told if g is first else g for g in guesses], by_name and sure


def _missing(
    table: Table, frame: pd.DataFrame, sure: Mapping[str, Guess], clock: Mapping[str, str] | None
) -> Iterator[Question]:
    """Required columns for which no header was found."""
    made = {"hours"} if clock else set()
    if table.name == "mrr_months" and _months(frame):
        made |= {"month", "mrr"}
    for column in (c for c in table.columns if c.required and c.name not in sure and c.name not in made):
        label = f"{column.name} ({column.label_ja})"
        if column.name == "wave":
            yield Question("constants", _("Which survey is this? The file does not say."), ("wave",))
            continue
        asked = _("Which of their columns is {label}? {meaning}").format(label=label, meaning=_(column.description))
        yield Question("columns", asked, (column.name,))
    if table.name == "contracts" and "mrr" not in sure:
        if "amount" in sure and "billing_months" not in sure:
            period = next((str(c) for c in frame.columns if PERIOD.fullmatch(normalise(c))), None)
            if period is None:
                asked = _("How many months does “{header}” cover?")
            else:
                asked = _("How many months does “{header}” cover? If “{period}” tells, give derive.amount instead.")
            yield Question("constants", asked.format(header=sure["amount"].header, period=period), ("billing_months",))
        elif "amount" not in sure:
            asked = _("Which of their columns is {label}? {meaning}")
            mrr = table.column("mrr")
            assert mrr is not None
            yield Question("columns", asked.format(label="mrr (月額)", meaning=_(mrr.description)), ("mrr",))


def _units(
    table: Table, frame: pd.DataFrame, guesses: list[Guess], sure: Mapping[str, Guess], settings: Settings
) -> Iterator[Question]:
    """Units of amounts and hours whose header is not ours, and the currency where nobody has given it."""
    wide = table.name == "mrr_months" and "mrr" not in sure
    for guess in (g for g in guesses if not g.known and g.certainty != UNSURE):
        column = table.column(guess.column)
        if column is not None and column.type == "money":
            yield Question("units", _unit_of_money(guess.header), (guess.column,))
        elif column is not None and column.type == "hours":
            yield Question("units", _("Is “{header}” in hours or in minutes?").format(header=guess.header), ("hours",))
    if wide:
        yield Question("units", _unit_of_money(_("the months")), ("mrr",))
    has_money = wide or any((c := table.column(g)) is not None and c.type == "money" for g in sure)
    if has_money and "currency" not in sure and "currency" not in settings.client.model_fields_set:
        yield Question("client", _("In which currency are the amounts?"), ("currency",))


def _unit_of_money(header: str) -> str:
    return _("In which unit is “{header}”: units (whole currency), 円, 千円, 万円, 百万円, thousand, million or cents? "
             "And without tax?").format(header=header)  # fmt: skip


def _values(table: Table, frame: pd.DataFrame, sure: Mapping[str, Guess]) -> Iterator[Question]:
    """Values of choices and flags that cannot be read: which of ours each of them is."""
    for name, guess in sure.items():
        column = table.column(name)
        if column is None or column.type not in ("choice", "flag"):
            continue
        texts = pd.Series(frame[guess.header].str.strip().unique(), dtype=object)
        texts = texts[texts != ""]
        unread = texts[parse(texts, column.type, choices=column.choices).values.isna()]
        if len(unread):
            ours = " / ".join(column.choices) or "true / false"
            asked = _("Which of {ours} is each of these values of “{header}”?").format(ours=ours, header=guess.header)
            yield Question(f"values.{name}", asked, tuple(sorted(unread)[:_LISTED]))


def _rows(table: Table, frame: pd.DataFrame) -> Iterator[Question]:
    """Which rows count, where a column of states suggests that not all do."""
    for header in _headers(frame):
        if table.name in ("contracts", "accounts") and STATUS.fullmatch(normalise(header)):
            counts = frame[header].str.strip().replace("", "–").value_counts()
            if 2 <= len(counts) <= _LISTED:
                shown = ", ".join(f"{value} ({n})" for value, n in counts.items())
                yield Question("filter", _("Which rows count? “{header}” holds: {values}.").format(
                    header=header, values=shown), (header,))  # fmt: skip


def _clock(table: Table, frame: pd.DataFrame) -> dict[str, str] | None:
    """The headers of start, end and break, where a time sheet has them."""
    if table.name != "time_entries":
        return None
    found = {part: str(h) for part, words in CLOCK.items() for h in frame.columns if re.fullmatch(words, normalise(h))}
    return found if {"start", "end"} <= set(found) else None
