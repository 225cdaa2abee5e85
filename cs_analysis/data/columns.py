"""From the client's headers to canonical names, and what is wrong with the headers themselves."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace

import pandas as pd

from cs_analysis.data.checking.near import unit_in, without_remark
from cs_analysis.data.checking.stake import of_money
from cs_analysis.data.parse import parse
from cs_analysis.data.parse_dates import is_month
from cs_analysis.data.problems import ERROR, WARNING, Problems
from cs_analysis.data.reading.read import ROW, Source
from cs_analysis.data.schema import TABLES, Column, Table, find_column
from cs_analysis.errors import N_, nearest

# canonical names past the door that a custom variable must not take
RESERVED = {"contracts": ("start", "stop", "opening")}


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

    def headers_of(self, column: str) -> pd.Series:
        """The client's header of each cell of a column: of revenue with one column per month, that of the month."""
        months = self.frame.get("month")
        if column == "mrr" and self.is_wide and months is not None:
            return months
        return pd.Series(self.header(column), index=self.frame.index, dtype=object)

    @property
    def is_wide(self) -> bool:
        """Whether the rows of this table stood beside each other in the file, one column per month."""
        return self.table.name == "mrr_months" and bool(self.frame[ROW].duplicated().any())

    @property
    def customs(self) -> list[str]:
        """The columns that are none of ours."""
        return [str(c) for c in self.frame.columns if c != ROW and c not in self.table.names]

    def keep(self, kept: pd.Series) -> Clean:
        """The same table with only the rows marked."""
        return self if kept.all() else replace(self, frame=self.frame[kept].reset_index(drop=True))


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


def canonical(
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


def check_columns(clean: Clean, problems: Problems) -> None:
    """Required columns, and sets of columns of which one must be there in full."""
    there = [c for c in clean.frame.columns if c != ROW]
    missing = [c for c in clean.table.required if c not in there]
    if clean.table.any_of and not any(set(group) <= set(there) for group in clean.table.any_of):
        missing.append(clean.table.any_of[0][0])
    shown = ", ".join(clean.header(c) for c in there)
    for name in missing:
        column = clean.table.column(name)
        assert column is not None
        near, action, unit = _meant(column, clean)
        problem = N_("The required column {label} is missing.")
        problems.add(
            ERROR, clean.source, problem, action, column=name, label=f"{name} ({column.label_ja})", near=near,
            there=shown, unit=unit, table=clean.table.name, name=name,
        )  # fmt: skip


def _meant(column: Column, clean: Clean) -> tuple[str | None, str, str]:
    """The header that is probably a missing column, what to do about it, and the unit that it names."""
    same = next((h for h in clean.customs if find_column(clean.table, without_remark(h)) is column), None)
    unit = unit_in(same) if same is not None and column.type in ("money", "hours") else None
    if same is not None and unit is not None:
        return same, IN_UNITS if unit else WITH_TAX, unit
    near = same or nearest(column.name, clean.customs) or nearest(column.label_ja, clean.customs)
    if near:
        return near, N_("Did you mean “{near}”? Rename it, or map it in the client file; the columns there are: "
                        "{there}."), ""  # fmt: skip
    return None, N_("Add it, or map one of the columns there in the client file: {there}."), ""


IN_UNITS = N_(
    "“{near}” is probably it, in a unit of its own. Map it and give the unit in the client file, under "
    '[mapping.{table}]: columns = {{"{near}" = "{name}"}} and units = {{{name} = "{unit}"}}.'
)
WITH_TAX = N_("“{near}” is probably it, but with tax. Put the amounts without tax into a column {label}.")


def check_month_headers(clean: Clean, currency: str, problems: Problems) -> None:
    """Headers of monthly revenue that begin with a month and say more, such as 2024年10月(速報): they are not read.

    Where the month has a column of its own, the other is something else.
    """
    if clean.table.name != "mrr_months":
        return
    known = set() if "month" not in clean.frame else set(parse(clean.frame["month"], "month").values.dropna())
    for header in clean.customs:
        month = _month_before(header)
        if month is None or month in known:
            continue
        amounts = parse(clean.frame.drop_duplicates(ROW)[header], "money", currency=currency).values
        if amounts.isna().all():
            continue
        held = of_money(amounts.to_numpy(), float(amounts.sum()), currency)
        problems.add(
            WARNING, clean.source, N_("The header “{header}” begins with a month but says more, so it is not read."),
            N_("If it is the revenue of that month, write {month} alone; or, in the client file under "
               '[mapping.mrr_months], columns = {{"{header}" = "{month}"}}. If it is not, ignore = ["{header}"].'),
            effect=N_("The month {month} has no revenue from it: {at_stake}."), column=header, header=header,
            month=f"{month:%Y-%m}", stake=held,
        )  # fmt: skip


def _month_before(header: str) -> pd.Timestamp | None:
    """The month with which a header begins, if anything but a digit follows it."""
    text = unicodedata.normalize("NFKC", header).strip()
    for end in range(len(text) - 1, 4, -1):
        if not text[end].isdigit() and text[end] not in "月-/." and is_month(text[:end].strip()):
            return parse(pd.Series([text[:end].strip()]), "month").values.iloc[0]
    return None
