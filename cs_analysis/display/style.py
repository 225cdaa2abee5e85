"""The look of a figure: colours, fonts and the theme, applied only while a figure is drawn or written.

Nothing here changes matplotlib's settings for the reader's own figures: `theme` is a context manager.
Ink, grid and paper are fixed hexes that the page replaces by its own variables, so that figures follow a dark page.
"""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib import font_manager, patheffects
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

INK = "#1c2126"  # text and axes
MUTED = "#59626c"  # what explains: subtitles, tick labels, notes
GRID = "#dfe3e8"
RULE = "#9aa3ad"  # reference lines, connectors
PAPER = "#ffffff"
TOTAL = "#66707a"  # bars that are a level, not a change

# Okabe and Ito's colours, those that stand out on white first
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#000000")
UP = PALETTE[0]  # signed amounts: blue is more, orange is less; neither is good or bad
DOWN = PALETTE[4]

AMOUNTS = LinearSegmentedColormap.from_list("cs_amounts", ["#f2f7fb", "#b9d7ea", "#5fa3d0", "#0b70ad", "#043f66"])
SIGNED = LinearSegmentedColormap.from_list(
    "cs_signed", ["#b35806", "#e5a010", "#f7e3bf", "#f5f5f4", "#bcdbee", "#4a9ccc", "#075a8f"]
)

_LATIN = "DejaVu Sans"  # shipped with matplotlib: the same bytes on every machine
_REPLACEMENT = "□"


def luminance(colour: Any) -> float:
    """Relative luminance of a colour, 0 (black) to 1 (white) [WCAG 2.2].

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return round(0.2126 * r + 0.7152 * g + 0.0722 * b, 6)


def contrast(a: Any, b: Any) -> float:
    """Contrast ratio of two colours, 1 to 21 [WCAG 2.2].

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((luminance(a), luminance(b)))
    return round((high + 0.05) / (low + 0.05), 3)


@cache
def readable(colour: str, on: str = PAPER, least: float = 4.5) -> str:
    """The colour itself, or the nearest darker (on light) or lighter (on dark) one with enough contrast for text.

    >>> readable("#0072b2"), contrast(readable("#e69f00"), "#ffffff") >= 4.5
    ('#0072b2', True)
    """
    (r, g, b), end = to_rgb(colour), 0.0 if luminance(on) > 0.18 else 1.0
    for step in range(51):
        part = step / 50
        mixed = to_hex((r + (end - r) * part, g + (end - g) * part, b + (end - b) * part))
        if contrast(mixed, on) >= least:
            return mixed
    return to_hex((end, end, end))


def text_on(colour: Any) -> str:
    """Near-black or near-white, whichever reads better on the colour (never INK or PAPER: those follow the page).

    >>> text_on("#ffffff"), text_on("#043f66")
    ('#010101', '#fefefe')
    """
    return max("#010101", "#fefefe", key=lambda text: contrast(text, colour))


@cache
def _fonts() -> tuple[str, ...]:
    """Family names, the Japanese one last: matplotlib falls back glyph by glyph, so Latin stays in the first."""
    spec = importlib.util.find_spec("matplotlib_fontja")  # not imported: importing it changes global settings
    path = Path(spec.submodule_search_locations[0]) / "fonts" / "ipaexg.ttf"  # type: ignore[union-attr,index]
    font_manager.fontManager.addfont(path)
    return (_LATIN, font_manager.FontProperties(fname=path).get_name())


@cache
def _glyphs() -> tuple[frozenset[int], frozenset[int]]:
    """The code points of the Latin and of the Japanese font."""
    found = (font_manager.get_font(font_manager.findfont(name)) for name in _fonts())
    latin, japanese = (frozenset(font.get_charmap()) for font in found)
    return latin, japanese


def drawable(text: str) -> str:
    """The text with every glyph that no font has replaced by a box, and control characters dropped.

    >>> drawable("㈱みどり $x$"), drawable("Kim 김")
    ('㈱みどり $x$', 'Kim □')
    """
    latin, japanese = _glyphs()
    kept = (c for c in str(text) if c == "\n" or c.isprintable())
    return "".join(c if c == "\n" or ord(c) in latin or ord(c) in japanese else _REPLACEMENT for c in kept)


def is_japanese(text: str) -> bool:
    """Whether some glyph of the text comes from the Japanese font (which has no bold)."""
    latin, _japanese = _glyphs()
    return any(c != "\n" and ord(c) not in latin for c in drawable(text))


def strong(text: str) -> dict[str, Any]:
    """Properties of bold text; the Japanese font has no bold, so its outline is drawn instead.

    >>> strong("NRR")["fontweight"], sorted(strong("解約"))
    ('bold', ['path_effects'])
    """
    if not is_japanese(text):
        return {"fontweight": "bold", "fontfamily": _LATIN}
    return {"path_effects": [patheffects.withStroke(linewidth=0.45, foreground=INK)]}


def short(name: object, limit: int = 24) -> str:
    """A name cut to ``limit`` characters with "…" and fit to draw; the whole name belongs in the table.

    >>> short("Aozora Logistics"), short("A very long company name indeed")
    ('Aozora Logistics', 'A very long company nam…')
    """
    text = " ".join(drawable(str(name)).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _settings() -> dict[str, object]:
    return {
        "font.family": list(_fonts()),
        "font.size": 8.5,
        "text.color": INK,
        "text.parse_math": False,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "axes.labelsize": 8.5,
        "axes.labelcolor": MUTED,
        "axes.edgecolor": RULE,
        "axes.facecolor": PAPER,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=PALETTE),
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": RULE,
        "xtick.labelcolor": MUTED,
        "xtick.major.size": 3,
        "ytick.color": RULE,
        "ytick.labelcolor": MUTED,
        "ytick.major.size": 0,
        "figure.facecolor": PAPER,
        "figure.dpi": 100,
        "savefig.dpi": "figure",
        "savefig.facecolor": PAPER,
        "hatch.linewidth": 0.5,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "patch.linewidth": 0,
        "path.simplify": True,
        "svg.fonttype": "path",  # no font is needed where the figure is read
        "svg.hashsalt": "cs-analysis",  # the same figure gives the same ids
    }


@contextmanager
def theme():
    """The kit's look within a ``with`` block; matplotlib's own settings are back after it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_settings())  # type: ignore[arg-type]
        yield
