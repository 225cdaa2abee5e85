"""Markup of a page's body: figures that follow the page's colours, headings in order, failures in words."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from cs_analysis.display import style
from cs_analysis.display.language import _
from cs_analysis.display.style import PALETTE, readable


class FigureInliner:
    """Turns SVG documents into inline figures, one after another: their ids stay unique within the page.

    Colours that mean ink, paper, grid or a series become the page's variables: figures follow a dark page.
    """

    light = {f"c{i}": colour for i, colour in enumerate(PALETTE)} | {
        f"t{i}": readable(colour) for i, colour in enumerate(PALETTE)
    }

    def __init__(self) -> None:
        self._made = 0
        named = {"ink": style.INK, "muted": style.MUTED, "rule": style.GRID, "line": style.RULE, "paper": style.PAPER}
        named["total"] = style.TOTAL
        # labels first: where a colour is its own readable form, the plain name wins
        self._names = {hex_: f"var(--{name})" for name, hex_ in [*reversed(self.light.items()), *named.items()]}

    def __call__(self, svg: object, alt: str) -> str:
        """An SVG document as ``<figure>`` with the alt text; metadata, comments, scripts and links are dropped."""
        self._made += 1
        text = "".join(svg) if isinstance(svg, list) else str(svg)
        start = text.find("<svg")
        if start < 0:
            return ""
        text = text[start:]
        for dropped in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style\b.*?</style>", r"<script\b.*?</script>"):
            text = re.sub(dropped, "", text, flags=re.DOTALL)
        text = self._own_ids(text)
        text = re.sub(r"#[0-9a-f]{6}\b", lambda m: self._names.get(m.group(), m.group()), text)
        text = re.sub(r"<svg[^>]*>", lambda m: self._open(m.group(), alt), text, count=1)
        text = re.sub(r">\s+<", "><", text.strip())
        return f'<figure class="figure">{text}</figure>'

    def _own_ids(self, text: str) -> str:
        prefix = f"f{self._made}-"
        text = re.sub(r'\bid="', f'id="{prefix}', text)
        text = re.sub(r"url\(#", f"url(#{prefix}", text)
        return re.sub(r'(?:xlink:)?href="#', f'href="#{prefix}', text)

    def _open(self, tag: str, alt: str) -> str:
        box = re.search(r'viewBox="([^"]+)"', tag)
        inside = f' viewBox="{box.group(1)}"' if box else ""
        label = html.escape(alt or _("Figure"), quote=True)
        return f'<svg xmlns="http://www.w3.org/2000/svg"{inside} role="img" aria-label="{label}">'


@dataclass(frozen=True)
class Outline:
    """A body whose headings are in order: its title (taken out), its sections and the rest."""

    title: str
    headings: list[tuple[str, str]]
    html: str


_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


def outline(body: str) -> Outline:
    """Take the first heading of level 1 out as the title, and put the others in order below it.

    A second heading of level 1 becomes 2, and no level is skipped on the way down.

    >>> found = outline("<h1>NRR</h1><h3>How?</h3>")
    >>> found.title, found.headings, found.html
    ('NRR', [('s1', 'How?')], '<h2 id="s1">How?</h2>')
    """
    title, headings, depth = "", [], 1

    def place(match: re.Match[str]) -> str:
        nonlocal title, depth
        level, inner = int(match.group(1)), match.group(2).strip()
        plain = html.unescape(_TAG.sub("", inner)).strip()
        if level == 1 and not title and not headings:
            title = plain
            return ""
        depth = max(2, min(level, depth + 1))
        if depth > 2:
            return f"<h{depth}>{inner}</h{depth}>"
        headings.append((f"s{len(headings) + 1}", plain))
        return f'<h2 id="{headings[-1][0]}">{inner}</h2>'

    placed = _HEADING.sub(place, body)
    return Outline(title, headings, placed)


_TEXT = re.compile(r">[^<]+<")
_UNIT = re.compile(r"(?<=\d) (?=%|(?:million|billion|thousand)\b)")


_JOINT = re.compile(r"(?<=[。、；]) |(?<=）) (?=[^\x00-\x7f])")


def bind(markup: str) -> str:
    """Keep a figure and its unit on one line, by a space that does not break; attributes stay as they are.

    Sentences are joined by a space; Japanese has none after its punctuation.

    >>> bind('<p title="5 %">104.2 % of ¥31.3 million</p>').replace("\\u00a0", "~")
    '<p title="5 %">104.2~% of ¥31.3~million</p>'
    >>> bind("<p>増えました。 GRR は 98 社（前年比） です。</p>")
    '<p>増えました。GRR は 98 社（前年比）です。</p>'
    """
    return _TEXT.sub(lambda text: _JOINT.sub("", _UNIT.sub("\u00a0", text.group())), markup)


def failure(output: Any) -> str:
    """An error of a cell in one sentence, without its trace and without folders (they name people and machines)."""
    said = str(output.get("evalue", "")).strip().split("\n")[0][:300]
    said = re.sub(r"(?:[A-Za-z]:)?(?:[/\\][^\s/\\:'\"]+)+[/\\]", "", said)
    return _("This step could not be computed: {reason}").format(reason=said or output.get("ename", ""))
