"""A delimited text file as a grid of cells: its encoding, its delimiter and its rows, or a sentence that refuses it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from cs_analysis.data.reading.cells import Grid, where
from cs_analysis.errors import N_, InputError

_NOT_TEXT = N_("The file {file} is not text that can be read; save it as CSV UTF-8.")
_SEPARATOR = re.compile(r"\ufeff?\"?sep=(.)\"?\r?\n?", re.IGNORECASE)  # Excel's own hint in the first line
_LARGEST_CELL = 2**31 - 1  # letters; the 131,072 of the csv module are soon reached by a pasted mail
_END_OF_DOS = "\x1a"  # Ctrl-Z, which old programs write at the end of a text
_OPEN_QUOTE = re.compile("unexpected end of data|EOF inside string")


def read_text(content: bytes, file: str, count_known: Callable[[list[str]], int]) -> Grid:
    """The rows of a delimited text file, every cell as it is written.

    Parameters
    ----------
    content, file
        The bytes of the file, and its name for the errors.
    count_known
        How many of some texts are headers of the table; it decides between delimiters.

    Raises
    ------
    InputError
        When the file is not such a text, is empty, or opens a quote that it never closes.
    """
    text = decode(content, file).rstrip(_END_OF_DOS)
    if not text.strip("\ufeff \t\r\n,;"):
        raise InputError(N_("The file {file} is empty; fill it in or remove it."), file=file)
    hint = _SEPARATOR.match(text)
    delimiter = hint[1] if hint else _delimiter(text, count_known)
    first = 2 if hint else 1
    body = text[hint.end() :] if hint else text
    cells = _regular(body, delimiter)
    if cells is not None and count_known(list(cells.iloc[0])) > 1:
        if len(cells) < len(body.rstrip("\r\n").splitlines()) and _spans_rows(cells, delimiter):
            _ragged(body, delimiter, file)  # the fast reader forgives a quotation mark in the middle of a row
        return Grid(cells, np.arange(first, first + len(cells)), delimiter=delimiter)
    rows = _ragged(body, delimiter, file)
    width = max(map(len, rows), default=0)
    cells = pd.DataFrame([row + [""] * (width - len(row)) for row in rows], dtype=object)
    lengths = [len(row) for row in rows]
    return Grid(cells, np.arange(first, first + len(cells)), lengths=lengths, delimiter=delimiter)


def _regular(text: str, delimiter: str) -> pd.DataFrame | None:
    """The cells by pandas' fast reader, or None where a row is longer than the first one."""
    try:
        return pd.read_csv(
            io.StringIO(text, newline=""), sep=delimiter, header=None, dtype=str, na_filter=False,
            skip_blank_lines=False, quoting=csv.QUOTE_MINIMAL,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        return None


def _spans_rows(cells: pd.DataFrame, delimiter: str) -> bool:
    """Whether a cell holds a line break and a delimiter, as one that swallowed a row does."""
    return any(where(cells[c], lambda t: "\n" in t and delimiter in t).any() for c in cells)


def _ragged(text: str, delimiter: str, file: str) -> list[list[str]]:
    """Rows of any length, by the slow reader."""
    csv.field_size_limit(_LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    began = 1
    try:
        for row in reader:
            rows.append(row)
            began = len(rows) + 1
    except csv.Error as error:
        if _OPEN_QUOTE.search(str(error)):
            raise InputError(
                N_("In {file}, row {row} opens a quotation mark that is never closed; close or remove it."),
                file=file, row=began,
            ) from None  # fmt: skip
        raise InputError(
            N_("The file {file} cannot be read as a table: row {row} has text after a closing quotation mark; "
               "remove the mark, or write it twice."),
            file=file, row=began,
        ) from None  # fmt: skip
    return rows


def _delimiter(text: str, count_known: Callable[[list[str]], int]) -> str:
    """The delimiter by which most headers are known in one of the first lines, else that of the first line with one."""
    lines = text[:20_000].splitlines()[:30]
    known = {d: max(count_known([c.strip('" ') for c in line.split(d)]) for line in lines) for d in ",\t;"}
    best = max(known, key=lambda d: known[d])
    if known[best] > 1:
        return best
    for line in lines:
        bare = "".join(line.split('"')[::2])
        counts = {d: bare.count(d) for d in ",\t;"}
        most = max(counts, key=lambda d: counts[d])
        if counts[most]:
            return most
    return ","


# ----------------------------------------------------------------------------------------------------------- encoding


def decode(content: bytes, file: str) -> str:
    """The text of a file: by its byte order mark, else UTF-16 if it looks so, else strict UTF-8, else cp932."""
    _refuse_other_kinds(content, file)
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or b"\x1b$" in content:
        raise InputError(_NOT_TEXT, file=file)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif _looks_wide(content[:2000]):
        zeros = [content[:2000:2].count(0), content[1:2000:2].count(0)]  # the upper halves of Latin letters and commas
        encodings = ["utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp932"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8-sig":
                _refuse_broken_utf8(content, error.start, file)
            continue
        if "\0" not in text and not (encoding == "cp932" and _is_mistaken(content, text)):
            return text
    raise InputError(_NOT_TEXT, file=file)


def _looks_wide(start: bytes) -> bool:
    """Whether one byte in twenty is zero, as in UTF-16; a single one is a slip in a text of another kind."""
    return 20 * start.count(0) > len(start)


def _refuse_other_kinds(content: bytes, file: str) -> None:
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"pk\x03\x04"):
        raise InputError(
            N_("The file {file} is an Excel workbook or a zip file and no text; give it the ending .xlsx, or save it "
               "as CSV UTF-8."), file=file,
        )  # fmt: skip
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(
            N_("The file {file} is an old Excel workbook and no text; open it in Excel and save it as .xlsx or as "
               "CSV UTF-8."), file=file,
        )  # fmt: skip
    if start.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"<?xml")):
        raise InputError(
            N_("The file {file} is a web page or XML and no table of text; open it in Excel and save it as .xlsx or as "
               "CSV UTF-8."), file=file,
        )  # fmt: skip


def _refuse_broken_utf8(content: bytes, where: int, file: str) -> None:
    """Text that is UTF-8 but for a few bytes would be rubbish in any other encoding."""
    text = content.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    sound = sum(letter > "\x7f" for letter in text) - lost
    if sound >= 5 * lost:
        row = len(content[:where].splitlines()) or 1
        raise InputError(
            N_("The file {file} is UTF-8 text, but row {row} holds a broken letter; correct it, or export it again."),
            file=file, row=row,
        )  # fmt: skip


# in cp932, an accented letter of cp1252 and the letter after it make one kanji
_ACCENTED = re.compile(rb"[\xc0-\xfc][a-z]")


def _is_mistaken(content: bytes, text: str) -> bool:
    """Whether what cp932 reads as Japanese is rather EUC-JP or a Western European text: both are refused."""
    foreign = [letter for letter in text[:100_000] if letter > "\x7f"]
    if 2 * sum("\uff61" <= letter <= "\uff9f" for letter in foreign) > len(foreign):
        try:
            content.decode("euc_jp")
        except UnicodeDecodeError:
            return False
        return True
    pairs = _ACCENTED.findall(content[:100_000])
    return len(pairs) >= max(1, len(foreign)) and bool(re.search(rb"[A-Za-z][\xc0-\xfc][a-z]", content[:100_000]))
