"""From a folder to clean tables, and from clean tables to what was known at the as-of date; every fault collected."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cs_analysis.data.checking import across, check
from cs_analysis.data.clean import Clean, check_headers, clean_table
from cs_analysis.data.cut import cut, last_day_of_month, last_month_end, latest_facts, row_days
from cs_analysis.data.door import (
    add_unlisted,
    bridge_gaps,
    finish,
    mark_opening,
    merge_accounts,
    raise_to_parents,
)
from cs_analysis.data.lines import FLAT, observed_from, revenue_lines, revenue_source
from cs_analysis.data.mapping.apply import apply_mapping, stacked
from cs_analysis.data.mapping.columns import undecided
from cs_analysis.data.mapping.dates import check_zones
from cs_analysis.data.mapping.exports import without_footer, without_notes
from cs_analysis.data.mapping.keys import TableMapping
from cs_analysis.data.mapping.match import match_accounts
from cs_analysis.data.mapping.rows import Met, check_met
from cs_analysis.data.problems import NOTE, WARNING, Problems
from cs_analysis.data.reading.large import TABLE as LARGE_TABLE
from cs_analysis.data.reading.large import LargeFile
from cs_analysis.data.reading.read import Raw, Reading, Source, read_tables
from cs_analysis.data.reading.sources import content_hash, read_sources
from cs_analysis.data.schema import TABLES, find_column
from cs_analysis.data.settings import Settings
from cs_analysis.data.templates.example import without_examples
from cs_analysis.data.templates.marks import is_beside
from cs_analysis.display.language import choose
from cs_analysis.errors import N_, InputError
from cs_analysis.stats import periods

_FEW = 1000
_IDS = "_ids"  # the accounts of a large table, so that they take part in mergers


@dataclass(frozen=True)
class Gathered:
    """What a folder holds, with canonical names and types, not cut yet; `inputs` are the hashes of what was read."""

    tables: dict[str, Clean]
    problems: Problems
    unmatched: tuple[Source, ...]
    revenue: str | None
    inputs: dict[str, str] = field(default_factory=dict)
    reading: Reading | None = None

    @property
    def dated(self) -> bool:
        """Whether any fact has a date that could be read."""
        return bool(latest_facts(self.tables))

    @property
    def whole(self) -> bool:
        """Whether accounts and revenue have all the columns that the door needs."""
        broken = {p.source for p in self.problems.errors if p.row is None}
        needed = {"accounts", self.revenue}
        return self.revenue is not None and not any(self.tables[t].source in broken for t in needed if t in self.tables)


@dataclass(frozen=True)
class Settled:
    """What was known at the as-of date: clean frames, how many rows of each table are used, and from when on."""

    frames: dict[str, pd.DataFrame]
    coverage: pd.DataFrame
    observed_from: date | None


def gather(folder: Path, settings: Settings, *, large: bool = False) -> Gathered:
    """Read, map and type every table of a folder; `large`: rows too many for memory may stay in DuckDB."""
    reading = read_tables(folder, settings.mapping, large=large)
    from_databases = read_sources(settings.source, reading.tables, file=settings.path)
    reading = replace(reading, tables={**reading.tables, **from_databases})
    problems = Problems()
    unmatched = tuple(place for place in reading.unmatched if not is_beside(place.name))
    _require(reading.tables, unmatched)
    given = _given(reading, problems)
    tables: dict[str, Clean] = {}
    for raw in sorted(given.values(), key=lambda r: r.table != "accounts"):
        tables[raw.table] = _clean(raw, settings, tables.get("accounts"), problems)
    tables = {t: tables[t] for t in TABLES if t in tables}
    revenue = revenue_source(tables)
    if revenue is None:
        raise InputError(
            N_("No revenue was found; give the table contracts (契約) or mrr_months (月次MRR), or the columns "
               "contract_start (契約開始日) and mrr (月額) in {accounts}."),
            accounts=str(reading.tables["accounts"].source),
        )  # fmt: skip
    inputs = reading.inputs | {str(raw.source): content_hash(raw.frame) for raw in from_databases.values()}
    return Gathered(tables, problems, unmatched, revenue, inputs, _first_rows(reading))


def _first_rows(reading: Reading) -> Reading:
    """What a proposal of a mapping looks at: all accounts, and of the other tables enough to know them by."""
    few = {t: r if t == "accounts" else replace(r, frame=r.frame.head(_FEW).copy()) for t, r in reading.tables.items()}
    return replace(reading, tables=few)


def _require(tables: Mapping[str, Raw], unmatched: tuple[Source, ...]) -> None:
    if "accounts" not in tables:
        there = [str(r.source) for r in tables.values()] + [str(s) for s in unmatched]
        raise InputError(
            N_("The table accounts (顧客) was not found in the data folder; {choose}."),
            choose=choose("accounts", there),
        )  # fmt: skip


def _given(reading: Reading, problems: Problems) -> dict[str, Raw]:
    """The tables without a template's examples, and without the tables of a template that nobody filled in.

    A template has a sheet for everything, and most clients fill in a few. `accounts` stays, and so does a table
    without rows that came in any other form.
    """
    templates = {place.file for place in reading.unmatched if is_beside(place.sheet)}
    without = {name: without_examples(raw, problems) for name, raw in reading.tables.items()}
    blank = {
        name: raw.source
        for name, raw in without.items()
        if raw.frame.empty and name != "accounts"
        if raw.source.file in templates or len(reading.tables[name].frame)
    }
    if blank:
        problems.add(
            NOTE, Source(next(iter(blank.values())).file), N_("Without rows, and so taken as not given: {places}."), "",
            places=", ".join(source.sheet or source.file for source in blank.values()),
        )  # fmt: skip
    return {name: raw for name, raw in without.items() if name not in blank}


def _clean(raw: Raw, settings: Settings, accounts: Clean | None, problems: Problems) -> Clean:
    """The table with canonical names and types: each of its places mapped by itself, then all together."""
    table, mapping, currency = TABLES[raw.table], settings.mapping.get(raw.table), settings.client.currency
    places, met = (raw, *raw.others), Met()
    headers = list(dict.fromkeys(header for place in places for header in place.frame.columns)) if raw.others else []
    frame = stacked([_mapped(place, headers, mapping, accounts, currency, met, problems) for place in places], table)
    renamed = mapping.columns if mapping is not None else {}
    named = {column.name: theirs for theirs, ours in renamed.items() if (column := find_column(table, ours))}
    if mapping is not None and mapping.match == "name":
        named.pop("account_id", None)
    source = Source.of([place.source for place in places])
    if mapping is not None:
        check_met(met, mapping, table, source, problems)
    clean = clean_table(raw.table, source, frame, problems, currency=currency, mapped=named)
    return replace(clean, rows_read=sum(len(place.frame) for place in places))


def _mapped(
    raw: Raw, headers: list[str], mapping: TableMapping | None, accounts: Clean | None, currency: str, met: Met,
    problems: Problems,
) -> pd.DataFrame:  # fmt: skip
    """One file or sheet as texts under our names, as far as its mapping gives them; `headers` are those of all."""
    for f in raw.findings:
        problems.add(
            f.severity, raw.source, f.problem, f.action, rows=f.rows, column=f.column, values=f.values, **f.fields
        )
    table, frame = TABLES[raw.table], without_footer(raw.frame, raw.source, problems)
    if mapping is None:
        check_headers(table, raw.source, frame, (), problems)
        check_zones(frame, table, raw.source, currency, problems)
        return frame
    check_headers(table, raw.source, undecided(frame, mapping), mapping.names(), problems)
    frame = without_notes(frame, raw.source, problems)
    frame, found = apply_mapping(
        frame, mapping, table=table, where=raw.source, currency=currency, others=headers, met=met
    )
    check_zones(frame, table, raw.source, currency, problems)
    problems.found.extend(found)
    if mapping.match == "name" and accounts is not None:
        header = mapping.header_of(table, "account_id")
        frame, found = match_accounts(frame, accounts.frame, table=table, where=raw.source, header=header)
        problems.found.extend(found)
    return frame


# -------------------------------------------------------------------------------------------------------- as-of date


# Contracts are silent while nothing changes, so a later as-of date than the last fact is allowed, with a warning; but
# not a whole year later, which is nearly always a slip of the pen in the year.
_SILENT_MONTHS = 11
_BOOKED_AHEAD = 3  # months by which contracts may be entered before they start


def last_covered(gathered: Gathered) -> date:
    """The end of the month of the last fact of any table."""
    latest = latest_facts(gathered.tables)
    if not latest:
        gathered.problems.raise_errors()  # a date that cannot be read is named rather than told to be absent
        raise InputError(N_("No date was found in the data; give at least one contract with its start."))
    return last_day_of_month(max(latest.values())).date()


def last_possible(gathered: Gathered) -> date:
    """The last day as of which a report can be made: months are listed to their end, contracts may be silent longer."""
    covered = last_covered(gathered)
    if gathered.revenue == "mrr_months":
        return covered
    return periods.last_day(periods.month_index(covered) + _SILENT_MONTHS)


def default_as_of(gathered: Gathered) -> date:
    """The last month end covered by the ledger or, where that is more than a quarter behind, by the revenue source.

    The ledger goes first because contracts may be booked ahead of their start.
    """
    latest = latest_facts(gathered.tables)
    ends = {name: last_month_end(latest[name]).date() for name in ("ledger", gathered.revenue) if name in latest}
    if not ends:
        return last_covered(gathered)
    newest = max(ends.values())
    ledger = ends.get("ledger", newest)
    return ledger if periods.month_index(newest) - periods.month_index(ledger) <= _BOOKED_AHEAD else newest


def resolve_as_of(gathered: Gathered, as_of: object) -> date:
    """The as-of date asked for, refused when nothing can be said as of it; without one, the default."""
    if as_of is None or as_of == "":
        return default_as_of(gathered)
    day, last = periods.day(as_of), last_possible(gathered)
    if day > last:
        gathered.problems.raise_errors()  # of a date that cannot be read, nobody knows how late it is
        raise InputError(
            N_("The as-of date {as_of} lies after the last facts in the data; the last possible date is {last}."),
            as_of=day.isoformat(), last=last.isoformat(),
        )  # fmt: skip
    first = row_days(gathered.tables[str(gathered.revenue)]).min()
    if pd.notna(first) and day < first.date():
        gathered.problems.raise_errors()
        raise InputError(
            N_("The as-of date {as_of} lies before the first revenue in the data; the first possible date is {first}."),
            as_of=day.isoformat(), first=first.date().isoformat(),
        )  # fmt: skip
    return day


# ------------------------------------------------------------------------------------------------------------ settle


def settle(gathered: Gathered, settings: Settings, as_of: date) -> Settled:
    """The frames of the Book as known at `as_of`; further faults go to the problems of `gathered`."""
    problems = gathered.problems
    check.check_places(gathered.unmatched, problems)
    tables = {name: cut(clean, as_of) for name, clean in gathered.tables.items()}
    across.check_dates(gathered.tables, tables, as_of, settings, problems)
    tables = check.check_rows(tables, settings, problems)
    if not gathered.whole:
        return Settled({}, coverage_of(gathered.tables, tables), None)
    check.check_unlisted(tables, settings, problems)
    lines = revenue_lines(tables, settings, as_of, problems)
    check.check_merges(tables["accounts"], lines, settings, problems)
    frames = {name: clean.frame for name, clean in tables.items()}
    frames["accounts"] = frames["accounts"].drop(columns=list(FLAT), errors="ignore")
    if problems.errors:  # what can be said all the same is said in the same pass
        sound = across.without_faulty(lines, tables[str(gathered.revenue)], problems)
        with suppress(InputError):  # mergers that go round in a circle are told once the errors are mended
            across.check_lines(tables, merge_accounts({**frames, "contracts": sound}), as_of, settings, problems)
        return Settled({}, coverage_of(gathered.tables, tables), None)
    large = _large(gathered.reading)
    if large is not None:
        frames[_IDS] = large.accounts()
    frames = merge_accounts({**frames, "contracts": lines})
    # after the mergers: an account can have merged into one that is not listed
    frames["accounts"] = add_unlisted(frames["accounts"], frames["contracts"])
    across.check_lines(tables, frames, as_of, settings, problems)
    frames.pop("mrr_months", None)
    if settings.rules.account_level == "parent":
        frames = raise_to_parents(frames)
    if gathered.revenue == "mrr_months":
        frames["contracts"] = mark_opening(frames["contracts"], tables["mrr_months"].frame["month"].min())
    frames["contracts"] = bridge_gaps(frames["contracts"], settings.rules.grace_days, as_of)
    _check_totals(tables, frames["contracts"], gathered, settings, as_of)
    ids, coverage = frames.pop(_IDS, None), coverage_of(gathered.tables, tables)
    finished = finish(frames)
    if large is not None and ids is not None:
        finished[LARGE_TABLE] = _all_rows(large, as_of, ids, tables[LARGE_TABLE].source, coverage, problems)
    return Settled(finished, coverage, observed_from(tables, settings))


def _large(reading: Reading | None) -> LargeFile | None:
    return next((r.large for r in reading.tables.values() if r.large is not None), None) if reading else None


def _all_rows(
    large: LargeFile, as_of: date, ids: pd.DataFrame, source: Source, coverage: pd.DataFrame, problems: Problems
) -> Any:
    """The rows behind the representatives, and their numbers put right in the coverage."""
    relation, aside = large.table(as_of, ids)
    at = coverage["table"] == LARGE_TABLE
    first, last, used = relation.aggregate("min(date), max(date), count(*)").fetchone() or (None, None, 0)
    coverage.loc[at, ["rows_read", "rows_used"]] = [large.rows, used]
    coverage.loc[at, ["first_day", "last_day"]] = pd.to_datetime(pd.Series([first, last])).tolist()
    problems.add(
        NOTE, source,
        N_("The file is too large to be held in memory: of each different value only the first row was looked at, and "
           "what is at stake counts these rows only."), "",
    )  # fmt: skip
    if aside:
        problems.add(
            WARNING, source, N_("{count} rows in all lack a required value and are set aside."),
            N_("Fill it in, or delete the row."), count=aside,
        )  # fmt: skip
    return relation


def _check_totals(
    tables: Mapping[str, Clean], lines: pd.DataFrame, gathered: Gathered, settings: Settings, as_of: date
) -> None:
    source = tables[str(gathered.revenue)].source
    if as_of > (covered := last_covered(gathered)):
        gathered.problems.add(
            WARNING, source, N_("Nothing in the data is dated after {last}, but the as-of date is {as_of}."),
            N_("Make sure that the files were exported after the as-of date; otherwise later losses are missing."),
            effect=N_("What was not known yet when the files were made counts as not having happened."),
            last=covered.isoformat(), as_of=as_of.isoformat(),
        )  # fmt: skip
    if "ledger" in tables:
        check.check_ledger(tables["ledger"], lines, settings, gathered.problems)
    if observed_from(tables, settings) is None:
        check.check_late_entry(lines, source, as_of, gathered.problems)
    if gathered.revenue == "mrr_months":
        covered = tables["mrr_months"].frame["month"].max()
        if pd.notna(covered) and last_day_of_month(covered) < last_month_end(as_of):
            gathered.problems.add(
                WARNING, source, N_("Monthly revenue ends with {last}; after it the last amounts are taken to go on."),
                N_("Add the later months, or choose an earlier as-of date."), last=f"{covered:%Y-%m}",
                effect=N_("Losses and changes of the months after it are missing."),
            )  # fmt: skip


def coverage_of(read: Mapping[str, Clean], used: Mapping[str, Clean]) -> pd.DataFrame:
    """Per table the rows read and used, and the first and last day of its facts."""
    rows = []
    for name, clean in used.items():
        days = row_days(clean)
        rows.append((name, read[name].rows_read, len(clean.frame), days.min(), days.max()))
    frame = pd.DataFrame(rows, columns=pd.Index(["table", "rows_read", "rows_used", "first_day", "last_day"]))
    return frame.astype({"first_day": "datetime64[ns]", "last_day": "datetime64[ns]"})
