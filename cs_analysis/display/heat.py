"""Heat maps: cells by colour and figure, what was not yet reached hatched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from cs_analysis.display import language
from cs_analysis.display.figure import note
from cs_analysis.display.language import _
from cs_analysis.display.style import (
    AMOUNTS,
    MUTED,
    PAPER,
    RULE,
    SIGNED,
    drawable,
    short,
    text_on,
)


def heatmap(
    ax: Axes,
    matrix: object,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    *,
    kind: str = "percent",
    centre: float | None = None,
    counts: Sequence[float] | None = None,
    unfinished: object = None,
    counts_label: str = "",
) -> Axes:
    """A table of cells by colour and figure; a missing cell is hatched: it was not yet reached.

    Parameters
    ----------
    matrix
        Rows × columns of numbers, missing = not yet observed.
    centre
        The value of no change (1.0 for net retention): blue above it, orange below; None for amounts, one hue.
    counts
        One number per row (accounts in the cohort), written at the right.
    unfinished
        Mask of cells that are projected or not yet complete: coloured and hatched.
    """
    values = np.asarray(matrix, dtype=float)
    rows, columns = values.shape
    known = values[np.isfinite(values)]
    norm, ramp = _norm(known, centre)
    # one hatched ground under all cells: it shows where a cell is missing
    ax.add_patch(Rectangle((0, 0), columns, rows, facecolor=PAPER, edgecolor=RULE, hatch="////", linewidth=0, zorder=1))
    ax.pcolormesh(np.ma.masked_invalid(values), cmap=ramp, norm=norm, edgecolors=PAPER, linewidth=0.8, zorder=2)
    width = (ax.figure.get_figwidth() * 72 - 90) / max(columns, 1)  # type: ignore[union-attr]
    height = (ax.figure.get_figheight() * 72 - 95) / max(rows, 1)  # type: ignore[union-attr]
    size = min(8.0, width / 2.3, height * 0.72)
    if size >= 5:
        write = (lambda v: language.number(100 * v)) if kind == "percent" else _cell_writer(kind)
        for r, c in np.argwhere(np.isfinite(values)).tolist():
            colour = text_on(ramp(norm(values[r, c])))
            ax.text(
                c + 0.5, r + 0.5, write(values[r, c]), ha="center", va="center", fontsize=size, color=colour, zorder=4
            )
    else:
        ax.figure.colorbar(
            ScalarMappable(norm, ramp),
            ax=ax,
            shrink=0.6,
            format=FuncFormatter(lambda v, _p: language.percent(v, 0)) if kind == "percent" else None,
        )
    mask = np.zeros_like(values, bool) if unfinished is None else np.asarray(unfinished, bool) & np.isfinite(values)
    for r, c in np.argwhere(mask).tolist():
        ax.add_patch(
            Rectangle(
                (c, r),
                1,
                1,
                fill=False,
                edgecolor=text_on(ramp(norm(values[r, c]))),
                hatch="////",
                linewidth=0,
                alpha=0.35,
                zorder=3,
            )
        )
    _frame_heatmap(ax, rows, columns, row_labels, column_labels)
    if counts is not None and size >= 5:
        for r, n in enumerate(counts):
            ax.annotate(
                language.number(n),
                (columns, r + 0.5),
                (22, 0),
                "data",
                "offset points",
                ha="right",
                va="center",
                fontsize=min(8.0, max(6.0, size)),
                color=MUTED,
                annotation_clip=False,
            )
        ax.annotate(
            drawable(counts_label or _("accounts")),
            (columns, 0),
            (22, 4),
            "data",
            "offset points",
            ha="right",
            va="bottom",
            fontsize=7.5,
            color=MUTED,
            annotation_clip=False,
        )
    said = [] if np.isfinite(values).all() else [_("Hatched: not yet reached.")]
    if mask.any():
        said.append(_("Hatched over colour: projected or not yet complete."))
    if said:
        note(ax, " ".join(said))
    return ax


def _norm(known: np.ndarray, centre: float | None) -> tuple[Normalize, Colormap]:
    if centre is None:
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        return Normalize(min(low, high - 1e-9), high), AMOUNTS
    reach = float(np.quantile(np.abs(known - centre), 0.98)) if known.size else 0.0
    reach = reach or 0.05
    return TwoSlopeNorm(centre, centre - reach, centre + reach), SIGNED


def _cell_writer(kind: str) -> Callable[[float], str]:
    return lambda v: language.number(v, 1 if kind == "number1" else 0)


def _frame_heatmap(ax: Axes, rows: int, columns: int, row_labels: Sequence[str], column_labels: Sequence[str]) -> None:
    every_row, every_column = max(1, -(-rows // 40)), max(1, -(-columns // 30))
    ax.set_xlim(0, columns)
    ax.set_ylim(rows, 0)
    ax.grid(False)
    ax.set_xticks(np.arange(0, columns, every_column) + 0.5, [short(c, 12) for c in column_labels][::every_column])
    first = (rows - 1) % every_row  # the newest row has its label
    ax.set_yticks(np.arange(first, rows, every_row) + 0.5, [short(r) for r in row_labels][first::every_row])
    ax.tick_params(length=0, labelsize=8)
    ax.spines["bottom"].set_visible(False)
