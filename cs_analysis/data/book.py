"""The Book: a client's data as clean frames, as they were known at the as-of date, behind one door.

Past it everything may assume canonical names and types. Ids are texts, dates datetime64[ns] at midnight, numbers
float64, missing texts None. Revenue is `contracts` (account_id, contract_id, product, start, stop, mrr) in whatever
form it came; `start` is the first day of service, `stop` the first day without it, a missing `stop` is open. A `stop`
after the as-of date is the end of a term and has not happened yet.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cs_analysis.data import cache
from cs_analysis.data.engines import ENGINES, as_pandas
from cs_analysis.data.gather import (
    coverage_of,
    default_as_of,
    gather,
    last_covered,
    last_possible,
    resolve_as_of,
    settle,
)
from cs_analysis.data.lines import TERM_SHARE
from cs_analysis.data.problems import ERROR, WARNING, Problem, Problems, with_touched
from cs_analysis.data.reading.large import TABLE as LARGE_TABLE
from cs_analysis.data.reading.large import is_large
from cs_analysis.data.reading.read import Reading, data_files
from cs_analysis.data.save import csv_bytes
from cs_analysis.data.schema import TABLES, find_column
from cs_analysis.data.settings import Settings, read_settings
from cs_analysis.display.html import Html, join, say
from cs_analysis.display.language import _, check_language, choose, day, ngettext, number, set_language, speaking
from cs_analysis.errors import N_, InputError
from cs_analysis.stats import periods

CLIENT_FILE = "cs-analysis.toml"
SAMPLE = N_(
    "This is the sample company, not your data: every figure is invented. For your own, give the folder of your tables "
    "as --data or data_dir."
)
# what may be large is handed over on the engine asked for; the other tables stay pandas frames
LARGE = ("contracts", "time_entries", "usage", "survey_responses", "activities")


@dataclass(frozen=True)
class Book:
    """A client's data as known at `as_of`; the tables are attributes: ``book.accounts``, ``book.contracts``.

    `source` is the name of the data folder, `inputs` the sha256 of each input file and query, `last_possible` the
    latest as-of date the data allow, `default_as_of` the one taken when none is given, `observed_from` the first day
    from which departures were recorded (None = from the first).
    """

    as_of: date
    tables: dict[str, Any]
    settings: Settings
    lang: str
    observed_from: date | None
    source: str
    is_sample: bool
    coverage: pd.DataFrame
    inputs: dict[str, str]
    last_possible: date
    default_as_of: date
    faults: tuple[Problem, ...] = field(default=(), repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "tables":  # pickle asks before anything is there
            raise AttributeError(name)
        if name in self.tables:
            return self.tables[name]
        if name in TABLES:
            label = TABLES[name].label_ja
            raise InputError(
                N_("The table {table} is not in the data; {file}.csv (or a sheet {label}) would bring it."),
                table=name, file=name, label=label,
            )  # fmt: skip
        raise AttributeError(
            _("A book has no {name}; {choose}.").format(name=name, choose=choose(name, list(self.tables)))
        )

    @property
    def problems(self) -> pd.DataFrame:
        """severity (error, warning, note), file, sheet, row, column, value, problem, action; in the book's language."""
        with speaking(self.lang):
            return Problems(self.faults).frame()

    def has(self, *tables: str) -> bool:
        """Whether all these tables are there and hold rows.

        A frame of a lazy engine counts as filled when the table was used at all.
        """
        used = self.coverage.set_index("table")["rows_used"]
        return all(t in self.tables and (t == "contracts" or used.get(t, 0) > 0) for t in tables)

    def split(self, table: Any, *columns: str) -> pd.DataFrame:
        """A table with columns of its accounts joined on, to be split by; a missing value is "(not given)".

        Parameters
        ----------
        table
            A frame with `account_id`, or the name of one of the book's tables.
        columns
            Columns of `accounts`, custom variables included; a column of `contracts` is lifted when it is constant
            per account.

        Returns
        -------
        pd.DataFrame
            The table's rows as a pandas frame, and the columns as text.
        """
        frame = as_pandas(getattr(self, table) if isinstance(table, str) else table)
        found = pd.DataFrame({c: self._account_column(c) for c in columns})
        joined = frame.drop(columns=[c for c in columns if c in frame]).join(found, on="account_id")
        missing = _("(not given)")
        return joined.assign(
            **{c: joined[c].astype(object).where(joined[c].notna(), missing).astype(str) for c in columns}
        )

    @property
    def ends_are_terms(self) -> bool:
        """Whether contracts end by term and come up for renewal, or go on until somebody gives notice."""
        stops = as_pandas(self.contracts)["stop"]
        ahead = stops > pd.Timestamp(self.as_of)
        return bool(stops.notna().mean() >= TERM_SHARE and ahead.any()) if len(stops) else False

    def segment_column(self, asked: str = "") -> str:
        """The account column to split by: the one asked for, else the client file's first, else segment.

        A column of ours may be called by its Japanese name; one that is not there is an error.
        """
        named = asked or next(iter(self.settings.report.segment_by), "segment")
        if named in self.accounts:
            return named
        ours = find_column(TABLES["accounts"], named)
        if ours is not None and (ours.name in self.accounts or ours.name == "segment"):
            return ours.name
        if ours is None and named in as_pandas(self.contracts):
            return named
        known = [c for c in self.accounts if c != "account_id"]
        raise InputError(
            N_("Accounts have no column {column} to split by; {choose}."), column=named, choose=choose(named, known)
        )

    def _account_column(self, column: str) -> pd.Series:
        """A column by account_id."""
        if column in self.accounts:
            return self.accounts.set_index("account_id")[column]
        lines = as_pandas(self.contracts)
        if column in lines:
            values = lines.groupby("account_id")[column]
            if (values.nunique(dropna=False) <= 1).all():
                return values.first()
            raise InputError(
                N_("The contract column {column} differs within accounts, so accounts cannot be split by it."),
                column=column,
            )
        if any(column == c.name for c in TABLES["accounts"].columns):  # a column of ours that nobody filled in
            return pd.Series(None, index=self.accounts["account_id"], dtype=object)
        known = [c for c in self.accounts if c != "account_id"]
        raise InputError(
            N_("Accounts have no column {column} to split by; {choose}."), column=column, choose=choose(column, known)
        )

    @property
    def fingerprint(self) -> str:
        """A hash of the cleaned, sorted tables: the same facts give the same, whatever form they came in."""
        digest = hashlib.sha256(self.as_of.isoformat().encode())
        for name in sorted(self.tables):
            digest.update(name.encode() + b"\0" + csv_bytes(as_pandas(self.tables[name])))
        return digest.hexdigest()

    def report(self) -> Html:
        """What this book holds, in a few lines: the accounts, the period, the as-of date and what was found wrong."""
        with speaking(self.lang):
            return join(*self._lines())

    def _lines(self) -> list[Html]:
        lines = []
        if self.is_sample:
            lines.append(say(_(SAMPLE), kind="warning"))
        starts = as_pandas(self.contracts)["start"]
        text = _("{accounts} accounts, {lines} contract lines since {first}; as of {as_of}; data folder: {source}.")
        lines.append(
            say(
                text.format(
                    accounts=number(len(self.accounts)), lines=number(len(starts)), first=day(starts.min()),
                    as_of=day(self.as_of), source=self.source,
                ),
                kind="note",
            )
        )  # fmt: skip
        warnings = sum(p.severity == WARNING for p in self.faults)
        if warnings:
            said = ngettext(
                "{count} warning about the data; see the data check.",
                "{count} warnings about the data; see the data check.",
                warnings,
            )
            text = with_touched(said.format(count=number(warnings)), self.problems, self.settings.client.currency)
            lines.append(say(text, kind="warning"))
        return lines


# -------------------------------------------------------------------------------------------------------------- load


@dataclass(frozen=True)
class Checked:
    """What a check of the input found: all problems, the rows read and used per table, and what was read."""

    problems: pd.DataFrame
    coverage: pd.DataFrame
    faults: tuple[Problem, ...] = field(default=(), repr=False)
    reading: Reading | None = field(default=None, repr=False)
    currency: str = "JPY"

    @property
    def n_errors(self) -> int:
        """How many errors there are."""
        return sum(p.severity == ERROR for p in self.faults)


def load(
    data_dir: str | Path = "",
    *,
    as_of: object = None,
    config: str | Path | None = None,
    lang: str | None = None,
    engine: str = "pandas",
) -> Book:
    """A client's data, clean and cut at the as-of date.

    Parameters
    ----------
    data_dir
        The folder with the tables. "" looks upward for a client file (`cs-analysis.toml`) and takes `data/` beside it,
        else takes `./data`, else the sample company.
    as_of
        The last day whose facts may be used (a date or "YYYY-MM-DD"); None or "" = the last month end covered by the
        revenue source.
    config
        The client file; None or "" = the one in or beside the data folder, if any.
    lang
        "en" or "ja"; None or "" = the client file's. It becomes the language of everything said from here on.
    engine
        On which engine `contracts`, `time_entries`, `usage`, `survey_responses` and `activities` are handed over:
        "pandas", "polars", "duckdb" or "pyspark". The small tables are always pandas frames.

    Raises
    ------
    InputError
        When the input cannot be read, holds an error, or `as_of` lies before its first revenue or long after its last
        facts.
    """
    if engine not in ENGINES:
        raise InputError(
            N_("The engine {engine} is not known; {choose}."), engine=engine, choose=choose(engine, list(ENGINES))
        )
    if lang:
        set_language(check_language(lang))
    folder, config_path = locate(data_dir, config)
    day = periods.day(as_of) if as_of else None
    if folder is None:
        book = _load_sample(day)
    elif engine == "duckdb" and any(is_large(f, LARGE_TABLE, None) for f in data_files(folder)):
        book = _load(folder, config_path, day, lang=lang, large=True)
    else:
        book = _load_cached(folder, config_path, day, lang)
    book = replace(book, lang=lang or book.settings.client.language)
    set_language(book.lang)
    if engine == "pandas":
        return book
    frames = {n: f for n, f in book.tables.items() if n in LARGE and isinstance(f, pd.DataFrame)}
    return replace(book, tables={**book.tables, **{n: ENGINES[engine](f) for n, f in frames.items()}})


def check(
    data_dir: str | Path = "", *, as_of: object = None, config: str | Path | None = None, lang: str | None = None
) -> Checked:
    """Every fault of the input in one pass; the parameters are those of :func:`load`.

    Without `as_of` all rows are checked, up to the end of the month of the last fact.

    Raises
    ------
    InputError
        When the input cannot be read at all.
    """
    folder, config_path = locate(data_dir, config)
    if folder is None:
        raise InputError(N_("There is no data folder here; give it with --data."))
    settings = read_settings(config_path)
    set_language(check_language(lang or settings.client.language))
    gathered = gather(folder, settings)
    if gathered.problems.errors and not gathered.dated:  # there is no day to cut at
        coverage = coverage_of(gathered.tables, gathered.tables)
    else:
        coverage = settle(gathered, settings, resolve_as_of(gathered, as_of or last_covered(gathered))).coverage
    found = gathered.problems
    return Checked(found.frame(), coverage, tuple(found.found), gathered.reading, settings.client.currency)


def locate(data_dir: str | Path = "", config: str | Path | None = None) -> tuple[Path | None, Path | None]:
    """The data folder (None = the sample) and the client file (None = there is none) that :func:`load` would take."""
    folder: Path | None = Path(data_dir) if str(data_dir) else None
    if folder is None:
        here = Path.cwd()
        above = next((p for p in (here, *here.parents) if (p / CLIENT_FILE).is_file()), None)
        if above is not None:
            folder = above / "data"
        elif (here / "data").is_dir():
            folder = here / "data"
    if config:
        return folder, Path(config)
    if folder is None:
        return None, None
    beside = (folder / CLIENT_FILE, folder.resolve().parent / CLIENT_FILE)
    return folder, next((p for p in beside if p.is_file()), None)


def _load(
    folder: Path, config: Path | None, as_of: date | None, *, lang: str | None = None, large: bool = False
) -> Book:
    settings = read_settings(config)
    with speaking(lang or settings.client.language):
        gathered = gather(folder, settings, large=large)
        if not gathered.whole:  # say what is missing rather than that no date can be found
            gathered.problems.raise_errors()
        day = resolve_as_of(gathered, as_of)
        settled = settle(gathered, settings, day)
        gathered.problems.raise_errors()
    book = Book(
        as_of=day,
        tables=settled.frames,
        settings=settings,
        lang=settings.client.language,
        observed_from=settled.observed_from,
        source=folder.resolve().name,
        is_sample=_is_sample(folder),
        coverage=settled.coverage,
        inputs=gathered.inputs,
        last_possible=last_possible(gathered),
        default_as_of=default_as_of(gathered),
        faults=tuple(gathered.problems.found),
    )
    book.segment_column()  # a client file that splits by a column nobody has is at fault before anything runs
    return book


def _load_sample(as_of: date | None) -> Book:
    from cs_analysis.data.sample import make_sample, write_sample

    with tempfile.TemporaryDirectory() as place:
        folder = write_sample(make_sample(), Path(place) / "sample", format="csv")
        return _load(folder, locate(folder)[1], as_of)


def _is_sample(folder: Path) -> bool:
    """Whether the truth that lies beside the tables of a sample company is there."""
    path = folder / "truth.json"
    if not path.is_file():
        return False
    from cs_analysis.data.sample.truth import MADE_BY

    try:
        return json.loads(path.read_bytes())["about"]["made_by"] == MADE_BY
    except (OSError, ValueError, KeyError, TypeError):
        return False  # somebody else's file of that name


def _load_cached(folder: Path, config: Path | None, as_of: date | None, lang: str | None) -> Book:
    place = cache.place_of(folder, config)
    if place is None:
        return _load(folder, config, as_of, lang=lang)
    if (book := cache.find(place, as_of)) is None:
        book = _load(folder, config, as_of, lang=lang)
        cache.keep(place, book, as_of=book.as_of, default=book.default_as_of)
    return replace(book, source=folder.resolve().name, is_sample=_is_sample(folder))
