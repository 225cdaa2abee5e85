"""Marked copies: the faulty cells, and only they, carry a colour and a comment; nothing else changes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from test_cli import assert_one_sentence, call
from test_template import fill, typed

from cs_analysis.data.annotate import annotate
from cs_analysis.data.book import check
from cs_analysis.data.schema import TABLES, find_column, find_table
from cs_analysis.data.templates.template import write_templates
from cs_analysis.errors import InputError

RED, AMBER = "FFFFC7CE", "FFFFE699"


@pytest.fixture(params=["en", "ja"])
def filled(request, tmp_path) -> Path:
    template = write_templates(tmp_path / "data", lang=request.param)[0]
    fill(template, typed(request.param))
    return template


def sheet_of(book, name: str):
    return next(s for s in book.worksheets if (t := find_table(s.title)) and t.name == name)


def cell_of(book, table: str, row: int, column: str):
    sheet = sheet_of(book, table)
    place = next(c.column for c in sheet[1] if (f := find_column(TABLES[table], c.value)) and f.name == column)
    return sheet.cell(row, place)


BREAKS = {  # five slips: what was there comes back from `typed`
    ("contracts", 3, "start_date"): "03/04/2024",
    ("contracts", 4, "mrr"): "約100000",
    ("contracts", 5, "end_date"): datetime(2020, 1, 1),
    ("time_entries", 3, "hours"): "たくさん",
    ("survey_responses", 3, "account_id"): "O01",
}


def spoil(path: Path) -> dict[tuple[str, int, str], object]:
    """Break the five cells; what stood there before."""
    book = openpyxl.load_workbook(path)
    before = {}
    for place, value in BREAKS.items():
        cell = cell_of(book, *place)
        before[place] = cell.value
        cell.value = value
    book.save(path)
    return before


def marked_cells(book) -> dict[str, str]:
    """Sheet and cell → fill, for every cell below the headers that carries one of our comments."""
    return {
        f"{sheet.title}!{cell.coordinate}": cell.fill.fgColor.rgb
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment is not None and "[cs-analysis]" in cell.comment.text
    }


def test_five_broken_cells_are_marked_mended_and_clean_again(filled, tmp_path):
    before = spoil(filled)
    checked = check(filled.parent)
    assert checked.n_errors >= 4
    written, left = annotate(checked.faults, filled.parent, tmp_path / "marked")
    assert [path.name for path in written] == [filled.name]
    assert left == []
    book = openpyxl.load_workbook(written[0])
    cells = {place: cell_of(book, *place) for place in BREAKS}
    wanted = {f"{cell.parent.title}!{cell.coordinate}": RED for cell in cells.values()}
    wounded = cells["survey_responses", 3, "account_id"]
    wanted[f"{wounded.parent.title}!{wounded.coordinate}"] = AMBER  # an unknown account is a warning
    assert marked_cells(book) == wanted
    assert "ambiguous" in cells["contracts", 3, "start_date"].comment.text
    assert "Write it year first" in cells["contracts", 3, "start_date"].comment.text
    assert book.sheetnames[0] == "Check"
    assert book["Check"].max_row == 1 + len(checked.faults)
    link = next(r[2].hyperlink.location for r in book["Check"].iter_rows(2) if r[4].value == "03/04/2024")
    cell = cells["contracts", 3, "start_date"]
    assert link == f"'{cell.parent.title}'!{cell.coordinate}"
    # mended in the copy, which then takes the place of the original
    for place, value in before.items():
        cell_of(book, *place).value = value
    (tmp_path / "mended").mkdir()
    book.save(tmp_path / "mended" / filled.name)
    again = check(tmp_path / "mended")
    assert again.problems.query("severity != 'note'").empty, again.problems.to_string()
    book = openpyxl.load_workbook(tmp_path / "mended" / filled.name)
    cell_of(book, "contracts", 3, "mrr").value = "x"
    book.save(tmp_path / "mended" / filled.name)
    written, _left = annotate(check(tmp_path / "mended").faults, tmp_path / "mended", tmp_path / "marked")
    book = openpyxl.load_workbook(written[0])
    assert list(marked_cells(book).values()) == [RED]  # the old marks are gone
    assert book.sheetnames.count("Check") == 1


def test_all_else_of_the_workbook_stays(filled, tmp_path):
    spoil(filled)
    written, _left = annotate(check(filled.parent).faults, filled.parent, tmp_path / "marked")
    ours, theirs = openpyxl.load_workbook(written[0]), openpyxl.load_workbook(filled)
    assert ours.sheetnames[1:] == theirs.sheetnames
    for sheet in theirs.worksheets:
        other = ours[sheet.title]
        assert [[c.value for c in r] for r in sheet.iter_rows()] == [[c.value for c in r] for r in other.iter_rows()]
        assert len(other.data_validations.dataValidation) == len(sheet.data_validations.dataValidation)
        assert other.freeze_panes == sheet.freeze_panes
        assert other.sheet_state == sheet.sheet_state
    note = sheet_of(ours, "contracts")["A1"].comment
    assert note is not None
    assert "cs-analysis]" not in note.text  # the template's own note


ACCOUNTS = "顧客ID,顧客名\n001,㈱青空\n002,=1+1\n"
CONTRACTS = "契約ID,顧客ID,開始日,月額\nC1,001,2024/4/1,100\n\nC2,002,いつか,200\nC3,002,2024/4/1,300\n"


def write_csv(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "accounts.csv").write_bytes(ACCOUNTS.encode("cp932"))
    (folder / "契約.csv").write_bytes(CONTRACTS.encode("cp932"))
    return folder


def test_a_text_file_comes_back_as_a_workbook_of_texts(tmp_path):
    data = write_csv(tmp_path / "data")
    (data / "accounts.csv").write_bytes((ACCOUNTS + "002,二つ目\n").encode("cp932"))
    written, _left = annotate(check(data).faults, data, tmp_path / "marked")
    assert sorted(path.name for path in written) == ["accounts.csv.xlsx", "契約.csv.xlsx"]
    accounts = openpyxl.load_workbook(tmp_path / "marked" / "accounts.csv.xlsx")["accounts"]
    assert [cell.value for cell in accounts["A"]] == ["顧客ID", "001", "002", "002"]
    assert (accounts["B3"].value, accounts["B3"].data_type) == ("=1+1", "s")
    book = openpyxl.load_workbook(tmp_path / "marked" / "契約.csv.xlsx")
    assert list(marked_cells(book)) == ["contracts!C4"]  # the blank line counts, as it does in Excel


def test_blank_and_repeated_values_are_marked_under_their_headers(tmp_path):
    """The value alone would not tell where it stands."""
    data = write_csv(tmp_path / "data")
    rows = "契約ID,顧客ID,開始日,終了日,月額\nC1,001,2024/4/1,,\nC2,002,いつか,いつか,200\n"
    (data / "契約.csv").write_text(rows, encoding="utf-8")
    written, _left = annotate(check(data).faults, data, tmp_path / "marked")
    assert sorted(marked_cells(openpyxl.load_workbook(written[0]))) == ["contracts!C3", "contracts!D3", "contracts!E2"]


def test_what_has_no_row_is_marked_at_its_header(tmp_path):
    data = write_csv(tmp_path / "data")
    (data / "契約.csv").write_text("契約ID,顧客ID,開始日,月額,月額\nC1,001,2024/4/1,100,100\n", encoding="utf-8")
    written, _left = annotate(check(data).faults, data, tmp_path / "marked")
    book = openpyxl.load_workbook(written[0])
    assert set(marked_cells(book)) <= {"contracts!D1", "contracts!E1"}
    assert marked_cells(book)


def test_wide_months_are_found_by_their_value(tmp_path):
    data = write_csv(tmp_path / "data")
    (data / "契約.csv").unlink()
    (data / "mrr_months.csv").write_text("account_id,2024-01,2024-02\n001,100,100\n002,100,lots\n", encoding="utf-8")
    written, _left = annotate(check(data).faults, data, tmp_path / "marked")
    assert list(marked_cells(openpyxl.load_workbook(written[0]))) == ["mrr_months!C3"]


def test_merged_cells_are_marked_at_their_first(tmp_path):
    data = write_csv(tmp_path / "data")
    (data / "契約.csv").unlink()
    book = openpyxl.Workbook()
    book.active.title = "contracts"
    for row in (["contract_id", "account_id", "start_date", "mrr"], ["C1", "001", "soon", 1], ["C2", "002", None, 2]):
        book.active.append(row)
    book.active.merge_cells("C2:C3")
    book.save(data / "book.xlsx")
    written, _left = annotate(check(data).faults, data, tmp_path / "marked")
    assert "contracts!C2" in marked_cells(openpyxl.load_workbook(written[0]))


def test_nothing_wrong_nothing_written(tmp_path):
    data = write_csv(tmp_path / "data")
    (data / "契約.csv").write_text(CONTRACTS.replace("いつか", "2024/4/1"), encoding="utf-8")
    assert annotate(check(data).faults, data, tmp_path / "marked") == ([], [])
    assert not (tmp_path / "marked").exists()


def test_what_is_somebodys_is_not_overwritten(tmp_path):
    data = write_csv(tmp_path / "data")
    faults = check(data).faults
    for place in (data, data / "marked"):
        with pytest.raises(InputError, match="data folder"):
            annotate(faults, data, place)
    (tmp_path / "note.txt").write_text("dear")
    with pytest.raises(InputError, match="is a file"):
        annotate(faults, data, tmp_path / "note.txt")
    out = tmp_path / "mine"
    out.mkdir()
    openpyxl.Workbook().save(out / "契約.csv.xlsx")
    before = (out / "契約.csv.xlsx").read_bytes()
    with pytest.raises(InputError, match="no marked copy"):
        annotate(faults, data, out)
    assert (out / "契約.csv.xlsx").read_bytes() == before
    first = annotate(faults, data, tmp_path / "marked")
    assert annotate(faults, data, tmp_path / "marked") == first  # our own copy may be replaced


# -------------------------------------------------------------------------------------------------- the command line


def test_check_annotates_and_says_where(tmp_path):
    data = write_csv(tmp_path / "data")
    inputs = {path: path.read_bytes() for path in data.iterdir()}
    result = call("check", "--data", data, "--annotate", tmp_path / "marked")
    assert result.exit_code == 1
    assert "row 4" in result.stdout
    assert result.stderr == f"Marked copy: {tmp_path / 'marked' / '契約.csv.xlsx'}\n"
    assert {path: path.read_bytes() for path in data.iterdir()} == inputs
    refused = call("check", "--data", data, "--annotate", data)
    assert refused.exit_code == 2
    assert "data folder" in refused.stderr


def test_check_as_of_a_day(tmp_path):
    """A fault that lies after the day is not known on it; a day that is none is refused."""
    data = write_csv(tmp_path / "data")
    twice = "契約ID,顧客ID,開始日,月額\nC1,001,2024/4/1,100\nC2,002,2024/5/1,200\nC2,002,2024/6/1,200\n"
    (data / "契約.csv").write_text(twice, encoding="utf-8")
    assert call("check", "--data", data).exit_code == 1
    assert call("check", "--data", data, "--as-of", "2024-05-31").exit_code == 0
    assert "--as-of" in assert_one_sentence(call("check", "--data", data, "--as-of", "May"))
