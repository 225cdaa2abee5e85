"""The client file `cs-analysis.toml` as data: every section and key, its default and what it may hold.

An unknown key, a wrong value or a file that is not TOML is one sentence that names the file, the section and the
key, what is there and what is allowed. The defaults are those of the definitions. A mapping section looks like this
(all keys optional; :mod:`cs_analysis.data.mapping.apply` says how each is applied)::

    [mapping.accounts]
    file = "customers.xlsx"                    # in the data folder; or a list of names, or "customers_*.xlsx"
    sheet = "Sheet1"
    header_row = 3                             # the row of the headers, as Excel numbers it
    columns = {"Kundennr" = "account_id"}      # their header = our name
    ignore = ["E-mail", "20*"]                 # columns left out
    fill_down = ["Kundennr"]                   # a blank cell takes the value above it …
    record_start = "First"                     # … but never from one record into the next
    constants = {channel = "partner"}
    filter = {"Status" = ["active", "left"]}   # rows kept ("*": not blank); the rest is counted as set aside
    date_order = "mdy"                         # how 4/1/2025 is meant; or "dmy"
    units = {mrr = "千円", "Break" = "minutes"}  # of a column of ours, or of the break in derive.clock
    match = "name"                             # not for accounts: their account_id column holds names
    values.segment = {"大手" = "Enterprise"}   # theirs = ours

    [mapping.accounts.derive.tenure]           # months with us, counted back from a reference day, and a flag
    months = "tenure"
    left = "Churn"
    left_values = ["Yes"]
    stayed_values = ["No"]                     # where there are other words than yes and no
    reference_day = 2026-10-01                 # those who left were served until the day before

    [mapping.contracts.derive.amount]          # an amount and the period it covers → mrr
    amount = "Fee"
    period = "Billing"
    periods = {"prepaid" = 24}                 # months; yearly, quarterly, monthly, 年, 月 … are known
    quantity = "Seats"                         # where the amount is that of one of them
    every = "Interval count"                   # where the period is told as so many months or years

    [mapping.time_entries.derive.clock]        # hours = end − start − break
    start = "From"
    end = "To"
    break = "Break"                            # minutes, or h:mm
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from cs_analysis.data.mapping.derive import Amount, Clock, Tenure
from cs_analysis.data.mapping.keys import TableMapping, check_mapping
from cs_analysis.data.reading.secrets import check_source, check_texts, mask
from cs_analysis.data.reading.sources import Database
from cs_analysis.data.schema import TABLES, find_table
from cs_analysis.data.sections import (
    DAY,
    DAYS,
    NAMES,
    SHARE,
    TEXT,
    Code,
    Day,
    Days,
    Names,
    Scalar,
    Section,
    Share,
    sentence,
    unknown_section,
)
from cs_analysis.display.language import LANGUAGES, _
from cs_analysis.errors import N_, InputError

_LOGO_TYPES = (".png", ".jpg", ".jpeg", ".svg")


class Client(Section):
    """`[client]`: whose report it is and how it is spoken."""

    name: str = Field(default="", description=TEXT)
    language: Literal["en", "ja"] = Field(default="en", description=" / ".join(LANGUAGES))
    currency: Code = Field(default="JPY", description=N_("an ISO code of three capitals such as JPY"))
    fiscal_year_start: int = Field(default=1, ge=1, le=12, description=N_("a month from 1 to 12"))
    logo: str | None = Field(default=None, description=N_("a PNG, JPEG or SVG file, relative to the client file"))
    brand_colour: str | None = Field(
        default=None,
        pattern=r"^#[0-9a-fA-F]{6}$",
        description=N_("a colour such as #0a5c8f"),
    )


class Money(Section):
    """`[money]`: shares and rates that turn revenue and hours into money."""

    gross_margin: Share = Field(default=0.8, description=SHARE)
    hourly_cost: float | None = Field(
        default=None, ge=0, description=N_("an amount in the client's currency, 0 or more")
    )
    discount_rate: float = Field(default=0.1, ge=0, le=1, description=SHARE)  # per year
    fx: dict[Code, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description=N_("a table of currency code = its worth in the client's currency, such as USD = 150"),
    )


class Rules(Section):
    """`[rules]`: the named switches of the definitions."""

    end_date_inclusive: bool = Field(default=True, description="true / false")
    grace_days: Days = Field(default=0, description=DAYS)
    lives: Literal["first", "all"] = Field(default="first", description="first / all")
    churn_month: Literal["first_without", "last_with"] = Field(
        default="first_without", description="first_without / last_with"
    )
    observed_from: Day | None = Field(default=None, description=DAY)
    notice_period: Days = Field(default=60, description=DAYS)
    account_level: Literal["account", "parent"] = Field(default="account", description="account / parent")
    fixed_columns: Names = Field(default_factory=list, description=NAMES)
    onboarding_start: Literal["contract", "kickoff"] = Field(default="contract", description="contract / kickoff")
    min_n: int = Field(default=10, ge=1, description=N_("a whole number, 1 or more"))
    min_coverage: Share = Field(default=0.6, description=SHARE)


class Report(Section):
    """`[report]`: what the report shows first, how it splits, and which notebooks it runs (none named = all)."""

    key_metrics: Names = Field(
        default_factory=lambda: ["nrr", "grr", "logo_retention"],
        min_length=1,
        max_length=3,
        description=N_("a list of one to three metrics"),
    )
    segment_by: Names = Field(default_factory=lambda: ["segment"], description=NAMES)
    notebooks: Names = Field(default_factory=list, description=NAMES)


class Stages(Section):
    """`[stages]`: the ladder of small successes, lowest first."""

    ladder: Names = Field(default_factory=list, description=NAMES)


THEMES = {  # a theme and the words that tell of it, in both languages
    "support": ["サポート", "対応", "問い合わせ", "support", "help", "service"],
    "ease_of_use": ["使いやす", "使いにく", "操作", "分かりにく", "画面", "easy", "hard to", "click", "intuitive"],
    "features": ["機能", "レポート", "分析", "連携", "要望", "feature", "report", "integration", "missing", "api"],
    "speed": ["速い", "遅い", "重い", "待ち時間", "動作", "fast", "slow", "speed", "performance"],
    "quality": ["不具合", "エラー", "障害", "落ちる", "正確", "bug", "error", "crash", "outage", "reliab"],
    "price": ["価格", "料金", "費用", "高い", "値上げ", "price", "pricing", "cost", "expensive", "value for"],
    "results": ["効果", "成果", "効率", "半分", "削減", "result", "outcome", "benefit", "saves", "saved", "roi"],
    "people": ["担当", "引き継ぎ", "営業", "人柄", "csm", "account manager", "contact person", "handover"],
    "onboarding": ["導入", "初期設定", "研修", "マニュアル", "慣れ", "onboarding", "training", "setup", "learn"],
}


class Nps(Section):
    """`[nps]`: the themes by which comments are grouped; a client's own replace all of ours."""

    themes: dict[str, Names] = Field(
        default_factory=lambda: dict(THEMES),
        description=N_("a table of theme = list of words in a comment that tell of it"),
    )


class Layers(Section):
    """`[usage] layers`: the depth of use (0 to 1) from which a layer begins; below `a_little` is unused."""

    a_little: Share = Field(default=0.01, description=SHARE)
    active: Share = Field(default=0.3, description=SHARE)
    thriving: Share = Field(default=0.7, description=SHARE)


class Usage(Section):
    """`[usage]`: where the layers of usage depth begin."""

    layers: Layers = Layers()


class Alert(Section):
    """`[[alerts]]`: a value compared with a limit, or words looked for, and the action it asks for."""

    name: str = Field(description=TEXT)
    table: str = Field(description=N_("one of the input tables, or portfolio"))
    column: str = Field(description=N_("the name of a column"))
    comparison: Literal["<", "<=", ">", ">=", "==", "!="] | None = Field(
        default=None, description="< / <= / > / >= / == / !="
    )
    value: Scalar | None = Field(default=None, description=N_("a number, text, true, false or a day"))
    words: Names = Field(default_factory=list, description=NAMES)
    within_days: Days | None = Field(default=None, description=DAYS)
    action: str = Field(default="", description=TEXT)

    @field_validator("table")
    @classmethod
    def _known_table(cls, value: str) -> str:
        table = find_table(value)
        if table is None and value != "portfolio":
            raise PydanticCustomError("unknown_key", "", {"key": value, "known": [*TABLES, "portfolio"]})
        return table.name if table else value

    @model_validator(mode="after")
    def _value_or_words(self) -> Alert:
        if (self.value is not None and self.comparison is not None) == bool(self.words):
            raise PydanticCustomError("value_or_words", "", {})
        return self


class Settings(Section):
    """The whole client file; a section that is not there has its defaults.

    Examples
    --------
    >>> settings = read_settings(None)
    >>> settings.client.currency, settings.rules.grace_days, settings.rules.end_date_inclusive
    ('JPY', 0, True)
    """

    client: Client = Client()
    money: Money = Money()
    rules: Rules = Rules()
    report: Report = Report()
    stages: Stages = Stages()
    usage: Usage = Usage()
    nps: Nps = Nps()
    alerts: list[Alert] = Field(default_factory=list)
    mapping: dict[str, TableMapping] = Field(default_factory=dict)
    source: dict[str, Database] = Field(default_factory=dict)
    _path: Path | None = PrivateAttr(None)

    @property
    def path(self) -> Path | None:
        """The client file, or None when there is none."""
        return self._path

    @property
    def logo(self) -> Path | None:
        """The client's logo, or None."""
        return self._path.parent / self.client.logo if self._path and self.client.logo else None


def read_settings(path: Path | str | None) -> Settings:
    """The settings of a client file, or the defaults when there is none.

    Parameters
    ----------
    path
        The file, or None.

    Raises
    ------
    InputError
        When the file is missing, is not TOML, or holds an unknown key or a wrong value.
    """
    if path is None:
        return Settings()
    settings, problem = _read(Path(path))
    if problem is not None:  # raised out here, where no variable and no other error holds what the file says
        raise problem
    assert settings is not None
    return settings


def _read(path: Path) -> tuple[Settings | None, InputError | None]:
    """The settings, or the error to raise: what is refused may be a password, and tracebacks can show variables."""
    try:
        return _settings_of(path), None
    except InputError as error:
        return None, InputError(error.message, **error.fields)


def _settings_of(path: Path) -> Settings:
    data = _parse(path)
    check_texts(data, path.name)
    for section in ("mapping", "source"):
        if isinstance(data.get(section), dict):
            data[section] = _by_table(data[section], section, path)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise sentence(error, path.name) from None
    settings._path = path
    _check_logo(settings, path)
    _check_mappings(settings, path)
    return settings


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError:
        raise InputError(N_("The client file {file} cannot be opened; check its path."), file=path.name) from None
    except UnicodeDecodeError:
        raise InputError(N_("The client file {file} is not UTF-8 text; save it as UTF-8."), file=path.name) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(text, str(error), path.name) from None


def _not_toml(text: str, said: str, file: str) -> InputError:
    """What the parser (`said`) finds fault with: the line by its header or key; a value may be a password."""
    lines = text.splitlines() or [""]
    found = re.search(r"line (\d+)", said)
    line = min(int(found[1]) if found else len(lines), len(lines))
    named = re.match(r"\s*(\[+[\w.-]+\]+|[\w.-]+\s*=)", lines[line - 1])
    shown = f"{named[1]} …" if named and named[1].endswith("=") else named[1] if named else "…"
    if "overwrite" in said:
        message = N_("In {file}, line {line} gives a key or section a second time: {text!r}; keep one.")
    else:
        message = N_("In {file}, line {line} is not valid TOML: {text!r}; write key = value, with text in quotes.")
    return InputError(message, file=file, line=line, text=shown)


def _by_table(sections: dict[str, Any], section: str, path: Path) -> dict[str, Any]:
    """The sections under the canonical names of their tables."""
    found: dict[str, Any] = {}
    for name, content in sections.items():
        table = find_table(name)
        if table is None:
            raise unknown_section(f"{section}.{name}", [f"{section}.{t}" for t in TABLES], path.name)
        if table.name in found:
            raise InputError(
                N_("In {file}, {section} stands there twice (once under another name of the table); keep one."),
                file=path.name,
                section=f"[{section}.{table.name}]",
            )
        found[table.name] = content
    return found


def _check_logo(settings: Settings, path: Path) -> None:
    if settings.logo and (settings.logo.suffix.lower() not in _LOGO_TYPES or not settings.logo.is_file()):
        raise InputError(
            N_("In {file}, logo in [client] is {value!r}, but it must be {allowed}."),
            file=path.name,
            value=mask(str(settings.client.logo)),
            allowed=_(N_("a PNG, JPEG or SVG file, relative to the client file")),
        )


def _check_mappings(settings: Settings, path: Path) -> None:
    for name, database in settings.source.items():
        check_source(database.url, database.query or "", name, path.name)
    for name, mapping in settings.mapping.items():
        check_mapping(mapping, TABLES[name], path.name)
        if mapping.derive.tenure and not settings.rules.end_date_inclusive:
            raise InputError(
                N_("In {file}, derive.tenure of {table} gives last days of service; end_date_inclusive must be true."),
                file=path.name, table=name,
            )  # fmt: skip


def key_table() -> str:
    """The keys of the client file as a markdown table, in the language in force: section, key, default, allowed."""
    lines = [
        f"| {_('section')} | {_('key')} | {_('default')} | {_('allowed')} |",
        "|---|---|---|---|",
    ]
    named = {s.__name__.lower(): s for s in (Client, Money, Rules, Report, Stages, Nps)}
    mapped = {"mapping.<table>": TableMapping, "source.<table>": Database}
    derived = {"tenure": Tenure, "amount": Amount, "clock": Clock}
    mapped |= {f"mapping.<table>.derive.{rule}": section for rule, section in derived.items()}
    for name, section in {**named, **mapped}.items():
        for key, about in section.model_fields.items():
            if about.description is None:  # sections of their own
                continue
            default = None if about.is_required() else about.get_default(call_default_factory=True)
            plain = list(default) if isinstance(default, dict) else default  # of long tables the names alone
            shown = "" if plain in (None, "", [], {}) else f"`{json.dumps(plain, ensure_ascii=False)}`"
            lines.append(f"| `[{name}]` | `{about.alias or key}` | {shown} | {_(about.description)} |")
    return "\n".join(lines)
