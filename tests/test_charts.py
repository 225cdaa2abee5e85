"""Charts: nothing global changes, every glyph is there, the same figure gives the same bytes, no axis is cut unseen."""

from __future__ import annotations

import itertools
import logging
import re
import warnings
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from cs_analysis.display import charts, language, style
from cs_analysis.display.figure import EndLabel, spread
from cs_analysis.display.language import speaking


def _chart(draw, **options):
    return charts.chart(lambda _frame, ax: draw(ax), None, alt="what it shows", **options)


def _waterfall(ax):
    labels, values = ["Sep", "new", "churn", "Oct"], [61.2e6, 2.4e6, -1.5e6, 62.1e6]
    charts.waterfall(ax, labels, values, ["total", "change", "change", "total"])
    return charts.title(ax, "MRR bridge", "million yen · 241 accounts")


def _texts(chart):
    return [text.get_text() for text in chart.figure.findobj(mpl.text.Text) if text.get_text()]


def test_the_readers_own_settings_stay_as_they_were():
    before = dict(mpl.rcParams)
    _chart(_waterfall)._repr_mimebundle_()
    assert dict(mpl.rcParams) == before


def test_the_same_figure_gives_the_same_bytes():
    first, second = (_chart(_waterfall).svg() for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first
    assert _chart(_waterfall).png() == _chart(_waterfall).png()


def test_a_notebook_gets_a_drawing_with_its_alt_text():
    data, metadata = _chart(_waterfall)._repr_mimebundle_()
    assert data["text/plain"] == "what it shows"
    assert metadata["image/svg+xml"]["alt"] == "what it shows"
    assert "<text" not in data["image/svg+xml"]  # letters are paths: no font is needed to read them
    ElementTree.fromstring(data["image/svg+xml"])


def test_many_marks_make_a_picture_at_twice_the_size():
    def draw(ax):
        ax.scatter(np.arange(1200), np.arange(1200))
        return ax

    data, metadata = _chart(draw, width=5, height=3)._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert metadata["image/png"] == {"alt": "what it shows", "width": 500, "height": 300}


def test_a_figure_without_words_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        charts.chart(lambda _frame, ax: ax, None, alt=" ")


def test_every_glyph_is_drawn_and_dollars_are_no_mathematics(caplog):
    names = ["㈱みどり商事", "김 한글", "$x_1$ and $y$", "emoji 🎉", "简体 说", "Zoë Ångström"]
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, logger="matplotlib"):
        warnings.simplefilter("error")
        chart = _chart(lambda ax: charts.title(charts.bars(ax, names, range(1, 7)), "解約 🎉 by $x$", "単位：千円"))
        chart.svg()
        chart.png()
    assert not caplog.records  # nor "Failed to find font weight bold"
    said = _texts(chart)
    assert "$x_1$ and $y$" in said
    assert "□ □□" in said
    assert "㈱みどり商事" in said


def test_labels_of_the_axes_are_made_drawable_too():
    def draw(ax):
        ax.plot([0, 1], [0, 1])
        ax.set_xticks([0, 1], ["김", "$a$"])
        return ax

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = _chart(draw)
        chart.png()
    assert [t.get_text() for t in chart.figure.axes[0].get_xticklabels()] == ["□", "$a$"]


def test_latin_text_stays_in_its_own_font_beside_japanese():
    with style.theme():
        families = mpl.rcParams["font.family"]
    assert families[0] == "DejaVu Sans"
    assert families[-1] == "IPAexGothic"


def test_a_cut_axis_is_broken_visibly_and_said():
    chart = _chart(_waterfall)
    assert chart.figure.axes[0].get_ylim()[0] > 0
    assert any("The axis is cut: it starts at ¥" in text for text in _texts(chart))
    zigzags = [line for line in chart.figure.axes[0].lines if line.get_color() == style.PAPER]
    assert len(zigzags) == 2  # one across each level bar


def test_an_axis_from_zero_says_nothing():
    def draw(ax):
        return charts.waterfall(ax, ["a", "b", "c"], [10e6, 8e6, 18e6], ["total", "change", "total"])

    chart = _chart(draw)
    assert chart.figure.axes[0].get_ylim()[0] == 0
    assert not any("cut" in text for text in _texts(chart))


@given(st.lists(st.floats(0, 200, allow_nan=False), min_size=1, max_size=8), st.floats(1, 30))
def test_labels_moved_apart_never_touch_and_keep_their_order(wanted, gap):
    placed = spread(wanted, gap)
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    steps = np.diff([placed[i] for i in order])
    assert (steps >= gap - 1e-6).all()
    assert sum(placed) == pytest.approx(sum(wanted), abs=1e-6)


def test_labels_at_line_ends_are_seen_and_apart():
    x = np.arange(10)
    chart = _chart(lambda ax: charts.lines(ax, {name: (x, x + i / 50) for i, name in enumerate("ABC")}))
    labels = chart.figure.findobj(EndLabel)
    renderer = chart.figure.canvas.get_renderer()
    chart.figure.draw_without_rendering()
    boxes = sorted((label.get_window_extent(renderer) for label in labels), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(lower.y1 <= upper.y0 + 0.5 for lower, upper in itertools.pairwise(boxes))
    assert not any(label.get_clip_on() for label in labels)
    edge = chart.figure.axes[0].get_window_extent(renderer).x1
    assert all(edge < box.x0 and box.x1 <= chart.figure.bbox.x1 for box in boxes)


def test_up_to_five_lines_are_labelled_and_more_get_a_legend():
    x = np.arange(4)
    few = _chart(lambda ax: charts.lines(ax, {f"s{i}": (x, x * i) for i in range(5)}))
    many = _chart(lambda ax: charts.lines(ax, {f"s{i}": (x, x * i) for i in range(6)}))
    assert len(few.figure.findobj(EndLabel)) == 5
    assert few.figure.legends == []
    assert len(many.figure.legends) == 1
    assert len({line.get_linestyle() for line in many.figure.axes[0].lines if len(line.get_xdata()) > 1}) > 1


def test_a_band_says_that_it_is_an_interval():
    x = np.arange(4)
    plain = _chart(lambda ax: charts.lines(ax, {"a": (x, x)}))
    banded = _chart(lambda ax: charts.lines(ax, {"a": (x, x, x - 1, x + 1)}))
    assert "Bands are 95 % intervals." not in _texts(plain)
    assert "Bands are 95 % intervals." in _texts(banded)


def test_months_are_written_in_the_readers_language():
    months = pd.date_range("2024-11-01", periods=24, freq="MS")
    with speaking("ja"):
        chart = _chart(lambda ax: charts.lines(ax, {"NRR": (months, np.ones(24))}, kind="percent"))
    ticks = [t.get_text() for t in chart.figure.axes[0].get_xticklabels()]
    assert ticks[-1] == "2026年10月"
    assert len(ticks) <= 8


def test_bars_beyond_fifteen_are_summed_and_the_sum_is_right():
    values = [float(20 - i) for i in range(20)]
    chart = _chart(lambda ax: charts.bars(ax, [f"a{i}" for i in range(20)], values))
    widths = [bar.get_width() for bar in chart.figure.axes[0].patches]
    assert len(widths) == 16
    assert widths[-1] == sum(values[15:]) == 15
    assert "5 others" in _texts(chart)


def test_rates_are_never_summed():
    chart = _chart(lambda ax: charts.bars(ax, [f"a{i}" for i in range(20)], [0.5] * 20, kind="percent"))
    assert len(chart.figure.axes[0].patches) == 15
    assert any("5 more are in the table" in text for text in _texts(chart))


def test_missing_cells_are_hatched_and_figures_read_on_their_colour():
    matrix = np.array([[1.0, 1.2, 0.7], [1.0, 0.9, np.nan]])
    chart = _chart(lambda ax: charts.heatmap(ax, matrix, ["a", "b"], ["0", "1", "2"], centre=1.0, counts=[10, 20]))
    ax = chart.figure.axes[0]
    assert any(isinstance(p, Rectangle) and p.get_hatch() for p in ax.patches)
    assert "Hatched: not yet reached." in _texts(chart)
    mesh = ax.collections[0]
    chart.figure.draw_without_rendering()
    shades = {(round(x), round(y)): mesh.to_rgba(matrix[y, x]) for y in range(2) for x in range(3)}
    for text in ax.texts:
        x, y = text.get_position()
        if (x % 1, y % 1) == (0.5, 0.5):
            assert style.contrast(text.get_color(), shades[int(x), int(y)]) >= 4.5
    assert {"120", "70", "90", "20"} <= set(_texts(chart))


def test_a_row_without_an_interval_has_an_open_dot():
    def draw(ax):
        return charts.forest(ax, ["a", "b"], [1.0, 0.9], [0.9, np.nan], [1.1, np.nan], n=[50, 4])

    dots = [line for line in _chart(draw).figure.axes[0].lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() for dot in dots] == [style.UP, style.PAPER]


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [np.nan, np.nan]])
def test_nothing_to_draw_is_drawn_as_nothing(values):
    names = [f"a{i}" for i in range(len(values))]
    for draw in (
        lambda ax: charts.bars(ax, names, values),
        lambda ax: charts.bars(ax, names, values, upright=True),
        lambda ax: charts.forest(ax, names, values, values, values),
        lambda ax: charts.lines(ax, {"a": (range(len(values)), values)}),
        lambda ax: charts.stacked(ax, names, {"a": values}),
        lambda ax: charts.heatmap(ax, np.full((2, 2), np.nan), ["a", "b"], ["0", "1"]),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert "<svg" in _chart(draw).svg()


def test_text_colours_reach_contrast():
    for colour in style.PALETTE:
        assert style.contrast(style.readable(colour), style.PAPER) >= 4.5
    assert style.contrast(style.INK, style.PAPER) >= 7
    assert style.contrast(style.MUTED, style.PAPER) >= 4.5
    for ramp in (style.AMOUNTS, style.SIGNED):
        for position in np.linspace(0, 1, 21):
            assert style.contrast(style.text_on(ramp(position)), ramp(position)) >= 4.5


@settings(deadline=None, max_examples=20)
@given(st.text(max_size=60))
def test_any_name_can_be_drawn(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = _chart(lambda ax: charts.title(charts.bars(ax, [name], [1]), name or "x", name)).svg()
    ElementTree.fromstring(re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL))


def _forest(ax, **options):
    return charts.forest(ax, ["all", "without A"], [1.0372, 1.0312], None, None, reference=1.0, **options)


def test_a_forest_of_exact_figures_has_full_dots_and_says_nothing_of_intervals():
    chart = _chart(_forest)
    ax = chart.figure.axes[0]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() for dot in dots] == [style.UP, style.UP]
    assert not any("interval" in text for text in _texts(chart))
    assert "103.7 %" in _texts(chart)
    assert "103.1 %" in _texts(chart)
    assert ax.get_xlim()[0] > 0.9  # the dots can be told apart: the axis is not drawn from 0


def test_the_row_the_others_are_compared_with_is_marked_by_shape_not_colour_alone():
    chart = _chart(lambda ax: _forest(ax, highlight=0))
    markers = [line.get_marker() for line in chart.figure.axes[0].lines if line.get_marker() in "os"]
    assert markers == ["s", "o"]


def test_intervals_beside_dots_are_written_in_the_readers_language():
    def draw(ax):
        return charts.forest(ax, ["a", "b"], [1.02, -0.01], [0.98, -0.02], [1.05, 0.03])

    assert "102.0 % (98.0–105.0 %)" in _texts(_chart(draw))
    assert "−1.0 % (−2.0 to 3.0 %)" in _texts(_chart(draw))
    with speaking("ja"):
        assert "102.0 %（98.0〜105.0 %）" in _texts(_chart(draw))


@pytest.mark.parametrize("values", [[1.0312, 1.0378], [0.7, 1.3], [0.91, 1.04]])
def test_no_two_ticks_of_a_zoomed_axis_read_the_same(values):
    chart = _chart(lambda ax: charts.forest(ax, ["a", "b"], values, None, None))
    chart.figure.draw_without_rendering()
    ticks = [tick.get_text() for tick in chart.figure.axes[0].get_xticklabels()]
    assert len(ticks) > 2
    assert len(set(ticks)) == len(ticks)


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("count", [1, 7, 15, 24, 48])
@pytest.mark.parametrize("kind", ["stacked", "upright"])
def test_names_under_bars_never_touch_and_the_newest_is_there(lang, count, kind):
    with speaking(lang):
        names = [language.month(f"{2022 + k // 12}-{k % 12 + 1:02d}") for k in range(count)]

        def draw(ax):
            if kind == "stacked":
                return charts.stacked(ax, names, {"new": [1e6] * count, "churn": [-5e5] * count}, kind="money")
            return charts.bars(ax, names, [1e6] * count, kind="money", upright=True)

        chart = _chart(draw)
        chart.figure.draw_without_rendering()
        labels = [label for label in chart.figure.axes[0].get_xticklabels() if label.get_text()]
        boxes = [label.get_window_extent() for label in labels]
    assert labels[-1].get_text() == names[-1]
    assert all(a.x1 + 2 < b.x0 for a, b in itertools.pairwise(boxes))


@pytest.mark.parametrize("rows", [1, 30, 48])
def test_a_heat_map_of_many_cohorts_keeps_its_title_and_names_the_newest(rows):
    values = np.full((rows, rows), 1.0)
    values[np.add.outer(np.arange(rows), np.arange(rows)) >= rows] = np.nan
    names = [f"{2022 + k // 12}-{k % 12 + 1:02d}" for k in range(rows)]

    def draw(ax):
        charts.heatmap(ax, values, names, [str(k) for k in range(rows)], centre=1.0, counts=[3] * rows)
        return charts.title(ax, "Net retention by cohort", "% of the first MRR")

    chart = _chart(draw, height=5.6)
    chart.figure.draw_without_rendering()
    assert "Net retention by cohort" in [
        t.get_text() for t in chart.figure.texts
    ]  # at the left edge, not over the axes
    boxes = [t.get_window_extent() for t in chart.figure.axes[0].get_yticklabels()]
    assert chart.figure.axes[0].get_yticklabels()[-1].get_text() == names[-1]
    assert all(a.y0 >= b.y1 for a, b in itertools.pairwise(boxes))  # from the top down


def test_a_legend_of_thirty_lines_leaves_the_axis_its_name():
    def draw(ax):
        charts.lines(ax, {f"FY20{k:02d}-Q1": (list(range(12)), [1.0 + k / 50] * 12) for k in range(30)})
        ax.set_xlabel("months since first MRR")
        return ax

    chart = _chart(draw)
    chart.figure.draw_without_rendering()
    name = chart.figure.axes[0].xaxis.label.get_window_extent()
    assert chart.figure.legends[0].get_window_extent().y1 <= name.y0


def test_half_and_double_lie_equally_far_from_one_on_an_axis_of_ratios():
    def draw(ax):
        low, high = [0.25, 0.001], [4.0, 900.0]
        return charts.forest(ax, ["a", "b"], [0.5, 2.0], low, high, kind="ratio", reference=1.0, log=True)

    chart = _chart(draw)
    ax = chart.figure.axes[0]
    place = {x: ax.transData.transform((x, 0))[0] for x in (0.5, 1.0, 2.0)}
    assert place[1.0] - place[0.5] == pytest.approx(place[2.0] - place[1.0])
    assert ax.get_xlim() == (1 / 50, 50)  # a bound beyond is drawn to the edge, its figure is written
    assert [t.get_text() for t in ax.get_xticklabels()][:4] == ["0.02", "0.05", "0.1", "0.2"]
    assert "900.00" in chart.svg()
