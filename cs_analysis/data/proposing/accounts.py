"""Which column of an unknown file tells the account, and whether by its id or its name: counted in the accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from cs_analysis.data.mapping.match import company_key
from cs_analysis.data.proposing.columns import Guess, guesses, headers
from cs_analysis.data.reading.read import Raw
from cs_analysis.data.schema import TABLES, normalise
from cs_analysis.data.vocabulary import HINTS, LIKELY, UNSURE
from cs_analysis.display.language import _
from cs_analysis.errors import N_

_TRIED = 2000  # rows in which columns are looked through that are not called like an account
_FOUND = 0.5  # share of the values that must be names or ids of accounts
_IDS_FOUND = N_("{hits} of {count} are account ids")
_NAMES_FOUND = N_("{hits} of {count} values are names of accounts")


@dataclass(frozen=True)
class _Match:
    """How many of the different values of a column are ids and names of accounts."""

    header: str
    ids: int
    names: int
    count: int

    @property
    def hits(self) -> int:
        return max(self.ids, self.names)

    @property
    def by_name(self) -> bool:
        return self.names > self.ids

    @property
    def enough(self) -> bool:
        return bool(self.count) and self.hits / self.count >= _FOUND


def with_account(raw: Raw, found: Sequence[Guess], accounts: Raw | None) -> tuple[list[Guess], bool]:
    """The guesses with the column that tells the account, and whether it holds names rather than ids.

    Columns that are called like one go first. Where none of them holds accounts, any other column does whose values
    are accounts: no header needs to be known for that.
    """
    table, given = TABLES[raw.table], list(found)
    if raw.table == "accounts" or accounts is None or table.column("account_id") is None:
        return given, False
    first = next((g for g in given if g.column == "account_id"), None)
    taken = {g.header for g in given if g is not first and g.sure}
    spelt = [h for h in HINTS if h.column == "account_id" and raw.table in h.tables]
    free = [h for h in headers(raw.frame) if h not in taken]
    called = [h for h in free if any(s.fits(normalise(h)) for s in spelt)]
    count = _Counter(accounts)
    best = _best(count.of(raw.frame, [*([first.header] if first else []), *called]))
    if best is None or not best.enough:
        other = _best(m for m in count.of(raw.frame.head(_TRIED), free, only_telling=True) if m.enough)
        best = other or best
    if best is None or (first is not None and first.known and (not best.by_name or not best.enough)):
        return given, False
    message = _(_NAMES_FOUND if best.by_name else _IDS_FOUND).format(hits=best.hits, count=best.count)
    told = Guess(best.header, "account_id", LIKELY if best.enough else UNSURE, message)
    kept = [g for g in given if g is not first and g.header != best.header]
    in_order = sorted([*kept, told], key=lambda g: headers(raw.frame).index(g.header))
    return in_order, best.by_name and best.enough


def _best(matches: Iterable[_Match]) -> _Match | None:
    """The column with most accounts; of several with as many the first."""
    return max(matches, key=lambda m: m.hits, default=None)


class _Counter:
    """Counts ids and names of the accounts there are."""

    def __init__(self, accounts: Raw) -> None:
        known = {g.column: accounts.frame[g.header] for g in guesses(TABLES["accounts"], accounts.frame)}
        self.ids = set(known["account_id"].str.strip()) - {""} if "account_id" in known else set()
        self.names = set(known["account_name"].map(company_key)) - {""} if "account_name" in known else set()

    def of(self, frame: pd.DataFrame, columns: Iterable[str], *, only_telling: bool = False) -> list[_Match]:
        """The matches of each column; `only_telling`: ids such as 1, 2, 3 say nothing, for any column may hold them."""
        ids = {i for i in self.ids if len(i) > 3 or not i.isdigit()} if only_telling else self.ids
        found = []
        for header in dict.fromkeys(columns):
            values = pd.Series(frame[header].str.strip().unique(), dtype=object)
            values = values[values != ""]
            names = int(values.map(company_key).isin(self.names).sum())
            found.append(_Match(header, int(values.isin(ids).sum()), names, len(values)))
        return found
