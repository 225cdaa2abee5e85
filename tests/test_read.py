"""Finding and reading a client's files: formats, encodings, delimiters, and a sentence for what cannot be read."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.data.reading.read import ROW, Source, cell_text, data_files, read_tables
from cs_analysis.data.settings import TableMapping
from cs_analysis.errors import InputError

TEXT = 'account_id,account_name\nNA,㈱青空商事\n007,"Smith, ""Ltd"""\n\n123456789012345678,髙島\n'
EXPECTED = {"account_id": ["NA", "007", "123456789012345678"], "account_name": ["㈱青空商事", 'Smith, "Ltd"', "髙島"]}


def rows(folder: Path, mapping: dict[str, TableMapping] | None = None, table: str = "accounts") -> pd.DataFrame:
    return read_tables(folder, mapping).tables[table].frame


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, end):
    (tmp_path / "accounts.csv").write_bytes(TEXT.replace("\n", end).encode(encoding))
    frame = rows(tmp_path)
    assert frame.drop(columns=ROW).to_dict("list") == EXPECTED
    assert frame[ROW].tolist() == [2, 3, 5]  # the blank row is left out and still counted


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(tmp_path, delimiter):
    lines = [["顧客ID", "顧客名"], ["A1", '"a,b;c\td"'], ["A2", ""]]
    (tmp_path / "顧客.csv").write_text("\n".join(delimiter.join(line) for line in lines), encoding="utf-8")
    assert rows(tmp_path).to_dict("list") == {ROW: [2, 3], "顧客ID": ["A1", "A2"], "顧客名": ["a,b;c\td", ""]}


def test_sheets_of_workbooks_and_typed_cells(tmp_path):
    frame = pd.DataFrame({
        "account_id": ["NA", 7, 12.5], "contract_start": [datetime(2024, 4, 1), date(2024, 4, 2), "2024/4/3"],
        "flag": [True, None, "x"], "mrr": [120.0, 0.1, 1e15],
    })  # fmt: skip
    with pd.ExcelWriter(tmp_path / "client.xlsx", datetime_format="yyyy-mm-dd", date_format="yyyy-mm-dd") as book:
        frame.to_excel(book, sheet_name="顧客", index=False, startrow=2)
        frame.to_excel(book, sheet_name="覚え書き", index=False)
    (tmp_path / "~$client.xlsx").write_bytes(b"locked")
    (tmp_path / "readme.txt").write_text("hello", encoding="utf-8")
    reading = read_tables(tmp_path)
    assert reading.tables["accounts"].frame.to_dict("list") == {
        ROW: [4, 5, 6], "account_id": ["NA", "7", "12.5"], "contract_start": ["2024-04-01", "2024-04-02", "2024/4/3"],
        "flag": ["TRUE", "", "x"], "mrr": ["120", "0.1", "1000000000000000"],
    }  # fmt: skip
    assert reading.unmatched == (Source("client.xlsx", "覚え書き"), Source("readme.txt"))
    assert set(reading.inputs) == {"client.xlsx", "readme.txt"}


def test_a_workbook_of_one_sheet_may_carry_the_name_of_its_table(tmp_path):
    pd.DataFrame({"account_id": ["A1"]}).to_excel(tmp_path / "accounts.xlsx", sheet_name="Sheet1", index=False)
    assert rows(tmp_path)["account_id"].tolist() == ["A1"]


def test_parquet_is_turned_to_text_without_loss(tmp_path):
    frame = pd.DataFrame({
        "account_id": ["NA", "007"], "contract_start": pd.to_datetime(["2024-04-01", None]), "mrr": [0.1, 120.0],
        "seats": pd.array([3, None], dtype="Int64"), "active": [True, False], "size": pd.Categorical(["S", "L"]),
    })  # fmt: skip
    frame.to_parquet(tmp_path / "accounts.parquet")
    assert rows(tmp_path).to_dict("list") == {
        ROW: [2, 3], "account_id": ["NA", "007"], "contract_start": ["2024-04-01", ""], "mrr": ["0.1", "120"],
        "seats": ["3", ""], "active": ["TRUE", "FALSE"], "size": ["S", "L"],
    }  # fmt: skip


def test_headers_made_distinct_and_blank_columns_dropped(tmp_path):
    (tmp_path / "accounts.csv").write_text(" account_id ,memo,memo,,\nA1,a,b,,c\nA2,,,,\n", encoding="utf-8")
    assert list(rows(tmp_path).columns) == [ROW, "account_id", "memo", "memo (2)", "column 5"]


def test_cells_as_text():
    assert cell_text(float("nan")) == ""
    assert cell_text(-0.0) == "0"
    assert cell_text(datetime(2024, 4, 1, 9, 30)) == "2024-04-01 09:30:00"
    assert cell_text(time(1, 30)) == "01:30:00"
    assert cell_text(timedelta(hours=25, minutes=5)) == "25:05:00"


# A cell like #REF! is an error of Excel; a lone carriage return inside a cell is not told from a line end
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff#"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_any_text_survives_a_csv_file(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("csv")
    cells = [("x" + a, b) for a, b in cells]  # a wholly blank row would be left out
    frame = pd.DataFrame(cells, columns=["account_id", "memo"])
    frame.to_csv(folder / "accounts.csv", index=False, encoding="utf-8-sig", lineterminator="\n")
    found = rows(folder)
    assert list(zip(found["account_id"], found["memo"] if "memo" in found else [""] * len(found), strict=True)) == cells


# ------------------------------------------------------------------------------------------ refused in a sentence


def refused(folder: Path, mapping: dict[str, TableMapping] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read_tables(folder, mapping)
    sentence = str(caught.value)
    assert str(folder.parent) not in sentence or "no data folder" in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n \n", b",,\n,,\n"])
def test_an_empty_file(tmp_path, content):
    (tmp_path / "contracts.csv").write_bytes(content)
    assert refused(tmp_path) == "The file contracts.csv is empty; fill it in or remove it."


def test_an_empty_sheet(tmp_path):
    with pd.ExcelWriter(tmp_path / "client.xlsx") as book:
        pd.DataFrame().to_excel(book, sheet_name="contracts", index=False)
    assert refused(tmp_path) == "client.xlsx [contracts] is empty; fill it in or remove it."


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("accounts.csv", b"account_id\n\x81\xff\xfe\n", "is not text that can be read"),
        ("accounts.csv", "顧客ID,顧客名\nA1,青空\n".encode("euc_jp"), "is not text that can be read"),
        ("accounts.csv", b'account_id,a\nA1,"1\nA2,2\n', "row 2 opens a quotation mark that is never closed"),
        ("accounts.csv", b'account_id,a\nA1,"1"x\nA2,2,3\n', "row 2 has text after a closing quotation mark"),
        ("accounts.xlsx", b"not a workbook", "accounts.xlsx is text and no workbook"),
        ("accounts.xlsx", b"\x00\x01\x02", "cannot be read as an Excel workbook"),
        ("accounts.xlsx", b"PK\x03\x04 cut off", "cannot be read as an Excel workbook"),
        ("accounts.xlsx", b"", "accounts.xlsx is empty"),
        ("accounts.parquet", b"PAR1 nothing", "cannot be read as Parquet"),
    ],
)
def test_unreadable_files(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    sentence = refused(tmp_path)
    assert said in sentence
    assert name in sentence


def test_a_row_with_more_cells_than_the_header_is_told_and_not_read(tmp_path):
    (tmp_path / "accounts.csv").write_bytes(b"account_id,name\nA1,x\nA2,y,3\nA3,z,\n")
    raw = read_tables(tmp_path).tables["accounts"]
    assert raw.frame.to_dict("list") == {ROW: [2, 4], "account_id": ["A1", "A3"], "name": ["x", "z"]}
    assert [(f.severity, f.rows, f.values) for f in raw.findings] == [
        ("error", (3,), ("3",)),
        ("warning", (4,), ("3",)),  # a blank cell too many: a value may have moved to the right
    ]


def test_half_width_katakana_is_read(tmp_path):
    (tmp_path / "accounts.csv").write_bytes("account_id,顧客名\nA1,ｱｵｿﾞﾗｶﾌﾞ\nA2,ｳﾐﾔﾏｼｮｳｼﾞ\n".encode("cp932"))
    frame = read_tables(tmp_path).tables["accounts"].frame
    assert frame["顧客名"].tolist() == ["ｱｵｿﾞﾗｶﾌﾞ", "ｳﾐﾔﾏｼｮｳｼﾞ"]


def test_a_sheet_where_there_is_no_workbook(tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id\nA1\n", encoding="utf-8")
    said = refused(tmp_path, {"usage": TableMapping(sheet="Usage")})
    assert said == "The mapping of usage names the sheet Usage, but there is no Excel workbook: accounts.csv."


def test_the_same_table_twice(tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id\nA1\n", encoding="utf-8")
    (tmp_path / "顧客.csv").write_text("account_id\nA1\n", encoding="utf-8")
    assert refused(tmp_path) == "The table accounts stands in two places, accounts.csv and 顧客.csv; keep one of them."


def test_places_named_by_a_mapping(tmp_path):
    with pd.ExcelWriter(tmp_path / "crm.xlsx") as book:
        pd.DataFrame({"Nr": ["A1"]}).to_excel(book, sheet_name="Export", index=False, startrow=3)
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="Notes", index=False)
    (tmp_path / "accounts.csv").write_text("account_id\nOLD\n", encoding="utf-8")
    mapping = TableMapping(file="crm.xlsx", sheet="Export", header_row=4)
    reading = read_tables(tmp_path, {"accounts": mapping})
    assert reading.tables["accounts"].frame.to_dict("list") == {ROW: [5], "Nr": ["A1"]}
    assert Source("accounts.csv") in reading.unmatched
    said = refused(tmp_path, {"accounts": TableMapping(file="crm.xlsx", sheet="Exprt")})
    assert "names the sheet Exprt, which crm.xlsx does not have; did you mean 'Export'?" in said
    assert "names the file crn.xlsx, which is not in the data folder" in refused(
        tmp_path, {"accounts": TableMapping(file="crn.xlsx")}
    )
    assert "must say which sheet of crm.xlsx" in refused(tmp_path, {"accounts": TableMapping(file="crm.xlsx")})


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="There is no data folder"):
        data_files(tmp_path / "nowhere")
