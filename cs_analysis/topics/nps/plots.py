"""NPS drawn: each chart takes a metric's frame and an ax, and returns the ax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cs_analysis.display import charts, sentences
from cs_analysis.display.language import _, money_short, number, percent
from cs_analysis.display.style import (
    AMOUNTS,
    DOWN,
    INK,
    MUTED,
    PAPER,
    RULE,
    TOTAL,
    UP,
    is_japanese,
    short,
    strong,
    text_on,
)
from cs_analysis.topics.nps import naming, words
from cs_analysis.topics.nps.answers import ANSWERS
from cs_analysis.topics.nps.follow import ATTITUDES, BEHAVIOURS

_SIDES = (("detractor", 0, 6, DOWN), ("passive", 7, 8, TOTAL), ("promoter", 9, 10, UP))
_ROOM = 370  # points between the axes' ends, where the labels of waves stand
_POINTS = ("estimate", "low", "high")


def plot_distribution(distribution: pd.DataFrame, ax: Axes, *, wave: str | None) -> Axes:
    """How often each score from 0 to 10 was given in a wave; the three groups are named above their bars."""
    own = distribution[distribution["wave"] == wave].set_index("score")["n"]
    total = int(own.sum())
    if not total:
        return charts.nothing(ax, _(words.NO_ANSWER_YET))
    counts = own.reindex(range(11), fill_value=0)
    top = float(counts.max())
    write = charts.value_axis(ax, counts.to_numpy(), "number")
    for name, first, last, colour in _SIDES:
        part = counts.loc[first:last]
        ax.bar(part.index, part.to_numpy(), width=0.74, color=colour, zorder=2)
        label = _("{answer} {share}").format(answer=_(naming.ANSWER_LABELS[name]), share=percent(part.sum() / total, 0))
        ax.plot([first - 0.37, last + 0.37], [top * 1.17] * 2, color=colour, linewidth=2.5, clip_on=False, zorder=3)
        ax.text((first + last) / 2, top * 1.2, label, ha="center", va="bottom", fontsize=8.5, **strong(label))
    for score, n in counts.items():
        ax.annotate(write(n), (score, n), (0, 3), "data", "offset points", ha="center", fontsize=8)  # type: ignore[arg-type]
    ax.set_ylim(0, top * 1.34)
    ax.set_xlim(-0.7, 10.7)
    ax.set_xticks(range(11), [number(score) for score in range(11)])
    ax.tick_params(axis="x", length=0, labelcolor=INK)
    ax.tick_params(axis="y", labelleft=False)
    ax.grid(False)
    ax.axhline(0, color=RULE, linewidth=0.8)
    ax.set_xlabel(_("score given"))
    return charts.title(
        ax, _("How the answers are spread"), _("{wave}, {n}").format(wave=wave, n=sentences.answers(total))
    )


def plot_trend(score: pd.DataFrame, ax: Axes, *, weighted: pd.DataFrame | None = None) -> Axes:
    """The score wave by wave with its interval, and beside it the score weighted for silence."""
    told = score[score["estimate"].notna()]
    if told.empty:
        return charts.nothing(ax, _("No wave has enough answers for a score."))
    waves = score["wave"].tolist()
    series = {_("those who answered"): (range(len(waves)), *(score[c].to_numpy() for c in _POINTS))}
    if weighted is not None and weighted["estimate"].notna().any():
        own = weighted.set_index("wave").reindex(waves)
        label = naming.label("non_response", naming.WEIGHTING_LABELS)
        series[label] = (range(len(waves)), own["estimate"].to_numpy())
    charts.lines(ax, series, kind="number")
    if len(told) == 1 or len(waves) == 1:  # a line of one point shows neither itself nor its interval
        at = told.iloc[-1]
        arms = [[at["estimate"] - at["low"]], [at["high"] - at["estimate"]]]
        ax.errorbar([waves.index(at["wave"])], [at["estimate"]], yerr=arms, color=UP, linewidth=1.8)
        ax.set_ylim(min(-5, at["low"] - 5), max(5, at["high"] + 5))
        ax.set_xlim(-0.6, len(waves) - 0.4)
    ax.set_ylabel(_("NPS points"))
    names = [short(wave, 14) for wave in waves]
    widest = max(sum(8.5 if is_japanese(c) else 5.6 for c in name) for name in names) + 10  # points
    every = max(1, round(-(-len(names) * widest // _ROOM)))
    shown = list(range((len(names) - 1) % every, len(names), every))
    ax.set_xticks(shown, [names[i] for i in shown])
    ax.axhline(0, color=RULE, linewidth=1, zorder=1)
    last = told.iloc[-1]
    subtitle = _("Points; {n} in {wave}").format(n=sentences.answers(last["n"]), wave=last["wave"])
    return charts.title(ax, _("NPS wave by wave"), subtitle)


def plot_groups(score: pd.DataFrame, ax: Axes, *, by: str, wave: str | None) -> Axes:
    """The score of each group of a wave, its interval and its n; groups with too few answers have none."""
    rows = score[(score["wave"] == wave) & (score["n"] > 0)].nlargest(15, "n")
    if rows.empty:
        return charts.nothing(ax, _(words.NO_ANSWER_YET))
    rows = rows.sort_values(["estimate", "n"], ascending=False, na_position="last")
    names = naming.labels(rows["group"], naming.ROLE_LABELS)
    _points_forest(ax, names, rows)
    title = _("NPS by {column}").format(column=naming.column(by))
    return charts.title(ax, title, _("{wave}; points; n is answers").format(wave=wave))


def plot_weightings(table: pd.DataFrame, ax: Axes) -> Axes:
    """One wave's score under each weighting, and the bounds that hold whatever the silent think."""
    rows = table[(table["n"] > 0)]
    if rows.empty:
        return charts.nothing(ax, _(words.NO_ANSWER_YET))
    _points_forest(ax, naming.labels(rows["weighting"], naming.WEIGHTING_LABELS), rows)
    charts.note(ax, _("The line of the bounds is no interval: it holds whatever the silent think."))
    wave = rows["wave"].iloc[0]
    return charts.title(ax, _("One wave, counted in several ways"), _("{wave}; points; n is answers").format(wave=wave))


def plot_churn(link: pd.DataFrame, ax: Axes) -> Axes:
    """The share that left within twelve months of a survey, by answer."""
    rows = link[link["n"] > 0]
    if rows.empty:
        return charts.nothing(ax, _(words.NO_YEAR))
    values = [rows[c].to_numpy() for c in _POINTS]
    charts.forest(
        ax, naming.labels(rows["answer"], naming.ANSWER_LABELS), *values, kind="percent", n=rows["n"].tolist()
    )
    subtitle = _("% of accounts that left within twelve months of a survey's last day; n is accounts × surveys")
    return charts.title(ax, _("Who left after which answer"), subtitle)


def plot_beside(table: pd.DataFrame, ax: Axes, *, measure: str = "nrr") -> Axes:
    """NRR, stages or hours of the accounts by what they answered a year ago."""
    rows = table[(table["measure"] == measure) & table["estimate"].notna()]
    if rows.empty:
        return charts.nothing(ax, _("There is nothing yet to set beside the answers of a year ago."))
    values = [rows[c].to_numpy(dtype=float) for c in _POINTS]
    kind = "percent" if measure == "nrr" else "number1"
    names = naming.labels(rows["answer"], naming.ANSWER_LABELS)
    reference = 1.0 if measure == "nrr" else None
    charts.forest(ax, names, *values, kind=kind, reference=reference, n=rows["n"].tolist())
    return charts.title(ax, _(naming.MEASURE_LABELS[measure]), _("By the answer of a year ago; n is accounts"))


def plot_switches(switches: pd.DataFrame, ax: Axes) -> Axes:
    """What the same people said in the wave before (rows) and say now (columns)."""
    if switches.empty or not switches["n"].sum():
        return charts.nothing(ax, _("Nobody was asked in two surveys in a row."))
    wide = switches.pivot(index="from", columns="to", values="n").reindex(index=ANSWERS, columns=ANSWERS)
    names = naming.labels(ANSWERS, naming.ANSWER_LABELS)
    totals = wide.sum(axis=1).tolist()
    charts.heatmap(ax, wide.to_numpy(dtype=float), names, names, kind="number", counts=totals, counts_label=_("asked"))
    ax.set_xlabel(_("this wave"))
    ax.set_ylabel(_("the wave before"))
    title = _("Who changed sides between two waves")
    return charts.title(ax, title, _("People asked both times; on the diagonal nothing changed"))


def plot_loyalty(loyalty: pd.DataFrame, ax: Axes, *, currency: str = "JPY") -> Axes:
    """The loyalty square: accounts and MRR by what they say (rows) and what they do (columns)."""
    if loyalty.empty or not loyalty["accounts"].sum():
        return charts.nothing(ax, _("No account with revenue was asked, so there is no loyalty square."))
    field = loyalty.set_index(["attitude", "behaviour"])
    most = float(loyalty["mrr"].max()) or 1.0
    for row, attitude in enumerate(ATTITUDES):
        for column, does in enumerate(BEHAVIOURS):
            at: Any = field.loc[(attitude, does)]
            colour = AMOUNTS(0.85 * at["mrr"] / most)
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor=PAPER, linewidth=3))
            ink = text_on(colour)
            count = sentences.accounts(at["accounts"])
            amount = _("{mrr} of MRR").format(mrr=money_short(at["mrr"], currency))
            if sentences.known(at["estimate"]):
                amount += _(", {share} still there").format(share=percent(at["estimate"], 0))
            ax.text(column + 0.5, row + 0.4, count, ha="center", va="center", fontsize=9.5, color=ink)
            ax.text(column + 0.5, row + 0.7, amount, ha="center", va="center", fontsize=8, color=ink)
    ax.set_xlim(0, len(BEHAVIOURS))
    ax.set_ylim(len(ATTITUDES), 0)
    ax.set_xticks([0.5, 1.5], naming.labels(BEHAVIOURS, naming.BEHAVIOUR_LABELS))
    ax.xaxis.tick_top()
    ax.set_yticks(np.arange(len(ATTITUDES)) + 0.5, naming.labels(ATTITUDES, naming.ANSWER_LABELS))
    ax.tick_params(length=0, labelcolor=INK)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
    subtitle = _("{wave}; accounts by what they said and how much they use; darker is more MRR")
    return charts.title(ax, _("Loyalty square"), subtitle.format(wave=loyalty["wave"].iloc[0]))


def plot_themes(themes: pd.DataFrame, ax: Axes) -> Axes:
    """The score of the comments on each theme, with its interval and how many there are."""
    if themes.empty:
        return charts.nothing(ax, _("Nobody wrote a comment."))
    rows = themes.head(15)
    _points_forest(ax, naming.labels(rows["theme"], naming.THEME_LABELS), rows)
    return charts.title(ax, _("NPS by what the comment is about"), _("Points; n is comments; most comments first"))


def _points_forest(ax: Axes, names: list[str], rows: pd.DataFrame) -> None:
    """Scores with their intervals; where there are too few answers the row says so instead of a number."""
    values = [rows[c].to_numpy(dtype=float) for c in _POINTS]
    charts.forest(ax, names, *values, kind="number1", reference=0.0, n=rows["n"].tolist())
    low, high = np.nanmin([*values[0], *values[1], 0.0]), np.nanmax([*values[0], *values[2], 0.0])
    room = max(5.0, 0.06 * (high - low))
    ax.set_xlim(max(-104.0, low - room), min(104.0, high + room))
    for place, value in enumerate(values[0]):
        if not np.isfinite(value) and not np.isfinite(values[1][place]):
            ax.annotate(
                _("too few answers"), (0, place), (6, 0), ax.get_yaxis_transform(), "offset points", va="center",
                fontsize=8, color=MUTED,
            )  # fmt: skip
