"""Templates: made from the schema alone, the same bytes each time, filled in as a person would and read back."""

from __future__ import annotations

import csv
import shutil
import subprocess
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import cs_analysis as cs
from cs_analysis.data.book import check
from cs_analysis.data.schema import TABLES, find_column, find_table
from cs_analysis.data.templates.example import example_row
from cs_analysis.data.templates.guide import VERSION
from cs_analysis.data.templates.marks import LISTS, MARKS, is_beside
from cs_analysis.data.templates.template import write_templates
from cs_analysis.display.language import set_language, speaking
from cs_analysis.errors import InputError

SHIPPED = Path(__file__).parents[1] / "data_templates"
LANGS = ("en", "ja")


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language("en")


@pytest.fixture(params=LANGS)
def lang(request) -> str:
    return request.param


@pytest.fixture
def template(lang, tmp_path) -> Path:
    (tmp_path / "data").mkdir()
    return write_templates(tmp_path / "data", lang=lang)[0]


# what ten customers' staff would type: (table, rows); a day, an amount, a word of the dropdown
IDS = [f"{number:03d}" for number in range(1, 11)]
NAMES = [
    "㈱青空",
    "海山商事",
    "森田工業",
    "川辺物流",
    "星野製薬",
    "北国銀行",
    "南風電機",
    "東雲食品",
    "西条",
    "Aoi 商店",
]
WORDS = {
    "en": {"yes": "yes", "no": "no", "us": "us", "customer": "customer", "champion": "champion", "cs": "cs"},
    "ja": {"yes": "はい", "no": "いいえ", "us": "自社", "customer": "顧客", "champion": "推進者", "cs": "CS費用"},
}


def typed(lang: str) -> dict[str, list[dict[str, object]]]:
    word = WORDS[lang]
    return {
        "accounts": [
            {"account_id": i, "account_name": name, "segment": "大手" if n < 4 else "中小", "csm": "佐藤"}
            for n, (i, name) in enumerate(zip(IDS, NAMES, strict=True))
        ],
        "contracts": [
            {"contract_id": f"K-{i}", "account_id": i, "product": "Standard", "start_date": datetime(2024, 4, 1),
             "end_date": datetime(2026, 3, 31) if i == "010" else None, "mrr": 100_000, "recurring": word["yes"]}
            for i in IDS[:9]
        ] + [
            {"contract_id": "K-010", "account_id": "010", "start_date": "令和6年4月1日", "end_date": "2025/3/31",
             "amount": 2_400_000, "billing_months": 12, "churn_reason": "価格"},
        ],
        "time_entries": [
            {"date": datetime(2025, 5, 1), "csm": "佐藤", "account_id": "001", "task": "定例会", "hours": 1.5},
            {"date": datetime(2025, 5, 2), "csm": "佐藤", "account_id": "002", "task": "定例会", "hours": time(1, 30)},
            {"date": datetime(2025, 5, 3), "csm": "佐藤", "task": "会議", "hours": "90分"},
        ],
        "onboarding_steps": [
            {"account_id": "001", "step": "キックオフ", "step_order": 1, "owner": word["customer"],
             "planned_date": datetime(2024, 4, 5), "completed_date": datetime(2024, 4, 6), "is_go_live": word["no"]},
        ],
        "survey_responses": [
            {"account_id": "001", "respondent": "R1", "role": word["champion"], "wave": "2025上期", "score": 9,
             "invited_date": datetime(2025, 5, 1), "responded_date": datetime(2025, 5, 3), "comment": "=1+1"},
        ],
        "usage": [{"account_id": "001", "month": datetime(2025, 5, 1), "metric": "logins", "value": 12.5}],
        "contacts": [{"account_id": "001", "contact": "高橋", "role": word["champion"]}],
        "costs": [{"month": "2025年5月", "kind": word["cs"], "amount": 1_500_000}],
        "ledger": [{"month": datetime(2025, 5, 1), "mrr": 900_000}],
    }  # fmt: skip


def fill(path: Path, rows: dict[str, list[dict[str, object]]]) -> None:
    """Type rows below the example of each sheet, each value under the header that means its column."""
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        table = find_table(sheet.title)
        if table is None or table.name not in rows:
            continue
        places = {column.name: cell.column for cell in sheet[1] if (column := find_column(table, cell.value))}
        for line, row in enumerate(rows[table.name], start=3):
            for name, value in row.items():
                cell = sheet.cell(line, places[name])
                cell.value = value
                if not isinstance(value, time):  # a typed 1:30 brings a format of its own
                    cell.number_format = sheet.column_dimensions[cell.column_letter].number_format
                if isinstance(value, str):
                    cell.data_type = "s"  # a cell in which a text was typed, whatever it begins with
    book.save(path)


def assert_read_back(book: cs.Book) -> None:
    assert book.accounts["account_id"].tolist() == IDS
    assert book.accounts["account_name"].tolist() == NAMES
    assert book.accounts["segment"].value_counts().to_dict() == {"中小": 6, "大手": 4}
    lines = book.contracts.set_index("account_id")
    assert lines["mrr"].tolist() == [100_000.0] * 9 + [200_000.0]
    assert lines.loc["010", "start"] == pd.Timestamp("2024-04-01")
    assert lines.loc["010", "stop"] == pd.Timestamp("2025-04-01")
    assert lines["stop"].isna().sum() == 9
    assert book.time_entries["hours"].tolist() == [1.5, 1.5, 1.5]
    assert book.time_entries["account_id"].tolist() == ["001", "002", None]
    step = book.onboarding_steps.iloc[0]
    assert (step["owner"], step["is_go_live"], step["completed_date"]) == ("customer", False, pd.Timestamp(2024, 4, 6))
    answer = book.survey_responses.iloc[0]
    assert (answer["score"], answer["role"], answer["comment"]) == (9.0, "champion", "=1+1")
    assert book.usage[["month", "value"]].values.tolist() == [[pd.Timestamp(2025, 5, 1), 12.5]]
    assert book.costs[["kind", "amount"]].values.tolist() == [["cs", 1_500_000.0]]
    assert book.contacts["role"].tolist() == ["champion"]
    assert not book.has("tasks")
    assert "tasks" not in book.tables


def test_a_filled_workbook_is_read_back(template, lang):
    fill(template, typed(lang))
    checked = check(template.parent)
    assert checked.problems.query("severity != 'note'").empty, checked.problems.to_string()
    read = dict(zip(checked.coverage["table"], checked.coverage["rows_read"], strict=True))
    assert read == {name: len(rows) for name, rows in typed(lang).items()}
    assert_read_back(cs.load(template.parent, as_of="2025-05-31", lang=lang))


def test_filled_csv_twins_are_read_back(lang, tmp_path):
    """As text, in the encoding in which Japanese Excel saves a CSV."""
    files = {path.stem: path for path in write_templates(tmp_path / "data", lang=lang, format="csv")}
    assert sorted(files) == sorted(TABLES)
    for name, rows in typed(lang).items():
        lines = list(csv.reader(files[name].read_text(encoding="utf-8-sig").splitlines()))
        names = [find_column(TABLES[name], header).name for header in lines[0]]
        written = [["" if row.get(n) is None else _as_csv(row[n]) for n in names] for row in rows]
        with files[name].open("w", encoding="cp932", newline="") as handle:
            csv.writer(handle).writerows([*lines, *written])
    checked = check(tmp_path / "data")
    assert checked.problems.query("severity != 'note'").empty, checked.problems.to_string()
    assert_read_back(cs.load(tmp_path / "data", as_of="2025-05-31", lang=lang))


def _as_csv(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.year}/{value.month}/{value.day}"  # as Excel writes a day
    return f"{value:%H:%M:%S}" if isinstance(value, time) else str(value)


def test_examples_and_blank_sheets_are_not_data(template, lang):
    """Nobody filled in anything: neither the examples nor the guide pass for a company."""
    with pytest.raises(InputError, match=r"No revenue was found|No date was found"):
        check(template.parent)
    rows = typed(lang)
    fill(template, {name: rows[name] for name in ("accounts", "contracts")})
    book = openpyxl.load_workbook(template)
    for sheet in book.worksheets:  # examples may be deleted too
        if find_table(sheet.title):
            sheet.delete_rows(2)
    book.save(template)
    loaded = cs.load(template.parent, as_of="2024-04-30", lang="en")
    assert sorted(loaded.tables) == ["accounts", "contracts"]
    assert set(loaded.problems["severity"]) == {"note"}
    assert loaded.problems["problem"].str.contains("taken as not given").sum() == 1


def test_an_example_row_that_was_typed_over_is_told(template, lang):
    fill(template, typed(lang))
    book = openpyxl.load_workbook(template)
    sheet = next(s for s in book.worksheets if (t := find_table(s.title)) and t.name == "contracts")
    place = next(c.column for c in sheet[1] if find_column(TABLES["contracts"], c.value).name == "mrr")
    sheet.cell(2, place).value = 990_000
    book.save(template)
    warned = check(template.parent).problems.query("severity == 'warning'")
    assert warned[["sheet", "row"]].values.tolist() == [[sheet.title, 2]]
    assert "differs from the example" in warned["problem"].iloc[0]


def test_sorting_and_saving_again_keep_the_mark(template, lang):
    """An example at the end of the sheet, its day and its amount in another form, is the example still."""
    fill(template, typed(lang))
    book = openpyxl.load_workbook(template)
    sheet = next(s for s in book.worksheets if (t := find_table(s.title)) and t.name == "contracts")
    values = [cell.value for cell in sheet[2]]
    sheet.delete_rows(2)
    said = [f"{v:%Y年%m月%d日}" if isinstance(v, datetime) else f"¥{v:,}" if v == 120_000 else v for v in values]
    sheet.append(said)
    book.save(template)
    assert check(template.parent).problems.query("severity != 'note'").empty


# -------------------------------------------------------------------------------------------- what the workbook holds


def test_headers_notes_and_checks_are_those_of_the_schema(template, lang):
    book = openpyxl.load_workbook(template)
    tables = [table for sheet in book.worksheets if (table := find_table(sheet.title))]
    assert [table.name for table in tables] == list(TABLES)
    for table, sheet in zip(tables, book.worksheets[1:-1], strict=True):
        found = [find_column(table, cell.value) for cell in sheet[1]]
        assert found == list(table.columns), sheet.title
        assert sheet.freeze_panes == "B2"
        assert sheet.cell(2, 1).value.startswith(MARKS[lang])
        checks = {str(v.sqref).split(":")[0].rstrip("0123456789"): v for v in sheet.data_validations.dataValidation}
        for cell, column in zip(sheet[1], table.columns, strict=True):
            assert str(cell.value).endswith(" *") == column.required
            assert cell.comment is not None
            said = cell.comment.text
            with speaking(lang):
                from cs_analysis.display.language import _

                assert _(column.description) in said
                assert not column.unit or _(column.unit) in said
                assert not column.choices or all(v in said for v in _listed(column, lang))
            assert (cell.column_letter in checks) == _checkable(table, column), (table.name, column.name)


def _listed(column, lang) -> list[str]:
    return list(column.choices.values() if lang == "ja" else column.choices)


def _checkable(table, column) -> bool:
    if column.name == "account_id" or column.choices or (table.key == (column.name,) and column.type == "id"):
        return True
    return column.type in ("date", "month", "money", "number", "count", "hours", "score", "flag")


def test_dropdowns_read_from_the_hidden_sheet(template, lang):
    book = openpyxl.load_workbook(template)
    assert book.sheetnames[-1] == LISTS
    assert book[LISTS].sheet_state == "hidden"
    assert book.worksheets[0].title in ("Read me", "はじめに")
    assert is_beside(book.worksheets[0].title)
    dropdowns = 0
    for sheet in book.worksheets[1:-1]:
        table = find_table(sheet.title)
        for validation in sheet.data_validations.dataValidation:
            if validation.type != "list" or validation.formula1 == "account_ids":
                continue
            column = find_column(table, sheet.cell(1, next(iter(validation.sqref.ranges)).min_col).value)
            values = [cell.value for row in book[LISTS][validation.formula1.split("!")[1]] for cell in row]
            assert values == (_listed(column, lang) or [WORDS[lang]["yes"], WORDS[lang]["no"]])
            dropdowns += 1
    assert dropdowns == 7
    assert book.defined_names["account_ids"].attr_text.count(book.worksheets[1].title) == 2


def test_hours_keep_the_general_format(template):
    """A number format would show a typed 1:30 as 0.06."""
    book = openpyxl.load_workbook(template)
    sheet = next(s for s in book.worksheets if (t := find_table(s.title)) and t.name == "time_entries")
    cell = next(c for c in sheet[1] if find_column(TABLES["time_entries"], c.value).name == "hours")
    assert sheet.cell(2, cell.column).number_format == "General"


def test_ids_are_formatted_as_text(template):
    with zipfile.ZipFile(template) as package:
        sheet = package.read("xl/worksheets/sheet2.xml").decode()
        styles = package.read("xl/styles.xml").decode()
    style = int(sheet.split('<col min="1"')[1].split('style="')[1].split('"')[0])
    formats = styles.split("<cellXfs")[1].split("<xf ")[1:]
    assert 'numFmtId="49"' in formats[style]  # 49 is "@", text


def test_the_version_stands_in_the_guide_and_in_the_properties(template):
    book = openpyxl.load_workbook(template)
    assert VERSION in str(book.worksheets[0]["B2"].value)
    assert book.custom_doc_props["cs-analysis template"].value == VERSION


def test_the_same_bytes_each_time(template, lang, tmp_path):
    again = write_templates(tmp_path / "again", lang=lang)[0]
    assert again.read_bytes() == template.read_bytes()
    with zipfile.ZipFile(template) as package:
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_shipped_templates_are_those_of_the_schema(lang, tmp_path):
    remedy = "write them anew: cs-analysis template --out data_templates, and so on (see data_templates/README.md)"
    made = write_templates(tmp_path, lang=lang) + write_templates(tmp_path / f"csv_{lang}", lang=lang, format="csv")
    for path in made:
        assert (SHIPPED / path.relative_to(tmp_path)).read_bytes() == path.read_bytes(), f"{path.name}; {remedy}"


def test_a_filled_template_is_never_overwritten(template, lang, tmp_path):
    before = template.read_bytes()
    with pytest.raises(InputError, match="is there already"):
        write_templates(template.parent, lang=lang)
    assert template.read_bytes() == before
    with pytest.raises(InputError, match="xlsx, csv"):
        write_templates(tmp_path / "x", lang=lang, format="ods")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_the_example_obeys_its_own_table(table, lang):
    """An example that our own reader would refuse teaches the wrong thing."""
    from cs_analysis.data.parse import parse

    with speaking(lang):
        row = example_row(table)
    for column, text in zip(table.columns, row, strict=True):
        text = text.removeprefix(MARKS[lang])
        parsed = parse(pd.Series([text]), column.type, choices=column.choices)
        assert parsed.faults.empty, (column.name, text)
        assert text or not column.required, column.name
        if column.choices and text:
            assert parsed.values[0] in column.choices


def convert(office: str, path: Path, out: Path, to: str) -> None:
    command = [office, f"-env:UserInstallation=file://{out.parent}/profile", "--headless", "--convert-to", to]
    subprocess.run([*command, "--outdir", out, path], check=True, capture_output=True, timeout=120)


@pytest.mark.office
def test_what_libreoffice_saves_is_read_alike(template, lang, tmp_path):
    """As a workbook, and sheet by sheet as CSV in Japanese encoding with the cells as they are shown."""
    office = shutil.which("soffice")
    assert office is not None
    fill(template, typed(lang))
    convert(office, template, tmp_path / "saved", "xlsx")
    convert(office, template, tmp_path / "csv", "csv:Text - txt - csv (StarCalc):44,34,60,1,,1041,false,true,true,,,-1")
    for folder in (tmp_path / "saved", tmp_path / "csv"):
        assert check(folder).problems.query("severity != 'note'").empty, check(folder).problems.to_string()
        assert_read_back(cs.load(folder, as_of=date(2025, 5, 31), lang=lang))


def test_a_blank_sheet_beside_a_csv_of_the_same_table(template, lang):
    """Somebody fills in some sheets and exports the rest."""
    rows = typed(lang)
    fill(template, {name: found for name, found in rows.items() if name != "time_entries"})
    (template.parent / "time_entries.csv").write_text(
        "date,csm,account_id,task,hours\n2025-05-01,Sato,001,meeting,2\n", encoding="utf-8"
    )
    assert check(template.parent).problems.query("severity != 'note'").empty
    book = cs.load(template.parent, as_of="2025-05-31")
    assert book.time_entries["hours"].tolist() == [2.0]
