"""What Excel's number format adds to a number: a reader sees 12万円, $500, 45% or 007 where the file holds 12."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_TOKEN = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)(?:-[^\]]*)?\]|\[[^\]]*\]|[_*].|(.)', re.S)
_CURRENCIES = {"¥": "¥", "￥": "¥", "\\": "¥", "$": "$", "US$": "$", "€": "€", "£": "£", "JPY": "JPY", "USD": "USD",
               "EUR": "EUR"}  # fmt: skip
_SCALES = ("千円", "万円", "百万円", "億円", "千", "万", "百万", "億", "円", "")
_UNIT = re.compile(f"({'|'.join(_SCALES)})(.*)", re.S)
_GENERAL = re.compile(r"^(?:General|G/標準)", re.IGNORECASE)
# words around a number that leave it what it is: per month, before tax, counted in pieces
_HARMLESS = re.compile(
    r"[(]?(?:税抜き?|税別)?[)]?(?:/?(?:[ヶかカヵケ]?月|mo|month))?[)]?|也|[-―,.]+|h|時間|[人名席件社点個本台回部]|no\.?|#|第"
)


@dataclass(frozen=True)
class Shown:
    """The unit or the zeros that a number format shows around a number.

    `in_amounts`: they are words that change what an amount means (円/年, K, ▲), and mean little anywhere else.
    """

    before: str = ""
    after: str = ""
    digits: int = 0
    in_amounts: bool = False

    def text(self, number: str) -> str:
        """A number as the reader sees it, as far as its meaning goes.

        >>> Shown(after="万円").text("12"), Shown(after="%").text("0.45"), Shown(digits=3).text("7")
        ('12万円', '45%', '007')
        """
        if self.after == "%":
            try:
                return f"{(Decimal(number) * 100).normalize():f}%"
            except InvalidOperation:
                return number
        if self.digits:
            return self.before + number.zfill(self.digits) if number.isdigit() else number
        return self.before + number + self.after


def shown_by(code: str) -> Shown | None:
    """What a format code adds that changes what a number means, or None.

    >>> shown_by('"$"#,##0'), shown_by('#,##0,"千円"'), shown_by("yyyy/m/d"), shown_by('#,##0"円/月"').after
    (Shown(before='$', after='', digits=0, in_amounts=False), None, None, '円')
    >>> shown_by('#,##0"円/年"')
    Shown(before='', after='円/年', digits=0, in_amounts=True)
    """
    before, pattern, after = "", "", ""
    for quoted, escaped, currency, plain in _TOKEN.findall(_GENERAL.sub("0", code.split(";")[0])):
        literal = quoted or escaped or currency
        if plain in ("¥", "￥", "$", "€", "£", "円"):
            literal, plain = plain, ""
        if plain and plain in "0#?,./%Ee+-":
            pattern += plain
        elif plain.strip():
            return None  # a date, a time or words of Excel's own
        elif pattern:
            after += literal
        else:
            before += literal
    before, after = before.strip(), after.strip()
    if not pattern:
        return None  # shown as nothing at all
    if "%" in pattern:
        return Shown(after="%")
    if re.fullmatch("0{2,}", pattern) and not after:
        return Shown(before, digits=len(pattern))
    if pattern.rstrip("0.").endswith(",") or pattern.endswith(","):
        return None  # shown in thousands, and held in full
    mark, unit = _CURRENCIES.get(before, "" if _is_harmless(before) else None), _unit(after)
    if mark is None or unit is None:
        return Shown(before, after, in_amounts=True)
    return Shown(mark, unit) if mark or unit else None


def _is_harmless(words: str) -> bool:
    return _HARMLESS.fullmatch(re.sub(r"\s+", "", unicodedata.normalize("NFKC", words).casefold())) is not None


def _unit(after: str) -> str | None:
    """The unit among the words behind a number; None where they change its meaning in another way."""
    if after in _CURRENCIES:
        return _CURRENCIES[after]
    found = _UNIT.fullmatch(after)
    return found[1] if found and _is_harmless(found[2]) else None
