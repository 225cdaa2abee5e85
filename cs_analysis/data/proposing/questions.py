"""What no header can tell, and what a proposed mapping therefore asks: each question names the key its answer goes to.

- which of their columns is one of ours, where none or only an unsure one was found;
- the unit of amounts and hours, the currency, the period that an amount covers, and whether it is that of one seat;
- whether 4/1/2025 is the first of April, which values mean which of ours, which rows count, which survey it was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from cs_analysis.data.mapping.keys import QUESTION
from cs_analysis.data.parse import parse
from cs_analysis.data.proposing.columns import WIDE, Guess, headers, is_blank, loose_months, months, two_ways
from cs_analysis.data.schema import Column, Table, normalise
from cs_analysis.data.settings import Settings
from cs_analysis.data.vocabulary import CLOCK, EVERY, PERIOD, STATUS
from cs_analysis.display.language import MISSING, _

_LISTED = 20  # values of a column that a question lists
_SHOWN = 3  # values that a question gives as an example
# columns that a table can lack, but without which a result is another one: they are asked for
_TELLING = {
    "contracts": ("end_date",), "time_entries": ("account_id",), "tasks": ("account_id", "done_date"),
    "onboarding_steps": ("completed_date",), "survey_responses": ("responded_date", "score"),
}  # fmt: skip
_FLAT = ("contract_start", "mrr", "churn_date")  # of these an account has all, or none
_SAYS_UNIT = re.compile(r"\((円|yen|時間|h|hrs?|hours?)\)$")
_BARE = re.compile(r"[-+]?[\d,]*\.?\d+")


@dataclass(frozen=True)
class Question:
    """What only somebody who knows the data can answer: where the answer goes (a dotted key), and what is asked.

    `names` are the entries under the key that wait for an answer; a name "" is the key itself. Under `columns` they are
    columns of ours whose header is asked for, unless they are `theirs`: headers whose meaning is asked for.
    """

    key: str
    asked: str
    names: tuple[str, ...] = ("",)
    theirs: bool = False


@dataclass(frozen=True)
class Found:
    """A file or sheet as far as it was understood: what the questions are about.

    `is_ours`: it has the name of its table and our own names for all that is required, so that what bears a name of
    ours means what we mean by it.
    """

    table: Table
    frame: pd.DataFrame
    guesses: Sequence[Guess]
    is_ours: bool = False

    @property
    def sure(self) -> dict[str, Guess]:
        """Our column → its header, as far as that is sure."""
        return {g.column: g for g in self.guesses if g.sure}

    @property
    def is_wide(self) -> bool:
        """Whether it is monthly revenue with a column per month."""
        return self.table.name == "mrr_months" and "mrr" not in self.sure and is_wide(self.frame)

    def column(self, guess: Guess) -> Column:
        """The column of ours that a guess is about."""
        return next(c for c in self.table.columns if c.name == guess.column)


def is_wide(frame: pd.DataFrame) -> bool:
    """Whether enough headers are months, or look like one."""
    return bool(months(frame)) or len(loose_months(frame)) >= WIDE


def clock(table: Table, frame: pd.DataFrame) -> dict[str, str] | None:
    """The headers of start, end and break, where a time sheet has them."""
    if table.name != "time_entries":
        return None
    found = {part: str(h) for part, words in CLOCK.items() for h in frame.columns if re.fullmatch(words, normalise(h))}
    return found if {"start", "end"} <= set(found) else None


def derive(found: Found) -> dict[str, dict[str, str]]:
    """The rules by which a column is computed, as far as they need no answer: hours of a time sheet, MRR of amounts."""
    times = clock(found.table, found.frame) if "hours" not in found.sure else None
    amount = _amount(found)
    rules = {"clock": times} if times else {}
    if amount is not None and _period(found):
        rules["amount"] = {"amount": amount.header}
    elif amount is not None and "quantity" in found.sure:  # the period is the constant that is asked for
        rules["amount"] = {"amount": amount.header, "period": "billing_months"}
    return rules


def questions(found: Found, settings: Settings) -> list[Question]:
    """All that is to be asked about a file, in the order in which it is written."""
    return [*_missing(found), *_loose(found), *_covered(found), *_units(found), *_break(found),
            *_currency(found, settings), *_day_order(found), *_values(found), *_rows(found)]  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- columns


def _missing(found: Found) -> Iterator[Question]:
    """Columns of which no header is surely the one: those that are required, and those that change a result."""
    made = {"month", "mrr"} if found.is_wide else set()
    made |= {"hours"} if "clock" in derive(found) else set()
    for column in (c for c in found.table.columns if c.name not in found.sure and c.name not in made):
        if column.name == "wave":
            yield Question("constants", _("Which survey is this? The file does not say."), ("wave",))
        elif column.required or _is_telling(found, column):
            yield Question("columns", _which(found, column), (column.name,))


def _is_telling(found: Found, column: Column) -> bool:
    table, guessed = found.table.name, {g.column for g in found.guesses}
    if table == "contracts" and column.name == "mrr":
        return "amount" not in found.sure and ("amount" not in guessed or "mrr" in guessed)
    if table == "contracts" and column.name == "amount":
        return "mrr" not in guessed and "amount" in guessed
    if found.is_ours and column.name not in guessed:
        return False  # who knows our form leaves out what there is not
    if table == "accounts":
        return column.name in _FLAT and bool(guessed & {"contract_start", "mrr"})
    return column.name in _TELLING.get(table, ())


def _which(found: Found, column: Column) -> str:
    """Which of their columns is ours: what it means, which header it may be, and how to answer."""
    label = f"{column.name} ({column.label_ja})"
    said = [_("Which of their columns is {label}? {meaning}").format(label=label, meaning=_(column.description))]
    guess = next((g for g in found.guesses if g.column == column.name), None)
    if guess is not None:
        said.append(_("It may be “{headers}”.").format(headers=" / ".join((guess.header, *guess.rivals))))
        if guess.rivals:
            said.append(_("Write the others into ignore = […]."))
    if column.name == "mrr" and "quantity" in found.sure:
        said.append(_("If it is the price of one of “{quantity}”, give derive.amount with quantity instead.").format(
            quantity=found.sure["quantity"].header))  # fmt: skip
    mark = f"{QUESTION}\u00a0{column.name}"  # in one line, also where the comment is broken
    said.append(_("Write its header in place of “{mark}”.").format(mark=mark))
    if not column.required and column.name not in ("mrr", "amount"):
        said.append(_("If the file does not have it, delete the line."))
    return " ".join(said)


def _loose(found: Found) -> Iterator[Question]:
    """Columns that look like months, but do not say which."""
    loose = loose_months(found.frame) if found.is_wide else []
    if loose:
        asked = _("Which month is each of these columns? Write it like \"Aug-26\" = \"2026-08\". A column that is not "
                  "the revenue of a month (a plan, a total) goes into ignore = […] instead of here.")  # fmt: skip
        yield Question("columns", asked, tuple(loose), theirs=True)


# ------------------------------------------------------------------------------------------- amounts, units, currency


def _amount(found: Found) -> Guess | None:
    """The amount of a contract from which MRR has to be reckoned, sure or not."""
    if found.table.name != "contracts" or "mrr" in found.sure or "billing_months" in found.sure:
        return None
    guessed = {g.column: g for g in found.guesses}
    amount = guessed.get("amount")
    return amount if amount is not None and (amount.sure or "mrr" not in guessed) else None


def _period(found: Found) -> str | None:
    """The column that may tell the period of an amount: one of that name which holds no days."""
    for header in headers(found.frame):
        texts = found.frame[header]
        filled = texts[~is_blank(texts)].head(_LISTED)
        fits = PERIOD.fullmatch(normalise(header)) and not EVERY.fullmatch(normalise(header))
        is_days = two_ways(filled) or parse(filled, "date").values.notna().any()
        if fits and not is_days:
            return header
    return None


def _covered(found: Found) -> Iterator[Question]:
    """How many months an amount covers, and of how many units it is."""
    amount = _amount(found)
    if amount is None:
        return
    period, quantity = _period(found), found.sure.get("quantity")
    if period is None:
        asked = _("How many months does “{header}” cover?").format(header=amount.header)
        yield Question("constants", asked, ("billing_months",))
    if "amount" not in derive(found):
        return
    if period is not None:
        asked = _("Which column tells how many months “{header}” covers? It may be “{period}” ({values}); write its "
                  "header. If all rows cover the same, delete this section and write "
                  "constants.billing_months = the number of months.")  # fmt: skip
        shown = _some(found.frame[period])
        yield Question("derive.amount", asked.format(header=amount.header, period=period, values=shown), ("period",))
    if quantity is not None:
        asked = _("Is “{header}” the price of one unit? Then write “{quantity}”, by which it is multiplied; if it is "
                  "that of all units, delete the line.")  # fmt: skip
        asked = asked.format(header=amount.header, quantity=quantity.header)
        yield Question("derive.amount", asked, ("quantity",))
    every = next((h for h in headers(found.frame) if EVERY.fullmatch(normalise(h))), None)
    if every is not None:
        asked = _("Does “{every}” tell how many of these periods the amount covers? Then write it; if not, delete the "
                  "line.").format(every=every)  # fmt: skip
        yield Question("derive.amount", asked, ("every",))


def _some(texts: pd.Series) -> str:
    """The commonest values of a column, as an example."""
    counts = texts.str.strip().replace("", MISSING).value_counts()
    return ", ".join(map(str, counts.index[:_SHOWN])) + (", …" if len(counts) > _SHOWN else "")


def _units(found: Found) -> Iterator[Question]:
    """Units of amounts and hours, unless header or values say them, or the table is in our own form.

    A guess that is unsure is asked about as well: whoever follows it needs the answer.
    """
    for guess in (g for g in found.guesses if not (g.known and found.is_ours)):
        column = found.column(guess)
        if column.type not in ("money", "hours") or _says_unit(guess.header, found.frame[guess.header]):
            continue
        if column.type == "hours" and not guess.sure and "clock" in derive(found):
            continue
        if column.type == "money":
            yield Question("units", _unit_of_money(guess.header), (guess.header,))
        else:
            yield _hours_or_minutes(found, guess.header)
    if found.is_wide:
        yield Question("units", _unit_of_money(_("the months")), ("mrr",))


def _says_unit(header: str, texts: pd.Series) -> bool:
    """Whether a header (円, 時間) or every value (¥1,200, 1:30, 90分) says its unit."""
    filled = texts[~is_blank(texts)]
    plain = unicodedata.normalize("NFKC", header).casefold().strip()
    bare = filled.map(lambda t: _BARE.fullmatch(unicodedata.normalize("NFKC", t).strip()) is not None)
    return _SAYS_UNIT.search(plain) is not None or (len(filled) > 0 and not bare.any())


def _unit_of_money(header: str) -> str:
    asked = _("In which unit is “{header}”: units (whole currency), 円, 千円, 万円, 百万円, 億円, thousand, million "
              "or cents? And without tax?").format(header=header)  # fmt: skip
    with_tax = _("The header says that tax is included; amounts must be given without it.")
    return f"{asked} {with_tax}" if "税込" in header else asked


def _hours_or_minutes(found: Found, header: str) -> Question:
    asked = _("Is “{header}” in hours or in minutes?").format(header=header)
    texts = found.frame[header]
    held = _("It holds {values}.").format(values=_some(texts[~is_blank(texts)]))
    return Question("units", f"{asked} {held}", (header,))


def _break(found: Found) -> Iterator[Question]:
    """Whether bare numbers of a break are hours or minutes, which derive.clock cannot know."""
    header = (derive(found).get("clock") or {}).get("break")
    if header is not None and "分" not in header and not _says_unit(header, found.frame[header]):
        yield _hours_or_minutes(found, header)


def _currency(found: Found, settings: Settings) -> Iterator[Question]:
    has_money = found.is_wide or any(found.column(g).type == "money" for g in found.guesses)
    if has_money and "currency" not in found.sure and "currency" not in settings.client.model_fields_set:
        yield Question("client", _("In which currency are the amounts?"), ("currency",))


# ------------------------------------------------------------------------------------------------------ values, rows


def _day_order(found: Found) -> Iterator[Question]:
    """Whether the month or the day comes first, where days are written as 4/1/2025."""
    for guess in found.guesses:
        written = two_ways(found.frame[guess.header]) if found.column(guess).type in ("date", "month") else []
        if written:
            asked = _("Which comes first in the days of “{header}” ({values}): the month (mdy) or the day (dmy)?")
            shown = ", ".join(written[:_SHOWN])
            yield Question("date_order", asked.format(header=guess.header, values=shown))
            return


def _values(found: Found) -> Iterator[Question]:
    """Values of choices and flags that cannot be read: which of ours each of them is."""
    for name, guess in found.sure.items():
        column = found.column(guess)
        if column.type not in ("choice", "flag"):
            continue
        texts = pd.Series(found.frame[guess.header].str.strip().unique(), dtype=object)
        texts = texts[texts != ""]
        unread = texts[parse(texts, column.type, choices=column.choices).values.isna()]
        if len(unread):
            ours = " / ".join(column.choices) or "true / false"
            asked = _("Which of {ours} is each of these values of “{header}”?").format(ours=ours, header=guess.header)
            yield Question(f"values.{name}", asked, tuple(sorted(unread)[:_LISTED]))


def _rows(found: Found) -> Iterator[Question]:
    """Which rows count, where a column of states suggests that not all do."""
    if found.table.name not in ("contracts", "accounts"):
        return
    for header in (h for h in headers(found.frame) if STATUS.fullmatch(normalise(h))):
        counts = found.frame[header].str.strip().replace("", MISSING).value_counts()
        if 2 <= len(counts) <= _LISTED:
            shown = ", ".join(f"{value} ({n})" for value, n in counts.items())
            asked = _("Which rows count? “{header}” holds: {values}. Contracts that ended or were cancelled, and "
                      "customers who left, must stay: without them their loss is not seen. Leave out only what never "
                      "was a contract or a customer; if all rows count, delete the line.")  # fmt: skip
            yield Question("filter", asked.format(header=header, values=shown), (header,))
