"""A proposed mapping as a client file: every line says how sure it is, every question stands as a `"?"`.

The file holds what the client file already says, then a section per proposed table, so that it can take its place once
the questions are answered. Where the client file maps a table already, the lines are comments to be moved by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cs_analysis.data.mapping.keys import QUESTION
from cs_analysis.data.proposing.propose import Proposal
from cs_analysis.data.proposing.questions import Question
from cs_analysis.data.proposing.tables import Unknown
from cs_analysis.data.schema import TABLES
from cs_analysis.data.settings import Settings
from cs_analysis.data.vocabulary import CERTAIN, LIKELY, UNSURE
from cs_analysis.display.language import _, ngettext
from cs_analysis.display.wrap import wrapped
from cs_analysis.errors import N_

PROPOSED = "cs-analysis.proposed.toml"
_SAID = {CERTAIN: N_("certain"), LIKELY: N_("likely"), UNSURE: N_("unsure")}
_ORDER = ("date_order", "constants", "filter", "units")
_CLIENT = re.compile(r"^[ \t]*\[[ \t]*client[ \t]*\][ \t]*(#.*)?$", re.MULTILINE)


def proposed_text(proposals: Sequence[Proposal], settings: Settings) -> str:
    """The proposal as TOML, in the language in force."""
    before = settings.path.read_text(encoding="utf-8-sig").rstrip() if settings.path else ""
    intro = _("Proposed by `cs-analysis check`. Nothing of it is in force yet: look through it, answer every ?, delete "
              "what is wrong, and save it as {name}.").format(name="cs-analysis.toml")  # fmt: skip
    lines = [*_comment(intro), ""]
    asked = {q.key: list(_question(q)) for p in proposals for q in p.questions if q.key == "client"}
    lines += _with_client(before, asked.get("client", []))
    for proposal in proposals:
        section = list(_section(proposal))
        mapped = not proposal.is_new
        lines += ([f"# {line}".rstrip() for line in section] if mapped else section) + [""]
    return "\n".join(lines).rstrip() + "\n"


def summary_lines(proposals: Sequence[Proposal], file: str) -> list[str]:
    """What is proposed, in a line per table and one that says where it is."""
    said = []
    for p in proposals:
        n = sum(len(q.names) for q in p.questions)
        asked = ngettext("{count} question", "{count} questions", n).format(count=n)
        said.append(
            _("proposal: {source} seems to hold {table}; its columns: {certain} certain, {likely} likely, "
              "{unsure} unsure; {asked}").format(
                source=", ".join(map(str, p.sources)), table=p.table, certain=p.count(CERTAIN), likely=p.count(LIKELY),
                unsure=p.count(UNSURE), asked=asked,
            )
        )  # fmt: skip
    if said and file:
        said.append(_("The proposed mapping is in {file}; confirm it there.").format(file=file))
    return said


def as_records(proposals: Sequence[Proposal]) -> list[dict]:
    """The proposals as plain dictionaries, for programs."""
    return [
        {
            "table": p.table, "places": [{"file": s.file, "sheet": s.sheet} for s in p.sources],
            "match": "name" if p.by_name else "id",
            "columns": [{"header": g.header, "column": g.column, "certainty": g.certainty, "why": g.why}
                        for g in p.guesses],
            "questions": [{"key": q.key, "names": list(q.names), "asked": q.asked} for q in p.questions],
        }
        for p in proposals
    ]  # fmt: skip


def unknown_lines(unknown: Sequence[Unknown]) -> list[str]:
    """Why nothing is proposed for a file or sheet, in a line each."""
    return [_("no proposal: {source}: {why}").format(source=u.source, why=u.why) for u in unknown]


def _with_client(before: str, currency: Sequence[str]) -> list[str]:
    """What the client file says already, with the question of the currency in its section [client]."""
    if not currency:
        return [before, ""] if before else []
    header = _CLIENT.search(before)
    if header is not None:
        return [before[: header.end()], *currency, before[header.end() :].lstrip("\n"), ""]
    lines = ["[client]", *currency, ""]
    return [*lines, before, ""] if before else lines


def _section(proposal: Proposal) -> Iterator[str]:
    name = f"mapping.{proposal.table}"
    yield f"[{name}]"
    files = list(proposal.files)
    sheets = list(dict.fromkeys(s.sheet for s in proposal.sources if s.sheet))
    yield f"file = {_value(files if len(files) > 1 else files[0])}"
    if sheets:
        yield f"sheet = {_value(sheets if len(sheets) > 1 else sheets[0])}"
    yield from _set_aside(proposal)
    yield from (line for key, value in proposal.fixed.items() for line in _pairs(key, value))
    if proposal.by_name:
        yield 'match = "name"'
    apart = ("client", "columns", *(f"derive.{rule}" for rule in proposal.derive))
    questions = [q for q in proposal.questions if q.key not in apart]
    for question in sorted(questions, key=lambda q: _ORDER.index(q.key) if q.key in _ORDER else len(_ORDER)):
        yield from _question(question, f"{question.key}.")
    yield from _columns(proposal, name)
    for rule, parts in proposal.derive.items():
        yield ""
        yield f"[{name}.derive.{rule}]"
        yield from (f"{part} = {_quoted(header)}" for part, header in parts.items())
        for question in (q for q in proposal.questions if q.key == f"derive.{rule}"):
            yield from _question(question)


def _question(question: Question, under: str = "") -> Iterator[str]:
    """What is asked, and a line with a "?" for each answer; `under` is the key in front of it."""
    yield from _comment(_("QUESTION: {asked}").format(asked=question.asked))
    for name in question.names:
        mark = [QUESTION] if question.key == "filter" else QUESTION
        key = f"{under}{_quoted(name) if under else name}" if name else question.key
        yield f"{key} = {json.dumps(mark)}"


def _set_aside(proposal: Proposal) -> Iterator[str]:
    """Why some headers of our own names are ignored."""
    for header, name in proposal.set_aside.items():
        meant = next((g.header for g in proposal.guesses if g.column == name and g.sure and g.header != header), None)
        label = next(f"{c.name} ({c.label_ja})" for c in TABLES[proposal.table].columns if c.name == name)
        if meant is not None:
            told = _("“{header}” means {column} as well, which “{meant}” is taken for; it is ignored.")
        else:
            told = _("“{header}” is a name of {column}, but it is empty or holds something else; it is ignored.")
        yield from _comment(told.format(header=header, column=label, meant=meant))


def _columns(proposal: Proposal, name: str) -> Iterator[str]:
    asked = [q for q in proposal.questions if q.key == "columns"]
    lines = []
    for guess in proposal.guesses:
        line = f"{_quoted(guess.header)} = {_quoted(guess.column)}"
        if guess.known and guess.header == guess.column:
            continue
        lines.append(f"{'' if guess.sure else '# '}{line}  # {_one_line(f'{_(_SAID[guess.certainty])}: {guess.why}')}")
    if lines or asked:
        yield ""
        yield f"[{name}.columns]"
    yield from lines
    for question in asked:
        yield from _comment(_("QUESTION: {asked}").format(asked=question.asked))
        for n in question.names:
            pair = (n, QUESTION) if question.theirs else (f"{QUESTION} {n}", n)
            yield f"{_quoted(pair[0])} = {_quoted(pair[1])}"
    if proposal.unused:
        told = _("Not used (kept as variables of your own): {headers}").format(headers=", ".join(proposal.unused))
        yield from _comment(told)


_COMMENT_WIDTH = 100  # Japanese letters take the room of two


def _comment(text: str) -> list[str]:
    """A comment, broken into lines; whatever stands in a client's cell cannot end it."""
    first, *others = wrapped(_one_line(text), _COMMENT_WIDTH).split("\n")
    return [f"# {first}".rstrip(), *(f"#   {line}" for line in others)]


def _one_line(text: str) -> str:
    """A text without the letters that end a comment, or may not stand in one."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text)


def _pairs(key: str, value: object) -> Iterator[str]:
    """A key and its value; a table as a line per entry, so that questions can add theirs."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _pairs(f"{key}.{_quoted(name)}", inner)
    else:
        yield f"{key} = {_value(value)}"


def _value(value: object) -> str:
    """A text, or a list of texts, in TOML."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    """A TOML string; JSON's is one, but for the one letter that TOML wants escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def place_of(config: Path | None, workspace: Path | None, data: Path) -> Path:
    """Where the proposal is written: beside the client file, or where it would be."""
    return (config.parent if config else workspace or data) / PROPOSED
