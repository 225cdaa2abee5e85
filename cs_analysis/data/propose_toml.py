"""A proposed mapping as a client file: every line says how sure it is, every question stands as a `"?"`.

The file holds what the client file already says, then a section per proposed table, so that it can take its place once
the questions are answered. Where the client file maps a table already, the lines are comments to be moved by hand.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from cs_analysis.data.mapping_keys import QUESTION
from cs_analysis.data.propose import Proposal, Question
from cs_analysis.data.settings import Settings
from cs_analysis.data.vocabulary import CERTAIN, LIKELY, UNSURE
from cs_analysis.display.language import _, ngettext
from cs_analysis.errors import N_

PROPOSED = "cs-analysis.proposed.toml"
_SAID = {CERTAIN: N_("certain"), LIKELY: N_("likely"), UNSURE: N_("unsure")}
_ORDER = ("constants", "filter", "units")


def proposed_text(proposals: Sequence[Proposal], settings: Settings) -> str:
    """The proposal as TOML, in the language in force."""
    before = settings.path.read_text(encoding="utf-8-sig").rstrip() if settings.path else ""
    intro = _("Proposed by `cs-analysis check`. Nothing of it is in force yet: look through it, answer every ?, delete "
              "what is wrong, and save it as {name}.").format(name="cs-analysis.toml")  # fmt: skip
    lines = [*_comment(intro), ""]
    if before:
        lines += [before, ""]
    asked = {q.key: q for p in proposals for q in p.questions if q.key == "client"}
    lines += _client(asked.get("client"), settings)
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


def _client(question: Question | None, settings: Settings) -> Iterator[str]:
    if question is None:
        return
    has_section = settings.path is not None and "client" in settings.model_fields_set
    yield from _comment(_("QUESTION: {asked}").format(asked=question.asked))
    yield from (["# [client]", f'# currency = "{QUESTION}"', ""] if has_section else
                ["[client]", f'currency = "{QUESTION}"', ""])  # fmt: skip


def _section(proposal: Proposal) -> Iterator[str]:
    name = f"mapping.{proposal.table}"
    yield f"[{name}]"
    files = list(dict.fromkeys(s.file for s in proposal.sources))
    sheets = list(dict.fromkeys(s.sheet for s in proposal.sources if s.sheet))
    yield f"file = {_value(files if len(files) > 1 else files[0])}"
    if sheets:
        yield f"sheet = {_value(sheets if len(sheets) > 1 else sheets[0])}"
    yield from (f"{key} = {_value(value)}" for key, value in proposal.fixed.items())
    if proposal.by_name:
        yield 'match = "name"'
    questions = [q for q in proposal.questions if q.key not in ("client", "columns")]
    for question in sorted(questions, key=lambda q: _ORDER.index(q.key) if q.key in _ORDER else len(_ORDER)):
        yield from _comment(_("QUESTION: {asked}").format(asked=question.asked))
        pairs = {n: [QUESTION] if question.key == "filter" else QUESTION for n in question.names}
        yield from (f"{question.key}.{_quoted(n)} = {json.dumps(v)}" for n, v in pairs.items())
    yield from _columns(proposal, name)
    if proposal.clock:
        yield ""
        yield f"[{name}.derive.clock]"
        yield from (f"{part} = {_quoted(header)}" for part, header in proposal.clock.items())


def _columns(proposal: Proposal, name: str) -> Iterator[str]:
    missing = [q for q in proposal.questions if q.key == "columns"]
    lines = []
    for guess in proposal.guesses:
        line = f"{_quoted(guess.header)} = {_quoted(guess.column)}"
        about = f"{_(_SAID[guess.certainty])}: {guess.why}"
        is_comment = guess.certainty == UNSURE
        if guess.known and guess.header == guess.column:
            continue
        lines.append(f"{'# ' if is_comment else ''}{line}  # {about}")
    if not lines and not missing:
        return
    yield ""
    yield f"[{name}.columns]"
    yield from lines
    for question in missing:
        yield from _comment(_("QUESTION: {asked}").format(asked=question.asked))
        yield from (f"{_quoted(f'{QUESTION} {n}')} = {_quoted(n)}" for n in question.names)


def _comment(text: str) -> list[str]:
    """A comment, broken into lines; whatever stands in a client's cell cannot end it."""
    plain = re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text)
    return textwrap.wrap(plain, width=110, initial_indent="# ", subsequent_indent="#   ") or ["#"]


def _value(value: object) -> str:
    """A text, a list of texts or a table of them in TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_quoted(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    """A TOML string; JSON's is one, but for the one letter that TOML wants escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def place_of(config: Path | None, workspace: Path | None, data: Path) -> Path:
    """Where the proposal is written: beside the client file, or where it would be."""
    return (config.parent if config else workspace or data) / PROPOSED
