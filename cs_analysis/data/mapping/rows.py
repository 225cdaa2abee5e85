"""Which rows of a client's file count, and what its values become: `filter` and `values` of a mapping.

What a filter drops is always told, with what it holds. That a value named never occurs can be a slip of the pen that
loses revenue; over several files it is judged of all of them together (:class:`Met`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from cs_analysis.data.mapping.columns import Columns
from cs_analysis.data.mapping.derive import Tenure, alike, fold
from cs_analysis.data.mapping.keys import TableMapping
from cs_analysis.data.parse import parse
from cs_analysis.data.parse_dates import in_order
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problems
from cs_analysis.data.reading.read import ROW, Source, cell_text
from cs_analysis.data.schema import Table, find_column
from cs_analysis.data.sections import Scalar
from cs_analysis.display.language import MISSING
from cs_analysis.errors import N_, nearest

ANY = "*"  # as a value of a filter: whatever is not blank
_ENDS = ("end_date", "contract_end", "churn_date")
_DEPARTED = re.compile(
    r"解約|退会|離脱|失効|満了|利用停止|(?:契約|利用|サービス|提供)終了|^終了|cancel|churn|terminat|(?<!incomplete_)expired|^ended|inactive",
    re.IGNORECASE,
)
_LISTED = 20  # values that a message lists


@dataclass
class Met:
    """What the filters and translations of a mapping met, over all files of its table."""

    rows: int = 0
    kept: int = 0
    values: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)  # key and column → value → rows
    aside: dict[str, list[pd.DataFrame]] = field(default_factory=dict)  # column of a filter → the rows it drops

    def add(self, key: str, name: str, texts: Iterable[str]) -> None:
        """Values that stand in a column which `filter` or `values` names."""
        self.values.setdefault((key, name), Counter()).update(str(t).strip() for t in texts)


def as_text(value: Scalar) -> str:
    """A value of the client file as text: true and false as yes and no, days in ISO form."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else cell_text(value)


def listed(value: Scalar | list[Scalar]) -> list[Scalar]:
    """One value or several, as a list."""
    return value if isinstance(value, list) else [value]


def fits(texts: pd.Series, wanted: list[Scalar]) -> pd.Series:
    """Which texts are among the values wanted: `*` is any that is not blank, true and false are yes and no as written.

    >>> fits(pd.Series(["FALSE", "True", "", "受 注"]), [False, "受注"]).tolist()
    [True, False, False, True]
    """
    words = [alike(as_text(v)) for v in wanted if not isinstance(v, bool)]
    kept = texts.map(alike).isin(words)
    if ANY in words:
        kept |= texts.str.strip() != ""
    flags = [v for v in wanted if isinstance(v, bool)]
    return kept | parse(texts, "flag").values.isin(flags) if flags else kept


def filtered(
    frame: pd.DataFrame, mapping: TableMapping, columns: Columns, met: Met, problems: Problems
) -> pd.DataFrame:
    """The rows that every filter keeps; the rest is counted, with what it holds and whether it looks like losses."""
    met.rows += len(frame)
    for name in mapping.filter:
        met.add("filter", name, frame[columns.locate(frame, name)])
    amounts = [*mapping.units, *([mapping.derive.amount.amount] if mapping.derive.amount else [])]
    for name, values in mapping.filter.items():
        column, wanted = columns.locate(frame, name), listed(values)
        rest = ~fits(frame[column], wanted)
        if rest.any():
            aside = frame[rest]
            met.aside.setdefault(name, []).append(aside)
            held = _held(aside, columns.table, [columns.find(frame, a) for a in amounts])
            more = N_("They hold {held}.") if held else ""
            problems.add(
                NOTE, columns.source,
                N_("{count} rows are set aside by the filter of the mapping ({column} is {others}, not {kept})."), more,
                column=name, count=int(rest.sum()), kept=" / ".join(as_text(v) for v in wanted), held=held,
                others=_counted(aside[column]),
            )  # fmt: skip
            _tell_departures(frame, rest, column, mapping, columns, held, problems)
        frame = frame[~rest]
    met.kept += len(frame)
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


def _tell_departures(
    frame: pd.DataFrame, rest: pd.Series, column: str, mapping: TableMapping, columns: Columns, held: str,
    problems: Problems,
) -> None:  # fmt: skip
    """A filter that drops those who left drops all losses: no revenue would ever seem to end."""
    if columns.table.name not in ("accounts", "contracts"):
        return
    words = rest & frame[column].map({t: bool(_DEPARTED.search(fold(t))) for t in frame[column].unique()}).astype(bool)
    ended = _ended(frame, mapping, columns)
    # where rows that ended are kept as well, the filter is about something else
    dates = rest & ended if not (ended & ~rest).any() else pd.Series(False, index=frame.index)
    gone = words | dates
    if gone.any():
        problems.add(
            WARNING, columns.source,
            N_("{count} of the rows that the filter sets aside look like departures ({column} is {which})."),
            N_("Keep them in the filter; the end of a contract says that it is over."),
            effect=N_("Their losses are missing, and retention is too high; the rows set aside hold {held}.") if held
            else N_("Their losses are missing, and retention is too high."),
            column=columns.theirs(column), count=int(gone.sum()), which=_counted(frame.loc[gone, column]), held=held,
        )  # fmt: skip


def _ended(frame: pd.DataFrame, mapping: TableMapping, columns: Columns) -> pd.Series:
    """Rows of those who left, and rows that ended before the newest row of the file began."""
    ended = pd.Series(False, index=frame.index)
    if isinstance(rule := mapping.derive.tenure, Tenure) and (left := columns.find(frame, rule.left)) is not None:
        ended |= frame[left].map(alike).isin([alike(v) for v in rule.left_values])
    days = {name: _days(frame, mapping, columns, name) for name in (*_ENDS, "start_date", "contract_start")}
    begun = [d.max() for name, d in days.items() if name not in _ENDS and d is not None and d.notna().any()]
    for name in _ENDS:
        if (day := days[name]) is not None and begun:
            ended |= day <= max(begun)
    return ended


def _days(frame: pd.DataFrame, mapping: TableMapping, columns: Columns, name: str) -> pd.Series | None:
    column = columns.find(frame, name)
    if column is None:
        return None
    texts = frame[column]
    if mapping.date_order is not None:
        order = mapping.date_order
        texts = texts.map({t: in_order(t, order) or "" for t in texts.unique()}).astype(object)
    return parse(texts, "date").values


def translated(texts: pd.Series, pairs: Mapping[str, Scalar]) -> pd.Series:
    """Their values as ours; an exact spelling wins over one that differs in width, case or spaces."""
    exact = {theirs: as_text(ours) for theirs, ours in pairs.items()}
    loose = {alike(theirs): ours for theirs, ours in reversed(exact.items())}
    return texts.map({t: exact.get(t, loose.get(alike(t), t)) for t in texts.unique()}).astype(object)


# ------------------------------------------------------------------------------------- all files of a table together


def check_met(met: Met, mapping: TableMapping, table: Table, source: Source, problems: Problems) -> None:
    """Values that a mapping names and no file holds, and filters that keep no row at all."""
    if met.rows and not met.kept:
        _tell_nothing_kept(met, mapping, source, problems)
        return
    for name, frames in met.aside.items():
        held = _held(pd.concat(frames), table, list(mapping.units))
        for value in (v for v in listed(mapping.filter[name]) if not isinstance(v, bool) and v != ANY):
            _check_kept(as_text(value), name, met.values[("filter", name)], held, source, problems)
    for name, pairs in mapping.values.items():
        ours = find_column(table, name)
        if ours is None or ours.type in ("text", "choice", "flag", "id"):
            _check_translated(name, pairs, met.values.get(("values", name), Counter()), source, problems)


def _tell_nothing_kept(met: Met, mapping: TableMapping, source: Source, problems: Problems) -> None:
    """The filter that no value there fits, else the last one."""
    filters = {name: listed(values) for name, values in mapping.filter.items()}
    there = {name: pd.Series(list(met.values[("filter", name)].elements()), dtype=object) for name in filters}
    name = next((name for name, wanted in filters.items() if not fits(there[name], wanted).any()), list(filters)[-1])
    problems.add(
        ERROR, source,
        N_("The filter of the mapping keeps none of the {count} rows ({column} is {others}, not {kept})."),
        N_("Correct the filter in the mapping."), column=name, count=met.rows, others=_counted(there[name]),
        kept=" / ".join(as_text(v) for v in filters[name]),
    )  # fmt: skip


def _check_kept(value: str, name: str, there: Counter[str], held: str, source: Source, problems: Problems) -> None:
    """A value of a filter that no row has, while the filter drops rows."""
    if alike(value) in {alike(t) for t in there}:
        return
    values = _commonest(there)
    near = nearest(value, values)
    problems.add(
        WARNING, source, N_("The filter keeps “{named}” in {column}, but no row has it; there are: {there}."),
        N_("Did you mean “{near}”? Correct the filter, or take the value out of it.") if near
        else N_("Correct the filter, or take the value out of it."),
        effect=N_("The rows that the filter sets aside hold {held}.") if held else "",
        column=name, named=value, there=", ".join(values), near=near, held=held,
    )  # fmt: skip


def _check_translated(
    name: str, pairs: Mapping[str, Scalar], there: Counter[str], source: Source, problems: Problems
) -> None:
    """Translations of values that never occur: rather a slip when a value that is left as it is comes near."""
    known = {alike(t) for t in there}
    meant = {alike(as_text(ours)) for ours in pairs.values()} | {alike(theirs) for theirs in pairs}
    left = [t for t in _commonest(there) if t and alike(t) not in meant]
    for theirs in (t for t in pairs if t and alike(t) not in known):
        near = nearest(theirs, left)
        problems.add(
            WARNING if near else NOTE, source,
            N_("The mapping translates “{named}” in {column}, but no row has it."),
            N_("Did you mean “{near}”? Correct the value in the mapping, or take it out.") if near else "",
            effect=N_("Left as they are: {left}.") if left else "", column=name, named=theirs, near=near,
            left=", ".join(left),
        )  # fmt: skip


def _commonest(values: Counter[str]) -> list[str]:
    return [t for t, _n in sorted(values.items(), key=lambda pair: (-pair[1], pair[0])) if t][:_LISTED]
