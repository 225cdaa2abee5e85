"""Currencies as clients write them: ISO codes in any width and case, and the words of daily life."""

from __future__ import annotations

import unicodedata

_WORDS = {
    "円": "JPY", "¥": "JPY", "日本円": "JPY", "YEN": "JPY", "ドル": "USD", "米ドル": "USD", "US$": "USD",
    "ユーロ": "EUR", "€": "EUR", "ポンド": "GBP", "£": "GBP", "元": "CNY", "人民元": "CNY", "ウォン": "KRW",
    "台湾ドル": "TWD", "香港ドル": "HKD", "シンガポールドル": "SGD", "豪ドル": "AUD", "バーツ": "THB",
}  # fmt: skip
_CODES = frozenset((
    "AED", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR",
    "ILS", "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RUB", "SAR", "SEK",
    "SGD", "THB", "TRY", "TWD", "USD", "VND", "ZAR",
))  # fmt: skip


def code_of(text: str) -> str:
    """The ISO code that a text means; what is no currency known here comes back in capitals.

    >>> code_of("ＪＰＹ "), code_of("米ドル"), code_of("xyz"), code_of("")
    ('JPY', 'USD', 'XYZ', '')
    """
    written = unicodedata.normalize("NFKC", text).strip().upper()
    return _WORDS.get(written, written)


def is_currency(text: str) -> bool:
    """Whether a text is the code of a currency, or its name.

    >>> is_currency("usd"), is_currency("円"), is_currency("Std")
    (True, True, False)
    """
    return code_of(text) in _CODES
