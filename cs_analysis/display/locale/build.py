"""The Japanese catalogue, rebuilt from every message a user can see (for a checkout of the repository).

``python -m cs_analysis.display.locale.build`` collects the messages, adds the new ones to ``cs_analysis.po``
untranslated, keeps the translations there are, drops what is no longer said, and compiles ``cs_analysis.mo``.
``--check`` writes nothing and exits with 1 when the two files are not what a build would write.

Messages are: ``_("…")``, ``ngettext("…", "…", n)`` and ``N_("…")`` in the package and in notebooks' code cells;
the same calls and ``{% trans %}`` in templates (``*.j2``); each markdown cell of a notebook, whole; its title.
The files hold no dates and no line numbers, so the same messages and translations give the same bytes.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).resolve().parents[3]
LOCALE = Path(__file__).resolve().parent
DOMAIN = "cs_analysis"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


class Message(NamedTuple):
    """A message and the file that says it; ``plural`` is "" for a message without plural forms."""

    text: str
    plural: str
    file: str


class _Catalog(Catalog):
    """A catalogue whose header is the same in every build."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Project-Id-Version", DOMAIN),
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]

    @mime_headers.setter
    def mime_headers(self, value: list[tuple[str, str]]) -> None:
        """What a file's own header says is not taken over."""


def _found(method, text: str, file: str) -> Iterator[Message]:
    for _line, found, _comments, _context in extract(method, io.BytesIO(text.encode()), keywords=KEYWORDS):
        singular, plural = (found[0], found[1]) if isinstance(found, tuple) else (found, "")
        if singular:
            yield Message(singular, plural, file)


def _in_notebook(path: Path, file: str) -> Iterator[Message]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for holder in (notebook["metadata"], notebook["metadata"].get("cs_analysis", {})):
        if title := holder.get("title"):
            yield Message(title, "", file)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and source:
            yield Message(source, "", file)
        elif cell["cell_type"] == "code":
            yield from _found(extract_python, source, file)


def messages(root: Path = ROOT) -> list[Message]:
    """Every message of the checkout at ``root``, by file and then by text; a message said twice stands twice."""
    found: list[Message] = []
    for path in sorted((root / "cs_analysis").rglob("*")):
        method = {".py": extract_python, ".j2": babel_extract}.get(path.suffix)
        if method is not None:
            found += _found(method, path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        found += _in_notebook(path, path.relative_to(root).as_posix())
    return sorted(set(found), key=lambda m: (m.file, m.text))


def read(po: bytes, lang: str) -> Catalog:
    """The catalogue in a ``.po`` file."""
    return read_po(io.BytesIO(po), locale=lang, domain=DOMAIN)


def merge(found: list[Message], known: Catalog) -> Catalog:
    """A catalogue of exactly the messages ``found``, with the translations and remarks of ``known``."""
    merged = _Catalog(locale=known.locale, domain=DOMAIN, header_comment="", charset="utf-8", fuzzy=False)
    for message in found:
        old = known.get(message.text)
        kept = old if old is not None and not old.fuzzy and bool(message.plural) == old.pluralizable else None
        merged.add(
            (message.text, message.plural) if message.plural else message.text,
            string=kept.string if kept else None,
            locations=[(message.file, None)],  # type: ignore[list-item]
            user_comments=kept.user_comments if kept else (),
        )
    return merged


def po_bytes(catalog: Catalog) -> bytes:
    """The catalogue as a ``.po`` file."""
    out = io.BytesIO()
    write_po(out, catalog, width=0, include_lineno=False, omit_header=False)
    return out.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    """The catalogue as a ``.mo`` file, without what has no translation yet."""
    spoken = _Catalog(locale=catalog.locale, domain=DOMAIN, charset="utf-8", fuzzy=False)
    for message in catalog:
        if message.id and _translated(message.string):
            spoken.add(message.id, string=message.string)
    out = io.BytesIO()
    write_mo(out, spoken)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    """Build the catalogue, or with ``--check`` compare it; the exit code."""
    if unknown := set(arguments) - {"--check"}:
        sys.stderr.write(f"{' '.join(sorted(unknown))} is not known; there is only --check.\n")
        return 2
    folder = LOCALE / "ja" / "LC_MESSAGES"
    po, mo = folder / f"{DOMAIN}.po", folder / f"{DOMAIN}.mo"
    old = po.read_bytes() if po.exists() else b""
    known = read(old, "ja")
    catalog = merge(messages(), known)
    built = {po: po_bytes(catalog), mo: mo_bytes(catalog)}
    empty = sum(not _translated(m.string) for m in catalog if m.id)
    dropped = [m for m in known if m.id and m.id not in catalog and _translated(m.string)]
    if "--check" in arguments:
        stale = [path.name for path, content in built.items() if not path.exists() or path.read_bytes() != content]
        if stale or empty:
            sys.stderr.write(f"Out of step: {', '.join(stale) or 'nothing'}; {empty} messages without translation.\n")
        return int(bool(stale or empty))
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in built.items():
        path.write_bytes(content)
    sys.stderr.writelines(f"dropped: {m.id!r} = {m.string!r}\n" for m in dropped)
    sys.stderr.write(f"{len(catalog)} messages, {empty} without translation, {len(dropped)} translations dropped.\n")
    return 0


def _translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) and (isinstance(string, str) or all(string))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
