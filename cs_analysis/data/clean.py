"""One table from the client's headers and texts to canonical names and types; every fault is collected, none raised."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cs_analysis.data.faults import PERCENT
from cs_analysis.data.near import is_near
from cs_analysis.data.parse import Parsed, mixed_percent, parse
from cs_analysis.data.parse_dates import is_month
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problems
from cs_analysis.data.read import ROW, Source, cell_text
from cs_analysis.data.schema import TABLES, Column, Table, find_column, normalise
from cs_analysis.data.stake import stake
from cs_analysis.errors import N_, nearest

# a blank where a value is required changes money in these; elsewhere the row is set aside
MONEY_TABLES = ("accounts", "contracts", "mrr_months", "ledger", "costs")
# canonical names past the door that a custom variable must not take
RESERVED = {"contracts": ("start", "stop", "opening")}
# an end that lies at the end of all time: what systems write where there is none (2958465 is Excel's 9999-12-31)
_ENDS = ("end_date", "contract_end", "churn_date", "left_date")
_NEVER = re.compile(r"(9999|2999|2099)\s*[-/.年]?\s*12\s*[-/.月]?\s*31\s*日?([T ].*)?|2958465(\.0+)?")
_SHOWN = 3  # examples of what was written in another form
_REPEATED = re.compile(r"(.+) \(\d+\)", re.DOTALL)
_CURRENCIES = {"円": "JPY", "¥": "JPY", "￥": "JPY", "日本円": "JPY", "ドル": "USD", "米ドル": "USD", "ユーロ": "EUR"}


@dataclass(frozen=True)
class Clean:
    """A table with canonical names and types and the column `__row__`; `headers` are the client's own names."""

    table: Table
    source: Source
    frame: pd.DataFrame
    headers: dict[str, str] = field(default_factory=dict)
    rows_read: int = 0

    def header(self, column: str) -> str:
        """The client's own header of a canonical column."""
        return self.headers.get(column, column)

    def keep(self, kept: pd.Series) -> Clean:
        """The same table with only the rows marked."""
        return self if kept.all() else replace(self, frame=self.frame[kept].reset_index(drop=True))


def nones(values: pd.Series) -> pd.Series:
    """None, not NaN, for what is missing in a column of objects; other columns as they are."""
    if values.dtype != object:
        return values
    out = values.to_numpy(dtype=object).copy()
    out[values.isna().to_numpy()] = None
    return pd.Series(out, index=values.index, name=values.name, dtype=object)


def clean_table(
    name: str, source: Source, frame: pd.DataFrame, problems: Problems, *, currency: str, mapped: dict[str, str]
) -> Clean:
    """A table of texts as a table of types.

    Parameters
    ----------
    name
        Table of the schema.
    source
        Where it stands, for the problems.
    frame
        Texts under the client's headers, with the column `__row__`.
    problems
        Where the faults go.
    currency
        The client's currency; amounts of a row are in its own currency where it names one.
    mapped
        Our name → the client's header, for the columns that a mapping has renamed already.
    """
    table = TABLES[name]
    rows_read = len(frame)
    if name == "mrr_months":
        frame = one_row_per_month(frame)
    frame, headers = _canonical(table, source, frame, problems, mapped)
    out = Clean(table, source, frame, headers, rows_read)
    _check_columns(out, problems)
    _check_near_headers(out, problems)
    typed = _types(out, problems, currency)
    return _set_aside_blanks(replace(out, frame=typed), currency, problems)


def check_headers(table: Table, source: Source, frame: pd.DataFrame, named: Iterable[str], problems: Problems) -> None:
    """Headers that stand more than once: an error where one column must be chosen, else they are listed.

    The reader calls the second “memo” “memo (2)”; `named` are the headers that the mapping names.
    """
    repeats = Counter(m[1] for h in frame.columns if (m := _REPEATED.fullmatch(str(h))) and m[1] in frame)
    wanted = {normalise(name) for name in named}
    for header, more in repeats.items():
        problem = N_("The header “{header}” stands over {count} columns.")
        ours = find_column(table, header) is not None or (table.name == "mrr_months" and is_month(header))
        if ours or normalise(header) in wanted:
            severity, action = ERROR, N_("Keep one of them, or rename the others.")
        else:
            severity, action = NOTE, N_("The second is called “{header} (2)” here; rename it if it is needed.")
        problems.add(severity, source, problem, action, column=header, header=header, count=more + 1)


def one_row_per_month(frame: pd.DataFrame) -> pd.DataFrame:
    """Monthly revenue with one column per month as one row per account and month.

    A blank cell is no revenue; a column without any entry is a month that has not been filled in yet.
    """
    table = TABLES["mrr_months"]
    months = [c for c in frame.columns if c != ROW and find_column(table, c) is None and is_month(c)]
    if not months or any((c := find_column(table, h)) and c.name == "month" for h in frame.columns):
        return frame
    keys = [c for c in frame.columns if c not in months]
    filled = [m for m in months if (frame[m].str.strip() != "").any()]
    long = frame.melt(id_vars=keys, value_vars=filled, var_name="month", value_name="mrr")
    return long.assign(mrr=long["mrr"].where(long["mrr"].str.strip() != "", "0"))


def _canonical(
    table: Table, source: Source, frame: pd.DataFrame, problems: Problems, mapped: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Canonical names for the headers that are known; the others keep their own, trimmed."""
    names: dict[str, str] = {}
    headers: dict[str, str] = {}
    taken = set(mapped)
    for header in (h for h in frame.columns if h != ROW):
        column = None if header in mapped else find_column(table, header)
        if header in mapped:
            names[header], headers[header] = header, mapped[header]
        elif column is None or column.name in mapped:
            names[header] = _custom_name(table, header, taken)
        elif column.name in headers:
            problems.add(
                ERROR, source, N_("The columns “{first}” and “{second}” both hold {name}."),
                N_("Keep one of them, or rename the other."), column=header, first=headers[column.name], second=header,
                name=column.name,
            )  # fmt: skip
            continue
        else:
            names[header], headers[column.name] = column.name, header
        taken.add(names[header])
    kept = frame[[ROW, *names]]
    return kept.set_axis([ROW, *names.values()], axis=1), headers


def _custom_name(table: Table, header: str, taken: set[str]) -> str:
    name = str(header).strip()
    while name in taken or name in table.names or name in RESERVED.get(table.name, ()):
        name += "_"
    return name


def _check_columns(clean: Clean, problems: Problems) -> None:
    """Required columns, and sets of columns of which one must be there in full."""
    there = list(clean.frame.columns)
    customs = [c for c in there if c != ROW and c not in clean.table.names]
    missing = [c for c in clean.table.required if c not in there]
    if clean.table.any_of and not any(set(group) <= set(there) for group in clean.table.any_of):
        missing.append(clean.table.any_of[0][0])
    for name in missing:
        column = clean.table.column(name)
        label = f"{name} ({column.label_ja})" if column else name
        near = nearest(name, customs) or (nearest(column.label_ja, customs) if column else None)
        shown = ", ".join(clean.header(c) for c in there if c != ROW)
        action = (
            N_("Did you mean “{near}”? Rename it, or map it in the client file; the columns there are: {there}.")
            if near
            else N_("Add it, or map one of the columns there in the client file: {there}.")
        )
        problem = N_("The required column {label} is missing.")
        problems.add(ERROR, clean.source, problem, action, column=name, label=label, near=near, there=shown)


def _check_near_headers(clean: Clean, problems: Problems) -> None:
    """Custom variables whose header is nearly that of a column of ours that is missing."""
    there = list(clean.frame.columns)
    absent = [c for c in clean.table.columns if c.name not in there and not c.required]
    for header in (c for c in there if c != ROW and c not in clean.table.names):
        column = next((c for c in absent if is_near(header, c)), None)
        if column is None:
            continue
        problems.add(
            WARNING, clean.source, N_("The header “{header}” is nearly {label}, which is not there."),
            N_("If it is {label}, rename it; if it is your own, give it a name less alike, in the file or by a mapping "
               "in the client file."),
            effect=N_("Nothing is read as {label}; the column is kept as a variable of your own."),
            column=header, header=header, label=f"{column.name} ({column.label_ja})",
        )  # fmt: skip


def _types(clean: Clean, problems: Problems, currency: str) -> pd.DataFrame:
    frame = clean.frame
    row_currency = _row_currency(frame, currency)
    typed: dict[str, pd.Series] = {ROW: frame[ROW]}
    for name in (c for c in frame.columns if c != ROW):
        column = clean.table.column(name)
        if column is not None and column.type == "money" and row_currency is not None:
            parts = [_typed(clean, column, frame.loc[rows, name], problems, code) for code, rows in row_currency]
            typed[name] = pd.concat(parts).reindex(frame.index) if parts else frame[name].astype(float)
        else:
            typed[name] = _typed(clean, column or Column(name, name, "text", ""), frame[name], problems, currency)
    if row_currency is not None:
        for code, rows in row_currency:
            typed["currency"].loc[rows] = code
    return pd.DataFrame(typed)


def _row_currency(frame: pd.DataFrame, currency: str) -> list[tuple[str, pd.Index]] | None:
    """Currency → its rows, where the table has a currency column; a blank is the client's own."""
    if "currency" not in frame:
        return None
    written = frame["currency"].str.strip()
    code = written.map({w: _CURRENCIES.get(w, w.upper()) or currency for w in written.unique()})
    return [(str(c), frame.index[code == c]) for c in code.unique()]


def _without_never(texts: pd.Series) -> pd.Series:
    """End dates with nothing where the end of all time stands."""
    never = {t: bool(_NEVER.fullmatch(unicodedata.normalize("NFKC", t).strip())) for t in texts.unique()}
    return texts.mask(texts.map(never).astype(bool), "")


def _endless(clean: Clean, column: Column, texts: pd.Series, problems: Problems) -> pd.Series:
    """End dates of which those at the end of all time are blank; they are counted and listed."""
    plain = _without_never(texts)
    changed = plain != texts
    if changed.any():
        problems.add(
            NOTE, clean.source, N_("{count} cells say “{example}”, the end of all time: read as no end."), "",
            column=clean.header(column.name), count=int(changed.sum()), example=texts[changed].iloc[0],
        )  # fmt: skip
    return plain


def _typed(clean: Clean, column: Column, texts: pd.Series, problems: Problems, currency: str) -> pd.Series:
    if column.name in _ENDS:
        texts = _endless(clean, column, texts, problems)
    parsed = parse(texts, column.type, choices=column.choices, currency=currency)
    faults = parsed.faults
    if column.type == "number":
        groups = clean.frame["metric"].loc[texts.index] if "metric" in clean.frame else None
        mixed = texts.index[mixed_percent(texts, groups)].difference(faults.index)
        faults = pd.concat([faults, pd.Series([PERCENT] * len(mixed), index=mixed, dtype=object)])
    rows = clean.frame[ROW]
    choices = " / ".join(f"{key} ({label})" for key, label in column.choices.items())
    for fault in dict.fromkeys(faults):
        where = faults.index[faults.map(lambda f, fault=fault: f is fault)]
        problems.add(
            ERROR if fault.fatal else WARNING, clean.source, fault.problem, fault.action, rows=rows.loc[where],
            column=clean.header(column.name), values=texts.loc[where], choices=choices,
        )  # fmt: skip
    _list_changed(clean, column, parsed, problems)
    _check_range(clean, column, parsed.values, texts, problems)
    return parsed.values


def _list_changed(clean: Clean, column: Column, parsed: Parsed, problems: Problems) -> None:
    """What was written in another form than the plain one is counted and listed, with how it was read."""
    if parsed.changed.empty:
        return
    shown = parsed.changed.drop_duplicates().iloc[:_SHOWN]
    read = parsed.values.loc[shown.index]
    examples = ", ".join(f"“{text.strip()}” → {_said(value)}" for text, value in zip(shown, read, strict=True))
    problems.add(
        NOTE, clean.source,
        N_("Cells in a form of their own, read by their meaning: {count}, for example {examples}."), "",
        column=clean.header(column.name), count=len(parsed.changed), examples=examples,
    )  # fmt: skip


def _said(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else cell_text(value)


def _check_range(clean: Clean, column: Column, values: pd.Series, texts: pd.Series, problems: Problems) -> None:
    if column.minimum is None and column.maximum is None:
        return
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    outside = values.index[values.notna() & ~values.between(low, high)]
    if column.maximum is None:
        problem, action = N_("“{value}” is below the smallest value allowed, {low}."), N_("Correct it.")
    else:
        problem, action = N_("“{value}” is not between {low} and {high}."), N_("Correct it.")
    if len(outside):
        problems.add(
            ERROR, clean.source, problem, action, rows=clean.frame[ROW].loc[outside], values=texts.loc[outside],
            column=clean.header(column.name), low=f"{low:g}", high=f"{high:g}",
        )  # fmt: skip


def _set_aside_blanks(clean: Clean, currency: str, problems: Problems) -> Clean:
    """Rows that lack a required value: an error where money hangs on it, else they are set aside."""
    money = clean.table.name in MONEY_TABLES
    kept = pd.Series(True, index=clean.frame.index)
    already = problems.cells_in_error(clean.source)
    for name in (c for c in clean.table.required if c in clean.frame):
        blank = clean.frame[name].isna()
        header = clean.header(name)
        lacking = blank & ~clean.frame[ROW].isin([row for row, column in already if column == header])
        if not lacking.any():
            continue
        severity, problem, effect, action = _BLANK[money]
        problems.add(
            severity, clean.source, problem, action, rows=clean.frame.loc[lacking, ROW], column=header, effect=effect,
            stake=stake(clean.table.name, clean.frame[lacking], currency),
        )  # fmt: skip
        kept &= ~blank
    return clean.keep(kept)


_BLANK = {
    True: (ERROR, N_("The required value is missing."), "", N_("Fill it in.")),
    False: (
        WARNING, N_("The required value is missing; the row is set aside."), N_("Set aside: {at_stake}."),
        N_("Fill it in, or delete the row."),
    ),
}  # fmt: skip
