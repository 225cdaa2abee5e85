"""Numbers into words: an estimate never stands without its interval and its n.

These are the phrases every topic's sentences are made of; each takes raw numbers (fractions, days, money) and the
unit they are in, and writes them in the reader's language. A unit is one of `UNITS`, as in the ``headline`` table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite

from cs_analysis.display.language import MISSING, _, money_short, ngettext, number, percent

UNITS = ("rate", "money", "days", "hours", "points", "accounts", "months", "ratio")


def known(*values: float | None) -> bool:
    """Whether all the values are numbers.

    >>> known(1, 2.5), known(None), known(float("nan"), 1)
    (True, False, False)
    """
    return all(v is not None and v == v and isfinite(float(v)) for v in values)


def figure(value: float | None, unit: str = "rate", currency: str = "JPY") -> str:
    """A value with its unit: "104.2 %", "41 days", "3.8 hours", "¥5.40 million".

    >>> figure(1.042), figure(41, "days"), figure(1, "accounts"), figure(None)
    ('104.2 %', '41 days', '1 account', '–')
    """
    if not known(value):
        return MISSING
    amount = float(value)  # type: ignore[arg-type]
    if unit == "rate":
        return percent(amount)
    if unit == "money":
        return money_short(amount, currency)
    return _with_unit(bare(amount, unit), amount, unit)


def bare(value: float | None, unit: str = "rate", currency: str = "JPY") -> str:
    """The value as `figure` writes it, without its unit (money keeps it).

    >>> bare(1.042), bare(3.84, "hours"), bare(30.56, "points")
    ('104.2', '3.8', '30.6')
    """
    if not known(value):
        return MISSING
    amount = float(value)  # type: ignore[arg-type]
    if unit == "rate":
        return percent(amount, unit=False)
    if unit == "money":
        return money_short(amount, currency)
    if unit == "ratio":
        return number(amount, 2)
    return number(amount, 1 if unit in ("hours", "points", "months") or amount != round(amount) else 0)


def _with_unit(text: str, amount: float, unit: str) -> str:
    count = 1 if text == "1" else 2
    if unit == "days":
        return ngettext("{n} day", "{n} days", count).format(n=text)
    if unit == "hours":
        return ngettext("{n} hour", "{n} hours", count).format(n=text)
    if unit == "months":
        return ngettext("{n} month", "{n} months", count).format(n=text)
    if unit == "points":
        return ngettext("{n} point", "{n} points", count).format(n=text)
    if unit == "accounts":
        return ngettext("{n} account", "{n} accounts", count).format(n=text)
    return text


def accounts(n: float) -> str:
    """A count of accounts: "1 account", "212 accounts".

    >>> accounts(1), accounts(1212)
    ('1 account', '1,212 accounts')
    """
    return ngettext("{n} account", "{n} accounts", int(n)).format(n=number(n))


def answers(n: float) -> str:
    """A count of answers: "1 answer", "305 answers".

    >>> answers(1), answers(305)
    ('1 answer', '305 answers')
    """
    return ngettext("{n} answer", "{n} answers", int(n)).format(n=number(n))


def span(low: float, high: float, unit: str = "rate", currency: str = "JPY") -> str:
    """Two bounds with the unit once: "98.1–110.9 %"; with "to" when one is negative.

    >>> span(0.981, 1.109), span(-0.02, 0.05), span(36, 47, "days")
    ('98.1–110.9 %', '−2.0 to 5.0 %', '36–47 days')
    """
    text = _between(low, high, lambda bound: bare(bound, unit, currency))
    if unit == "rate":
        return text + " %"
    return text if unit == "money" else _with_unit(text, high, unit)


def bounds(low: float, high: float, write: Callable[[float], str]) -> str:
    """Two bounds as ``write`` says each, a percent sign once: for figures in the unit of a chart or a table.

    >>> bounds(0.981, 1.109, percent), bounds(-2, 5, number)
    ('98.1–110.9 %', '−2 to 5')

    The upper one may not be reached yet:

    >>> bounds(48, float("nan"), number), bounds(float("nan"), float("nan"), number)
    ('from 48', '–')
    """
    if not known(low):
        return MISSING
    if not known(high):
        return _("from {low}").format(low=write(low))
    both = [write(low), write(high)]
    if all(text.endswith(" %") for text in both):
        return _between(low, high, lambda bound: write(bound).removesuffix(" %")) + " %"
    return _between(low, high, write)


def _between(low: float, high: float, write: Callable[[float], str]) -> str:
    words = _("{low}–{high}") if min(low, high) >= 0 else _("{low} to {high}")
    return words.format(low=write(low), high=write(high))


def interval(low: float | None, high: float | None, unit: str = "rate", currency: str = "JPY") -> str:
    """The interval in words, "" when it is withheld or when both bounds are the value (a sum, not an estimate).

    >>> interval(0.981, 1.109), interval(None, None)
    ('95 % interval 98.1–110.9 %', '')
    """
    if not known(low, high) or low == high:
        return ""
    return _("95 % interval {span}").format(span=span(low, high, unit, currency))  # type: ignore[arg-type]


def estimate(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    n: float | None = None,
    unit: str = "rate",
    *,
    currency: str = "JPY",
    of: str = "",
) -> str:
    """A value with its interval and n; says so when there is no interval.

    Parameters
    ----------
    n
        The number of accounts, or of what ``of`` says ("38 onboardings", already counted and in words).
    of
        Replaces "212 accounts".

    Examples
    --------
    >>> estimate(1.042, 0.981, 1.109, 212)
    '104.2 % (95 % interval 98.1–110.9 %, 212 accounts)'
    >>> estimate(1.0, n=8)
    '100.0 % (no interval, 8 accounts)'
    """
    if not known(value):
        return MISSING
    exact = known(low, high) and low == high
    parts = [] if exact else [interval(low, high, unit, currency) or _("no interval")]
    if of or known(n):
        parts.append(of or accounts(n))  # type: ignore[arg-type]
    if not parts:
        return figure(value, unit, currency)
    return _("{value} ({details})").format(value=figure(value, unit, currency), details=_(", ").join(parts))


def change(
    difference: float | None,
    low: float | None,
    high: float | None,
    than: str,
    unit: str = "rate",
    *,
    currency: str = "JPY",
) -> str:
    """The change on another time, "no clear change" when its interval contains 0, "no interval" when it is withheld.

    Parameters
    ----------
    difference, low, high
        Now minus then, and the interval of that difference (accounts paired); a rate's difference is said in points.
        Where nothing is estimated (a sum of money) both bounds are the difference itself, and it is said without them.
    than
        When it is compared with: "October 2025".

    Examples
    --------
    >>> change(0.064, 0.012, 0.116, "October 2025")
    '6.4 points above October 2025 (difference 1.2–11.6)'
    >>> change(-9, -15, -3, "October 2025", "days")
    '9 days below October 2025 (difference −15 to −3)'
    >>> change(0.01, -0.02, 0.04, "October 2025")
    'no clear change on October 2025'
    >>> change(-0.215, None, None, "October 2025")
    '21.5 points below October 2025, no interval'
    >>> change(None, None, None, "October 2025")
    'no figure for October 2025 to compare with'
    """
    words = change_words(difference, low, high, than, unit, currency=currency)
    bounds = difference_words(low, high, unit, currency=currency)
    if not bounds or direction(difference, low, high) == 0:
        return words
    return _("{words} ({details})").format(words=words, details=bounds)


def change_words(
    difference: float | None,
    low: float | None,
    high: float | None,
    than: str,
    unit: str = "rate",
    *,
    currency: str = "JPY",
) -> str:
    """The change without its interval, for where `difference_words` stands beside it.

    >>> change_words(0.064, 0.012, 0.116, "Oct 2025")
    '6.4 points above Oct 2025'
    >>> change_words(0.0, None, None, "Oct 2025")
    'the same as Oct 2025'
    """
    if not known(difference):
        return _("no figure for {than} to compare with").format(than=than)
    scale, kind = _in_points(unit)
    amount = figure(abs(float(difference)) * scale, kind, currency)  # type: ignore[arg-type]
    above = float(difference) > 0  # type: ignore[arg-type]
    if low == high == 0 or (difference == 0 and not known(low, high)):
        words = _("the same as {than}")
    elif not known(low, high):
        words = _("{amount} above {than}, no interval") if above else _("{amount} below {than}, no interval")
    elif direction(difference, low, high) == 0:
        words = _("no clear change on {than}")
    else:
        words = _("{amount} above {than}") if above else _("{amount} below {than}")
    return words.format(amount=amount, than=than)


def change_brief(
    difference: float | None, low: float | None, high: float | None, unit: str = "rate", *, currency: str = "JPY"
) -> str:
    """The change for a table whose heading says on what.

    >>> change_brief(0.064, 0.012, 0.116), change_brief(0.01, -0.02, 0.04), change_brief(-9, None, None, "days")
    ('+6.4 points', 'no clear change', '−9 days, no interval')
    >>> change_brief(None, None, None)
    '–'
    """
    if not known(difference):
        return MISSING
    scale, kind = _in_points(unit)
    amount = figure(abs(float(difference)) * scale, kind, currency)  # type: ignore[arg-type]
    signed = ("+" if float(difference) > 0 else "−") + amount if difference else amount  # type: ignore[arg-type]
    if not known(low, high):
        return _("{amount}, no interval").format(amount=signed)
    if low != high and direction(difference, low, high) == 0:
        return _("no clear change")
    return signed


def difference_words(low: float | None, high: float | None, unit: str = "rate", *, currency: str = "JPY") -> str:
    """The interval of a difference: "difference 1.2–11.6"; "" when withheld or when nothing was estimated.

    >>> difference_words(0.012, 0.116), difference_words(3, 3, "days")
    ('difference 1.2–11.6', '')
    """
    if not known(low, high) or low == high:
        return ""
    scale, kind = _in_points(unit)
    both = _between(float(low), float(high), lambda bound: bare(scale * bound, kind, currency))  # type: ignore[arg-type]
    return _("difference {span}").format(span=both)


def _in_points(unit: str) -> tuple[float, str]:
    return (100.0, "points") if unit == "rate" else (1.0, unit)


def direction(difference: float | None, low: float | None, high: float | None) -> int:
    """1 for a clear rise, −1 for a clear fall, 0 when the interval contains 0 or there is none.

    >>> direction(2, 1, 3), direction(-2, -3, -1), direction(1, -1, 3), direction(5, None, None)
    (1, -1, 0, 0)
    """
    if not known(difference, low, high) or float(low) <= 0 <= float(high):  # type: ignore[arg-type]
        return 0
    return 1 if float(difference) > 0 else -1  # type: ignore[arg-type]


def p_value(p: float) -> str:
    """A p value to two figures: "p = 0.03", below a hundredth "p < 0.01".

    >>> p_value(0.034), p_value(0.0004)
    ('p = 0.03', 'p < 0.01')
    """
    return "p < 0.01" if p < 0.01 else f"p = {number(p, 2)}"


def p_bare(p: float) -> str:
    """A p value where the heading says that it is one: "0.03", "< 0.01".

    >>> p_bare(0.034), p_bare(0.0004), p_bare(float("nan"))
    ('0.03', '< 0.01', '–')
    """
    return p_value(p).removeprefix("p ").removeprefix("= ") if known(p) else MISSING


def listing(names: Iterable[object], most: int = 5) -> str:
    """Names as a list in words; beyond ``most`` the rest are counted.

    >>> listing(["A"]), listing(["A", "B"]), listing(["A", "B", "C"]), listing("ABCDEFG")
    ('A', 'A and B', 'A, B and C', 'A, B, C, D, E and 2 more')
    """
    words = [str(name) for name in names]
    if len(words) > most:
        rest = len(words) - most
        words = [*words[:most], ngettext("{n} more", "{n} more", rest).format(n=number(rest))]
    if len(words) < 2:
        return "".join(words)
    return _("{first} and {last}").format(first=_(", ").join(words[:-1]), last=words[-1])
