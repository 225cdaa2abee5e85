"""A figure and the words around it: made without pyplot, in the kit's look, with an alt text that says its finding."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation, Text

from cs_analysis.display.language import ngettext, number
from cs_analysis.display.style import INK, MUTED, drawable, is_japanese, short, strong, theme

MARKS = 1000  # above this a figure is a picture, not a drawing


@dataclass(frozen=True)
class Chart:
    """A figure and the sentence that says what it shows; displays itself as SVG, or PNG when it has many marks."""

    figure: Figure
    alt: str

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict[str, str], dict[str, dict[str, object]]]:
        mime, data = self._drawn
        metadata: dict[str, object] = {"alt": self.alt}
        if mime == "image/png":  # drawn at 2x, shown at 1x
            metadata |= {
                "width": round(self.figure.get_figwidth() * 100),
                "height": round(self.figure.get_figheight() * 100),
            }
        return {mime: data, "text/plain": self.alt}, {mime: metadata}

    @cached_property
    def _drawn(self) -> tuple[str, str]:
        if count_marks(self.figure) > MARKS:
            return "image/png", base64.b64encode(self.png()).decode("ascii")
        return "image/svg+xml", self.svg()

    def svg(self) -> str:
        """The figure as SVG text, the same bytes each time, letters as paths."""
        buffer = io.StringIO()
        with theme():
            self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()

    def png(self) -> bytes:
        """The figure as PNG at twice the screen's resolution."""
        buffer = io.BytesIO()
        with theme():
            self.figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
        return buffer.getvalue()


def chart(
    plot: Callable[..., Axes], frame: object, *, alt: str, width: float = 7.2, height: float = 3.6, **options: object
) -> Chart:
    """Draw ``plot(frame, ax, **options)`` on a new figure in the kit's look.

    Parameters
    ----------
    plot
        A topic's ``plot_*`` function.
    frame
        What it draws.
    alt
        The finding in one sentence, for who cannot see the figure; computed, never empty.
    width, height
        Inches at 100 dots.

    Returns
    -------
    Chart
        Shown by a notebook as the last value of a cell.

    Raises
    ------
    ValueError
        When ``alt`` is empty.
    """
    if not str(alt).strip():
        raise ValueError("a chart needs an alt text that says its finding")
    with theme():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        figure.get_layout_engine().set(w_pad=0.055, h_pad=0.03)  # type: ignore[union-attr]
        plot(frame, figure.add_subplot(), **options)
        _make_drawable(figure)
        _settle(figure)
    return Chart(figure, str(alt))


def count_marks(figure: Figure) -> int:
    """Marks a reader's browser would have to draw: patches, points of scatters and markers, texts."""
    marks = 0
    for artist in figure.findobj():
        if isinstance(artist, Line2D):
            marks += len(np.atleast_1d(artist.get_xdata())) if artist.get_marker() not in ("None", "", None) else 1
        elif isinstance(artist, Collection):
            points = artist.get_array()
            cells = 0 if points is None else points.size
            marks += max(len(artist.get_paths()), len(np.atleast_2d(artist.get_offsets())), cells)
        elif isinstance(artist, Rectangle | Text):
            marks += 1
    return marks


def _make_drawable(figure: Figure) -> None:
    """Replace what no font can draw, tick labels included, and keep ``$`` from starting mathematics."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            _guard_ticks(axis)
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # type: ignore[attr-defined]
        text.set_text(drawable(text.get_text()))  # type: ignore[attr-defined]


def _settle(figure: Figure) -> None:
    """Move labels at line ends apart, once the layout has given the axes their final height."""
    for ax in figure.axes:
        labels = [text for text in ax.texts if isinstance(text, EndLabel)]
        if not labels:
            continue
        figure.draw_without_rendering()
        bottom, top = ax.get_ylim()
        points = ax.get_position().height * figure.get_figheight() * 72
        wanted = [(label.height - bottom) / (top - bottom) * points for label in labels]
        for label, want, got in zip(labels, wanted, spread(wanted, 11.5), strict=True):
            label.xyann = (7, got - want)


class EndLabel(Annotation):
    """A line's name beside the right edge at the height of its last value."""

    def __init__(self, ax: Axes, text: str, height: float, colour: str) -> None:
        super().__init__(
            text,
            (1, height),
            (7, 0),
            ax.get_yaxis_transform(),
            "offset points",
            color=colour,
            va="center",
            fontsize=8.5,
            annotation_clip=False,
            clip_on=False,  # it stands outside the axes, which clip what is added to them
        )
        self.height = height
        ax.add_artist(self)


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Positions at least ``gap`` apart, in the same order, as near as can be to those wanted.

    >>> spread([0, 5, 40], 10)
    [-2.5, 7.5, 40.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    groups: list[tuple[float, int]] = []  # (mean of what the members want, less their offset in the group; members)
    for i in order:
        groups.append((float(wanted[i]), 1))
        while len(groups) > 1:
            (a, n), (b, m) = groups[-2:]
            if a + (n - 1) * gap / 2 + gap <= b - (m - 1) * gap / 2:
                break
            groups[-2:] = [((a * n + b * m) / (n + m), n + m)]
    placed = [centre + (k - (n - 1) / 2) * gap for centre, n in groups for k in range(n)]
    return [place for _i, place in sorted(zip(order, placed, strict=True))]


def _guard_ticks(axis: Axis) -> None:
    formatter = axis.get_major_formatter()
    original = formatter.format_ticks
    formatter.format_ticks = lambda values: [drawable(label) for label in original(values)]  # type: ignore[method-assign]


def title(ax: Axes, text: str, subtitle: str = "") -> Axes:
    """Say at the top left what is shown, and under it the unit, n and as-of date.

    In a figure of one chart both start at the figure's left edge and wrap; elsewhere they stand above the axes.
    """
    figure = ax.figure
    engine = figure.get_layout_engine() if isinstance(figure, Figure) else None
    plots = [other for other in figure.axes if not hasattr(other, "_colorbar")]
    if not isinstance(figure, Figure) or engine is None or len(plots) > 1:
        ax.set_title(
            drawable(text) + ("\n" + drawable(subtitle) if subtitle else ""), loc="left", fontsize=10, color=INK
        )
        return ax
    used = 4.0
    for words, size, colour, bold in ((text, 10.5, INK, True), (subtitle, 8.5, MUTED, False)):
        if words:
            used = _line(figure, words, size, colour, bold, used) + 3
    left, bottom, width, _height = engine.get()["rect"]
    engine.set(rect=(left, bottom, width, 1 - bottom - (used + 6) / 72 / figure.get_figheight()))  # type: ignore[call-arg]
    return ax


def note(ax: Axes, text: str) -> Axes:
    """A line under the chart, for what the reader must know to read it right (a cut axis, what a band is)."""
    figure = ax.figure
    engine = figure.get_layout_engine() if isinstance(figure, Figure) else None
    if not isinstance(figure, Figure) or engine is None:
        ax.annotate(drawable(text), (0, 0), (0, -34), "axes fraction", "offset points", fontsize=8, color=MUTED)
        return ax
    left, bottom, width, height = engine.get()["rect"]
    lines_ = _wrap(figure, drawable(text), 8.0, False)
    base = bottom * 72 * figure.get_figheight() + 4
    figure.text(
        4 / 72 / figure.get_figwidth(),
        base / 72 / figure.get_figheight(),
        "\n".join(lines_),
        fontsize=8,
        color=MUTED,
        va="bottom",
        linespacing=1.3,
        in_layout=False,
    )
    grown = (base + 4 + 11 * len(lines_)) / 72 / figure.get_figheight()
    engine.set(rect=(left, grown, width, height - (grown - bottom)))  # type: ignore[call-arg]
    return ax


def more(ax: Axes, rest: int) -> None:
    """Say under a chart that ``rest`` further rows stand in the table only; nothing where there are none."""
    if rest > 0:
        text = ngettext("{n} more is in the table.", "{n} more are in the table.", rest)
        note(ax, text.format(n=number(rest)))


def nothing(ax: Axes, why: str) -> Axes:
    """An empty chart says why it is empty."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, drawable(why), ha="center", va="center", wrap=True, transform=ax.transAxes)
    return ax


def _line(figure: Figure, words: str, size: float, colour: str, bold: bool, used: float) -> float:
    """Write wrapped words ``used`` points below the top; return the points used then."""
    wrapped = _wrap(figure, drawable(words), size, bold)
    artist = figure.text(
        4 / 72 / figure.get_figwidth(),
        1 - used / 72 / figure.get_figheight(),
        "\n".join(wrapped),
        fontsize=size,
        color=colour,
        va="top",
        linespacing=1.25,
        in_layout=False,
    )
    if bold:
        artist.update(strong(words))
    return used + size * 1.25 * len(wrapped)


def _wrap(figure: Figure, words: str, size: float, bold: bool) -> list[str]:
    """The words in lines no wider than the figure; Japanese breaks between any two characters."""
    probe = figure.text(0, 0, "", fontsize=size, **(strong(words) if bold else {}))
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    room = (figure.get_figwidth() * 72 - 10) * figure.dpi / 72

    def fits(line: str) -> bool:
        probe.set_text(line)
        return probe.get_window_extent(renderer).width <= room

    pieces = list(words) if is_japanese(words) and " " not in words[:40] else words.split(" ")
    glue = "" if len(pieces) and max(map(len, pieces)) <= 1 else " "
    wrapped = [""]
    for piece in pieces:
        longer = wrapped[-1] + (glue if wrapped[-1] else "") + piece
        if fits(longer) or not wrapped[-1]:
            wrapped[-1] = longer
        else:
            wrapped.append(piece)
    probe.remove()
    return wrapped


def legend_below(ax: Axes, columns: int) -> None:
    """A legend under the axes and their label, where it covers nothing."""
    look = {"ncols": columns, "fontsize": 8, "handlelength": 1.6, "borderaxespad": 0}
    if isinstance(ax.figure, Figure) and ax.figure.get_layout_engine() is not None:
        ax.figure.legend(loc="outside lower left", **look)
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.14), **look)


def label_bars(ax: Axes, labels: Sequence[str]) -> None:
    """Name the upright bars at 0, 1, 2 …: as many as stand beside each other, the newest (last) always among them.

    A few bars keep the width they would have among six.
    """
    names = [short(label) for label in labels]
    room = ax.figure.get_figwidth() * 72 * 0.86  # type: ignore[union-attr]
    widest = max((sum(8.5 if is_japanese(c) else 5.2 for c in name) for name in names), default=0.0) + 9
    every = max(1, -(-len(names) // max(1, int(room // widest))))
    shown = range((len(names) - 1) % every, len(names), every)
    ax.set_xticks(list(shown), [names[place] for place in shown])
    ax.tick_params(axis="x", length=0)
    spare = max(0.0, (6 - len(names)) / 2)
    ax.set_xlim(-0.6 - spare, len(names) - 0.4 + spare)
