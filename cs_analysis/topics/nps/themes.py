"""What the comments are about: grouped by a dictionary of words, never a comment without its score.

A comment belongs to each theme of which it holds a word. Latin words are found at the beginning of a word ("report"
finds "reports", "price" not "enterprise"), Japanese ones anywhere; case and width of letters do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cs_analysis.stats import nps
from cs_analysis.topics.nps.answers import sample_of

OTHER = "other"  # the comments of no theme
THEMES = ("theme", "n", "accounts", "share", "estimate", "low", "high")


def comments(answers: pd.DataFrame, themes: Mapping[str, Sequence[str]], *, wave: str | None = None) -> pd.DataFrame:
    """The comments with their scores and the themes they belong to.

    Parameters
    ----------
    answers
        As from :func:`answers`.
    themes
        Theme → words, in any language (``[nps] themes`` of the client file).
    wave
        By default all waves.

    Returns
    -------
    One row per comment × theme, newest wave first, lowest score first: wave, account_id, respondent, score, answer,
    theme ("other" where no word was found), comment, and position, value for counting.

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": "w", "position": 0, "account_id": "A", "respondent": ["R", "S"],
    ...     "score": [9.0, 3.0], "value": [1.0, -1.0], "answer": ["promoter", "detractor"],
    ...     "comment": ["ＳＵＰＰＯＲＴ is quick", "価格が高い"]})
    >>> comments(rows, {"support": ["support"], "price": ["価格"]})[["score", "theme"]].values.tolist()
    [[3.0, 'price'], [9.0, 'support']]
    """
    said = answers[answers["comment"].notna() & answers["value"].notna()]
    if wave is not None:
        said = said[said["wave"] == wave]
    patterns = {theme: _pattern(words) for theme, words in themes.items() if words}
    plain = [_plain(text) for text in said["comment"]]
    found = [[theme for theme, p in patterns.items() if p.search(text)] or [OTHER] for text in plain]
    out = said.assign(theme=pd.Series(found, index=said.index, dtype=object)).explode("theme")
    out = out.sort_values(
        ["position", "score", "account_id", "respondent"], ascending=[False, True, True, True], kind="stable"
    )
    columns = ["wave", "account_id", "respondent", "score", "answer", "theme", "comment", "position", "value"]
    return out[columns].reset_index(drop=True)


def _plain(text: object) -> str:
    return unicodedata.normalize("NFKC", str(text)).casefold()


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    parts = [_plain(word).strip() for word in words]
    return re.compile("|".join((r"\b" if p[0].isascii() else "") + re.escape(p) for p in parts if p) or r"(?!)")


def by_theme(comments: pd.DataFrame, *, min_n: int = 10) -> pd.DataFrame:
    """The score of those whose comment touches a theme, with its interval.

    Those who write are not those who answer; a theme's score tells of its comments, not of all customers.

    Returns
    -------
    theme, n (comments), accounts, share (of all comments), estimate, low, high (points; missing below ``min_n``), most
    comments first, "other" last.
    """
    total = len(comments.drop_duplicates(["wave", "account_id", "respondent"]))
    table = []
    for theme, rows in comments.groupby("theme", sort=True):
        sample = sample_of(rows)
        found = nps.score(sample.values, accounts=sample.accounts)
        figures = found[:3] if len(rows) >= min_n else (np.nan,) * 3
        table.append((theme, len(rows), rows["account_id"].nunique(), len(rows) / total, *figures))
    out = pd.DataFrame(table, columns=list(THEMES))
    last = out["theme"] == OTHER
    return (
        out.assign(last=last)
        .sort_values(["last", "n", "theme"], ascending=[True, False, True])[list(THEMES)]
        .reset_index(drop=True)
    )
