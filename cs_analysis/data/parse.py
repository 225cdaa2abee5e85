"""Text into types: dates, months, amounts, hours, flags and choices as clients write them.

Each distinct text of a column is read once: first by a fast path for plain ISO dates and plain numbers, the rest by a
tolerant reader that knows how Japanese and English staff write. Nothing is guessed: what cannot be read, and what can
be read in two ways, comes back as a fault of its row, and the value stays missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cs_analysis.data.faults import (
    CHOICE,
    COMMA,
    CURRENCY,
    FLAG,
    HOURS,
    NIGHT,
    NO_SCORE,
    NUMBER,
    PERCENT,
    POINT,
    SCORE,
    WHOLE,
    Unreadable,
    Wrong,
    slowly,
)
from cs_analysis.data.parse_dates import read_dates, read_months
from cs_analysis.data.widths import tidy, tidy_id


class Parsed(NamedTuple):
    """The typed column, the faults of the rows that could not be read, and the texts that were put into another form.

    `faults` and `changed` carry the labels of the column's index; `changed` holds the texts as they were written.
    """

    values: pd.Series
    faults: pd.Series
    changed: pd.Series


def parse(values: pd.Series, kind: str, *, choices: Mapping[str, str] | None = None, currency: str = "JPY") -> Parsed:
    """A column of text as a column of its type, with a fault for each row that cannot be read.

    Parameters
    ----------
    values
        Text; an empty or blank text is a missing value.
    kind
        The column type of the schema: id, text, date, month, money, number, count, hours, rate, flag, score, choice.
    choices
        English key → Japanese label; the only values of a "choice", recognised in a "text".
    currency
        The currency in which amounts are expected: a mark of another one is a fault.

    Returns
    -------
    Dates and months as datetime64[ns] (NaT missing), numbers as float64 (NaN missing), ids, texts, choices and flags
    as objects (None missing).

    Examples
    --------
    >>> parsed = parse(pd.Series(["令和6年4月1日", "2024/4/1", "03/04/2024", ""]), "date")
    >>> parsed.values.dt.strftime("%Y-%m-%d").tolist()
    ['2024-04-01', '2024-04-01', nan, nan]
    >>> parsed.faults[2].problem.format(value="03/04/2024")
    '“03/04/2024” is ambiguous: it could be day/month or month/day.'
    >>> parse(pd.Series(["△1,200", "(¥300)", "12万円"]), "money").values.tolist()
    [-1200.0, -300.0, 120000.0]
    """
    codes, distinct = pd.factorize(values)
    tidied = tidy_id if kind == "id" else tidy
    texts = [tidied(str(t)) for t in distinct]
    read, wrong = _READERS[kind](texts, choices or {}, currency)
    typed = pd.Series(read.take(codes), index=values.index, name=values.name)
    if (codes < 0).any():
        typed[codes < 0] = None
    faulty = np.isin(codes, list(wrong)) if wrong else np.zeros(len(values), bool)
    faults = pd.Series([wrong[c] for c in codes[faulty]], index=values.index[faulty], dtype=object)
    read_well = (i for i, t in enumerate(texts) if t and i not in wrong)
    changed = [i for i in read_well if not _is_plain(str(distinct[i]), texts[i], kind)]
    return Parsed(typed, faults, values[np.isin(codes, changed)] if changed else values.iloc[:0])


# ------------------------------------------------------------------------------------------------------- other forms


_PLAIN_FORMS = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "month": re.compile(r"\d{4}-\d{2}(-\d{2})?"),
    "hours": re.compile(r"-?\d+(\.\d+)?|\d{1,4}:[0-5]\d(:[0-5]\d)?"),
    **dict.fromkeys(("money", "number", "count", "rate", "score"), re.compile(r"[¥$€£]?-?\d+(\.\d+)?")),
}


def _is_plain(written: str, tidied: str, kind: str) -> bool:
    """Whether a text stands as it is, or was put into another form."""
    form = _PLAIN_FORMS.get(kind)
    return written == tidied if form is None else form.fullmatch(written) is not None


def mixed_percent(texts: pd.Series, groups: pd.Series | None = None) -> pd.Series:
    """The plain numbers that stand beside percentages (in their group): which of the two they are, nobody can say.

    >>> mixed_percent(pd.Series(["45%", "45", "0", "7"]), pd.Series(["use", "use", "use", "logins"])).tolist()
    [False, True, False, False]
    """
    plain = texts.map({t: unicodedata.normalize("NFKC", str(t)).strip() for t in texts.unique()}).astype(object)
    percent = plain.str.endswith("%")
    group = groups if groups is not None else pd.Series(0, index=texts.index)
    there = percent.groupby(group).transform("any").astype(bool)
    return there & ~percent & ~plain.str.fullmatch(r"[-+]?0*(\.0*)?")


# ---------------------------------------------------------------------------------------------------------- numbers

_PLAIN = r"^-?\d+(\.\d+)?([eE][+-]?\d{1,3})?$"
_SIGN = r"[-−‐‑–△▲+]"
_NUMBER = re.compile(
    rf"(?P<sign>{_SIGN}?)\s*(?P<before>[¥\\$€£]|[A-Z]{{3}})?\s*(?P<inner>{_SIGN}?)\s*"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)\s*"
    r"(?P<scale>千|万|百万|億)?\s*(?P<after>円|%|[¥$€£]|[A-Z]{3})?"
)
_EUROPEAN = re.compile(rf"{_SIGN}?\d+(?:\.\d{{3}})*,\d+")
_WHOLE_UNITS = ("JPY", "KRW", "VND")  # currencies without decimals: 100.000 is how Europe writes a hundred thousand
_POINTS = re.compile(r"[-−△▲]?[¥￥]?[1-9]\d{0,2}(\.\d{3})+円?")
# 100000¹ is a footnote, and ① its sign; made plain they would be digits of the number
_SMALL_DIGITS = re.compile("[²³¹⁰⁴-⁹₀-₉①-⓿❶-➓㉈-㉏㉑-㉟㊱-㊿]")
_SCALES = {None: 1, "千": 1e3, "万": 1e4, "百万": 1e6, "億": 1e8}
_MARKS = {
    "¥": ("JPY", "CNY"), "円": ("JPY",), "\\": ("JPY",),  # a file in cp932 has the yen sign where others have \
    "€": ("EUR",), "£": ("GBP",),
    "$": ("USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD", "MXN"),
}  # fmt: skip


def _read_number(text: str, kind: str, currency: str) -> float:
    bracketed = text.startswith("(") and text.endswith(")")
    found = _NUMBER.fullmatch(text[1:-1].strip() if bracketed else text)
    if not found:
        raise Unreadable(COMMA if _EUROPEAN.fullmatch(text) else NUMBER)
    marks = [m for m in (found["before"], found["after"]) if m and m != "%"]
    signs = [s for s in (found["sign"], found["inner"]) if s]
    percent = found["after"] == "%"
    if len(signs) + bracketed > 1 or (marks and kind != "money") or (percent and kind not in ("rate", "number")):
        raise Unreadable(NUMBER)
    if any(currency not in _MARKS.get(mark, (mark,)) for mark in marks):
        raise Unreadable(CURRENCY)
    size = float(found["digits"].replace(",", "")) * _SCALES[found["scale"]] / (100 if percent else 1)
    return -size if bracketed or (signs and signs[0] != "+") else size


def _plain_numbers(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The plain numbers, to the last bit (pandas' own reader is off in the last digit), and the positions left."""
    array = pa.array(texts, pa.string())
    plain = pc.match_substring_regex(array, _PLAIN)  # type: ignore[attr-defined]
    out = np.full(len(texts), np.nan)
    mask = plain.to_numpy(zero_copy_only=False).astype(bool)
    out[mask] = pc.cast(array.filter(plain), pa.float64()).to_numpy(zero_copy_only=False)
    return out, np.flatnonzero(~np.isfinite(out))


def _points(texts: list[str]) -> Wrong:
    """Amounts like 100.000, where one of them ends with a 0: nobody, and no program, writes decimals to say nothing."""
    found = [i for i, text in enumerate(texts) if "." in text and _POINTS.fullmatch(text)]
    return dict.fromkeys(found, POINT) if any(texts[i].rstrip("円").endswith("0") for i in found) else {}


def _numbers(kind: str) -> Callable[[list[str], Mapping[str, str], str], tuple[np.ndarray, Wrong]]:
    def read(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
        out, todo = _plain_numbers(texts)
        wrong = slowly(texts, todo, lambda t: _read_number(t, kind, currency), out)
        wrong |= {int(i): NUMBER for i in todo if _SMALL_DIGITS.search(texts[i])}
        if kind == "money" and currency in _WHOLE_UNITS:
            wrong |= _points(texts)
        if kind == "count":
            wrong |= {int(i): WHOLE for i in np.flatnonzero(np.isfinite(out) & (out != np.floor(out)))}
        if kind == "rate":
            plain = np.setdiff1d(np.arange(len(texts)), todo)
            wrong |= {int(i): PERCENT for i in plain if abs(out[i]) > 1}
        out[list(wrong)] = np.nan
        return out, wrong

    return read


_SCORE = re.compile(r"(?P<score>\d{1,3}(?:\.\d+)?)\s*(?:点|points?|pts?|/\s*10)?", re.I)
_NOT_SAID = frozenset(
    ("n/a", "na", "n.a.", "none", "null", "nan", "-", "–", "―", "ー", "—", "no answer", "no response", "無回答",
     "未回答", "回答なし", "なし", "無し", "該当なし", "わからない", "不明")
)  # fmt: skip


def _read_score(text: str) -> float:
    if text.casefold() in _NOT_SAID:
        raise Unreadable(NO_SCORE)
    if found := _SCORE.fullmatch(text):
        return float(found["score"])
    raise Unreadable(SCORE)


def _read_scores(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
    out, todo = _plain_numbers(texts)
    wrong = slowly(texts, todo, _read_score, out)
    # an average is nobody's answer; 11 is left to the range of the column
    wrong |= {int(i): WHOLE for i in np.flatnonzero(np.isfinite(out) & (out != np.floor(out)))}
    out[list(wrong)] = np.nan
    return out, wrong


_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d)(?:\.0+)?)?")
_WORDS = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)\s*(?:時間|hours?|hrs?|h))?\s*(?:(?P<m>\d+(?:\.\d+)?)\s*(?:分|minutes?|mins?|m))?", re.I
)
_TIME = r"(?P<{name}>\d{{1,2}})(?::(?P<{name}_m>[0-5]\d)(?::[0-5]\d)?|時(?:(?P<{name}_k>[0-5]?\d)分)?)"
_PAIR = re.compile(
    _TIME.format(name="start") + r"\s*(?:[-~〜‐‑‒–—―−ー→]|から|to)\s*" + _TIME.format(name="end") + "(?:まで)?"
)
_BETWEEN_PAIRS = re.compile(r"\s*[,、;\n]\s*")
LATEST = 30  # 25:30 is half past one at night, as shifts are written in Japan
LONGEST_NIGHT = 12.0  # hours; a longer stretch across midnight is rather a slip of the pen


def across_midnight(start: float, end: float) -> float:
    """Hours from one time of day to another, over midnight where the end is the earlier one; nan beyond 12 hours.

    >>> across_midnight(10, 11.5), across_midnight(22, 1.5), across_midnight(18, 9)
    (1.5, 3.5, nan)
    """
    spent = end - start
    if spent < 0:
        spent += 24
        return spent if spent <= LONGEST_NIGHT else float("nan")
    return spent


def _read_span(text: str) -> float:
    """One or more pairs of start and end: 10:00-11:30, 22:00~1:30, 9時~10時30分."""
    total = 0.0
    for part in _BETWEEN_PAIRS.split(text):
        found = _PAIR.fullmatch(part)
        if not found:
            raise Unreadable(HOURS)
        start, end = (int(found[n]) + int(found[n + "_m"] or found[n + "_k"] or 0) / 60 for n in ("start", "end"))
        if max(start, end) > LATEST or start == end:
            raise Unreadable(HOURS)
        spent = across_midnight(start, end)
        if spent != spent:
            raise Unreadable(NIGHT)
        total += spent
    return round(total, 6)


def _read_hour(text: str) -> float:
    if _PAIR.match(text):
        return _read_span(text)
    if found := _CLOCK.fullmatch(text):
        return int(found[1]) + int(found[2]) / 60 + int(found[3] or 0) / 3600
    if text and (found := _WORDS.fullmatch(text)):
        return float(found["h"] or 0) + float(found["m"] or 0) / 60
    try:
        return _read_number(text, "hours", "")
    except Unreadable as unreadable:
        raise Unreadable(unreadable.fault if unreadable.fault is COMMA else HOURS) from None


def _read_hours(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
    out, todo = _plain_numbers(texts)
    wrong = slowly(texts, todo, _read_hour, out)
    wrong |= {int(i): HOURS for i in todo if _SMALL_DIGITS.search(texts[i])}
    out[list(wrong)] = np.nan
    return out, wrong


# ------------------------------------------------------------------------------------------- flags, choices, texts

# fmt: off
_YES = frozenset(("yes", "y", "true", "t", "1", "1.0", "on", "はい", "有", "有り", "あり", "○", "〇", "◯", "✓", "✔",
                  "☑", "レ", "済"))
_NO = frozenset(("no", "n", "false", "f", "0", "0.0", "off", "いいえ", "無", "無し", "なし", "×", "✗", "✕", "☐", "未"))
# fmt: on


def _read_flag(text: str) -> bool:
    word = text.casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise Unreadable(FLAG)


def _key(text: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _spellings(choices: Mapping[str, str]) -> dict[str, str]:
    return {_key(spelling): key for key, label in choices.items() for spelling in (label, key)}


def _read_flags(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
    out = np.full(len(texts), None, dtype=object)
    return out, slowly(texts, np.arange(len(texts)), _read_flag, out)


def _read_choices(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
    known = _spellings(choices)
    out = np.array([known.get(_key(t)) for t in texts] or [], dtype=object)
    return out, {i: CHOICE for i, t in enumerate(texts) if t and out[i] is None}


def _read_texts(texts: list[str], choices: Mapping[str, str], currency: str) -> tuple[np.ndarray, Wrong]:
    known = _spellings(choices)
    out = np.empty(len(texts), dtype=object)
    out[:] = [known.get(_key(t), t) for t in texts] if known else texts
    out[[not t for t in texts]] = None
    return out, {}


_READERS: dict[str, Callable[[list[str], Mapping[str, str], str], tuple[np.ndarray, Wrong]]] = {
    "id": _read_texts,
    "text": _read_texts,
    "date": read_dates,
    "month": read_months,
    "money": _numbers("money"),
    "number": _numbers("number"),
    "count": _numbers("count"),
    "score": _read_scores,
    "rate": _numbers("rate"),
    "hours": _read_hours,
    "flag": _read_flags,
    "choice": _read_choices,
}
