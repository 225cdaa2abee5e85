"""The score: per wave and group, weighted by name, compared between groups and between waves.

Definition: NPS = 100 × (share of promoters − share of detractors). Promoter 9–10, passive 7–8, detractor 0–6.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.errors import N_, InputError
from cs_analysis.stats import nps, resample
from cs_analysis.stats.multiplicity import holm
from cs_analysis.stats.proportions import clustered_share
from cs_analysis.topics.nps.answers import ANSWERS, newest_wave, of_wave, sample_of

WEIGHTINGS = ("respondents", "accounts", "mrr", "decision_makers", "non_response", "worst_case")
_NEEDS = {"mrr": ("mrr", "with_accounts"), "non_response": ("weight", "weigh")}
SCORE = (
    "wave", "group", "weighting", "estimate", "low", "high", "n", "promoters", "passives", "detractors", "invited",
    "response_rate", "response_low", "response_high", "accounts", "n_eff",
)  # fmt: skip
COMPARISON = ("wave", "group_a", "group_b", "difference", "low", "high", "p", "p_holm")
MOST_GROUPS = 8  # compared two by two
MOST_DRAWN = 5_000  # accounts; with more of them the formula is as good as drawing, and far smaller


def score(
    answers: pd.DataFrame, *, by: str | None = None, weighting: str = "respondents", min_n: int = 10, seed: int = 1
) -> pd.DataFrame:
    """The score per wave, or per wave and group, with its 95 % interval and the response rate.

    Adjusted Wald on the shares ÷ design effect, accounts as clusters (:func:`cs_analysis.stats.nps.score`). Weightings:
    *respondents*, every answer counts once; *accounts*, every account once; *mrr*, every account by its MRR on the
    wave's last day (interval by bootstrap over accounts, never narrower than adjusted Wald, which
    alone is taken beyond 5,000 accounts); *decision_makers*, their
    answers only; *non_response*, the weights of :func:`weigh`; *worst_case*, no estimate, but the lowest and the
    highest score of all who were asked, whatever the silent would have said.

    Parameters
    ----------
    answers
        As from :func:`answers`; for "mrr" with :func:`with_accounts`, for "non_response" with :func:`weigh`.
    by
        Column to split by; "" groups are those without a value.
    weighting
        One of WEIGHTINGS.
    min_n
        Answers below which there is no score, only its n.
    seed
        Of the bootstrap.

    Returns
    -------
    One row per wave × group, in time: wave, group ("" without ``by``), weighting, estimate, low, high (points; missing
    below ``min_n``), n (answers), promoters, passives, detractors, invited, response_rate, response_low, response_high
    (fractions), accounts (that answered), n_eff.

    Raises
    ------
    InputError
        The weighting is not known, or what it needs is not in the answers.

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": "w", "position": 0, "account_id": range(36), "answer": "passive", "role": None,
    ...     "value": [1.0] * 19 + [0.0] * 9 + [-1.0] * 8})
    >>> score(rows)[["estimate", "low", "high", "n"]].round(3).values.tolist()
    [[30.556, 2.878, 53.532, 36.0]]
    """
    _check(answers, weighting)
    rows = answers.assign(group="" if by is None else answers[by].fillna("").astype(str))
    if weighting == "decision_makers":
        rows = rows[rows["role"] == "decision_maker"]
    table = [
        {"wave": wave, "group": group, "weighting": weighting} | _row(part, weighting, min_n, seed)
        for (_at, wave, group), part in rows.groupby(["position", "wave", "group"], sort=True)
    ]
    out = pd.DataFrame(table, columns=list(SCORE))
    return out if len(out) else out.astype(dict.fromkeys(SCORE[3:], float))  # numbers even where there are none


def _check(answers: pd.DataFrame, weighting: str) -> None:
    if weighting not in WEIGHTINGS:
        known = ", ".join(WEIGHTINGS)
        raise InputError(N_("The weighting {name!r} is not known; there are: {known}."), name=weighting, known=known)
    column, remedy = _NEEDS.get(weighting, ("value", ""))
    if column not in answers:
        raise InputError(N_("The answers have no column {column}; call {remedy} first."), column=column, remedy=remedy)


def _row(rows: pd.DataFrame, weighting: str, min_n: int, seed: int) -> dict[str, Any]:
    said = rows["value"].notna()
    n, invited = int(said.sum()), len(rows)
    rate = clustered_share(said.to_numpy(dtype=float), rows["account_id"].to_numpy())
    counts = {kind: int((rows["value"] == value).sum()) for kind, value in zip(_COUNTS, (1, 0, -1), strict=True)}
    out: dict[str, Any] = {"estimate": np.nan, "low": np.nan, "high": np.nan, "n": n, **counts, "invited": invited}
    out |= {"response_rate": rate.estimate, "response_low": rate.low, "response_high": rate.high}
    out |= {"accounts": rows.loc[said, "account_id"].nunique(), "n_eff": np.nan}
    if weighting == "worst_case":
        low, high = nps.bounds(counts["promoters"], counts["detractors"], invited, n)[1:]
        return out | {"low": low, "high": high}
    weights = weights_of(rows, weighting)
    sample = sample_of(rows, weights)
    if n < min_n or not len(sample.values):
        return out
    found = nps.score(sample.values, accounts=sample.accounts, weights=sample.weights)
    low, high = found.low, found.high
    if weighting == "mrr":
        drawn = _drawn(sample, seed)
        low, high = float(np.nanmin([low, drawn[0]])), float(np.nanmax([high, drawn[1]]))
    return out | {"estimate": found.estimate, "low": low, "high": high, "n_eff": found.n_eff}


_COUNTS = ("promoters", "passives", "detractors")


def weights_of(rows: pd.DataFrame, weighting: str) -> np.ndarray:
    """The weight of each row under a weighting (rows of one wave and group)."""
    if weighting in ("accounts", "mrr"):
        share = 1 / rows["value"].notna().groupby(rows["account_id"]).transform("sum").clip(lower=1)
        return (share * (rows["mrr"] if weighting == "mrr" else 1.0)).to_numpy(dtype=float)
    return rows["weight"].to_numpy(dtype=float) if weighting == "non_response" else np.ones(len(rows))


def _drawn(sample: nps.Answers, seed: int) -> tuple[float, float]:
    """The percentile interval of the weighted score, whole accounts drawn."""
    codes = pd.factorize(sample.accounts, sort=True)[0]
    held = np.bincount(codes, weights=sample.weights)
    sums = np.bincount(codes, weights=sample.weights * sample.values)
    if not 2 <= len(held) <= MOST_DRAWN:
        return np.nan, np.nan
    counts = resample.unit_counts(len(held), seed=seed)
    total = counts @ held
    return resample.percentiles(100 * np.divide(counts @ sums, total, out=np.full(len(total), np.nan), where=total > 0))


def weightings(answers: pd.DataFrame, *, wave: str | None = None, min_n: int = 10, seed: int = 1) -> pd.DataFrame:
    """The score of one wave (default: the newest) under every weighting the answers allow, columns as in score."""
    rows = of_wave(answers, wave or newest_wave(answers, min_n=min_n))
    kept = [w for w in WEIGHTINGS if w not in _NEEDS or _NEEDS[w][0] in rows]
    parts = [score(rows, weighting=w, min_n=min_n, seed=seed) for w in kept]
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def distribution(answers: pd.DataFrame) -> pd.DataFrame:
    """How often each score from 0 to 10 was given: wave, score, n; all eleven scores per wave, in time."""
    said = answers[answers["score"].notna()]
    counts = said.groupby(["position", "wave", "score"], sort=True).size().rename("n").reset_index()
    waves = answers[["position", "wave"]].drop_duplicates()
    every = waves.merge(pd.DataFrame({"score": range(11)}), how="cross")
    table = every.merge(counts, on=["position", "wave", "score"], how="left").sort_values(["position", "score"])
    return table.assign(n=table["n"].fillna(0).astype(int))[["wave", "score", "n"]].reset_index(drop=True)


def comparison(
    answers: pd.DataFrame, *, by: str, wave: str | None = None, weighting: str = "respondents", min_n: int = 10
) -> pd.DataFrame:
    """The differences between the groups of a wave, two by two, adjusted for their number.

    By z, accounts that are in both groups paired (:func:`cs_analysis.stats.nps.difference`); Holm over all pairs.

    Parameters
    ----------
    answers, by, weighting
        As in :func:`score`; of more than eight groups those with most answers are compared.
    wave
        By default the newest.
    min_n
        Answers below which a group is not compared.

    Returns
    -------
    wave, group_a, group_b, difference (a − b, points), low, high, p, p_holm.
    """
    _check(answers, weighting)
    wave = wave or newest_wave(answers, min_n=min_n)
    rows = of_wave(answers, wave)
    rows = rows[rows["role"] == "decision_maker"] if weighting == "decision_makers" else rows
    groups = {str(key): part for key, part in rows.groupby(rows[by].fillna("").astype(str), sort=True)}
    samples = {key: sample_of(part, weights_of(part, weighting)) for key, part in groups.items()}
    large = sorted((k for k, s in samples.items() if len(s.values) >= min_n), key=lambda k: -len(samples[k].values))
    found = []
    for a, b in combinations(sorted(large[:MOST_GROUPS]), 2):
        at = nps.difference(samples[a], samples[b])
        a, b, at = (a, b, at) if at.estimate >= 0 else (b, a, nps.difference(samples[b], samples[a]))
        found.append((wave, a, b, *at))
    table = pd.DataFrame(found, columns=list(COMPARISON[:-1]))
    return table.assign(p_holm=holm(table["p"].to_numpy(dtype=float)))[list(COMPARISON)]


def changes(answers: pd.DataFrame, *, weighting: str = "respondents", min_n: int = 10) -> pd.DataFrame:
    """Each wave beside the one before it: the difference, and the change that a wave of this size could show at all.

    Returns
    -------
    One row per wave from the second: wave, earlier, difference (points), low, high, p, p_holm (over all rows),
    detectable (points: shown as clear four times in five); missing where either has fewer than ``min_n`` answers.
    """
    _check(answers, weighting)
    rows = answers[answers["role"] == "decision_maker"] if weighting == "decision_makers" else answers
    waves = [(str(name), part) for (_at, name), part in rows.groupby(["position", "wave"], sort=True)]
    samples = [(name, sample_of(part, weights_of(part, weighting))) for name, part in waves]
    found = []
    for (earlier, before), (wave, now) in pairwise(samples):
        enough = min(len(before.values), len(now.values)) >= min_n
        at = nps.difference(now, before) if enough else nps.Difference(*[np.nan] * 4)
        found.append((wave, earlier, *at, nps.detectable(now, earlier=before) if enough else np.nan))
    table = pd.DataFrame(found, columns=["wave", "earlier", "difference", "low", "high", "p", "detectable"])
    table = table.assign(p_holm=holm(table["p"].to_numpy(dtype=float)))
    return table[["wave", "earlier", "difference", "low", "high", "p", "p_holm", "detectable"]]


def difference(
    later: pd.DataFrame, earlier: pd.DataFrame, *, weighting: str = "respondents", min_n: int = 10
) -> nps.Difference:
    """The difference of two waves' scores (rows of one wave each), accounts paired.

    Exactly 0 when both are the same wave with the same answers; missing below ``min_n``.
    """
    now, then = (sample_of(rows, weights_of(rows, weighting)) for rows in (later, earlier))
    if min(len(now.values), len(then.values)) < min_n:
        return nps.Difference(*[np.nan] * 4)
    same = set(later["wave"]) == set(earlier["wave"]) and len(now.values) == len(then.values)
    if same and all(np.array_equal(a, b) for a, b in zip(now, then, strict=True)):
        return nps.Difference(0.0, 0.0, 0.0, 1.0)  # the very same wave: nothing is estimated
    return nps.difference(now, then)


def switches(answers: pd.DataFrame, *, wave: str | None = None, earlier: str | None = None) -> pd.DataFrame:
    """What those who were asked in both of two waves said then and say now.

    Parameters
    ----------
    answers
        As from :func:`answers`.
    wave, earlier
        By default the newest wave and the one before it.

    Returns
    -------
    from, to (promoter, passive, detractor, no_answer), n (respondents); all sixteen pairs, none without two waves.
    """
    order = answers[["position", "wave"]].drop_duplicates().sort_values("position")["wave"].tolist()
    wave = wave or newest_wave(answers)
    if wave not in order or (earlier is None and order.index(wave) == 0):
        return pd.DataFrame({"from": pd.Series(dtype=object), "to": pd.Series(dtype=object), "n": pd.Series(dtype=int)})
    earlier = earlier or order[order.index(wave) - 1]
    key = ["account_id", "respondent"]
    both = of_wave(answers, earlier)[[*key, "answer"]].merge(of_wave(answers, wave)[[*key, "answer"]], on=key)
    counts: Any = pd.crosstab(both["answer_x"], both["answer_y"]).reindex(index=ANSWERS, columns=ANSWERS, fill_value=0)
    pairs = [(a, b, int(counts.at[a, b])) for a in ANSWERS for b in ANSWERS] if len(both) else []
    return pd.DataFrame(pairs, columns=["from", "to", "n"])
