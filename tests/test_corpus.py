"""Files as clients really send them: each is accepted with the right figures, warned of, or refused at its cell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from corpus import tables, texts, values, workbooks
from corpus.company import AS_OF, Case

import cs_analysis as cs
from cs_analysis.data.book import Book, Checked, check
from cs_analysis.errors import InputError

CASES: list[Case] = [*texts.CASES, *workbooks.CASES, *values.CASES, *tables.CASES]


def found(checked: Checked, severity: str) -> list[tuple[str, str, str, int, str]]:
    """severity, file, sheet, row (0 = none), column of each problem."""
    frame = checked.problems[checked.problems["severity"] == severity]
    columns = frame[["severity", "file", "sheet", "row", "column"]].itertuples(index=False)
    return [(s, f, sheet, 0 if pd.isna(row) else int(row), c) for s, f, sheet, row, c in columns]


def total_on(book: Book, day: str) -> float:
    """The total MRR of a day, added up in the plainest way."""
    lines, when = book.contracts, pd.Timestamp(day)
    return float(lines.loc[(lines["start"] <= when) & ~(lines["stop"] <= when), "mrr"].sum())


def test_there_are_many_and_each_has_its_own_name():
    assert len(CASES) >= 80
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nasty_file(case: Case, tmp_path: Path):
    case.make(tmp_path)
    if case.refused:
        for use in (check, cs.load):
            with pytest.raises(InputError) as caught:
                use(tmp_path, as_of=AS_OF)
            sentence = str(caught.value)
            assert all(word in sentence for word in case.refused), sentence
            assert "\n" not in sentence
            assert str(tmp_path) not in sentence
        return
    checked = check(tmp_path, as_of=AS_OF)
    said = " ".join(checked.problems["problem"] + " " + checked.problems["action"])
    assert sorted(found(checked, "error")) == sorted(case.errors), said
    assert all(word in said for word in case.said), said
    if case.errors:
        with pytest.raises(InputError) as caught:
            cs.load(tmp_path, as_of=AS_OF)
        assert case.errors[0][1] in str(caught.value)
        return
    assert sorted(found(checked, "warning")) == sorted(case.warnings), said
    assert sorted(found(checked, "note")) == sorted(case.notes), said
    book = cs.load(tmp_path, as_of=AS_OF)
    assert {day: total_on(book, day) for day in case.totals} == case.totals
    names = book.accounts.set_index("account_id")["account_name"].to_dict()
    assert case.names.items() <= names.items()
    rows = book.coverage.set_index("table")["rows_used"].to_dict()
    assert case.used.items() <= rows.items()
