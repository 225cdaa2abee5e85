"""`[mapping.<table>]` of the client file: its keys, and what can be seen to be wrong before any data are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from cs_analysis.data.mapping.derive import MAKES, Derive
from cs_analysis.data.schema import Table, find_column, normalise
from cs_analysis.data.sections import HEADER, NAMES, PAIRS, Names, Scalar, Section
from cs_analysis.display.language import choose
from cs_analysis.errors import N_, InputError, nearest

Unit = Literal["hours", "minutes", "units", "cents", "円", "千円", "万円", "百万円", "億円", "thousand", "million"]
QUESTION = "?"  # what the proposal of a mapping writes where somebody has to answer


class TableMapping(Section):
    """`[mapping.<table>]`: how a client's own file becomes one of our tables."""

    file: str | Names | None = Field(
        default=None,
        description=N_("the name of a file in the data folder, or a list of names; * stands for any letters"),
    )
    sheet: str | Names | None = Field(
        default=None, description=N_("the name of a sheet, or a list of names; * stands for any letters")
    )
    header_row: int | None = Field(default=None, ge=1, description=N_("the row number of the headers, from 1"))
    columns: dict[str, str] = Field(default_factory=dict, description=PAIRS)
    ignore: Names = Field(default_factory=list, description=NAMES)
    fill_down: Names = Field(default_factory=list, description=NAMES)
    record_start: str | None = Field(default=None, description=HEADER)
    values: dict[str, dict[str, Scalar]] = Field(
        default_factory=dict, description=N_("per column a table of their value = ours")
    )
    constants: dict[str, Scalar] = Field(
        default_factory=dict,
        description=N_("a table of column = value; {sheet} and {file} in it stand for their names"),
    )
    filter: dict[str, Scalar | list[Scalar]] = Field(
        default_factory=dict,
        description=N_(
            "a table of column = value or list of values kept; * is any value, true and false are yes and no"
        ),
    )
    units: dict[str, Unit] = Field(
        default_factory=dict,
        description=N_(
            "a table of column = unit (hours, minutes, units, cents, 円, 千円, 万円, 百万円, 億円, thousand or million)"
        ),
    )
    date_order: Literal["mdy", "dmy", "?"] | None = Field(
        default=None, description=N_("mdy / dmy: the order of day and month in dates such as 4/1/2025")
    )
    match: Literal["id", "name"] = Field(default="id", description="id / name")
    derive: Derive = Derive()

    def header_of(self, table: Table, name: str) -> str | None:
        """Their header of one of our columns, where it is renamed."""
        meant = ((theirs, find_column(table, ours)) for theirs, ours in self.columns.items())
        return next((theirs for theirs, column in meant if column is not None and column.name == name), None)

    def names(self) -> list[str]:
        """The columns that it names, by their header or ours."""
        derived = [v for rule in self.derive.rules().values() for v in rule.model_dump().values() if isinstance(v, str)]
        filled = [*self.fill_down, *([self.record_start] if self.record_start else [])]
        return [*self.columns, *filled, *self.values, *self.filter, *self.units, *derived]


def check_mapping(mapping: TableMapping, table: Table, file: str) -> None:
    """Refuse what can be seen to be wrong before any data are read (`file` is the client file)."""
    for section, name in _questions(mapping):
        raise InputError(
            N_("In {file}, {section} of [mapping.{table}] has a ? for {name!r}; answer the question."),
            file=file, table=table.name, section=section, name=name,
        )  # fmt: skip
    if mapping.record_start and not mapping.fill_down:
        raise InputError(
            N_("In {file}, [mapping.{table}] has record_start but no fill_down; name the columns to be filled."),
            file=file, table=table.name,
        )  # fmt: skip
    for rule in mapping.derive.rules():
        if table.name not in MAKES[rule]:
            raise InputError(
                N_("In {file}, [mapping.{table}] cannot have derive.{rule}; it belongs to {tables}."),
                file=file, table=table.name, rule=rule, tables=" / ".join(MAKES[rule]),
            )  # fmt: skip
    if mapping.match == "name" and (table.name == "accounts" or table.column("account_id") is None):
        raise InputError(
            N_("In {file}, [mapping.{table}] cannot have match = \"name\"; it is for tables that refer to accounts."),
            file=file, table=table.name,
        )  # fmt: skip
    for target in mapping.columns.values():
        near = nearest(target, table.names)
        if find_column(table, target) is None and near and _is_slip(target, near):
            raise InputError(
                N_("In {file}, columns in [mapping.{table}] names {name!r}, which is not a column of ours; {choice}."),
                file=file, table=table.name, name=target, choice=choose(target, list(table.names)),
            )  # fmt: skip


def _questions(mapping: TableMapping) -> Iterator[tuple[str, str]]:
    """The questions of a proposal that nobody has answered yet: the key they stand in, and what they are about."""
    yield from (("columns", theirs) for theirs in mapping.columns if theirs.startswith(f"{QUESTION} "))
    if mapping.date_order == QUESTION:
        yield "date_order", QUESTION
    yield from (("fill_down", name) for name in mapping.fill_down if name == QUESTION)
    flat = {"columns": mapping.columns, "constants": mapping.constants, "filter": mapping.filter}
    nested = {f"values.{column}": pairs for column, pairs in mapping.values.items()}
    for section, pairs in {**flat, **nested}.items():
        yield from ((section, name) for name, value in pairs.items() if value in (QUESTION, [QUESTION]))
    for rule, about in mapping.derive.rules().items():
        yield from ((f"derive.{rule}", key) for key, value in about.model_dump().items() if value == QUESTION)


def _is_slip(name: str, near: str) -> bool:
    """Whether a name looks like a slip of the pen rather than a custom variable: one letter off, or two swapped.

    >>> _is_slip("contarct_start", "contract_start"), _is_slip("contract_type", "contract_id")
    (True, False)
    """
    a, b = normalise(name), normalise(near)
    return sorted(a) == sorted(b) or (abs(len(a) - len(b)) == 1 and _one_dropped(*sorted((a, b), key=len)))


def _one_dropped(short: str, long: str) -> bool:
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
