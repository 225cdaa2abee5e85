"""Everything that reaches a page through `display.html` is escaped, labelled and formatted for its reader."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_analysis.display import html
from cs_analysis.display.language import speaking

HOSTILE = ["<script>alert(1)</script>", "$x$", "{{7*7}}", "=1+1", '" onmouseover="x', "</table>", "㈱みどり & Co"]


class _Reader(HTMLParser):
    """Collects tags and the text of cells, as a browser would see them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._open = False
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
            self._open = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data):
        if self._open:
            self.cells[-1] += data


def _download(markup: str) -> str:
    found = re.search(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', markup)
    assert found
    return base64.b64decode(found.group(1)).decode("utf-8")


def test_a_hostile_name_is_shown_as_it_is():
    shown = html.table(pd.DataFrame({"account": HOSTILE}), HOSTILE[0], name=HOSTILE[4])
    reader = _Reader(shown.html)
    assert [c for c in reader.cells if c != "account"] == HOSTILE
    assert {tag for tag, _attrs in reader.tags} <= {
        "style", "details", "summary", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "a"
    }  # fmt: skip
    assert not any(key.startswith("on") for _tag, attrs in reader.tags for key in attrs)


@given(st.text(max_size=40))
def test_sentences_never_become_markup(text):
    reader = _Reader(html.say("A" + text, "B" + text, kind="lead").html)
    assert {tag for tag, _attrs in reader.tags} <= {"ul", "li"}


def test_the_kinds_of_sentence():
    assert html.say("A").html == '<p class="finding">A</p>'
    assert html.say("A", "", "B").html == '<ul class="finding"><li>A</li><li>B</li></ul>'
    assert 'class="finding warning"' in html.say("A", kind="warning").html
    assert html.say("").html == ""


def test_a_table_has_a_caption_and_scopes_and_aligns_figures():
    frame = pd.DataFrame({"account_id": ["A1"], "mrr": [1234567.0], "nrr": [1.042]})
    shown = html.table(frame, "Accounts", formats={"mrr": "money", "nrr": "percent"}, folded=False)
    reader = _Reader(shown.html)
    scopes = [attrs.get("scope") for tag, attrs in reader.tags if tag == "th"]
    assert scopes == ["col", "col", "col", "row"]
    assert "<caption>Accounts (1 row)</caption>" in shown.html
    assert '<td class="n">1,234,567</td><td class="n">104.2 %</td>' in shown.html
    assert "Unit: yen" in shown.html
    assert "<details" not in shown.html


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("percent", 0.064, "6.4 %"),
        ("rate_points", 0.064, "6.4"),
        ("points", 30.56, "30.6"),
        ("number", 1234.4, "1,234"),
        ("number1", 3.84, "3.8"),
        ("money", -5.0, "−5"),
        ("day", pd.Timestamp("2026-10-31"), "31 Oct 2026"),
        ("month", "2026-10", "Oct 2026"),
        ("percent", float("nan"), "–"),
        ("day", pd.NaT, "–"),
        ("text", None, "–"),
    ],
)
def test_formats(kind, value, said):
    frame = pd.DataFrame({"key": ["k"], "x": pd.Series([value])})
    assert _Reader(html.table(frame, "T", formats={"x": kind}).html).cells[-1] == said


def test_a_japanese_reader_gets_thousands_of_yen_and_triangles():
    frame = pd.DataFrame({"account": ["A"], "churn": [-1234567.0], "rate": [-0.021]})
    with speaking("ja"):
        shown = html.table(frame, "T", formats={"churn": "money", "rate": "percent"})
    assert _Reader(shown.html).cells[-2:] == ["△1,235", "△2.1 %"]
    assert 'class="unit"' in shown.html


def test_the_download_is_the_frame_raw_and_whole():
    frame = pd.DataFrame(
        {
            "month": pd.to_datetime(["2026-09-01", "2026-10-01"]),
            "since": pd.to_datetime(["2024-02-29", None]),
            "account": ['a "quoted", name', "㈱みどり"],
            "mrr": [1000.0, float("nan")],
            "nrr": [0.1 + 0.2, 1.0],
        }
    )
    data = _download(html.table(frame, "T", limit=1).html)
    assert data.startswith("\ufeff")
    assert "\r" not in data
    back = pd.read_csv(io.StringIO(data.removeprefix("\ufeff")), dtype=str, keep_default_na=False)
    assert back["month"].tolist() == ["2026-09", "2026-10"]
    assert back["since"].tolist() == ["2024-02-29", ""]
    assert back["account"].tolist() == frame["account"].tolist()
    assert back["mrr"].tolist() == ["1000", ""]
    assert float(back["nrr"][0]) == 0.1 + 0.2


def test_a_long_table_shows_its_head_and_says_so():
    frame = pd.DataFrame({"n": range(500)})
    shown = html.table(frame, "T", limit=200).html
    assert len(_Reader(shown).cells) == 201
    assert "The first 200 of 500 rows are shown" in shown


def test_a_large_table_carries_no_download():
    frame = pd.DataFrame({"text": ["x" * 100] * 2500})
    assert "data:text/csv" not in html.table(frame, "T").html
    assert "data:text/csv" in html.table(frame.head(1500), "T").html


def test_an_empty_table_stands():
    shown = html.table(pd.DataFrame({"a": []}), "T")
    assert "T (0 rows)" in shown.html
    assert shown.text == "T (0 rows)"


def test_a_notebook_can_show_it():
    assert html.say("A")._repr_mimebundle_() == {"text/html": '<p class="finding">A</p>', "text/plain": "A"}
    assert html.join(html.say("A"), "B").html == '<p class="finding">A</p>\n<p class="finding">B</p>'


def test_words_that_are_a_figure_stand_at_the_right_and_do_not_wrap():
    frame = pd.DataFrame({"label": ["NRR"], "value": ["¥31.3 million"], "interval": ["96.9–110.5 %"], "why": ["it is"]})
    shown = html.table(frame, "Figures", formats={"value": "figure", "interval": "figure"}).html
    assert '<td class="n">¥31.3 million</td><td class="n">96.9–110.5 %</td><td>it is</td>' in shown
    assert '<th scope="col" class="n">value</th>' in shown


@pytest.mark.parametrize(("name", "css"), [("Logo retention, 12 months", ' class="d"'), ("long " * 12, "")])
def test_the_name_of_a_row_wraps_only_when_it_is_long(name, css):
    shown = html.table(pd.DataFrame({"label": [name], "n": [1]}), "Rows").html
    assert f'<th scope="row"{css}>{name}</th>' in shown
