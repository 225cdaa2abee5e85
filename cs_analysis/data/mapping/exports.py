"""What exporting systems put around and between the rows of a table, taken away before the columns are looked at.

- The footer of a Salesforce report: after a blank line its name, a line of copyright and who made it when, each in
  the first column alone. It is known by its own words, so no row of a client's is ever taken for one.
- Notes below a sheet that is kept by hand (※10月から値上げ), and rows of a wide sheet without an amount in any month.
- Records that go over several rows (a kintone record with a table in it, a cell merged over several rows): the fields
  of the record stand in its first row and are blank below, until `fill_down` writes them there again.
"""

from __future__ import annotations

import re

import pandas as pd

from cs_analysis.data.problems import NOTE, WARNING, Problems
from cs_analysis.data.reading.read import ROW, Source
from cs_analysis.errors import N_

_FOOTER = re.compile(
    r"(?:copyright|著作権|©|\(c\)).{0,40}salesforce(?:\.com)?|^confidential information\s*-\s*do not distribute$"
    r"|^機密情報\s*[-–—ー]\s*(?:配布|転載|開示)",
    re.IGNORECASE,
)


# how a note begins, or what it is about
_NOTE = re.compile(
    r"^\s*(?:[※＊*■●◆・#]|[(（]?注(?:[:：)）\d]|意|記)|備考|以上\s*$"
    r"|(?:出典|作成|更新|出力|抽出|印刷|集計|担当|単位|メモ|note|source)[^:：]{0,10}[:：])",
    re.IGNORECASE,
)


def without_footer(frame: pd.DataFrame, source: Source, problems: Problems) -> pd.DataFrame:
    """The table without the footer of a report; the rows taken away are counted and listed.

    Examples
    --------
    >>> rows = ["A1", "Renewals", "Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."]
    >>> frame = pd.DataFrame({"Account ID": rows, "Amount": ["5", "", ""], "__row__": [2, 5, 6]})
    >>> without_footer(frame, Source("report.csv"), Problems())["Account ID"].tolist()
    ['A1']
    """
    columns = [c for c in frame.columns if c != ROW]
    if not len(frame) or not columns:
        return frame
    alone = _alone(frame)
    n_last = int(alone.iloc[::-1].cumprod().sum())  # rows at the end in which the first column stands alone
    tail = frame.iloc[len(frame) - n_last :]
    marks = tail[columns[0]].str.strip().str.contains(_FOOTER)
    if not marks.any():
        return frame
    first_mark = int(marks.to_numpy().argmax())
    numbers = frame[ROW].to_numpy()
    position = len(frame) - n_last + first_mark
    # the footer begins after a blank line; without one, with the first line that is known
    begin = next(
        (i for i in range(len(frame) - n_last, position + 1) if i == 0 or numbers[i] - numbers[i - 1] > 1), position
    )
    cut = frame.iloc[begin:]
    problems.add(
        NOTE, source,
        N_("{count} rows at the end (rows {first} to {last}) are a report's footer, not data; they are set aside."),
        "",
        count=len(cut), first=int(cut[ROW].iloc[0]), last=int(cut[ROW].iloc[-1]),
    )  # fmt: skip
    return frame.iloc[:begin]


def _alone(frame: pd.DataFrame) -> pd.Series:
    """Rows in which nothing but the first column is filled."""
    columns = [c for c in frame.columns if c != ROW]
    return (frame[columns[0]] != "") & (frame[columns[1:]] == "").all(axis=1)


def without_notes(frame: pd.DataFrame, source: Source, problems: Problems) -> pd.DataFrame:
    """A table of a client's own without the notes at its end, in which the first column stands alone; each is listed.

    They hold no amount, and would pass for accounts. They begin with a row that reads like a note, or after a blank
    line; an account of which no more than its id is known stays.

    Examples
    --------
    >>> frame = pd.DataFrame({"顧客": ["A1", "A2", "※値上げ"], "4月": ["5", "", ""], "__row__": [2, 3, 4]})
    >>> without_notes(frame, Source("sales.csv"), Problems())["顧客"].tolist()
    ['A1', 'A2']
    """
    if len(frame.columns) < 3 or not len(frame):
        return frame
    header = next(c for c in frame.columns if c != ROW)
    last = _alone(frame).iloc[::-1].cumprod().iloc[::-1].astype(bool)
    like_notes = frame[header].str.contains(_NOTE)
    below = last & (last & (like_notes | (frame[ROW].diff() > 1))).cummax()
    for rows, severity, action in (
        (frame[below & like_notes], NOTE, ""),
        (frame[below & ~like_notes], WARNING, N_("If it belongs to the data, fill in its other columns.")),
    ):
        if len(rows):
            problems.add(
                severity, source, N_("Nothing but “{value}” stands in this row at the end; it is set aside."), action,
                rows=rows[ROW], column=header, values=rows[header],
            )  # fmt: skip
    return frame[~below]


def without_blank_months(frame: pd.DataFrame, months: list[str], source: Source, problems: Problems) -> pd.DataFrame:
    """A sheet with one column per month without the rows that have no amount in any of them; they are counted."""
    if not months:
        return frame
    blank = (frame[months].apply(lambda texts: texts.str.strip()) == "").all(axis=1)
    if blank.any():
        problems.add(
            NOTE, source, N_("{count} rows have no amount in any month; they are left out."), "", count=int(blank.sum())
        )
    return frame[~blank]


def fill_down(frame: pd.DataFrame, columns: list[str], record_start: str | None) -> pd.DataFrame:
    """Blank cells of these columns with the value above them, but never from one record into the next.

    Parameters
    ----------
    frame
        Texts.
    columns
        The columns to fill.
    record_start
        The column that is filled in the first row of a record and blank in its others; None = every row that has a
        value in the first of `columns` begins a record.

    Examples
    --------
    >>> frame = pd.DataFrame({"start": ["*", "", "*", ""], "id": ["1", "", "2", ""], "phone": ["x", "", "", ""]})
    >>> fill_down(frame, ["id", "phone"], "start").values.tolist()
    [['*', '1', 'x'], ['', '1', 'x'], ['*', '2', ''], ['', '2', '']]
    """
    if not columns:
        return frame
    begins = frame[record_start or columns[0]].str.strip() != ""
    record = begins.cumsum()
    filled = {}
    for name in columns:
        texts = frame[name].mask(frame[name].str.strip() == "")
        filled[name] = texts.groupby(record).ffill().where(record.gt(0), texts).fillna("")
    return frame.assign(**filled)
