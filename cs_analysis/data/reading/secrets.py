"""Secrets of the client file: named there as `${NAME}`, kept in the environment, taken out of whatever is said.

Three things are done with them: a file that holds one itself is refused (`check_texts`, `check_source`), the names in
an address are replaced when the connection is made (`expand`), and sentences of others are cleared of them
(`mask`, `without`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from cs_analysis.errors import N_, InputError

VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILES = ("sqlite", "duckdb")  # an address that begins with / after its :// is a path there, and may hold any sign
# what may stand before the @ of an address: a user, and as password nothing but variables
_NO_PASSWORD = re.compile(r"[^:/@?#]*(?::(?:\$\{[^}]*\})*)?@")
_ADDRESS = re.compile(r"://[^\s/@:]*:(?P<password>[^\s/@]+)@")
_SECRET = (
    r"[\w-]*(?:pass(?:word|wd|code|phrase)|pwd|secret|token|credential|(?:api|access|account|private)[_-]?key)[\w-]*"
)
_OPTION = re.compile(rf"(?P<key>{_SECRET})(?P<is>\s*=\s*)(?P<value>'[^']*'|\"[^\"]*\"|[^&;\s'\"]*)", re.IGNORECASE)
_SAID = re.compile(rf"(?P<key>{_SECRET})(?P<is>\s*[=:]\s*)(?P<value>'[^']*'|\"[^\"]*\"|[^&;,\s'\"]+)", re.IGNORECASE)
_IN_QUERY = re.compile(r"(?:password|passwd|pwd)\s*=\s*(?P<value>[^\s']+)", re.IGNORECASE)


def holds_password(url: str) -> bool:
    """Whether an address holds a password of its own, rather than the name of a variable.

    Examples
    --------
    >>> holds_password("postgresql://${USER}:${PASSWORD}@host/crm"), holds_password("sqlite:///C:/data/me@home/crm.db")
    (False, False)
    >>> holds_password("postgresql://u:a/b#c@host/crm"), holds_password("host=h user=u password=abc")
    (True, True)
    """
    _kind, found, rest = url.partition("://")
    before = not _is_file(url) and _before_at(rest if found else url)
    return before or _in_options(url) or _in_options(unquote_plus(url))


def _before_at(address: str) -> bool:
    """A password may hold any sign, also / and @ when nobody encoded it: it goes up to the last @."""
    safe = _NO_PASSWORD.match(address)
    if safe is not None:
        return "@" in address[safe.end() :].partition("?")[0]
    return ":" in address[: max(address.rfind("@"), 0)]


def _in_options(url: str) -> bool:
    found = (m for m in _OPTION.finditer(url) if not m["key"].lower().endswith(("path", "file")))
    return any(VARIABLE.sub("", m["value"]).strip("'\"{}") for m in found)


def query_holds_password(query: str) -> bool:
    """Whether a text within a query is an address with its password, as foreign tables and links are given.

    >>> query_holds_password("SELECT * FROM dblink('host=h password=abc', 'SELECT 1') AS t (a int)")
    True
    >>> query_holds_password("SELECT * FROM users WHERE password = 'abc'")
    False
    """
    literals = re.findall(r"'([^']*)'", query)
    return any(_ADDRESS.search(text) or _IN_QUERY.search(text) for text in literals)


def check_source(url: str, query: str, table: str, file: str) -> None:
    """Refuse a secret that stands in the section of a source itself (`file` is the client file)."""
    for key, is_there in (("url", holds_password(url)), ("query", query_holds_password(query))):
        if is_there:
            raise InputError(
                N_("In {file}, {key} in [source.{table}] holds a password; write ${{NAME}} in url in its place and set "
                   "NAME in the environment."),
                file=file, table=table, key=key,
            )  # fmt: skip
    if not all(_NAME.fullmatch(name) for name in VARIABLE.findall(url)):
        raise InputError(  # what stands there is not repeated: it may be the password itself
            N_("In {file}, url in [source.{table}] has a ${{…}} that is not the name of an environment variable; a "
               "name has letters, digits and underscores only."),
            file=file, table=table,
        )  # fmt: skip
    if any(_NAME.fullmatch(name) for name in VARIABLE.findall(query)):
        raise InputError(
            N_("In {file}, query in [source.{table}] names an environment variable; variables are replaced in url "
               "only, so take it out."),
            file=file, table=table,
        )  # fmt: skip


def check_texts(data: Mapping[str, Any], file: str) -> None:
    """Refuse an address with its password wherever it stands in the client file (`data`), also where it is no use.

    The urls and queries of sources are left out: they are looked at more closely once they are known to be texts.
    """
    for place, text in _texts(data, ()):
        is_looked_at = place[0] == "source" and place[-1] in ("url", "query")
        if not is_looked_at and any(VARIABLE.sub("", m["password"]) for m in _ADDRESS.finditer(text)):
            raise InputError(
                N_("In {file}, {place} holds a password; take it out: only url in [source.<table>] may name one, as "
                   "${{NAME}}, and its value stands in the environment."),
                file=file, place=mask(".".join(place)),
            )  # fmt: skip


def _texts(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """All the texts of a client file, its keys included, with the names that lead to them."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*place, str(key)), str(key)
            yield from _texts(inner, (*place, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, place)


def expand(url: str) -> tuple[str, list[str]]:
    """The address with the variables' values, and these values.

    Before the @ and as the value of an option a value is encoded, since a password may hold a / or an @ of its own; and
    so is an @ among the options, which SQLAlchemy would take for the one before the host.
    """
    before, question, options = url.partition("?")
    begins = before.find("://")
    at = -1 if _is_file(url) else before.rfind("@")
    values: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        values.append(os.environ.get(found[1], ""))
        return values[-1]

    def within_address(found: re.Match[str]) -> str:
        text = value_of(found)
        return quote(text, safe="") if begins < found.start() < at else text

    def within_options(found: re.Match[str]) -> str:
        text = value_of(found)
        return quote(text, safe="") if found.string[: found.start()].endswith("=") else text

    address = VARIABLE.sub(within_address, before)
    return address + question + VARIABLE.sub(within_options, options.replace("@", "%40")), values


def _is_file(url: str) -> bool:
    kind, _sep, rest = url.partition("://")
    return kind.partition("+")[0].lower() in _FILES and rest.startswith("/")


def mask(text: str) -> str:
    """A text with whatever looks like a secret in it taken out.

    Examples
    --------
    >>> mask("url=postgresql://me:abc@db.example.com/crm?sslmode=require&password=def")
    'url=postgresql://…@db.example.com/crm?sslmode=require&password=…'
    >>> mask("token: abc")
    'token: …'
    """
    return _SAID.sub(lambda m: f"{m['key']}{m['is']}…", re.sub(r"://\S*@", "://…@", text))


def without(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets in any of their spellings, each only where it is a word of its own.

    >>> without("no role CS_owner in a%40b at cs_owners", ["cs_owner", "a@b"])
    'no role … in … at cs_owners'
    """
    forms = {form for s in secrets if s for form in (s, quote(s, safe=""), unquote(s), s.replace("\\", "\\\\"))}
    for form in sorted(forms, key=len, reverse=True):
        before = r"(?<![A-Za-z0-9_])" if re.match(r"[A-Za-z0-9_]", form) else ""
        after = r"(?![A-Za-z0-9_])" if re.search(r"[A-Za-z0-9_]\Z", form) else ""
        text = re.sub(f"{before}{re.escape(form)}{after}", "…", text, flags=re.IGNORECASE)
    return mask(text)
