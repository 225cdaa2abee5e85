"""Accounts found by their name, for tables that know no ids (`match = "name"` of a mapping).

Names are compared without what people write differently: width, case, spaces and the legal form. What matches none,
or several, is set aside and listed with the nearest name there is; nothing is matched by likeness alone.
"""

from __future__ import annotations

import re

import pandas as pd

from cs_analysis.data.mapping.columns import lacks
from cs_analysis.data.mapping.derive import fold
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problem, Problems
from cs_analysis.data.reading.read import ROW, Source
from cs_analysis.data.schema import TABLES, Table, find_column
from cs_analysis.errors import N_, nearest

_REVENUE = ("contracts", "mrr_months")
_NAME_IT = N_("Give the account's id, or the name as it stands in accounts.")
_NEAR_NAMES = 2000  # accounts among which the nearest name is still looked for
_NAMED = 50  # names that are not found for which it is
_LEGAL_FORMS = re.compile(
    r"株式会社|有限会社|合同会社|\((?:株|有|合|同)\)|\b(?:inc|ltd|co|llc|corp|gmbh)\b\.?", re.IGNORECASE
)


def company_key(name: object) -> str:
    """A company's name without what people write differently: width, case, spaces and the legal form.

    >>> company_key("㈱ 青空商事") == company_key("青空商事株式会社"), company_key("Aozora Co., Ltd.")
    (True, 'aozora')
    """
    return re.sub(r"[\s,.・]+", "", _LEGAL_FORMS.sub(" ", fold(name)))


def match_accounts(
    frame: pd.DataFrame, accounts: pd.DataFrame, *, table: Table, where: Source | str, header: str | None = None
) -> tuple[pd.DataFrame, list[Problem]]:
    """Names of accounts in a table (`match = "name"`) as their ids; rows that match none, or several, are set aside.

    Parameters
    ----------
    frame
        Texts with `__row__`; the names stand in the column of `account_id`, else in one that means an account's name.
    accounts
        Columns `account_id`, `account_name`.
    header
        What the client calls that column, if a mapping has renamed it.

    Returns
    -------
    The rows matched, and each row set aside (an error where it would change revenue, else a warning). Hours are never
    set aside for want of an account: they keep the name in place of an id.

    Examples
    --------
    >>> accounts = pd.DataFrame({"account_id": ["A1"], "account_name": ["青空商事株式会社"]})
    >>> frame = pd.DataFrame({"顧客名": ["㈱青空商事", "海山"], "__row__": [2, 3]})
    >>> found, problems = match_accounts(frame, accounts, table=TABLES["activities"], where="log.csv")
    >>> found["account_id"].tolist(), [(p.row, p.value) for p in problems]
    (['A1'], [(3, '海山')])
    """
    source = where if isinstance(where, Source) else Source(where)
    column = _name_column(frame, table, source)
    known = accounts.dropna(subset=["account_name"]).assign(key=lambda f: f["account_name"].map(company_key))
    known = known[known["key"] != ""].drop_duplicates(["key", "account_id"])
    ids = known.drop_duplicates("key", keep=False).set_index("key")["account_id"].to_dict()
    keys = frame[column].map(company_key)
    found, blank = keys.map(ids), frame[column].str.strip() == ""
    lost = found.isna() & ~blank
    problems = Problems()
    several = lost & keys.isin(known["key"])
    keeps = table.name == "time_entries"  # an hour is never lost; the check of unknown accounts tells how many
    severity = ERROR if table.name in _REVENUE else WARNING
    by_key = dict(zip(known["key"], known["account_name"], strict=True))

    def tell(rows: pd.Series, severity: str, message: str, action: str, near: str | None = None) -> None:
        found = frame[rows].drop_duplicates(ROW)  # one row of a file may have become one per month
        if len(found):
            problems.add(
                severity, source, message, action, rows=list(found[ROW]), column=header or column,
                values=list(found[column]), near=near,
            )  # fmt: skip

    tell(several, severity, N_("Several accounts have the name “{value}”; the row is set aside."), _NAME_IT)
    unknown, kind = lost & ~several, NOTE if keeps else severity
    message = (
        N_("No account has the name “{value}”; its hours are kept under that name.")
        if keeps
        else N_("No account has the name “{value}”; the row is set aside.")
    )
    named = list(keys[unknown].unique())[:_NAMED] if len(by_key) <= _NEAR_NAMES else []
    for key in named:  # name by name, so that each has its nearest
        near = by_key.get(nearest(key, by_key) or "")
        action = N_("Did you mean “{near}”? Correct the name, or give the account's id.") if near else _NAME_IT
        tell(unknown & (keys == key), kind, message, action, near)
    tell(unknown & ~keys.isin(named), kind, message, _NAME_IT)
    aside = several if keeps else lost
    names = frame[column].str.strip()
    matched = frame.drop(columns=column).assign(account_id=found.where(~lost, names).where(~blank, ""))
    return matched[~aside].reset_index(drop=True), problems.found


def _name_column(frame: pd.DataFrame, table: Table, source: Source) -> str:
    for wanted, of in (("account_id", table), ("account_name", TABLES["accounts"])):
        for header in frame.columns:
            column = find_column(of, header)
            if column is not None and column.name == wanted:
                return header
    raise lacks(table, source, "account_id", [c for c in frame.columns if c != ROW])
