"""A client's own file becomes one of our tables: `[mapping.<table>]` of the client file, applied to text.

Everything is text here, and nothing is typed or cut. The steps follow each other in this order:

1. `columns`: their headers get our names (a name of ours that the schema does not know is a custom variable); those
   of `ignore` go (a `*` stands for any letters); every other column is kept as it is.
2. `fill_down`: a blank cell takes the value above it, within one record (`record_start`).
3. `filter`: rows whose column holds one of the values named are kept, the rest is counted as set aside.
4. `values`: their values become ours; a value that is not named stays.
5. `constants`: a column that the file lacks, with one value in every row.
6. Monthly revenue with one column per month becomes one row per account and month.
7. `units`: minutes become hours; cents, 千円, 万円, 百万円, thousand and million become units of the currency; hours,
   円 and units say that nothing is to be converted.
8. `derive`: the closed list of :mod:`cs_analysis.data.derive`.

A column may be named by their header or by ours, in English or Japanese. `file` and `sheet` may name several, as a list
or with a `*`: each is mapped by itself, and their rows are put together (:func:`stacked`). `match = "name"` is applied
by :func:`match_accounts`, once the accounts are known. A `"?"` anywhere is a question that `cs-analysis check` wrote
into its proposal; it is refused until somebody has answered it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase

import pandas as pd

from cs_analysis.data.clean import one_row_per_month
from cs_analysis.data.derive import MAKES, Amount, Clock, Derive, Tenure, amount_mrr, clock_hours, fold, tenure_dates
from cs_analysis.data.exports import fill_down
from cs_analysis.data.faults import NUMBER
from cs_analysis.data.mapping_keys import TableMapping
from cs_analysis.data.parse import parse
from cs_analysis.data.problems import ERROR, NOTE, Problem, Problems
from cs_analysis.data.read import PART, ROW, Source, cell_text
from cs_analysis.data.schema import Table, find_column, normalise
from cs_analysis.data.sections import Scalar
from cs_analysis.display.language import MISSING, choose
from cs_analysis.errors import N_, InputError

_FACTORS: dict[str, tuple[int, int]] = {
    "hours": (1, 1), "minutes": (1, 60), "units": (1, 1), "cents": (1, 100), "円": (1, 1), "千円": (1000, 1),
    "万円": (10_000, 1), "百万円": (1_000_000, 1), "thousand": (1000, 1), "million": (1_000_000, 1),
}  # fmt: skip
_OF_TIME = ("hours", "minutes")
_WITHOUT_CENTS = ("JPY", "KRW", "VND", "CLP", "ISK")  # ISO 4217: their smallest unit is the unit itself


def apply_mapping(
    frame: pd.DataFrame, mapping: TableMapping, *, table: Table, where: Source | str, currency: str = "JPY"
) -> tuple[pd.DataFrame, list[Problem]]:
    """A client's table with our names and values, still as text.

    Parameters
    ----------
    frame
        Texts ("" = empty) under the client's headers, and `__row__`, the row number as Excel shows it.
    mapping, table
        The section of the client file, and the table it makes.
    where
        The file, or file and sheet, that problems and errors name.
    currency
        The client's currency, in which `derive.amount` expects amounts.

    Returns
    -------
    The frame (grain: the rows kept) and what was found: cells that cannot be converted, rows set aside.

    Raises
    ------
    InputError
        When the mapping names a column that the file lacks, or makes one that it already has.

    Examples
    --------
    >>> from cs_analysis.data.schema import TABLES
    >>> frame = pd.DataFrame({"Kunde": ["A1"], "Umsatz": ["12"], "Farbe": ["blau"], "__row__": [2]})
    >>> mapping = TableMapping(columns={"Kunde": "account_id", "Umsatz": "mrr"}, units={"mrr": "千円"})
    >>> apply_mapping(frame, mapping, table=TABLES["accounts"], where="kunden.csv")[0].values.tolist()
    [['A1', '12000', 'blau', 2]]
    """
    source = where if isinstance(where, Source) else Source(where)
    problems = Problems()
    used = {normalise(name) for name in mapping.names()}  # a column that is needed on the way goes at the end
    unwanted = _unwanted(frame, mapping.ignore, table, source)
    frame = frame.drop(columns=[c for c in unwanted if normalise(c) not in used])
    frame, headers = _rename(frame, mapping.columns, table, source)
    step = _Step(table, source, headers)
    start = step.locate(frame, mapping.record_start) if mapping.record_start else None
    frame = fill_down(frame, [step.locate(frame, name) for name in mapping.fill_down], start)
    frame = _filter(frame, mapping, step, problems)
    for name, pairs in mapping.values.items():
        column = step.locate(frame, name)
        frame = frame.assign(**{column: _translate(frame[column], pairs)})
    for name, value in mapping.constants.items():
        frame = frame.assign(**{step.new(frame, name): _text(value)})
    if table.name == "mrr_months":
        frame = one_row_per_month(frame)
    for name, unit in mapping.units.items():
        column = step.locate(frame, name)
        step.check_unit(column, unit)
        frame = frame.assign(**{column: _converted(frame, column, unit, step, currency, problems)})
    frame = _derive(frame, mapping.derive, step, currency, problems)
    frame = frame.drop(columns=[headers[c] for c in unwanted if headers.get(c) in frame])
    return frame.reset_index(drop=True), problems.found


class _Step:
    """Finds the column that a mapping means, by their header or our name."""

    def __init__(self, table: Table, source: Source, headers: dict[str, str]) -> None:
        self.table, self.source, self.headers = table, source, headers

    def find(self, frame: pd.DataFrame, name: str) -> str | None:
        columns = [c for c in frame.columns if c != ROW]
        wanted, ours = normalise(name), find_column(self.table, name)
        exact = [c for c in (name, self.headers.get(name)) if c in columns]
        same = [c for c in columns if normalise(c) == wanted]
        meant = [c for c in columns if ours is not None and find_column(self.table, c) is ours]
        return next(iter([*exact, *same, *meant]), None)

    def locate(self, frame: pd.DataFrame, name: str) -> str:
        """The column of that name, or an error with what the file has."""
        found = self.find(frame, name)
        if found is None:
            raise lacks(self.table, self.source, name, self.headers)
        return found

    def new(self, frame: pd.DataFrame, name: str) -> str:
        """The canonical name of a column to be made, or an error when the file has it already."""
        found = self.find(frame, name)
        if found is not None:
            raise InputError(
                N_("The mapping of {table} makes the column {name!r}, but {where} already has {found!r}; keep one."),
                table=self.table.name, name=name, where=str(self.source), found=found,
            )  # fmt: skip
        ours = find_column(self.table, name)
        return ours.name if ours else name

    def check_unit(self, column: str, unit: str) -> None:
        """Minutes belong to hours, the others to amounts and custom variables."""
        ours = find_column(self.table, column)
        if ours is not None and (unit in _OF_TIME) != (ours.type == "hours"):
            raise InputError(
                N_("The mapping of {table} gives {column!r} the unit {unit}, which does not fit its type {type}."),
                table=self.table.name, column=column, unit=unit, type=ours.type,
            )  # fmt: skip


def lacks(table: Table, source: Source, name: str, headers: Iterable[str]) -> InputError:
    """What to say when a mapping names a column that the file does not have."""
    return InputError(
        N_("The mapping of {table} names the column {name!r}, which {where} does not have; {choice}."),
        table=table.name, name=name, where=str(source), choice=choose(name, list(headers)),
    )  # fmt: skip


def _rename(
    frame: pd.DataFrame, columns: dict[str, str], table: Table, source: Source
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The frame under the mapped names, and their header → the name it now has."""
    headers = {c: c for c in frame.columns if c != ROW}
    by_spelling = {normalise(c): c for c in reversed(headers)}
    chosen: dict[str, str] = {}
    for theirs, target in columns.items():
        header = theirs if theirs in headers else by_spelling.get(normalise(theirs))
        if header is None:
            raise lacks(table, source, theirs, headers)
        ours = find_column(table, target)
        name = ours.name if ours else target.strip()
        if chosen.setdefault(header, name) != name:
            raise InputError(
                N_("The mapping of {table} gives the column {header!r} of {where} two names, {first} and {second}; "
                   "keep one."),
                table=table.name, header=header, where=str(source), first=chosen[header], second=name,
            )  # fmt: skip
        headers[header] = name
    meaning = {}
    mapped = {headers[h] for h in headers if headers[h] != h}
    for header, name in headers.items():
        ours = find_column(table, name)
        key = ours.name if ours else name
        if key in meaning and (key in mapped or name in mapped):
            raise InputError(
                N_("In {where}, both {first!r} and {second!r} mean {column}; map one of them to another name."),
                where=str(source), first=meaning[key], second=header, column=key,
            )  # fmt: skip
        meaning[key] = header
    return frame.rename(columns=headers), headers


def _filter(frame: pd.DataFrame, mapping: TableMapping, step: _Step, problems: Problems) -> pd.DataFrame:
    amounts = [*mapping.units, *([mapping.derive.amount.amount] if mapping.derive.amount else [])]
    for name, values in mapping.filter.items():
        column = step.locate(frame, name)
        kept = [_text(v) for v in (values if isinstance(values, list) else [values])]
        rest = ~frame[column].map(fold).isin([fold(v) for v in kept])
        if rest.any():
            held = _held(frame[rest], step.table, [step.find(frame, a) for a in amounts])
            more = N_("They hold {held}.") if held else ""
            problems.add(
                NOTE, step.source,
                N_("{count} rows are set aside by the filter of the mapping ({column} is {others}, not {kept})."), more,
                column=name, count=int(rest.sum()), kept=" / ".join(kept), held=held,
                others=_counted(frame.loc[rest, column]),
            )  # fmt: skip
        frame = frame[~rest]
    return frame


def _counted(values: pd.Series) -> str:
    """The commonest values with their counts: Closed Lost (12), Open (3)."""
    counts = values.str.strip().replace("", MISSING).value_counts(sort=False)
    commonest = sorted(counts.items(), key=lambda pair: (-int(pair[1]), str(pair[0])))
    shown = ", ".join(f"{value} ({count})" for value, count in commonest[:5])
    return shown + (", …" if len(commonest) > 5 else "")


def _held(frame: pd.DataFrame, table: Table, amounts: list[str | None]) -> str:
    """The amounts and hours in rows that are set aside, as they stand there, as far as they can be read."""
    totals = {}
    for header in (c for c in frame.columns if c != ROW):
        column = find_column(table, header)
        kind = column.type if column is not None else "number"
        if kind in ("money", "hours") or header in amounts:
            values = parse(frame[header], kind).values
            if values.notna().any():
                totals[header] = values.sum()
    return ", ".join(f"{header} {total:,.10g}" for header, total in totals.items())


def _translate(texts: pd.Series, pairs: dict[str, Scalar]) -> pd.Series:
    """Their values as ours; an exact spelling wins over one that differs in width or case."""
    exact = {theirs: _text(ours) for theirs, ours in pairs.items()}
    loose = {fold(theirs): ours for theirs, ours in reversed(exact.items())}
    return texts.map({t: exact.get(t, loose.get(fold(t), t)) for t in texts.unique()}).astype(object)


def _text(value: Scalar) -> str:
    """A value of the client file as text: true and false as yes and no, days in ISO form."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else cell_text(value)


def _unwanted(frame: pd.DataFrame, ignore: list[str], table: Table, source: Source) -> list[str]:
    """The columns that nobody wants."""
    headers = [c for c in frame.columns if c != ROW]
    gone: list[str] = []
    for name in ignore:
        meant = [c for c in headers if fnmatchcase(normalise(c), normalise(name))]
        if not meant:
            raise lacks(table, source, name, headers)
        gone += meant
    return list(dict.fromkeys(gone))


def _converted(
    frame: pd.DataFrame, column: str, unit: str, step: _Step, currency: str, problems: Problems
) -> pd.Series:
    """Amounts in the unit given as units of the currency; cents are those of each row's own currency."""
    if unit != "cents":
        return _scale(frame, column, unit, step.source, problems)
    of_row = step.find(frame, "currency")
    if of_row is None:
        if currency in _WITHOUT_CENTS:
            raise InputError(
                N_("The mapping of {table} gives {column!r} the unit cents, but {currency} has none; give the currency "
                   "under [client] or in a column, or correct the unit."),
                table=step.table.name, column=column, currency=currency,
            )  # fmt: skip
        return _scale(frame, column, unit, step.source, problems)
    without = frame[of_row].str.strip().str.upper().replace("", currency).isin(_WITHOUT_CENTS)
    parts = [
        _scale(frame[rows], column, of_part, step.source, problems)
        for rows, of_part in ((without, "units"), (~without, unit))
        if rows.any()
    ]
    return pd.concat(parts).reindex(frame.index) if parts else frame[column]


def _scale(frame: pd.DataFrame, column: str, unit: str, source: Source, problems: Problems) -> pd.Series:
    """Numbers times the factor of their unit, without the error of binary fractions; what is no number stays.

    A number with a scale of its own (12万 in a column of 千円) could mean two things and is none.
    """
    up, down = _FACTORS[unit]
    texts = frame[column]
    distinct = pd.Series(texts.unique(), dtype=object)
    numbers = parse(distinct.mask(distinct.str.contains("[千万億%]"), "?"), "number").values
    scaled = {
        text: cell_text(float(Decimal(repr(float(number))) * up / down))
        for text, number in zip(distinct, numbers, strict=True)
        if number == number
    }
    wrong = ~texts.isin(list(scaled)) & (texts.str.strip() != "")
    if wrong.any():
        problems.add(
            ERROR, source, NUMBER.problem, NUMBER.action, rows=frame.loc[wrong, ROW], column=column,
            values=texts[wrong],
        )  # fmt: skip
    return texts.map({text: scaled.get(text, text) for text in distinct}).astype(object)


def _derive(frame: pd.DataFrame, derive: Derive, step: _Step, currency: str, problems: Problems) -> pd.DataFrame:
    def locate(name: str) -> str:
        return step.locate(frame, name)

    for name, rule in derive.rules().items():
        makes = tuple(step.new(frame, made) for made in MAKES[name][step.table.name])
        if isinstance(rule, Tenure):
            frame = tenure_dates(frame, rule, makes, locate, step.source, problems)
        elif isinstance(rule, Amount):
            frame = amount_mrr(frame, rule, currency, locate, step.source, problems)
        elif isinstance(rule, Clock):
            frame = clock_hours(frame, rule, locate, step.source, problems)
    return frame


def stacked(frames: Sequence[pd.DataFrame], table: Table) -> pd.DataFrame:
    """The rows of several mapped files as one table; a row number tells its file (see `Source.place`).

    Headers that mean the same, or differ in spelling only, share a column under the name of the first file; a column
    that a file lacks is blank in its rows.

    Examples
    --------
    >>> from cs_analysis.data.schema import TABLES
    >>> first = pd.DataFrame({"Customer ID": ["A1"], "Team": ["x"], "__row__": [2]})
    >>> second = pd.DataFrame({"顧客ID": ["A2"], "__row__": [2]})
    >>> stacked([first, second], TABLES["accounts"]).values.tolist()
    [['A1', 'x', 2], ['A2', '', 100000002]]
    """
    if len(frames) == 1:
        return frames[0]
    names: dict[str, str] = {ROW: ROW}
    parts = []
    for i, frame in enumerate(frames):
        keys = {c: (ours.name if (ours := find_column(table, c)) else normalise(c)) for c in frame.columns if c != ROW}
        for header, key in keys.items():
            names.setdefault(key, header)
        renamed = frame.rename(columns={header: names[key] for header, key in keys.items()})
        parts.append(renamed.assign(**{ROW: frame[ROW] + i * PART}))
    whole = pd.concat(parts, ignore_index=True)
    return whole.fillna({c: "" for c in whole.columns if c != ROW})
