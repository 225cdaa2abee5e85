"""Columns of the client's own that say which lines of revenue count: a status, a flag, a kind of charge, a cycle.

All lines count unless a column of ours or the client file says otherwise. So a line that a column calls cancelled, a
prospect or a set-up fee is told, with the money that it brings in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd

from cs_analysis.data.checking.stake import Stake, stake
from cs_analysis.data.columns import Clean
from cs_analysis.data.parse import parse
from cs_analysis.data.problems import NOTE, WARNING, Problems
from cs_analysis.data.schema import normalise
from cs_analysis.data.settings import Settings
from cs_analysis.data.vocabulary import PERIOD, STATUS
from cs_analysis.errors import N_, CsError

_FEW = 20  # with more different values it is no status
_STATE = re.compile(r"ステータス|状態|状況|status|(契約|利用)(区分|種別)")
_LEFT_FLAG = re.compile(r"解約|退会|失効|キャンセル|cancel|churn|terminat|inactive")
_STAYS_FLAG = re.compile(r"有効|継続|利用中|契約中|(?<!in)active")
_OTHER_FLAG = re.compile(r"自動|意向|可能|可否|リスク|予兆|予測|金|申|通知|auto|risk|fee|likel|predict|notice|request")
_KIND = re.compile(r"課金|費用|料金|請求|売上|種別|区分|継続|type|category|billing|charge|recurring")
# what a status says of a line that is over, and of one that never was
_OVER = re.compile(
    r".*(解約|退会|キャンセル|離反|cancel|churn|terminat|expired|inactive|suspend).*|"
    r"(ご?契約|利用|サービス|課金)?(終了|停止|休止|満了|失効|無効|取消)(済み?|中)?"
)
_NEVER = re.compile(
    r".*(見込|商談|提案|交渉|見積|検討|未契約|仮契約|仮申込|トライアル|試用|体験版|失注|下書|"
    r"prospect|negotiat|proposal|quot|trial|draft|lost|pipeline).*"
)
_NOT_SO = re.compile(r"未解約|なし|無し|ない|防止|阻止|懸念|リスク|更新|アップセル|追加|risk|renew|upsell|not|non")
_FINE = re.compile(
    r".*(有効|契約中|利用中|稼働|継続|更新|新規|受注|成約|正常|本契約|active|live|current|won|pastdue).*"
)
_ONCE = re.compile(
    r"初期(?:費|設定|導入|構築|料)|一時(?:金|費|料)|^(?:初期|一時|一括)$|単発|スポット|都度|買い?切|one.?(?:off|time)|set.?up|"
    r"initialfee|nonrecurring"
)
_LONGER = re.compile(r"年|半期|四半期|隔月|[2-9][かヶケ箇]?月|annual|year|quarter|half")


def check_states(clean: Clean, headers: Iterable[str], as_of: date, settings: Settings, problems: Problems) -> set[str]:
    """Warn of lines that count although a column says that they should not; the headers told come back.

    Parameters
    ----------
    clean
        The table that brings the revenue: contracts, or accounts in the flat form.
    headers
        The columns of the client's own to be looked at.
    as_of
        A line that is over by then is right to be called so.
    settings, problems
        The client file, and where the faults go.
    """
    counted, running = _counted(clean, as_of)
    told = set()
    for header in headers:
        values = clean.frame[header].dropna().astype(str)
        if not 1 <= values.nunique() <= _FEW:
            continue
        said = values.map({v: _fold(v) for v in values.unique()}).reindex(clean.frame.index, fill_value="")
        found = _Found(clean, header, values, counted, settings, problems)
        name = normalise(header)
        over, never = _by_state(name, said) if not _all_flags(values) else _by_flag(name, values, said)
        once = said.str.contains(_ONCE) & bool(_KIND.search(name)) & ("recurring" not in clean.frame)
        fine = (over | never).any() or said[said != ""].str.fullmatch(_FINE).all()
        if (
            found.tell_state((over & running) | (never & counted), never)
            or found.tell_once(once & counted)
            or (_is_period(name, clean) and found.list_longer(said.str.contains(_LONGER) & counted))
            or (STATUS.fullmatch(name) and not fine and values.nunique() > 1 and found.list_values())
        ):
            told.add(header)
    return told


def _fold(text: str) -> str:
    return re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _counted(clean: Clean, as_of: date) -> tuple[pd.Series, pd.Series]:
    """The lines of recurring revenue that began by the as-of date, and those of them that have not ended by then."""
    frame, day = clean.frame, pd.Timestamp(as_of)
    first = "start_date" if clean.table.name == "contracts" else "contract_start"
    ends = ("end_date",) if clean.table.name == "contracts" else ("churn_date", "contract_end")
    counted = frame[first] <= day if first in frame else pd.Series(True, index=frame.index)
    if "recurring" in frame:
        counted &= ~frame["recurring"].eq(False)
    running = counted.copy()
    for end in (e for e in ends if e in frame):
        running &= ~(frame[end] <= day)
    return counted, running


def _by_state(name: str, said: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The lines that a status calls over, and those that it calls none yet."""
    known = bool(STATUS.fullmatch(name) or _STATE.search(name))
    so = ~said.str.contains(_NOT_SO) & known
    never = said.str.fullmatch(_NEVER) & so
    return said.str.fullmatch(_OVER) & so & ~never, never


def _by_flag(name: str, values: pd.Series, said: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The same of a column of yes and no."""
    none = pd.Series(False, index=said.index)
    flags = parse(values, "flag").values
    leaving, staying = bool(_LEFT_FLAG.search(name)), bool(_STAYS_FLAG.search(name))
    if leaving == staying or _OTHER_FLAG.search(name):
        return none, none
    return flags.eq(leaving).reindex(said.index, fill_value=False).astype(bool), none


def _all_flags(values: pd.Series) -> bool:
    return parse(pd.Series(values.unique(), dtype=object), "flag").faults.empty


def _is_period(name: str, clean: Clean) -> bool:
    return bool(PERIOD.fullmatch(name)) and "mrr" in clean.frame and "billing_months" not in clean.frame


class _Found:
    """What is to be said of one column."""

    def __init__(
        self, clean: Clean, header: str, values: pd.Series, counted: pd.Series, settings: Settings, problems: Problems
    ) -> None:
        self.clean, self.header, self.values, self.counted = clean, header, values, counted
        self.settings, self.problems = settings, problems

    def _held(self, rows: pd.Series) -> Stake:
        client = self.settings.client
        return stake(self.clean.table.name, self.clean.frame[rows], client.currency, self.settings.money.fx)

    def _listed(self, rows: pd.Series) -> CsError:
        """Each value of some rows with what it holds: 解約済 (1 row, ¥200 a month), 見込 (2 rows, ¥50 a month)."""
        at = self.values[rows.reindex(self.values.index)]
        parts = []
        for value in at.unique():
            mine = (self.values == value).reindex(rows.index, fill_value=False) & rows
            parts.append(CsError(N_("{value} ({held})"), value=value.strip(), held=self._held(mine).said))
        said = parts[0]
        for more in parts[1:]:
            said = CsError(N_("{first}, {second}"), first=said, second=more)
        return said

    def tell_state(self, rows: pd.Series, never: pd.Series) -> bool:
        """Warn of lines that a status or a flag calls over or none yet, if any money hangs on them."""
        held = self._held(rows)
        if not held.total:
            return False
        kept = [
            *self.values[~never.reindex(self.values.index)].unique(),
            *([""] if len(self.values) < len(rows) else []),
        ]
        end = "end_date" if self.clean.table.name == "contracts" else "churn_date"
        column = self.clean.table.column(end)
        assert column is not None
        self._add(
            WARNING, N_("By “{header}” these should not count, but nothing reads it: {listed}."),
            N_("Fill in {label} for those that ended, and keep only those that count: write under [mapping.{table}] in "
               'the client file filter = {{"{header}" = [{kept}]}}.')
            if never.any()
            else N_("Fill in {label} for those that ended. If they are right as they are, write under "
                    '[mapping.{table}] in the client file: ignore = ["{header}"].'),
            N_("They count as recurring revenue: {at_stake}."), held, listed=self._listed(rows),
            kept=", ".join(f'"{v.strip()}"' for v in kept), label=f"{end} ({column.label_ja})",
        )  # fmt: skip
        return True

    def tell_once(self, rows: pd.Series) -> bool:
        """Warn of charges that are made once, if any money hangs on them."""
        held = self._held(rows)
        if not held.total or self.clean.table.column("recurring") is None:
            return False
        once = set(self.values[rows.reindex(self.values.index)])
        pairs = ", ".join(f'"{v.strip()}" = {"false" if v in once else "true"}' for v in self.values.unique())
        self._add(
            WARNING, N_("By “{header}” these are charged once, but nothing reads it: {listed}."),
            N_('Write under [mapping.{table}] in the client file: columns = {{"{header}" = "recurring"}} and '
               "values.recurring = {{{pairs}}}; if all of them recur, ignore = [\"{header}\"]."),
            N_("They count as recurring revenue: {at_stake}."), held, listed=self._listed(rows), pairs=pairs,
        )  # fmt: skip
        return True

    def list_longer(self, rows: pd.Series) -> bool:
        """List lines paid by the year or the quarter: their amounts are taken as those of one month all the same."""
        held = self._held(rows)
        if not held.total:
            return False
        self._add(
            NOTE, N_("“{theirs}” is taken as the amount of one month, whatever “{header}” says: {listed}."), "", "",
            None, listed=self._listed(rows), theirs=self.clean.header("mrr"),
        )  # fmt: skip
        return True

    def list_values(self) -> bool:
        """List a status none of whose values is known here."""
        rows = self.values.notna().reindex(self.counted.index, fill_value=False)
        problem = N_("“{header}” is not read, and all its rows count: {listed}.")
        self._add(NOTE, problem, "", "", None, listed=self._listed(rows))
        return True

    def _add(self, severity: str, problem: str, action: str, effect: str, held: Stake | None, **fields: Any) -> None:
        self.problems.add(
            severity, self.clean.source, problem, action, column=self.header, effect=effect, stake=held,
            header=self.header, table=self.clean.table.name, **fields,
        )  # fmt: skip
