"""The input tables as data: the one source for reading, checking, templates and the data dictionary.

What a table or a column means, what it may hold, how it is called in Japanese and what of it may be known at an
as-of date stands here and nowhere else. The rules of the cut, `Table.cut` and `Table.blanks`, are section 1 of
the definitions: a row whose `cut` date lies after the as-of date is dropped (a `month` counts as a fact on its
last day; a row with a missing date stays), and a date in `blanks` that lies after it empties the columns named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cs_analysis.data.synonyms import COLUMN_SYNONYMS, HARMLESS_TAILS, TABLE_SYNONYMS
from cs_analysis.display.language import _, current
from cs_analysis.errors import N_

Kind = Literal["id", "text", "date", "month", "money", "number", "count", "hours", "rate", "flag", "score", "choice"]


@dataclass(frozen=True)
class Column:
    """A column: its key, its Japanese label, what it holds and what it may hold.

    `choices` maps English keys to Japanese labels: the only values of a "choice", and in a "text" the values that are
    recognised in either language (any other is kept as it is). `minimum` and `maximum` are allowed themselves.
    `required`: the column must be there and no cell of it may be blank. An `example` in words is a message, so that
    each language has its own.
    """

    name: str
    label_ja: str
    type: Kind
    description: str
    required: bool = False
    unit: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    example: str | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Table:
    """A table: its grain, its columns, its key and what of it is known at an as-of date.

    `key` is what may not repeat (empty: rows have no identity). `any_of` lists sets of columns of which at least one
    set must be there in full. `cut_else` is the date that drops a row whose `cut` date is missing; `blanks_else` are
    the dates that empty columns of a row in which the dates of `blanks` are missing.
    """

    name: str
    label_ja: str
    label_en: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    cut: str | None = None
    cut_else: str | None = None
    blanks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blanks_else: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def local_name(self) -> str:
        """The table's name in the language in force, as it stands on its sheet in the templates."""
        return self.label_ja if current() == "ja" else self.name

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical names of the columns, in order."""
        return tuple(c.name for c in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which the table cannot be read."""
        return tuple(c.name for c in self.columns if c.required)

    def column(self, name: str) -> Column | None:
        """The column of that canonical name, or None."""
        return next((c for c in self.columns if c.name == name), None)


_MONEY = N_("client currency")
_MONEY_MONTH = N_("client currency per month")
_ROLES = {"champion": "推進者", "decision_maker": "決裁者", "user": "利用者"}

# fmt: off
_ACCOUNT = Column("account_id", "顧客ID", "id", N_("The account this row belongs to."), required=True, example="A001")
_OPTIONAL_ACCOUNT = replace(_ACCOUNT, required=False)
_MONTH = Column("month", "年月", "month", N_("Calendar month; a fact of its last day."),
                required=True, example="2026-10")
_DATE = Column("date", "日付", "date", N_("The day it happened."), required=True, example="2026-10-15")
_START = Column("start_date", "開始日", "date", N_("First day."), example="2024-04-01")
_END = Column("end_date", "終了日", "date", N_("Last day, itself included; blank = still going on."),
              example="2027-03-31")
_CSM = Column("csm", "担当者", "text", N_("Customer success manager."), example=N_("Sato"))
_MRR = Column(
    "mrr", "月額", "money", N_("Recurring revenue per month, net of tax."), unit=_MONEY_MONTH, example="120000"
)

_ALL = (
    Table(
        "accounts", "顧客", N_("Accounts"), N_("one row per account"),
        (
            replace(_ACCOUNT, description=N_("The account's own id; every other table refers to it.")),
            Column("account_name", "顧客名", "text", N_("Name of the account."), example=N_("Aozora Trading Co.")),
            Column("segment", "区分", "text", N_("Customer segment."), example=N_("Enterprise")),
            Column("industry", "業種", "text", N_("Industry."), example=N_("Manufacturing")),
            Column("company_size", "企業規模", "text", N_("Size of the company."), example="300-999"),
            Column("touch_model", "タッチモデル", "text", N_("How closely the account is served."), example=N_("high")),
            replace(_CSM, label_ja="CS担当"),
            Column("channel", "獲得経路", "text", N_("How the account was won."), example=N_("partner")),
            Column("parent_account_id", "親会社ID", "id", N_("Parent account, for the parent account level."),
                   example="A000"),
            Column("merged_into", "統合先ID", "id", N_("The account this one was merged into.")),
            Column("merged_date", "統合日", "date", N_("First day of the merger.")),
            Column("contract_start", "契約開始日", "date", N_("Flat form: first day of the contract."),
                   example="2024-04-01"),
            Column("contract_end", "契約終了日", "date", N_("Flat form: last day of the term."), example="2027-03-31"),
            Column("churn_date", "解約日", "date", N_("Flat form: last day of service of an account that left.")),
            replace(_MRR, description=N_("Flat form: recurring revenue per month, net of tax.")),
        ),
        key=("account_id",), cut="contract_start",
        blanks={"merged_date": ("merged_date", "merged_into"), "churn_date": ("churn_date",)},
    ),
    Table(
        "contracts", "契約", N_("Contracts"), N_("one row per contract line"),
        (
            Column("contract_id", "契約ID", "id", N_("Id of the contract line."), required=True, example="C0001"),
            _ACCOUNT,
            Column("product", "商品", "text", N_("What was bought."), example=N_("Standard")),
            replace(_START, required=True, description=N_("First day of service.")),
            replace(_END, description=N_("Last day of service, itself included; blank = open.")),
            _MRR,
            Column("amount", "金額", "money", N_("Amount billed per billing period."), unit=_MONEY),
            Column("billing_months", "請求月数", "number", N_("Months that the amount covers; MRR = amount / months."),
                   unit=N_("months"), minimum=0.01),
            Column("quantity", "数量", "number", N_("Seats or units."), example="10"),
            Column("currency", "通貨", "text", N_("ISO code; blank = the client's currency."), example="JPY"),
            Column("recurring", "継続課金", "flag", N_("No for one-off lines, which are left out; blank = yes."),
                   example="yes"),
            Column("notice_date", "解約通知日", "date", N_("Day on which the end was announced.")),
            Column("churn_reason", "解約理由", "text", N_("Why the account left.")),
        ),
        key=("contract_id",), any_of=(("mrr",), ("amount", "billing_months")), cut="start_date",
        blanks={"notice_date": ("notice_date", "churn_reason")}, blanks_else={"end_date": ("churn_reason",)},
    ),
    Table(
        "mrr_months", "月次MRR", N_("Monthly MRR"), N_("one row per account and month"),
        (_ACCOUNT, _MONTH, replace(_MRR, required=True, description=N_("MRR of the account on the month's last day."))),
        key=("account_id", "month"), cut="month",
    ),
    Table(
        "time_entries", "工数", N_("Time entries"), N_("one row per entry"),
        (
            _DATE,
            replace(_CSM, required=True, description=N_("Who did the work.")),
            replace(_OPTIONAL_ACCOUNT, description=N_("For which account; blank = internal.")),
            Column("phase", "フェーズ", "text", N_("Phase of the account at the time."), example="onboarding"),
            Column("task", "作業区分", "text", N_("Kind of work."), required=True, example=N_("Regular meeting")),
            Column("hours", "工数", "hours", N_("Time spent: 1.5, 1:30, 1時間30分 or 90分."), required=True,
                   unit=N_("hours"), minimum=0, maximum=24, example="1.5"),
        ),
        cut="date",
    ),
    Table(
        "csms", "担当者", N_("CSMs"), N_("one row per CSM"),
        (
            replace(_CSM, required=True),
            Column("team", "チーム", "text", N_("Team."), example=N_("East")),
            Column("hourly_cost", "時間単価", "money", N_("Loaded cost of an hour."),
                   unit=N_("client currency per hour"),
                   minimum=0, example="6000"),
            Column("available_hours", "月間稼働時間", "hours", N_("Paid hours available for customers in a month."),
                   unit=N_("hours per month"), minimum=0, maximum=744, example="130"),
            replace(_START, description=N_("First day in the team.")),
            replace(_END, description=N_("Last day in the team; blank = still there.")),
        ),
        key=("csm",), cut="start_date", blanks={"end_date": ("end_date",)},
    ),
    Table(
        "onboarding_steps", "導入ステップ", N_("Onboarding steps"), N_("one row per account and step"),
        (
            _ACCOUNT,
            Column("step", "ステップ", "text", N_("Name of the step."), required=True, example=N_("Kick-off")),
            Column("step_order", "順番", "count", N_("Position of the step."), minimum=0, example="1"),
            Column("owner", "担当側", "choice", N_("Whose court the step is in."), example="us",
                   choices={"us": "自社", "customer": "顧客"}),
            Column("planned_date", "予定日", "date", N_("Planned day of completion."), example="2026-10-10"),
            Column("started_date", "開始日", "date", N_("Day the step was begun."), example="2026-10-01"),
            Column("completed_date", "完了日", "date", N_("Day the step was completed; blank = open."),
                   example="2026-10-15"),
            Column("is_go_live", "稼働開始", "flag", N_("Yes for the step that ends the onboarding."), example="no"),
        ),
        key=("account_id", "step"),
        blanks={"started_date": ("started_date",), "completed_date": ("completed_date",)},
    ),
    Table(
        "survey_responses", "アンケート", N_("Survey responses"), N_("one row per invitation or answer"),
        (
            _ACCOUNT,
            Column("respondent", "回答者", "id", N_("Who was asked."), required=True, example="R01"),
            Column("role", "役割", "text", N_("Role of the respondent."), choices=_ROLES, example="champion"),
            Column("wave", "調査回", "text", N_("Which survey."), required=True, example="2026H1"),
            Column("invited_date", "依頼日", "date", N_("Day of the invitation."), example="2026-09-01"),
            Column("responded_date", "回答日", "date", N_("Day of the answer; blank = no answer."),
                   example="2026-09-05"),
            Column("score", "点数", "score", N_("Likelihood to recommend, 0 to 10; blank = no answer."),
                   unit=N_("points"), minimum=0, maximum=10, example="9"),
            Column("comment", "コメント", "text", N_("What the respondent wrote."), example=N_("Support is quick")),
        ),
        key=("account_id", "respondent", "wave"), cut="invited_date", cut_else="responded_date",
        blanks={"responded_date": ("responded_date", "score", "comment")},
    ),
    Table(
        "usage", "利用状況", N_("Usage"), N_("one row per account, month and metric"),
        (
            _ACCOUNT,
            _MONTH,
            Column("metric", "指標", "text", N_("What is measured."), required=True, example=N_("active_users")),
            Column("value", "値", "number", N_("The measured value."), required=True, example="42"),
        ),
        key=("account_id", "month", "metric"), cut="month",
    ),
    Table(
        "stages", "成功段階", N_("Success stages"), N_("one row per account and stage"),
        (
            _ACCOUNT,
            Column("stage", "段階", "text", N_("Stage of the ladder in the client file."),
                   required=True, example=N_("first_value")),
            Column("reached_date", "到達日", "date", N_("Day the stage was reached."),
                   required=True, example="2026-05-20"),
        ),
        key=("account_id", "stage"), cut="reached_date",
    ),
    Table(
        "contacts", "顧客側担当者", N_("Contacts"), N_("one row per account and contact"),
        (
            _ACCOUNT,
            Column("contact", "氏名", "text", N_("Name of the contact."), required=True, example=N_("Takahashi")),
            Column("role", "役割", "choice", N_("Role of the contact."), choices=_ROLES, example="champion"),
            replace(_START, description=N_("First day as a contact.")),
            Column("left_date", "退職日", "date", N_("Day the contact left; blank = still there.")),
        ),
        key=("account_id", "contact"), cut="start_date", blanks={"left_date": ("left_date",)},
    ),
    Table(
        "activities", "活動", N_("Activities"), N_("one row per activity"),
        (
            _DATE,
            _ACCOUNT,
            _CSM,
            Column("channel", "手段", "text", N_("How: call, mail, meeting and so on."), example=N_("meeting")),
            Column("subject", "件名", "text", N_("Subject."), example=N_("Regular meeting")),
            Column("text", "本文", "text", N_("What was said; alerts look for words in it."),
                   example=N_("Asked for a quotation")),
        ),
        cut="date",
    ),
    Table(
        "tasks", "タスク", N_("Tasks"), N_("one row per task"),
        (
            Column("task_id", "タスクID", "id", N_("Id of the task."), required=True, example="T001"),
            _OPTIONAL_ACCOUNT,
            _CSM,
            Column("title", "件名", "text", N_("What is to be done."), example=N_("Propose the renewal")),
            Column("due_date", "期限", "date", N_("Day by which it is due."), example="2026-11-10"),
            Column("done_date", "完了日", "date", N_("Day it was done; blank = open.")),
        ),
        key=("task_id",), blanks={"done_date": ("done_date",)},
    ),
    Table(
        "costs", "費用", N_("Costs"), N_("one row per month and kind"),
        (
            _MONTH,
            Column("kind", "種別", "choice", N_("Kind of cost."), required=True, example="cs",
                   choices={"cogs": "売上原価", "cs": "CS費用", "sales_marketing": "営業・マーケティング",
                            "other": "その他"}),
            Column("amount", "金額", "money", N_("Cost of the month."), required=True, unit=_MONEY, example="1500000"),
        ),
        key=("month", "kind"), cut="month",
    ),
    Table(
        "ledger", "売上台帳", N_("Revenue ledger"), N_("one row per month"),
        (_MONTH, replace(_MRR, required=True, description=N_("The client's own total, to which the report ties out."))),
        key=("month",), cut="month",
    ),
    Table(
        "initiatives", "施策", N_("Initiatives"), N_("one row per initiative"),
        (
            Column("initiative", "施策", "text", N_("Name of the initiative."), required=True,
                   example=N_("Playbook 2026")),
            replace(_START, required=True, description=N_("First day it was in force."), example="2026-04-01"),
            Column("topic", "対象", "choice", N_("What it was meant to change."), example="time",
                   choices={"onboarding": "導入", "time": "工数"}),
            Column("column", "列", "text", N_("Account column that tells whom it touched."), example="touch_model"),
            Column("value", "値", "text", N_("Value of that column for those it touched."), example=N_("high")),
        ),
        key=("initiative",), cut="start_date",
    ),
)
# fmt: on

TABLES: dict[str, Table] = {table.name: table for table in _ALL}


def normalise(name: object) -> str:
    """A name without what does not tell names apart: width, case, spaces, underscores, hyphens, harmless tails.

    >>> normalise(" Account_ID "), normalise("月額ＭＲＲ（円）"), normalise("月額（千円）")
    ('accountid', '月額mrr', '月額(千円)')
    """
    text = re.sub(r"[\s_\-‐]+", "", unicodedata.normalize("NFKC", str(name)).casefold().strip("\ufeff"))
    for tail in HARMLESS_TAILS:
        text = text.removesuffix(tail) or text
    return text


def find_table(name: object) -> Table | None:
    """The table that a file, sheet or section of that name holds, in English or Japanese, or None.

    >>> find_table("Time Entries").name, find_table("月次ＭＲＲ").name, find_table("Sheet1")
    ('time_entries', 'mrr_months', None)
    """
    return TABLES.get(_TABLE_NAMES.get(normalise(name), ""))


def find_saved_sheet(name: str) -> Table | None:
    """The table of a sheet that a spreadsheet program saved apart, as the workbook's name, a hyphen and the sheet's.

    >>> find_saved_sheet("cs_data_ja-契約").name, find_saved_sheet("hours-by-account"), find_saved_sheet("契約")
    ('contracts', None, None)
    """
    _book, hyphen, sheet = name.rpartition("-")
    table = find_table(sheet) if hyphen else None
    return table if table and normalise(sheet) in map(normalise, (table.name, table.label_ja)) else None


def find_column(table: Table, header: object) -> Column | None:
    """The column of a table that a header means, in English or Japanese, or None for a custom variable.

    >>> find_column(TABLES["accounts"], "顧客コード").name, find_column(TABLES["accounts"], "Plan colour")
    ('account_id', None)
    """
    return _COLUMN_NAMES[table.name].get(normalise(header))


def _index(entries: list[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    """Normalised spelling → name; a name or label always wins over a synonym."""
    found: dict[str, str] = {}
    for name, spellings in entries:
        for spelling in spellings:
            found.setdefault(normalise(spelling), name)
    return found


def _column_index(table: Table) -> dict[str, Column]:
    own = [(c.name, (c.name, c.label_ja)) for c in table.columns]
    other = [(c.name, COLUMN_SYNONYMS.get(c.name, ())) for c in table.columns]
    return {spelling: column for spelling, name in _index(own + other).items() if (column := table.column(name))}


_TABLE_NAMES = _index(
    [(t.name, (t.name, t.label_ja)) for t in _ALL] + [(t.name, TABLE_SYNONYMS.get(t.name, ())) for t in _ALL]
)
_COLUMN_NAMES = {table.name: _column_index(table) for table in _ALL}


def data_dictionary() -> str:
    """Every table and column as markdown, in the language in force (for the documentation)."""
    return "\n".join(_section(table) for table in _ALL)


def _section(table: Table) -> str:
    title = table.label_ja if current() == "ja" else _(table.label_en)
    heads = (_("column"), _("Japanese label"), _("type"), _("unit"), _("required"), _("meaning"), _("values"))
    lines = [f"## `{table.name}` {title}", "", _("Grain: {grain}.").format(grain=_(table.grain)), ""]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for c in table.columns:
        values = " · ".join(f"`{key}` {label}" for key, label in c.choices.items())
        yes = _("yes") if c.required else ""
        cells = (f"`{c.name}`", c.label_ja, c.type, _(c.unit), yes, _(c.description), values)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])
