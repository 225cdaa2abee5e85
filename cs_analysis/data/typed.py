"""Texts under canonical names as types: every cell that cannot be read, or cannot be right, is told at its place."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.columns import Clean
from cs_analysis.data.currencies import code_of
from cs_analysis.data.faults import PERCENT
from cs_analysis.data.parse import Parsed, mixed_percent, parse
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problems
from cs_analysis.data.reading.read import ROW, cell_text
from cs_analysis.data.schema import Column
from cs_analysis.errors import N_

# an end that lies at the end of all time: what systems write where there is none (2958465 is Excel's 9999-12-31)
_ENDS = ("end_date", "contract_end", "churn_date", "left_date")
_NEVER = re.compile(r"(9999|2999|2099)\s*[-/.年]?\s*12\s*[-/.月]?\s*31\s*日?([T ].*)?|2958465(\.0+)?")
# what people write where there is no other account
_OTHERS = ("parent_account_id", "merged_into")
_NOBODY = re.compile(r"[-‐–—―ーｰ−/*]+|なし|無し?|該当なし|n/?a|none|null|nil|#n/a", re.IGNORECASE)
_SHOWN = 3  # examples of what was written in another form
_LARGEST = 1e13  # of the currency's unit: more is no amount, and totals could not be held


def types(clean: Clean, problems: Problems, currency: str) -> pd.DataFrame:
    """The columns of a table as their types; the faults of its cells go to the problems."""
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
    code = written.map({w: code_of(w) or currency for w in written.unique()})
    return [(str(c), frame.index[code == c]) for c in code.unique()]


def without_never(texts: pd.Series) -> pd.Series:
    """End dates with nothing where the end of all time stands."""
    never = {t: bool(_NEVER.fullmatch(unicodedata.normalize("NFKC", t).strip())) for t in texts.unique()}
    return texts.mask(texts.map(never).astype(bool), "")


def _endless(clean: Clean, column: Column, texts: pd.Series, problems: Problems) -> pd.Series:
    """End dates of which those at the end of all time are blank; they are counted and listed."""
    plain = without_never(texts)
    changed = plain != texts
    if changed.any():
        problems.add(
            NOTE, clean.source, N_("{count} cells say “{example}”, the end of all time: read as no end."), "",
            column=clean.header(column.name), count=int(changed.sum()), example=texts[changed].iloc[0],
        )  # fmt: skip
    return plain


def _without_nobody(clean: Clean, column: Column, texts: pd.Series, problems: Problems) -> pd.Series:
    """Ids of other accounts without those that say that there is none; an account of that very id stays."""
    plain = texts.map({t: unicodedata.normalize("NFKC", t).strip() for t in texts.unique()})
    nobody = plain.map({t: bool(_NOBODY.fullmatch(t)) for t in plain.unique()}).astype(bool)
    if "account_id" in clean.frame:
        nobody &= ~texts.str.strip().isin(clean.frame["account_id"].str.strip())
    if nobody.any():
        problems.add(
            NOTE, clean.source, N_("{count} cells say “{example}”: read as no account."), "",
            column=clean.header(column.name), count=int(nobody.sum()), example=texts[nobody].iloc[0],
        )  # fmt: skip
    return texts.mask(nobody, "")


def _typed(clean: Clean, column: Column, texts: pd.Series, problems: Problems, currency: str) -> pd.Series:
    if column.name in _ENDS:
        texts = _endless(clean, column, texts, problems)
    if column.name in _OTHERS:
        texts = _without_nobody(clean, column, texts, problems)
    parsed = parse(texts, column.type, choices=column.choices, currency=currency)
    faults = parsed.faults
    if column.type == "number":
        groups = clean.frame["metric"].loc[texts.index] if "metric" in clean.frame else None
        mixed = texts.index[mixed_percent(texts, groups)].difference(faults.index)
        faults = pd.concat([faults, pd.Series([PERCENT] * len(mixed), index=mixed, dtype=object)])
    choices = " / ".join(f"{key} ({label})" for key, label in column.choices.items())
    for fault in dict.fromkeys(faults):
        where = faults.index[faults.map(lambda f, fault=fault: f is fault)]
        severity = ERROR if fault.fatal else WARNING
        _tell(clean, column, texts.loc[where], problems, severity, fault.problem, fault.action, choices=choices)
    _list_changed(clean, column, parsed, problems)
    _check_range(clean, column, parsed.values, texts, problems)
    return _without_huge(clean, column, parsed.values, texts, problems)


def _tell(
    clean: Clean, column: Column, texts: pd.Series, problems: Problems, severity: str, problem: str, action: str,
    **fields: Any,
) -> None:  # fmt: skip
    """The same fault in several cells, each under the header that the client sees."""
    headers = clean.headers_of(column.name).loc[texts.index]
    for header, part in texts.groupby(headers, sort=False):
        problems.add(
            severity, clean.source, problem, action, rows=clean.frame[ROW].loc[part.index], values=part,
            column=str(header), **fields,
        )  # fmt: skip


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
        _tell(clean, column, texts.loc[outside], problems, ERROR, problem, action, low=f"{low:g}", high=f"{high:g}")


def _without_huge(clean: Clean, column: Column, values: pd.Series, texts: pd.Series, problems: Problems) -> pd.Series:
    """Amounts without those that can be none."""
    if column.type != "money":
        return values
    huge = values.index[values.abs() > _LARGEST]
    if len(huge):
        _tell(
            clean, column, texts.loc[huge], problems, ERROR, N_("“{value}” is too large for an amount of money."),
            N_("Correct it."),
        )  # fmt: skip
    return values.mask(values.index.isin(huge))
