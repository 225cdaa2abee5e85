"""The first sheet of a template, which says how to fill it in, and the looks that all its sheets share."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from cs_analysis.data.templates.marks import MARKS
from cs_analysis.display.language import _, current
from cs_analysis.errors import N_

VERSION = "1"  # goes up when a table or a column is added, renamed or taken away
MADE = datetime(2000, 1, 1)  # the clock must not show: the same schema gives the same bytes
_RULES = (
    N_("Fill in the sheets accounts and contracts first. The others are optional: each brings pages of the report to "
       "life. Leave a sheet blank if you have nothing for it."),
    N_("One row per record, from row 2 on, without blank rows, totals or merged cells. Headers and sheet names stay as "
       "they are; the order of the columns does not matter."),
    N_("The row marked {mark} shows what belongs where. It is never read: delete it or leave it."),
    N_("A column marked * must be filled in every row. Point at a header to read what it means."),
    N_("The account id ties the sheets together: write it alike everywhere. Leading zeros are kept."),
    N_("End dates are the last day of service: a contract until 31 March is served on that day. A blank end is still "
       "going on."),
    N_("Amounts are without tax and in one currency, as plain numbers. Revenue is per month; an annual price goes into "
       "amount, with 12 in billing_months."),
    N_("You may add columns of your own at the right, such as a plan or a region; the report can be split by them."),
    N_("What you do not know stays blank. Do not write 0, a dash or “unknown”. Only a blank end date means something: "
       "the contract goes on. If a customer has left and the day is not known, ask before you send the file."),
    N_("Save it as an Excel workbook (.xlsx) or, sheet by sheet, as CSV, and put it into the folder data. Then "
       "cs-analysis check lists every fault with its cell."),
)  # fmt: skip


class Look:
    """The formats of a template: few colours, and never colour alone."""

    accent, pale, ink, paper = "#1F4E79", "#D6E0EA", "#1B1F24", "#FFF7DB"

    def __init__(self, book: Any) -> None:
        self._book = book
        frame = {"border": 1, "border_color": "#B8C4D0", "valign": "vcenter"}
        self.required = self.style(bold=True, font_color="#FFFFFF", bg_color=self.accent, text_wrap=True, **frame)
        self.optional = self.style(bold=True, font_color=self.ink, bg_color=self.pale, text_wrap=True, **frame)
        self.title = self.style(bold=True, font_size=18, font_color=self.accent)
        self.heading = self.style(bold=True, font_size=12, font_color=self.accent, bottom=1, bottom_color=self.accent)
        self.small = self.style(font_size=9, font_color="#5B6570")
        self.prose = self.style(text_wrap=True, valign="vcenter")
        self.number = self.style(font_color=self.accent, bold=True, valign="vcenter", align="center")
        self.boxed = self.style(text_wrap=True, **frame)
        self.link = self.style(font_color=self.accent, underline=1, **frame)
        self.cell = cache(lambda pattern: self.style(num_format=pattern))
        self.example = cache(
            lambda pattern: self.style(
                num_format=pattern, font_color="#6B5B1E", bg_color=self.paper, valign="vcenter",
                bottom=1, bottom_color="#E0CF8A",
            )
        )  # fmt: skip

    def style(self, **properties: Any) -> Any:
        """A format of the workbook, in the font of its language."""
        font = "Yu Gothic" if current() == "ja" else "Calibri"
        return self._book.add_format({"font_name": font, "font_size": 11, **properties})


def write_guide(sheet: Any, look: Look, tables: list[tuple[str, str, str]]) -> None:
    """The guide: how to fill in, what the colours mean, and the sheets with what a row of each is.

    Parameters
    ----------
    sheet
        The worksheet, empty.
    look
        The workbook's formats.
    tables
        Name of the sheet, what a row of it is, who needs it.
    """
    sheet.hide_gridlines(2)
    sheet.set_tab_color(look.accent)
    sheet.set_portrait()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    for column, width in enumerate((5, 24, 62, 30)):
        sheet.set_column(column, column, width)
    sheet.set_row(0, 34)
    sheet.write_string(0, 1, _("Customer Success data: template"), look.title)
    sheet.write_string(1, 1, _("Template version {version}").format(version=VERSION), look.small)
    line = _rules(sheet, look, 3)
    line = _legend(sheet, look, line + 1)
    _tables(sheet, look, line + 1, tables)


def _head(sheet: Any, look: Look, line: int, text: str) -> int:
    for column in (1, 2, 3):
        sheet.write_blank(line, column, None, look.heading)
    sheet.write_string(line, 1, text, look.heading)
    return line + 1


def _rules(sheet: Any, look: Look, line: int) -> int:
    line = _head(sheet, look, line, _("How to fill it in"))
    per_line = 54 if current() == "ja" else 105
    for number, rule in enumerate(_RULES, start=1):
        text = _(rule).format(mark=MARKS[current()].strip()) if "{mark}" in rule else _(rule)
        sheet.set_row(line, 20 * (1 + len(text) // per_line))
        sheet.write_number(line, 0, number, look.number)
        sheet.merge_range(line, 1, line, 3, text, look.prose)
        line += 1
    return line


def _legend(sheet: Any, look: Look, line: int) -> int:
    line = _head(sheet, look, line, _("What the colours mean"))
    shown = (
        (look.required, _("Header *"), _("Required: fill it in in every row.")),
        (look.optional, _("Header"), _("Optional: fill it in where you know it.")),
        (look.example("General"), MARKS[current()].strip(), _("The example row, which is not read.")),
    )
    for style, sample, meaning in shown:
        sheet.set_row(line, 20)
        sheet.write_string(line, 1, sample, style)
        sheet.merge_range(line, 2, line, 3, meaning, look.boxed)
        line += 1
    return line


def _tables(sheet: Any, look: Look, line: int, tables: list[tuple[str, str, str]]) -> None:
    line = _head(sheet, look, line, _("The sheets"))
    for column, text in enumerate((_("Sheet"), _("What a row is"), _("Needed?")), start=1):
        sheet.write_string(line, column, text, look.optional)
    for offset, (name, grain, needed) in enumerate(tables, start=1):
        sheet.set_row(line + offset, 20)
        sheet.write_url(line + offset, 1, f"internal:'{name}'!A1", look.link, name)
        sheet.write_string(line + offset, 2, grain, look.boxed)
        sheet.write_string(line + offset, 3, needed, look.boxed)
