"""Headers that are nearly one of ours: 統合先 for 統合先ID, a letter wrong, or a remark in brackets behind.

A column under such a header would pass for a variable of the client's own, and what it says would silently not count.
"""

from __future__ import annotations

import re
import unicodedata

from cs_analysis.data.schema import Column, normalise
from cs_analysis.data.synonyms import COLUMN_SYNONYMS

# what people leave off at the end of a header
_TAILS = ("日付", "年月日", "コード", "番号", "id", "日", "名", "数", "date", "code", "number", "name")
_SLIP = 4  # letters of a name in which a wrong one is a slip of the pen; of three it makes another word: 商談名, 商品名


def is_near(header: object, column: Column) -> bool:
    """Whether a header is a column's name less its tail (ID, 日, date), or one letter off.

    >>> from cs_analysis.data.schema import TABLES
    >>> accounts = TABLES["accounts"]
    >>> is_near("統合先", accounts.column("merged_into")), is_near("segmnet", accounts.column("segment"))
    (True, True)
    >>> is_near("Colour", accounts.column("channel")), is_near("区", accounts.column("segment"))
    (False, False)
    >>> product = TABLES["contracts"].column("product")
    >>> is_near("プラン名", product), is_near("商談名", product)
    (True, False)
    """
    written = normalise(header)
    spellings = (column.name, column.label_ja, *COLUMN_SYNONYMS.get(column.name, ()))
    return any(_lacks_tail(written, s) or _one_off(written, s) for s in map(normalise, spellings))


def _long_enough(name: str) -> bool:
    """Short names are alike by chance: four letters, or three where they are not Latin."""
    return len(name) >= (4 if name.isascii() else 3)


def _lacks_tail(written: str, name: str) -> bool:
    return _long_enough(written) and any(written == name.removesuffix(tail) != name for tail in _TAILS)


def _one_off(written: str, name: str) -> bool:
    """One letter wrong, missing or too many, or two neighbours swapped."""
    if written == name or not (_long_enough(written) and _long_enough(name)) or abs(len(written) - len(name)) > 1:
        return False
    short, long = sorted((written, name), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    if len(written) < _SLIP:
        return False
    return short[at + 1 :] == long[at + 1 :] or (
        short[at + 2 :] == long[at + 2 :] and short[at : at + 2] == long[at : at + 2][::-1]
    )


_REMARK = re.compile(r"(.+?)\s*[(\[【〔<].*[)\]】〕>]\s*", re.DOTALL)
_UNITS = {
    "百万円": "百万円", "万円": "万円", "千円": "千円", "thousand": "thousand", "k": "thousand", "'000": "thousand",
    "million": "million", "m": "million", "cents": "cents", "分": "minutes", "minutes": "minutes", "min": "minutes",
}  # fmt: skip


def without_remark(header: object) -> str:
    """A header without what stands in brackets at its end.

    >>> without_remark("終了日（空欄は継続）"), without_remark("終了日")
    ('終了日', '終了日')
    """
    found = _REMARK.fullmatch(unicodedata.normalize("NFKC", str(header)).strip())
    return found[1] if found else str(header)


def unit_in(header: object) -> str | None:
    """The unit of the client file that a header names in brackets at its end; "" for with tax, None for neither.

    >>> unit_in("月額（千円）"), unit_in("月額（税込）"), unit_in("月額（予定）")
    ('千円', '', None)
    """
    text = unicodedata.normalize("NFKC", str(header)).strip()
    remark = text[len(without_remark(text)) :].strip(" ()[]【】〔〕<>").casefold()
    if "税込" in remark or "incl" in remark:
        return ""
    return next((unit for word, unit in _UNITS.items() if remark == word or (len(word) > 1 and word in remark)), None)
