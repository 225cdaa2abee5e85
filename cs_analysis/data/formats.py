"""What Excel's number format adds to a number: a reader sees 12万円, $500, 45% or 007 where the file holds 12."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_TOKEN = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)(?:-[^\]]*)?\]|\[[^\]]*\]|[_*].|(.)', re.S)
_CURRENCIES = {"¥": "¥", "￥": "¥", "\\": "¥", "$": "$", "US$": "$", "€": "€", "£": "£", "JPY": "JPY", "USD": "USD",
               "EUR": "EUR"}  # fmt: skip
_SCALES = ("千円", "万円", "百万円", "億円", "千", "万", "百万", "億", "円")


@dataclass(frozen=True)
class Shown:
    """The unit or the zeros that a number format shows around a number."""

    before: str = ""
    after: str = ""
    digits: int = 0

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

    >>> shown_by('"$"#,##0'), shown_by('#,##0,"千円"'), shown_by("yyyy/m/d"), shown_by("000")
    (Shown(before='$', after='', digits=0), None, None, Shown(before='', after='', digits=3))
    """
    before, pattern, after = "", "", ""
    for quoted, escaped, currency, plain in _TOKEN.findall(code.split(";")[0]):
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
    if "%" in pattern:
        return Shown(after="%")
    if re.fullmatch("0{2,}", pattern) and not after:
        return Shown(before, digits=len(pattern))
    if pattern.rstrip("0.").endswith(",") or pattern.endswith(","):
        return None  # shown in thousands, and held in full
    mark = _CURRENCIES.get(before, "")
    unit = _CURRENCIES.get(after, after if after in _SCALES else "")
    return Shown(mark, unit) if mark or unit else None
