"""Junk in one cell of any table that feeds a headline is never silent: the figure stays, or the row is named."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cs_analysis as cs
from cs_analysis.data.book import Book, Checked, check
from cs_analysis.data.parse import parse
from cs_analysis.data.schema import TABLES, find_column
from cs_analysis.errors import InputError

AS_OF = "2025-06-30"
Rows = list[list[str]]

ACCOUNTS: Rows = [["account_id", "account_name"], *([f"A{i:02}", f"会社{i}"] for i in range(1, 9))]
STARTS = [
    "2023-01-01",
    "2023-02-01",
    "2023-03-01",
    "2023-04-01",
    "2023-05-16",
    "2024-01-01",
    "2024-07-01",
    "2025-06-01",
]
FLAT: Rows = [
    ["account_id", "account_name", "contract_start", "contract_end", "churn_date", "mrr"],
    *([f"A{i:02}", f"会社{i}", start, "", "2025-01-31" if i == 3 else "", str(i * 10_000)]
      for i, start in enumerate(STARTS, start=1)),
]  # fmt: skip
MONTHS = [f"{month:%Y-%m}" for month in pd.date_range("2024-01-01", AS_OF, freq="MS")]
WIDE: Rows = [["account_id", *MONTHS], *([f"A{i:02}", *[str(i * 10_000)] * len(MONTHS)] for i in range(1, 9))]
LONG: Rows = [
    ["account_id", "month", "mrr"],
    *([row[0], m, v] for row in WIDE[1:] for m, v in zip(MONTHS, row[1:], strict=True)),
]
HOURS: Rows = [
    ["date", "csm", "account_id", "task", "hours"],
    *([f"2025-{1 + i % 6:02}-{3 + i % 20:02}", "佐藤", f"A{1 + i % 8:02}", "定例会", str(0.5 * (1 + i % 5))]
      for i in range(24)),
]  # fmt: skip
ANSWERS: Rows = [
    ["account_id", "respondent", "wave", "invited_date", "responded_date", "score"],
    *([f"A{1 + i % 8:02}", f"R{i:02}", "2025上期", "2025-05-01", f"2025-05-{2 + i % 20:02}", str((3 * i) % 11)]
      for i in range(24)),
]  # fmt: skip


def mrr(book: Book) -> dict[str, float]:
    lines, found = book.contracts, {}
    for day in ("2024-06-30", AS_OF):
        when = pd.Timestamp(day)
        active = lines[(lines["start"] <= when) & ~(lines["stop"] <= when)]
        found |= {f"mrr {day}": active["mrr"].sum(), f"accounts {day}": active["account_id"].nunique()}
    return found


def hours(book: Book) -> dict[str, float]:
    entries = book.time_entries
    return {"hours": round(entries["hours"].sum(), 9), "months": entries["date"].dt.strftime("%Y-%m").nunique()}


def score(book: Book) -> dict[str, float]:
    """By hand: promoters less detractors among the answers of the latest wave."""
    answers = book.survey_responses.dropna(subset=["score"])
    wave = answers.groupby("wave")["responded_date"].max().idxmax()
    mine = answers.loc[answers["wave"] == wave, "score"]
    return {"nps": ((mine >= 9).sum() - (mine <= 6).sum()) / len(mine), "n": len(mine)}


COMPANIES: dict[str, tuple[dict[str, Rows], str, Callable[[Book], dict[str, float]]]] = {
    "flat": ({"accounts": FLAT}, "accounts", mrr),
    "wide": ({"accounts": ACCOUNTS, "mrr_months": WIDE}, "mrr_months", mrr),
    "long": ({"accounts": ACCOUNTS, "mrr_months": LONG}, "mrr_months", mrr),
    "hours": ({"accounts": FLAT, "time_entries": HOURS}, "time_entries", hours),
    "answers": ({"accounts": FLAT, "survey_responses": ANSWERS}, "survey_responses", score),
}
JUNK = [
    *("#N/A", "#REF!", "########", "?", "-", "未定", "NULL", "nan", "TRUE", "A1/A2", "約10万", "1.2.3", "03/04/2024"),
    *("24/4/1", "2024/13/1", "1,23", "12-", "O", "l00000", "1 00000", "自動更新", "\n", "\u200b?", "２０２４年"),
    *("9" * 25, "=A1", "1E+400", "¥", "円", "△", "()", "1/0", "0x10", "8時", "1：30：", "十", "N.A.", "-1", "99"),
]


def write(folder: Path, tables: dict[str, Rows]) -> Path:
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> dict[str, dict[str, float]]:
    found = {}
    for name, (tables, _table, headline) in COMPANIES.items():
        folder = write(tmp_path_factory.mktemp(name), tables)
        assert check(folder, as_of=AS_OF).problems.empty, name
        found[name] = headline(cs.load(folder, as_of=AS_OF))
    # by hand: 10,000 × (1 + … + 8) less account 3, which left; 24 entries of 0.5 to 2.5 hours
    assert found["flat"][f"mrr {AS_OF}"] == 330_000
    assert found["wide"] == found["long"] == {f"{k} {d}": v for d in ("2024-06-30", AS_OF)
                                              for k, v in (("mrr", 360_000), ("accounts", 8))}  # fmt: skip
    assert found["hours"]["hours"] == 0.5 * sum(1 + i % 5 for i in range(24))
    return found


def checked_or_refused(folder: Path) -> tuple[Checked | None, str]:
    try:
        return check(folder, as_of=AS_OF), ""
    except InputError as refusal:
        return None, str(refusal)


CELLS = [
    (name, i, j)
    for name, (tables, table, _headline) in COMPANIES.items()
    for i in range(1, len(tables[table]))
    for j in range(len(tables[table][0]))
]


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cell=st.sampled_from(CELLS), junk=st.one_of(st.sampled_from(JUNK), st.text(max_size=6)))
def test_a_cell_of_junk_is_never_silent(tmp_path_factory, sound, cell, junk):
    name, i, j = cell
    tables, broken, headline = COMPANIES[name]
    rows = [list(row) for row in tables[broken]]
    column = find_column(TABLES[broken], rows[0][j])
    kind = column.type if column else "money"  # a month of the wide form
    if kind not in ("id", "text") and parse(pd.Series([junk]), kind).faults.empty:
        junk = "?" + junk  # a sound value, or a blank, is no junk
    if kind in ("id", "text") and not junk.strip():
        return
    rows[i][j] = junk
    folder = write(tmp_path_factory.mktemp("junk"), {**tables, broken: rows})
    checked, refusal = checked_or_refused(folder)
    if checked is None:
        assert f"{broken}.csv" in refusal
        return
    faults = checked.problems[checked.problems["severity"].isin(["error", "warning"])]
    if len(faults[(faults["file"] == f"{broken}.csv") & (faults["row"] == i + 1)]):
        return
    assert headline(cs.load(folder, as_of=AS_OF)) == sound[name], (cell, junk, checked.problems.to_dict("records"))
