"""Blank templates for a client's staff, made from the schema: one workbook with a sheet per table, and its CSV twins.

The workbook opens with a sheet that says how to fill it in. Each table has a frozen header with a note per column, a
marked example row, dropdowns for allowed values (their lists stand on a hidden sheet) and checks on dates and numbers.
The same schema and language give the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from cs_analysis.data.schema import TABLES, Column, Table
from cs_analysis.data.templates.example import example_row, example_text
from cs_analysis.data.templates.guide import MADE, VERSION, Look, write_guide
from cs_analysis.data.templates.marks import LISTS, READ_ME
from cs_analysis.display.language import _, check_language, choose, current, speaking
from cs_analysis.errors import N_, InputError

FORMATS = ("xlsx", "csv")
TEXT_FORMAT = 49  # Excel's own number for "text"
LAST_ROW = 1_048_575  # of a sheet, counted from 0
_WIDTHS = {"id": 15, "date": 14, "month": 12, "money": 15, "number": 12, "count": 10, "score": 10, "flag": 11}
_WIDE = ("comment", "text", "subject", "title", "churn_reason", "account_name")
_KINDS = {
    "id": N_("text, as it is (leading zeros are kept)"),
    "text": N_("text"),
    "date": N_("a day, year first"),
    "month": N_("a month as year-month"),
    "money": N_("an amount"),
    "number": N_("a number"),
    "count": N_("a whole number"),
    "hours": N_("a time spent"),
    "rate": N_("a fraction or a percentage"),
    "flag": N_("yes or no"),
    "score": N_("a whole number"),
    "choice": N_("one of the values listed"),
}


def write_templates(out: str | Path, *, lang: str = "en", format: str = "xlsx") -> list[Path]:
    """Write the blank templates of a language into a folder (made if it is not there).

    Parameters
    ----------
    out
        The folder.
    lang
        "en" (headers are our names) or "ja" (headers are the Japanese labels).
    format
        "xlsx": one workbook, `cs_data_en.xlsx` or `cs_data_ja.xlsx`; "csv": a file per table (UTF-8 with BOM, LF).

    Returns
    -------
    The files written.

    Raises
    ------
    InputError
        The language or the format is not known, or a file of that name is there already.
    """
    check_language(lang)
    if format not in FORMATS:
        raise InputError(
            N_("There is no format {format!r}; {choice}."), format=format, choice=choose(format, list(FORMATS))
        )
    folder = Path(out)
    with speaking(lang):
        files = {f"cs_data_{lang}.xlsx": workbook_bytes} if format == "xlsx" else {}
        if format == "csv":
            files = {f"{name}.csv": _csv_of(table) for name, table in TABLES.items()}
        there = next((name for name in files if (folder / name).exists()), None)
        if there is not None:
            raise InputError(
                N_("{file} is there already and may be filled in; choose another folder."), file=str(folder / there)
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name, made in files.items():
            (folder / name).write_bytes(made())
    return [folder / name for name in files]


def header(column: Column, *, marked: bool = True) -> str:
    """The header of a column in the language in force; a required one is marked with an asterisk.

    >>> header(TABLES["accounts"].columns[0]), header(TABLES["accounts"].columns[1])
    ('account_id *', 'account_name')
    """
    name = column.label_ja if current() == "ja" else column.name
    return name + " *" if column.required and marked else name


def _csv_of(table: Table) -> Callable[[], bytes]:
    def made() -> bytes:
        text = io.StringIO(newline="")
        rows = [[header(column, marked=False) for column in table.columns], example_row(table)]
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode("utf-8-sig")

    return made


# ---------------------------------------------------------------------------------------------------------- workbook


def workbook_bytes() -> bytes:
    """The template workbook in the language in force."""
    content = io.BytesIO()
    font = "Yu Gothic" if current() == "ja" else "Calibri"
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_format_properties": {"font_name": font, "font_size": 11},
    }
    with xlsxwriter.Workbook(content, options) as book:
        title = _("Customer Success data: template")
        book.set_properties({"title": title, "author": "cs-analysis", "created": MADE})
        book.set_custom_property("cs-analysis template", VERSION, "text")
        look = Look(book)
        write_guide(book.add_worksheet(_(READ_ME)), look, [_row_of(table) for table in TABLES.values()])
        lists = _Lists(book)
        for table in TABLES.values():
            _Sheet(book, look, table, lists).write()
        lists.write()
    return content.getvalue()


def _row_of(table: Table) -> tuple[str, str, str]:
    """Sheet, what a row of it is, and who needs it, for the guide."""
    needed = {"accounts": _("required"), "contracts": _("required, or monthly MRR instead")}
    title = "" if current() == "ja" else _(table.label_en) + ": "
    return table.local_name, title + _(table.grain), needed.get(table.name, _("optional"))


class _Lists:
    """The hidden sheet that holds the allowed values of the dropdowns, a column per list."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._lists: list[tuple[str, ...]] = []

    def source(self, values: tuple[str, ...]) -> str:
        """The range that a dropdown refers to."""
        if values not in self._lists:
            self._lists.append(values)
        letter = chr(ord("A") + self._lists.index(values))
        return f"={LISTS}!${letter}$1:${letter}${len(values)}"

    def write(self) -> None:
        """The sheet itself, hidden, behind all others."""
        sheet = self._book.add_worksheet(LISTS)
        for place, values in enumerate(self._lists):
            sheet.write_column(0, place, values)
        sheet.hide()


@dataclass(frozen=True)
class _Sheet:
    """A table of the template on its sheet."""

    book: Any
    look: Look
    table: Table
    lists: _Lists

    def write(self) -> None:
        """Header, notes, example, formats and checks."""
        name = self.table.local_name
        sheet = self.book.add_worksheet(name)
        sheet.set_tab_color(self.look.accent if self.table.name in ("accounts", "contracts") else self.look.pale)
        sheet.freeze_panes(1, 1)
        sheet.set_default_row(18)
        sheet.set_row(0, 30)
        sheet.set_row(1, 20)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_comments_author("cs-analysis")
        texts = dict(zip(self.table.names, example_row(self.table), strict=True))
        for place, column in enumerate(self.table.columns):
            self._column(sheet, place, column, texts[column.name])
        if self.table.name == "accounts":
            ids = f"OFFSET('{name}'!$A$1,1,0,MAX(1,COUNTA('{name}'!$A:$A)-1),1)"
            self.book.define_name("account_ids", f"={ids}")

    def _column(self, sheet: Any, place: int, column: Column, example: str) -> None:
        pattern = self._pattern(column)
        sheet.set_column(place, place, self._width(column), self.look.cell(pattern))
        sheet.write_string(0, place, header(column), self.look.required if column.required else self.look.optional)
        note = self._note(column)
        lines = sum(1 + len(line) // (22 if current() == "ja" else 38) for line in note.split("\n"))
        sheet.write_comment(0, place, note, {"width": 290, "height": 16 + 19 * lines, "font_size": 9})
        self._example(sheet, place, column, example, pattern)
        if check := self._check(column):
            sheet.data_validation(1, place, LAST_ROW, place, check)

    @staticmethod
    def _pattern(column: Column) -> str | int:
        """Ids as text; no number format where a typed 1:30 has to become a time; days in the form that a CSV keeps."""
        patterns: dict[str, str | int] = {
            "id": TEXT_FORMAT,
            "date": "yyyy-mm-dd",
            "month": "yyyy-mm",
            "money": "#,##0" if current() == "ja" else "#,##0.00",
            "count": "0",
            "score": "0",
        }
        return patterns.get(column.type, "General")

    @staticmethod
    def _width(column: Column) -> int:
        if column.name in _WIDE:
            return 34
        named = header(column)
        return max(_WIDTHS.get(column.type, 18), 4 + len(named) * (2 if current() == "ja" else 1))

    def _example(self, sheet: Any, place: int, column: Column, text: str, pattern: str | int) -> None:
        style = self.look.example(pattern)
        if not text:
            sheet.write_blank(1, place, None, style)
        elif place == 0:
            sheet.write_string(1, place, text, self.look.example(TEXT_FORMAT))
        elif column.type == "date":
            sheet.write_datetime(1, place, datetime.fromisoformat(text), style)
        elif column.type == "month":
            sheet.write_datetime(1, place, datetime.fromisoformat(text + "-01"), style)
        elif column.type in ("money", "number", "count", "hours", "score"):
            sheet.write_number(1, place, float(text), style)
        else:
            sheet.write_string(1, place, text, style)

    def _note(self, column: Column) -> str:
        """What a column means, its unit, an example, and what it may hold, a line each."""
        said = [_(column.description), _("Form: {form}").format(form=_(_KINDS[column.type]))]
        if column.unit:
            said.append(_("Unit: {unit}").format(unit=_(column.unit)))
        if values := _values(column):
            said.append(_("Values: {values}").format(values=" / ".join(values)))
        if example := example_text(self.table, column):
            said.append(_("Example: {example}").format(example=example))
        if column.required:
            said.append(_("Required: no cell of it may be blank."))
        elif any(column.name in group for group in self.table.any_of):
            instead = next(group for group in self.table.any_of if column.name not in group)
            names = " + ".join(header(c) for name in instead if (c := self.table.column(name)))
            said.append(_("Required, unless this is given instead: {columns}.").format(columns=names))
        return "\n".join(said)

    def _check(self, column: Column) -> dict[str, Any] | None:
        """What Excel is to check in a column; where other forms are allowed too it only asks."""
        if column.name == "account_id" and self.table.name != "accounts":
            about = _("This id is not on the sheet {sheet}. Keep it all the same?").format(
                sheet=TABLES["accounts"].local_name
            )
            return {"validate": "list", "source": "=account_ids", **_told(about, "warning")}
        if values := _values(column):
            about = _("Choose one of the values in the list.")
            kind = "stop" if column.type in ("choice", "flag") else "information"
            return {"validate": "list", "source": self.lists.source(values), **_told(about, kind)}
        if self.table.key == (column.name,) and column.type == "id":
            letter = chr(ord("A") + self.table.names.index(column.name))
            once = f"=COUNTIF(${letter}:${letter},{letter}2)=1"
            return {"validate": "custom", "value": once, **_told(_("This id stands in another row already."), "stop")}
        if column.type in ("date", "month"):
            about = _("Enter a day of the years 1900 to 2199, for example 2024-04-01.")
            if column.type == "month":
                about = _("Enter a month as year-month, for example 2024-04.")
            span = {"minimum": date(1900, 1, 1), "maximum": date(2199, 12, 31)}
            kind = "stop" if column.type == "date" else "warning"
            return {"validate": "date", "criteria": "between", **span, **_told(about, kind)}
        return _number_check(column)


def _values(column: Column) -> tuple[str, ...]:
    """The values of a dropdown, in the language in force."""
    if column.type == "flag":
        return (_("yes"), _("no"))
    return tuple(column.choices.values() if current() == "ja" else column.choices)


def _number_check(column: Column) -> dict[str, Any] | None:
    if column.type not in ("money", "number", "count", "hours", "score"):
        return None
    low = -1e15 if column.minimum is None else column.minimum
    high = 1e15 if column.maximum is None else column.maximum
    whole = column.type in ("count", "score")
    about = _("Enter a whole number.") if whole else _("Enter a number.")
    if column.type == "hours":
        about = _("Enter a time such as 1.5 or 1:30.")
    if column.maximum is not None:
        bounds = _("It lies between {low} and {high}.").format(low=f"{low:g}", high=f"{high:g}")
        about = f"{about} {bounds}" if current() == "en" else about + bounds
    kind = "warning" if column.type == "hours" else "stop"
    return {
        "validate": "integer" if whole else "decimal",
        "criteria": "between",
        "minimum": int(low) if whole else low,
        "maximum": int(high) if whole else high,
        **_told(about, kind),
    }


def _told(about: str, kind: str) -> dict[str, str]:
    """How Excel speaks up; at most 255 characters."""
    return {"error_title": _("Please check"), "error_message": about[:255], "error_type": kind}
