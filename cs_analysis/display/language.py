"""The reader's language: messages through gettext, numbers, money and dates through Babel.

Messages are written in English and are their own keys; ``locale/ja`` holds the Japanese.
The language is the one piece of global state of the package: a context variable, with a
process-wide fallback because a Jupyter kernel may run each cell in a fresh context.
"""

from __future__ import annotations

import gettext as _gettext
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from math import isfinite
from pathlib import Path

from babel.dates import format_date
from babel.numbers import format_decimal

from cs_analysis.errors import N_, CsError, InputError, nearest, translate_with

LANGUAGES = ("en", "ja")
MISSING = "–"  # what stands where a number cannot be known

_current: ContextVar[str | None] = ContextVar("cs_analysis_language", default=None)
_process_default = "en"


def set_language(lang: str) -> None:
    """Make ``lang`` ("en" or "ja") the language of everything said from here on."""
    global _process_default
    _process_default = check_language(lang)
    _current.set(lang)


@contextmanager
def speaking(lang: str):
    """The language within a ``with`` block, restored after it."""
    token = _current.set(check_language(lang))
    try:
        yield
    finally:
        _current.reset(token)


def check_language(lang: str) -> str:
    """``lang`` itself, or an error that names the languages there are."""
    if lang not in LANGUAGES:
        raise InputError(
            N_("The language {lang!r} is not known; choose {choices}."),
            lang=lang,
            choices=" / ".join(LANGUAGES),
        )
    return lang


def current() -> str:
    """The language in force: "en" or "ja"."""
    return _current.get() or _process_default


@cache
def _catalogue(lang: str) -> _gettext.NullTranslations:
    folder = Path(__file__).parent / "locale"
    return _gettext.translation("cs_analysis", folder, languages=[lang], fallback=lang == "en")


def _(message: str) -> str:
    """The message in the language in force (an empty message stays empty)."""
    return _catalogue(current()).gettext(message) if message else ""


def ngettext(singular: str, plural: str, n: int) -> str:
    """The message in the form that fits ``n``."""
    return _catalogue(current()).ngettext(singular, plural, n)


def label(key: object, names: Mapping[str, str]) -> str:
    """A key as a word in the language in force; what has no word among ``names`` stays as it is.

    >>> label("us", {"us": "we ourselves"}), label("Sato", {"us": "we ourselves"})
    ('we ourselves', 'Sato')
    """
    return _(names[str(key)]) if str(key) in names else str(key)


def labels(keys: Iterable[object], names: Mapping[str, str]) -> list[str]:
    """Several keys as words: :func:`label` of each."""
    return [label(key, names) for key in keys]


def render(error: CsError) -> str:
    """An error's sentence in the language in force; fields that are errors are rendered too."""
    return str(error)


translate_with(_)


def _known(value: object) -> bool:
    return value is not None and isfinite(float(value))  # type: ignore[arg-type]


_EXACT = Context(prec=400)  # enough for the digits of any float


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands separated and ``digits`` decimals; a half is rounded away from zero, as in Excel.

    >>> number(1234.56, 1), number(-3), number(152.5), number(float("nan"))
    ('1,234.6', '−3', '153', '–')
    """
    if not _known(value):
        return MISSING
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    written = Decimal(repr(float(value)))  # type: ignore[arg-type]
    rounded = written.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, context=_EXACT)
    text = format_decimal(rounded if rounded else 0, format=pattern, locale=current())
    return text.replace("-", "−")


def percent(value: float | None, digits: int = 1, *, unit: bool = True) -> str:
    """A fraction as a percentage: ``percent(1.042)`` is "104.2 %" in both languages.

    >>> percent(1.042), percent(None), percent(0.5, unit=False)
    ('104.2 %', '–', '50.0')
    """
    if not _known(value):
        return MISSING
    return number(100 * float(value), digits) + (" %" if unit else "")  # type: ignore[arg-type]


_SYMBOLS = {"JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}
_DECIMALS = {"JPY": 0, "KRW": 0}


def money(value: float | None, currency: str = "JPY") -> str:
    """An amount with its currency: "¥1,234,000".

    >>> money(1234000), money(-5.5, "USD"), money(2, "SGD")
    ('¥1,234,000', '−$5.50', 'SGD 2.00')
    """
    if not _known(value):
        return MISSING
    text = number(abs(float(value)), _DECIMALS.get(currency, 2))  # type: ignore[arg-type]
    sign = "−" if float(value) < 0 and text.strip("0.,") else ""  # type: ignore[arg-type]
    return sign + (_SYMBOLS.get(currency) or currency + " ") + text


def money_short(value: float | None, currency: str = "JPY") -> str:
    """A large amount in three digits or so: "¥5.4 million", in Japanese "540万円"."""
    if not _known(value):
        return MISSING
    size = abs(float(value))  # type: ignore[arg-type]
    sign = "−" if float(value) < 0 else ""  # type: ignore[arg-type]
    symbol = _SYMBOLS.get(currency) or currency + " "
    if current() == "ja" and currency == "JPY":
        if size >= 1e8:
            return sign + number(size / 1e8, 2) + "億円"
        if size >= 1e4:
            return sign + number(size / 1e4, 1 if size < 1e6 else 0) + "万円"
        return sign + number(size) + "円"
    if size >= 1e9:
        return sign + symbol + _("{amount} billion").format(amount=number(size / 1e9, 2))
    if size >= 1e6:
        return sign + symbol + _("{amount} million").format(amount=number(size / 1e6, 2 if size < 1e7 else 1))
    return sign + symbol + number(size)


def day(value: date | datetime | None) -> str:
    """A day: "31 Oct 2026", in Japanese "2026年10月31日"."""
    if value is None or value != value:  # NaT is not equal to itself
        return MISSING
    pattern = "y年M月d日" if current() == "ja" else "d MMM y"
    return format_date(value, format=pattern, locale=current())


def month(value: date | datetime | str | None) -> str:
    """A month: "Oct 2026", in Japanese "2026年10月". Accepts a day in it or "YYYY-MM"."""
    if value is None or value != value:
        return MISSING
    if isinstance(value, str):
        value = date(int(value[:4]), int(value[5:7]), 1)
    pattern = "y年M月" if current() == "ja" else "MMM y"
    return format_date(value, format=pattern, locale=current())


def choose(name: str, known: list[str]) -> str:
    """The tail of an error: what there is, and the nearest name if one is near."""
    if not known:
        return _("there are none")
    near = nearest(name, known)
    listed = ", ".join(known)
    if near:
        return _("did you mean {near!r}? There are: {known}").format(near=near, known=listed)
    return _("there are: {known}").format(known=listed)
