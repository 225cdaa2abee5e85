"""Units of amounts and hours: what `units` of a mapping converts, and what a header says when `units` does not.

Minutes become hours; cents, 千円, 万円, 百万円, 億円, thousand and million become units of the currency; hours, 円 and
units say that nothing is to be converted, and the cells stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

import pandas as pd

from cs_analysis.data.faults import TWO_UNITS
from cs_analysis.data.mapping.columns import Columns
from cs_analysis.data.parse import parse
from cs_analysis.data.problems import ERROR, WARNING, Problems
from cs_analysis.data.reading.read import ROW, cell_text
from cs_analysis.data.schema import find_column
from cs_analysis.errors import N_, InputError

_FACTORS: dict[str, tuple[int, int]] = {
    "hours": (1, 1), "minutes": (1, 60), "units": (1, 1), "cents": (1, 100), "円": (1, 1), "千円": (1000, 1),
    "万円": (10_000, 1), "百万円": (1_000_000, 1), "億円": (100_000_000, 1), "thousand": (1000, 1),
    "million": (1_000_000, 1),
}  # fmt: skip
OF_TIME = ("hours", "minutes")
_SCALED = ("money", "number", "count")  # types that another unit than one of time fits
_WITHOUT_CENTS = ("JPY", "KRW", "VND", "CLP", "ISK")  # ISO 4217: their smallest unit is the unit itself
_YEN = ("円", "日本円", "¥")
# what a header says of its unit; the first that fits counts
_CODE = "(?:jpy|usd|eur|gbp|円|ドル)"
_SAID_OF_MONEY = {
    "million": rf"百万(?:ドル|ユーロ)|millions?|[($€£¥]\s*mm?(?![a-z])|(?<![a-z])mm?{_CODE}|{_CODE}\s?mm?(?![a-z])",
    "thousand": rf"千(?:ドル|ユーロ)|thousands?|[($€£¥]\s*k(?![a-z])|(?<![a-z])k{_CODE}|{_CODE}\s?k(?![a-z])",
    "百万円": r"百万", "億円": r"億円|[(\[:]億", "万円": r"万円|[(\[:]万", "千円": r"千円|[(\[:]千",
    "cents": r"(?<![a-z])cents?(?![a-z])",
}  # fmt: skip
_SAID_OF_TIME = {
    "minutes": r"minutes?|(?<![a-z])mins?(?![a-z])|[(\[:]分[)\]]?$|(?:所要|作業|実働|稼働|対応)分|分数|^分$"
}
_WITH_TAX = re.compile(r"税込|内税|tax[\s-]?incl|incl[a-z]*\.?\s*(?:of\s*)?(?:consumption\s*)?(?:tax|vat)")

_SCALE_OF_ITS_OWN = "[千万億%]"
_OF_A_YEAR = re.compile(r"年額|年間|[/／]年|annual|yearly|per year|(?<![a-z])arr(?![a-z])")


def check_unit(columns: Columns, column: str, unit: str, *, is_time: bool = False) -> None:
    """Units of time belong to hours and to what `is_time`, the others to amounts and custom variables."""
    ours = find_column(columns.table, column)
    kind = "hours" if is_time else ours.type if ours is not None else ""
    if kind and (kind != "hours" if unit in OF_TIME else kind not in _SCALED):
        raise InputError(
            N_("The mapping of {table} gives {column!r} the unit {unit}, which does not fit its type {type}."),
            table=columns.table.name, column=column, unit=unit, type=kind,
        )  # fmt: skip


def check_said(
    frame: pd.DataFrame, amounts: Iterable[str], given: Iterable[str], columns: Columns, problems: Problems
) -> None:
    """Headers of amounts and hours that say a unit, when the mapping does not: the figures would be that much off.

    Parameters
    ----------
    frame
        The file under our names.
    amounts, given
        Columns that hold amounts whatever their name, and those whose unit the mapping gives.
    """
    amounts, given = set(amounts), set(given)
    for column in (c for c in frame.columns if c != ROW):
        ours, header = find_column(columns.table, column), columns.theirs(column)
        kind = "money" if column in amounts else ours.type if ours is not None else ""
        text = unicodedata.normalize("NFKC", header).casefold()
        said = {"money": _SAID_OF_MONEY, "hours": _SAID_OF_TIME}.get(kind, {})
        unit = next((unit for unit, pattern in said.items() if re.search(pattern, text)), None)
        if unit is not None and column not in given:
            problems.add(
                ERROR, columns.source, N_("The header “{header}” says a unit, but the mapping does not."),
                N_('Give it under units in the mapping: units."{column}" = "{unit}", or "{plain}" if that is what the '
                   "cells hold all the same."),
                column=header, header=header, unit=unit, plain="hours" if kind == "hours" else "units",
            )  # fmt: skip
        if ours is not None and ours.name == "mrr" and _OF_A_YEAR.search(text):
            problems.add(
                WARNING, columns.source, N_("The header “{header}” says that its amounts are of a year."),
                N_("Map it to amount, and give constants.billing_months = 12."),
                effect=N_("Monthly revenue is twelve times too high."), column=header, header=header,
            )  # fmt: skip
        if kind == "money" and _WITH_TAX.search(text):
            problems.add(
                WARNING, columns.source, N_("The header “{header}” says that tax is included."),
                N_("Give the amounts without tax."), effect=N_("Revenue is too high by the tax."),
                column=header, header=header,
            )  # fmt: skip


def converted(
    frame: pd.DataFrame, column: str, unit: str, columns: Columns, currency: str, problems: Problems
) -> pd.Series:
    """Amounts or hours in the unit given as units of the currency, or hours; amounts are in each row's own currency.

    What cannot be converted is an error and blank from here on, so that it is told once.
    """
    of_row = columns.find(frame, "currency")
    if unit == "cents" and of_row is None and currency in _WITHOUT_CENTS:
        raise InputError(
            N_("The mapping of {table} gives {column!r} the unit cents, but {currency} has none; give the currency "
               "under [client] or in a column, or correct the unit."),
            table=columns.table.name, column=column, currency=currency,
        )  # fmt: skip
    if unit in OF_TIME or of_row is None:
        return _scaled(frame, column, unit, columns, currency, problems)
    codes = frame[of_row].str.strip().str.upper().replace("", currency).replace(dict.fromkeys(_YEN, "JPY"))
    parts = [
        _scaled(frame[codes == code], column, "units" if unit == "cents" and code in _WITHOUT_CENTS else unit, columns,
                code, problems)
        for code in codes.unique()
    ]  # fmt: skip
    return pd.concat(parts).reindex(frame.index) if parts else frame[column]


def _scaled(
    frame: pd.DataFrame, column: str, unit: str, columns: Columns, currency: str, problems: Problems
) -> pd.Series:
    """Numbers times the factor of their unit, without the error of binary fractions.

    A number with a scale of its own (12万 in a column of 千円) could mean two things and is none.
    """
    up, down = _FACTORS[unit]
    texts = frame[column]
    if up == down:
        return texts
    distinct = pd.Series(texts.unique(), dtype=object)
    kind = "number" if unit in OF_TIME else "money"
    parsed = parse(distinct.mask(distinct.str.contains(_SCALE_OF_ITS_OWN), "?"), kind, currency=currency)
    scaled = {
        text: cell_text(float(Decimal(repr(float(number))) * up / down))
        for text, number in zip(distinct, parsed.values, strict=True)
        if number == number
    }
    faults = parsed.faults.set_axis(distinct[parsed.faults.index])
    told = [TWO_UNITS if re.search(_SCALE_OF_ITS_OWN, str(text)) else fault for text, fault in faults.items()]
    faults = pd.Series(told, index=faults.index, dtype=object)
    for fault in dict.fromkeys(faults):
        wrong = texts.isin(faults.index[faults.map(lambda f, fault=fault: f is fault)])
        headers = columns.of_cells(frame[wrong], column)
        for header, cells in headers.groupby(headers, sort=False).groups.items():
            problems.add(
                ERROR, columns.source, fault.problem, fault.action, rows=frame.loc[cells, ROW],
                column=str(header), values=texts[cells],
            )  # fmt: skip
    return texts.map({text: scaled.get(text, "") for text in distinct}).astype(object)
