"""Both languages are complete, and every text can be found for translation.

English is the source; the Japanese catalogue must hold every message, with the same placeholders.
"""

from __future__ import annotations

import ast
import datetime
import gettext
import io
import json
import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Message as Entry

from cs_analysis.data import schema
from cs_analysis.display import language
from cs_analysis.display.locale import build

FOLDER = build.LOCALE / "ja" / "LC_MESSAGES"
PO = FOLDER / "cs_analysis.po"
SOURCES = sorted((build.ROOT / "cs_analysis").rglob("*.py"))


@pytest.fixture(scope="module")
def japanese() -> list[Entry]:
    return [entry for entry in build.read(PO.read_bytes(), "ja") if entry.id]


def texts(message: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)


def placeholders(text: str) -> set[str]:
    """Names in braces (``{n}``, ``{value:.1f}`` → n, value) and in jinja's ``%(name)s``."""
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        named = {re.split(r"[.\[]", name)[0] for name in fields}
    except ValueError:  # prose with a lone brace, never formatted
        named = set(re.findall(r"{(\w+)}", text))
    return named | set(re.findall(r"%\((\w+)\)s", text))


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_no_message_is_missing_or_obsolete(japanese):
    said = {message.text for message in build.messages()}
    kept = {texts(entry.id)[0] for entry in japanese}
    remedy = "run: uv run python -m cs_analysis.display.locale.build, then translate"
    assert not said - kept, remedy
    assert not kept - said, remedy
    assert "#~" not in PO.read_text(encoding="utf-8")


def test_every_message_is_translated(japanese):
    untranslated = [entry.id for entry in japanese if not all(texts(entry.string or ""))]
    assert not untranslated, f"{len(untranslated)} messages have no Japanese"
    assert not [entry.id for entry in japanese if entry.fuzzy]


def test_placeholders_are_those_of_the_english(japanese):
    for entry in japanese:
        wanted = placeholders(texts(entry.id)[-1])  # the plural names everything; the singular may leave the 1 out
        for translation in texts(entry.string or ""):
            assert not translation or placeholders(translation) == wanted, (entry.id, translation)


def test_space_and_line_ends_at_the_edges_are_kept(japanese):
    """Parts of sentences and whole cells are joined to others by what stands at their edges."""
    for entry in japanese:
        first = texts(entry.id)[0]
        for translation in texts(entry.string or ""):
            assert not translation or translation.startswith("\n") == first.startswith("\n"), entry.id
            assert not translation or translation.endswith("\n") == first.endswith("\n"), entry.id


def test_headings_of_cells_keep_their_level(japanese):
    for entry in japanese:
        marks = re.findall(r"^#+ ", texts(entry.id)[0], flags=re.M)
        for translation in texts(entry.string or ""):
            assert not translation or re.findall(r"^#+ ", translation, flags=re.M) == marks, entry.id


def test_compiled_catalogue_is_the_written_one(japanese):
    compiled = gettext.GNUTranslations(io.BytesIO(PO.with_suffix(".mo").read_bytes()))
    for entry in japanese:
        translation = texts(entry.string or "")
        if not all(translation):
            continue
        if len(texts(entry.id)) > 1:
            assert compiled.ngettext(*texts(entry.id), 2) == translation[0]
        else:
            assert compiled.gettext(entry.id) == translation[0]
    assert build.mo_bytes(build.read(PO.read_bytes(), "ja")) == PO.with_suffix(".mo").read_bytes()


def test_build_keeps_translations_drops_the_rest_and_repeats_itself():
    found = [build.Message("Kept.", "", "a.py"), build.Message("{n} row", "{n} rows", "a.py")]
    header = 'msgid ""\nmsgstr ""\n\n'
    written = header + 'msgid "Kept."\nmsgstr "残る"\n\nmsgid "Gone."\nmsgstr "消える"\n'
    first = build.po_bytes(build.merge(found, build.read(written.encode(), "ja")))
    assert "残る".encode() in first
    assert b"Gone." not in first
    assert b'msgid_plural "{n} rows"\nmsgstr[0] ""' in first
    assert build.po_bytes(build.merge(found, build.read(first, "ja"))) == first


def test_build_finds_every_kind_of_message(tmp_path):
    (tmp_path / "cs_analysis").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "cs_analysis" / "a.py").write_text('x = _("one" " two") + N_("three") + ngettext("{n} a", "{n} b", 2)')
    (tmp_path / "cs_analysis" / "page.html.j2").write_text('<p>{{ _("four") }}</p>')
    cells = [
        {"cell_type": "markdown", "source": ["# six\n", "seven"]},
        {"cell_type": "code", "source": ["_('eight')"]},
    ]
    notebook = {"metadata": {"cs_analysis": {"title": "five"}}, "cells": cells}
    (tmp_path / "notebooks" / "01_x.ipynb").write_text(json.dumps(notebook))
    found = {(m.text, m.plural) for m in build.messages(tmp_path)}
    assert {text for text, _ in found} == {"one two", "three", "{n} a", "four", "five", "# six\nseven", "eight"}
    assert ("{n} a", "{n} b") in found


# --- the code that speaks --------------------------------------------------------------------------------------------


def called(node: ast.AST) -> str:
    """The last name of what is called: ``format`` for ``"…".format(…)``."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def calls(path: Path, *names: str) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.args and called(n) in names]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(build.ROOT).as_posix())
def test_messages_are_literals_that_can_be_found(path):
    """``_(f"…")`` and ``_("…".format(…))`` would never be found in the catalogue."""
    for call in calls(path, "_", "N_", "gettext", "ngettext"):
        argument = call.args[0]
        built = isinstance(argument, ast.JoinedStr | ast.BinOp) or called(argument) == "format"
        assert not built, f"line {call.lineno}"
    for call in calls(path, "N_"):
        assert isinstance(call.args[0], ast.Constant), f"line {call.lineno}: N_ marks a literal"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(build.ROOT).as_posix())
def test_errors_carry_marked_messages(path):
    for call in calls(path, "CsError", "InputError", "NotebookError"):
        assert not isinstance(call.args[0], ast.Constant | ast.JoinedStr), f"line {call.lineno}: mark it with N_"


def test_every_table_and_column_has_a_japanese_label():
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|NPS|MRR")
    for table in schema.TABLES.values():
        assert japanese.search(table.label_ja), table.name
        labels = [column.label_ja for column in table.columns]
        assert all(japanese.search(label) for label in labels), (table.name, labels)
        assert len(set(labels)) == len(labels), table.name
        for column in table.columns:
            assert all(japanese.search(label) for label in column.choices.values()), (table.name, column.name)


# --- the language itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", ["104.2 %", "¥1,234,000", "31 Oct 2026", "Oct 2026", "−3", "–"]),
        ("ja", ["104.2 %", "¥1,234,000", "2026年10月31日", "2026年10月", "−3", "–"]),
    ],
)
def test_figures_of_each_language(lang, expected):
    last = datetime.date(2026, 10, 31)
    with language.speaking(lang):
        said = [language.percent(1.042), language.money(1234000), language.day(last), language.month(last)]
        assert [*said, language.number(-3), language.number(None)] == expected


def test_language_is_given_back():
    before = language.current()
    with language.speaking("ja"):
        assert language.current() == "ja"
    assert language.current() == before
