"""A file too large for memory gives the same table as any other, its faults are named, and its rows are all counted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cs_analysis as cs
from cs_analysis.data.engines import as_pandas
from cs_analysis.data.reading import large
from cs_analysis.errors import InputError

ACCOUNTS = (
    "account_id,account_name,merged_into,merged_date,contract_start,mrr\n"
    "A1,a,,,2024-01-01,100\nA2,b,A1,2024-02-01,,\nA3,c,,,2024-01-01,50\n"
)
LINES = [
    ("2024-05-01", "A1", "定例会", "1.5"),
    ("2024/5/2", "Ａ２", "資料", "90分"),
    ("令和6年5月3日", "", "定例会", "1:30"),
    ("2024-05-01", "A3", "", "8"),
    ("2024-05-01", "X9", "定例会", "2"),
    ("2024-12-31", "A1", "定例会", "3"),
    ("2024-05-01", "A1", "定例会", "1.5"),
    ("合計", "", "", "25.5"),
]
ENTRIES = "日付,担当者,顧客ID,作業区分,工数,メモ\n" + "".join(
    f"{day},佐藤,{account},{task},{hours},x{i}\n" for i, (day, account, task, hours) in enumerate(3 * LINES)
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(large, "LARGE", 1)
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (tmp_path / "time_entries.csv").write_text(ENTRIES, encoding="utf-8-sig")
    return tmp_path


def test_it_gives_the_same_table_as_in_memory(folder):
    by = ["date", "account_id", "task", "hours", "メモ"]
    small = cs.load(folder, as_of="2024-06-30")
    big = cs.load(folder, as_of="2024-06-30", engine="duckdb")
    assert not isinstance(big.time_entries, pd.DataFrame)
    ours, theirs = (as_pandas(b.time_entries).sort_values(by).reset_index(drop=True) for b in (big, small))
    pd.testing.assert_frame_equal(ours.fillna(""), theirs.fillna(""), check_dtype=False)
    assert ours["account_id"].dropna().tolist().count("A2") == 0  # it merged into A1
    rows = big.coverage.set_index("table").loc["time_entries"]
    assert (rows["rows_read"], rows["rows_used"]) == (24, 15)
    said = " ".join(big.problems["problem"])
    assert "6 rows in all lack a required value" in said


def test_a_value_that_cannot_be_read_stops_it_and_names_its_row(folder):
    text = ENTRIES.replace("A3,,8", "A3,,99").replace("2024-12-31,佐藤,A1,定例会,3", "2024-05-31,佐藤,A1,定例会,99")
    (folder / "time_entries.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"time_entries.csv.* row "):
        cs.load(folder, as_of="2024-06-30", engine="duckdb")


def test_another_encoding_is_read_in_the_usual_way(folder):
    (folder / "time_entries.csv").write_text(ENTRIES, encoding="cp932")
    assert cs.load(folder, as_of="2024-06-30", engine="duckdb").coverage["rows_used"].sum() > 15
