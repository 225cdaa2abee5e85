"""Excel workbooks: made by XlsxWriter, then broken by hand in their XML where no writer would."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

from corpus.company import ACCOUNTS, CONTRACTS, HEADER, Case, Finding, Rows, changed, text_of, texts

FILE = "会社.xlsx"


def workbook(
    path: Path,
    sheets: Mapping[str, Rows],
    *,
    after: Callable[[Any, Mapping[str, Any]], None] | None = None,
    options: Mapping[str, Any] | None = None,
    top: int = 0,
    formats: Mapping[tuple[str, int, int], str] | None = None,
) -> None:
    """A workbook; cells by their Python type, `formats` (sheet, row, column from 0) → number format."""
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy/mm/dd", **(options or {})})
    made = {}
    for name, rows in sheets.items():
        sheet = made[name] = book.add_worksheet(name)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                code = (formats or {}).get((name, i, j))
                style = book.add_format({"num_format": code}) if code else None
                if isinstance(cell, (datetime, date)) and style is None:
                    sheet.write_datetime(top + i, j, cell)
                elif isinstance(cell, timedelta):
                    sheet.write_datetime(top + i, j, cell, book.add_format({"num_format": code or "[h]:mm"}))
                elif isinstance(cell, str) and cell.startswith("="):
                    sheet.write_formula(top + i, j, cell, style, 0)
                elif isinstance(cell, str):
                    sheet.write_string(top + i, j, cell, style)
                elif cell is not None:
                    sheet.write(top + i, j, cell, style)
    if after is not None:
        after(book, made)
    book.close()


def broken(path: Path, *changes: tuple[str, str, str], drop: str = "", add: Mapping[str, bytes] | None = None) -> None:
    """Rewrite parts of a workbook: (part, pattern, replacement); the pattern must be there."""
    parts = {}
    with zipfile.ZipFile(path) as old:
        for name in old.namelist():
            if name != drop:
                parts[name] = old.read(name)
    for part, pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, parts[part].decode(), flags=re.S)
        assert count, (part, pattern)
        parts[part] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in {**parts, **(add or {})}.items():
            new.writestr(name, content)


TYPED: Rows = (
    HEADER,
    ("C1", "A1", "Std", date(2024, 1, 1), None, 100_000),
    ("C2", "A2", "Std", date(2024, 2, 1), date(2024, 9, 30), 200_000),
    ("C3", "A3", "Pro", date(2024, 10, 1), None, 300_000),
)
SHEET1, SHEET2 = "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"


def book(contracts: Rows = TYPED, accounts: Rows = ACCOUNTS, **how: Any) -> Callable[[Path], None]:
    """A folder with one workbook of two sheets, 顧客 and 契約."""
    return lambda folder: workbook(folder / FILE, {"顧客": accounts, "契約": contracts}, **how)


def patched(*changes: tuple[str, str, str], contracts: Rows = TYPED, **how: Any) -> Callable[[Path], None]:
    """The workbook with some of its XML rewritten afterwards."""

    def make(folder: Path) -> None:
        book(contracts, **how)(folder)
        broken(folder / FILE, *changes)

    return make


def at(severity: str, row: int, column: str, sheet: str = "契約") -> tuple[Finding, ...]:
    return ((severity, FILE, sheet, row, column),)


def _two_header_rows(book: Any, sheets: Mapping[str, Any]) -> None:
    sheet = sheets["契約"]
    for column, text in ((0, "契約ID"), (1, "顧客ID"), (2, "商品"), (5, "月額")):
        sheet.merge_range(0, column, 1, column, text)
    sheet.merge_range(0, 3, 0, 4, "契約期間")


def _merged_ids(book: Any, sheets: Mapping[str, Any]) -> None:
    sheets["契約"].merge_range(1, 1, 2, 1, "A1")  # B2:B3


def _merged_amounts(book: Any, sheets: Mapping[str, Any]) -> None:
    sheets["契約"].merge_range(1, 5, 2, 5, 300_000)  # F2:F3


def _hidden_rows(book: Any, sheets: Mapping[str, Any]) -> None:
    sheets["契約"].set_row(2, None, None, {"hidden": True})


def _hidden_column(book: Any, sheets: Mapping[str, Any]) -> None:
    sheets["契約"].set_column(5, 5, None, None, {"hidden": True})


def _hidden_sheet(book: Any, sheets: Mapping[str, Any]) -> None:
    sheets["契約"].hide()


def _struck(book: Any, sheets: Mapping[str, Any]) -> None:
    sheets["契約"].write_string(2, 0, "C2", book.add_format({"font_strikeout": True}))


def _prefilled(book: Any, sheets: Mapping[str, Any]) -> None:
    """Formulas below and beside the table, never calculated."""
    for row in range(4, 10):
        sheets["契約"].write_formula(row, 5, f"=D{row}*2")
    sheets["契約"].write_formula(1, 8, "=F2*12")


def _hidden_twin(folder: Path) -> None:
    workbook(folder / FILE, {"顧客": ACCOUNTS, "契約": TYPED, "contracts": TYPED},
             after=lambda _b, s: s["contracts"].hide())  # fmt: skip


def _deep(book: Any, sheets: Mapping[str, Any]) -> None:
    border = book.add_format({"border": 1})
    for row in range(4, 200_000):
        sheets["契約"].write_blank(row, 0, None, border)


def _far(book: Any, sheets: Mapping[str, Any]) -> None:
    sheets["契約"].write_string(1_048_575, 16_383, " ")


def _chart_sheet(book: Any, sheets: Mapping[str, Any]) -> None:
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=契約!$F$2:$F$4"})
    book.add_chartsheet("usage").set_chart(chart)


def _saved_as(name: str, content: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        texts()(folder)
        (folder / "contracts.csv").unlink()
        (folder / name).write_bytes(content)

    return make


def _truncated(folder: Path) -> None:
    book()(folder)
    content = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(content[: len(content) // 2])


def _flipped(folder: Path) -> None:
    """One bit of the sheet's own bytes turned over: the checksum no longer fits."""
    book()(folder)
    content = bytearray((folder / FILE).read_bytes())
    with zipfile.ZipFile(folder / FILE) as parts:
        info = parts.getinfo(SHEET2)
    content[info.header_offset + 30 + len(SHEET2) + info.compress_size // 2] ^= 1
    (folder / FILE).write_bytes(bytes(content))


def _bomb(folder: Path) -> None:
    book()(folder)
    blank = b" " * 1_000_000
    with zipfile.ZipFile(folder / FILE) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(folder / FILE, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, content in parts.items():
            if name != SHEET2:
                new.writestr(name, content)
        with new.open(SHEET2, "w", force_zip64=True) as part:
            for _ in range(1200):
                part.write(blank)


def _lying_bomb(folder: Path) -> None:
    """A part that unpacks to 100 MB and says that it has 100 bytes."""
    book()(folder)
    broken(folder / FILE, drop=SHEET2, add={SHEET2: b" " * 100_000_000})
    content = (folder / FILE).read_bytes()
    big = (100_000_000).to_bytes(4, "little")
    assert content.count(big) == 2
    (folder / FILE).write_bytes(content.replace(big, (100).to_bytes(4, "little")))


ENTITIES = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
OLD = bytes.fromhex("d0cf11e0a1b11ae1")
FURIGANA = r'<t>青空商事</t><rPh sb="0" eb="2"><t>アオゾラ</t></rPh><phoneticPr fontId="1"/>'
COMMENTS_KEPT = ((*HEADER, "メモ"), *((*row, f"メモ{i}") for i, row in enumerate(TYPED[1:])))
DURATIONS: Rows = (
    ("日付", "担当者", "顧客ID", "作業区分", "工数"),
    (date(2024, 5, 1), "佐藤", "A1", "定例会", timedelta(hours=1, minutes=30)),
    (date(2024, 5, 2), "佐藤", "A1", "定例会", timedelta(hours=23)),
)
WIDE: Rows = (("顧客ID", "2024年8月", "2024年9月", "2024年10月"), ("A1", 100, 100, 100), ("A2", 50, 50, 50))


def _wide_merged(folder: Path) -> None:
    workbook(folder / FILE, {"顧客": ACCOUNTS[:3], "月次MRR": WIDE},
             after=lambda _b, s: s["月次MRR"].merge_range(1, 1, 1, 3, 300))  # fmt: skip


CASES = [
    Case("a workbook of typed cells", book()),
    Case("a workbook in which all is text", book(CONTRACTS)),
    Case("the calendar of 1904", book(options={"date_1904": True})),
    Case("dates as bare numbers", book(changed(2, "開始日", 45292, TYPED)), notes=at("note", 0, "開始日")),
    Case(
        "dates as bare numbers in the calendar of 1904",
        book(changed(2, "開始日", 43830, TYPED), options={"date_1904": True}),
        errors=at("error", 2, "開始日"),
    ),
    Case(
        "title rows above the header",
        book(
            top=3,
            after=lambda b, s: [
                s["契約"].write("A1", "契約一覧"),
                s["契約"].write("F2", "2024年10月31日現在"),
                s["顧客"].write("A1", "顧客一覧"),
            ],
        ),
    ),
    Case(
        "two header rows with merged cells",
        book(
            (("",) * 3 + ("契約期間", "", ""), ("", "", "", "開始日", "終了日", ""), *TYPED[1:]), after=_two_header_rows
        ),
    ),
    Case(
        "headers in two languages, one below the other",
        book((("contract_id", "account_id", "product", "start_date", "end_date", "mrr"), *TYPED)),
        notes=at("note", 2, "contract_id"),
    ),
    Case(
        "line breaks in headers",
        book((("契約\nID", "顧客\r\nID", "商品", "開始 日", "終了日", "月額\n(円)"), *TYPED[1:])),
    ),
    Case(
        "ids merged over two lines of one account",
        book(after=_merged_ids),
        totals={"2024-06-30": 300_000.0},
        notes=at("note", 3, "顧客ID"),
        names={"A1": "青空商事"},
    ),
    Case("one amount merged over two lines", book(after=_merged_amounts), errors=at("error", 2, "月額")),
    Case(
        "a quarter's amount merged over its months", _wide_merged, errors=(("error", FILE, "月次MRR", 2, "2024年8月"),)
    ),
    Case(
        "a total row under the table",
        book((*TYPED, ("合計", None, None, None, None, 600_000))),
        notes=at("note", 5, "契約ID"),
    ),
    Case(
        "a total row by formula, never calculated",
        book((*TYPED, ("合計", None, None, None, None, "=SUM(F2:F4)"))),
        notes=at("note", 5, "契約ID"),
    ),
    Case("hidden rows, as a filter leaves them", book(after=_hidden_rows), warnings=at("warning", 3, "")),
    Case("a row that is struck through", book(after=_struck), warnings=at("warning", 3, "")),
    Case("a table and its hidden twin", _hidden_twin, refused=("契約", "contracts", "hidden")),
    Case(
        "formulas filled in beforehand below the table and beside it",
        patched(
            (SHEET2, r'(<c r="(?:F([5-9]|10)|I2)"[^>]*><f>[^<]*</f>)<v>[^<]*</v>', r"\1"),
            after=_prefilled,
        ),
        warnings=at("warning", 5, ""),
    ),
    Case(
        "a date that a formula takes from an empty cell",
        book(changed(2, "終了日", 0, TYPED), formats={("契約", 1, 4): "yyyy/m/d"}),
        errors=at("error", 2, "終了日"),
        said=("1900/1/0",),
    ),
    Case("a hidden column", book(after=_hidden_column), notes=at("note", 0, "月額")),
    Case("a hidden sheet", book(after=_hidden_sheet), warnings=at("warning", 0, "")),
    Case("borders drawn down to row 200,000", book(after=_deep)),
    Case("a stray space in the last cell of the sheet", book(after=_far), refused=(FILE, "契約", "XFD1048576")),
    Case(
        "formulas that were never calculated",
        book(changed(3, "月額", "=100000*2", TYPED)),
        errors=at("error", 3, "月額"),
        said=("=100000*2",),
    ),
    Case(
        "a formula without a value in the file",
        patched((SHEET2, r"<v>200000</v>", "<f>F2*2</f>")),
        errors=at("error", 3, "月額"),
    ),
    Case("a formula with its value", patched((SHEET2, r"<v>200000</v>", "<f>F2*2</f><v>200000</v>"))),
    Case(
        "an end date that a formula leaves blank",
        patched((SHEET2, r'<c r="F2"', '<c r="E2" t="str"><f>IF(1,"","")</f><v></v></c><c r="F2"')),
    ),
    Case(
        "error cells",
        patched((SHEET2, r'<c r="F3"><v>200000</v>', '<c r="F3" t="e"><f>1/0</f><v>#DIV/0!</v>')),
        errors=at("error", 3, "月額"),
        said=("#DIV/0!",),
    ),
    Case(
        "an error cell in the end date",
        patched((SHEET2, r'<c r="F2"', '<c r="E2" t="e"><f>VLOOKUP(A1,B:B,1)</f><v>#N/A</v></c><c r="F2"')),
        errors=at("error", 2, "終了日"),
        said=("#N/A",),
    ),
    Case(
        "an error cell in a note of their own",
        patched((SHEET2, r'<c r="G3" t="s"><v>\d+</v>', '<c r="G3" t="e"><v>#REF!</v>'), contracts=COMMENTS_KEPT),
        warnings=at("warning", 3, "メモ"),
    ),
    Case("furigana", patched(("xl/sharedStrings.xml", "<t>青空商事</t>", FURIGANA))),
    Case(
        "ids formatted to three digits",
        book(
            changed(2, "顧客ID", 1, TYPED),
            changed(2, "顧客ID", 1, ACCOUNTS),
            formats={("顧客", 1, 0): "000", ("契約", 1, 1): "000"},
        ),
        names={"001": "青空商事"},
    ),
    Case(
        "an id of 18 digits kept as a number",
        book(accounts=changed(2, "顧客ID", 123456789012345678, ACCOUNTS)),
        errors=at("error", 2, "顧客ID", "顧客"),
    ),
    Case("an amount formatted as dollars", book(formats={("契約", 1, 5): '"$"#,##0'}), errors=at("error", 2, "月額")),
    Case("an amount formatted as yen", book(formats={("契約", 1, 5): '"¥"#,##0;[Red]"¥"-#,##0'})),
    *(
        Case(
            f"an amount formatted as {code}",
            book(formats={("契約", 1, 5): code}),
            errors=at("error", 2, "月額"),
            said=(said,),
        )
        for code, said in (
            ('#,##0"円/年"', "100000円/年"),
            ('#,##0"円(年額)"', "円(年額)"),
            ('#,##0"K"', "100000K"),
            ('#,##0"百円"', "百円"),
            ('#,##0"ドル"', "ドル"),
            ('"CAD"#,##0', "CAD100000"),
            ('"税込"#,##0', "税込"),
            ('G/標準"円/年"', "円/年"),
        )
    ),
    *(
        Case(f"an amount formatted as {code}", book(formats={("契約", 1, 5): code}))
        for code in ('#,##0"(税抜)"', '#,##0"/月"', '#,##0,"千円"', '0"-"', "[Red]#,##0;[Blue]-#,##0", "@")
    ),
    Case(
        "an amount formatted as a loss",
        book(
            (*TYPED, ("C4", "A1", "割引", date(2024, 1, 1), date(2024, 8, 31), 10_000)),
            formats={("契約", 4, 5): '"▲"#,##0'},
        ),
        totals={"2024-06-30": 290_000.0, "2024-10-31": 400_000.0},
        warnings=at("warning", 5, "月額"),
        notes=at("note", 0, "月額"),
    ),
    Case(
        "seats and customers counted in words of their own",
        book(
            ((*HEADER, "数量", "席"), *((*row, 5, 5) for row in TYPED[1:])),
            formats={("契約", 1, 6): '0"ユーザー"', ("契約", 1, 7): '0"席/年"'},
        ),
    ),
    Case(
        "hours formatted with 分 and 人日 behind them",
        lambda folder: workbook(
            folder / FILE,
            {
                "顧客": ACCOUNTS,
                "契約": TYPED,
                "工数": (
                    DURATIONS[0],
                    (date(2024, 5, 1), "佐藤", "A1", "定例会", 15),
                    (date(2024, 5, 2), "佐藤", "A1", "定例会", 2),
                ),
            },
            formats={("工数", 1, 4): '0"分"', ("工数", 2, 4): '0"人日"'},
        ),
        errors=at("error", 3, "工数", "工数"),
        said=("2人日", "15分", "0.25"),
    ),
    Case(
        "an amount formatted with 万円 behind it",
        book(changed(2, "月額", 10, TYPED), formats={("契約", 1, 5): '#,##0"万円"'}),
        notes=at("note", 0, "月額"),
    ),
    Case(
        "a percentage beside plain numbers",
        lambda folder: workbook(
            folder / FILE,
            {
                "顧客": ACCOUNTS,
                "契約": TYPED,
                "利用状況": (
                    ("顧客ID", "年月", "指標", "値"),
                    ("A1", "2024-05", "利用率", 0.45),
                    ("A2", "2024-05", "利用率", 45),
                    ("A3", "2024-05", "ログイン", 45),
                ),
            },
            formats={("利用状況", 1, 3): "0%"},
        ),
        errors=at("error", 3, "値", "利用状況"),
    ),
    Case(
        "times of day and durations",
        lambda folder: workbook(folder / FILE, {"顧客": ACCOUNTS, "契約": TYPED, "工数": DURATIONS}),
    ),
    Case("a chart sheet named as a table", book(after=_chart_sheet)),
    Case(
        "old rows after a blank one",
        book((*TYPED, (None,) * 6, ("C4", "A3", "Pro", date(2023, 1, 1), date(2023, 6, 30), 5))),
    ),
    Case(
        "a second table below the first",
        book((*TYPED, (), ("氏名", "顧客ID", "役割"), ("高橋", "A1", "推進者"))),
        errors=at("error", 6, "契約ID"),
    ),
    Case("an amount for a note at the side", book(((*HEADER, "", ""), (*TYPED[1], None, "要確認"), *TYPED[2:]))),
    Case("a workbook of Excel 97", _saved_as("契約.xls", OLD + b"rest"), refused=("契約.xls", ".xlsx")),
    Case(
        "a workbook of Excel 97 renamed .xlsx",
        _saved_as(FILE, OLD + b"\0" * 600 + "Workbook".encode("utf-16-le")),
        refused=(FILE, "97"),
    ),
    Case(
        "a workbook with a password",
        _saved_as(FILE, OLD + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")),
        refused=(FILE, "password"),
    ),
    Case(
        "a web page renamed .xlsx",
        _saved_as(FILE, b"\xef\xbb\xbf <html xmlns:x='excel'><table>"),
        refused=(FILE, "web page"),
    ),
    Case(
        "XML of Excel 2003 renamed .xlsx",
        _saved_as(FILE, b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook>'),
        refused=(FILE, ".xlsx"),
    ),
    Case("a CSV renamed .xlsx", _saved_as(FILE, text_of(CONTRACTS).encode("cp932")), refused=(FILE, ".csv")),
    Case(
        "another zip renamed .xlsx",
        lambda folder: zipfile.ZipFile(folder / FILE, "w").writestr("word/document.xml", "x"),
        refused=(FILE, "Excel"),
    ),
    Case("a spreadsheet of LibreOffice", _saved_as("契約.ods", b"PK\x03\x04"), refused=("契約.ods", ".xlsx")),
    Case("a binary workbook", _saved_as("契約.xlsb", b"PK\x03\x04"), refused=("契約.xlsb", ".xlsx")),
    Case("a workbook cut off in the middle", _truncated, refused=(FILE,)),
    Case("a workbook with a bit turned over", _flipped, refused=(FILE,)),
    Case("a zip bomb", _bomb, refused=(FILE, "MB")),
    Case("a zip bomb that lies about its size", _lying_bomb, refused=(FILE,)),
    Case("entities that grow", patched(("xl/sharedStrings.xml", r"<\?xml[^>]*>", ENTITIES)), refused=(FILE,)),
    Case("an entity that reads a file of the machine", patched((SHEET2, r"<\?xml[^>]*>", EXTERNAL)), refused=(FILE,)),
    Case("an empty workbook", _saved_as(FILE, b""), refused=(FILE, "empty")),
    Case(
        "two workbooks with a sheet of one name",
        lambda folder: [book()(folder), (folder / FILE).rename(folder / "b.xlsx"), book()(folder)],
        refused=("b.xlsx", FILE),
    ),
]
