"""Would it have worked? A model fitted on what was known a year ago, set against what has happened since.

Both sides come out of ``history``: ``then`` as of a year ago (so nothing later can be in it), ``now`` as of today.
Columns without dates are as of the file and therefore know the future; only those declared fixed may predict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from cs_analysis.stats import periods, resample
from cs_analysis.stats.proportions import wilson_limits
from cs_analysis.topics.churn.history import CHANGING, START, History, frozen, shorten
from cs_analysis.topics.churn.model import fit

CHECKED = ("account_id", "life", "mrr", "probability", "low", "high", "lost")
DECILES = ("decile", "predicted", "observed", "low", "high", "n", "lost")
SCORES = (
    "metric", "concordance", "low", "high", "lift", "brier", "difference", "difference_low", "difference_high",
    "verdict", "n", "lost",
)  # fmt: skip
MODEL, NOTHING = "model", "everyone_alike"
LEAST_LOST = 10  # losses (and accounts kept) below which nothing is concluded
_PER_GROUP = 5
_DRAWS = 1000


def out_of_time(then: History, now: History, *, fixed: Sequence[str] = (), min_n: int = 10) -> pd.DataFrame:
    """What the model of ``then`` foretold for each account at risk then, and whether it gave notice by ``now``.

    Parameters
    ----------
    then, now
        Histories of the same book as of two days, a year apart.
    fixed
        Account columns declared not to change; all others are taken out of ``then`` before it is fitted.
    min_n
        As in ``risk``.

    Returns
    -------
    One row per account at risk then: account_id, life, mrr, probability, low, high, lost, and a column ``alone_<name>``
    per single metric (the higher the more likely to leave; directions are set beforehand): champion gone, months since
    usage was last seen to fall, stages reached, MRR at the start, tenure, and each fixed column by its past loss rate.
    Empty when fewer than five notices were known then.
    """
    past = shorten(then, fixed)
    months = (now.followed_to.year - then.followed_to.year) * 12 + now.followed_to.month - then.followed_to.month
    model, today = fit(frozen(past, months), min_n=min_n), past.today
    if model is None or today.empty:
        return pd.DataFrame(columns=list(CHECKED))
    end = periods.months_between(today["start"], np.full(len(today), np.datetime64(now.followed_to, "D")))
    end = np.maximum(end, today["from_months"].to_numpy())
    found = model.loss(today, today["from_months"].to_numpy(), end)
    out = today[["account_id", "life", "mrr"]].reset_index(drop=True)
    out["probability"], out["low"], out["high"] = (found[c].to_numpy() for c in ("estimate", "low", "high"))
    alone = _alone(past)
    out = out.join(alone.reset_index(drop=True))
    came = now.accounts[["account_id", "life", "event"]].rename(columns={"event": "lost"})
    out = out.merge(came, on=["account_id", "life"])  # an account that has merged since is neither kept nor lost
    out = out[out["probability"].notna()]
    out = out[[*CHECKED, *alone.columns]].sort_values(["account_id", "life"], ignore_index=True)
    out.attrs["events"] = model.events
    return out


def validation(checked: pd.DataFrame) -> pd.DataFrame:
    """Calibration by tenth: accounts in order of their predicted probability, in ten groups of equal size.

    Returns
    -------
    One row per tenth, the least likely first (fewer groups below 50 accounts, so that each holds five): decile,
    predicted (mean probability), observed (share lost), low, high (Wilson), n, lost.
    """
    n = len(checked)
    groups = int(np.clip(n // _PER_GROUP, 1, 10)) if n else 0
    if not groups:
        return pd.DataFrame(columns=list(DECILES))
    ordered = checked.sort_values(["probability", "account_id"], kind="stable")
    place = np.arange(n) * groups // n + 1
    grouped = ordered.assign(decile=place, lost=ordered["lost"].astype(float)).groupby("decile")
    out = grouped.agg(
        predicted=("probability", "mean"), observed=("lost", "mean"), n=("lost", "size"), lost=("lost", "sum")
    )
    low, high = wilson_limits(out["observed"].to_numpy(), out["n"].to_numpy())
    return out.assign(low=low, high=high).reset_index()[list(DECILES)]


def scores(checked: pd.DataFrame, *, seed: int = 1) -> pd.DataFrame:
    """How well the model tells who is lost, beside each single metric alone.

    Concordance: of all pairs of an account lost and one kept, the share in which the one lost stood higher (ties half;
    ½ is chance). Lift: share lost in the tenth ranked highest ÷ share lost of all (ties share their places).
    Brier: mean squared error of the probabilities, for the model and for giving everybody the mean probability.
    Intervals by drawing accounts 1,000 times, the same draws for all, so that differences are paired.

    Returns
    -------
    One row per metric, the model first: metric, concordance, low, high, lift, brier, difference (of concordance, model
    − metric), difference_low, difference_high, verdict (better | worse | no_difference | few: under ten accounts lost
    or kept), n, lost.
    """
    lost = checked["lost"].to_numpy(dtype=bool)
    n, events = len(lost), int(lost.sum())
    if not n:
        return pd.DataFrame(columns=list(SCORES))
    chance = checked["probability"].to_numpy(dtype=float)
    ranked = {MODEL: chance}
    alone = [str(c) for c in checked if str(c).startswith("alone_")]
    ranked |= {c.removeprefix("alone_"): checked[c].to_numpy(dtype=float) for c in alone}
    drawn = {name: [] for name in ranked}
    for weights in _draws(n, seed):
        for name, score in ranked.items():
            drawn[name].append(concordance(score, lost, weights))
    values = {name: np.array(found) for name, found in drawn.items()}
    few = min(events, n - events) < LEAST_LOST
    rows = []
    for name, score in ranked.items():
        low, high = resample.percentiles(values[name])
        row = {"metric": name, "concordance": concordance(score, lost), "low": low, "high": high}
        row |= {"lift": lift(score, lost), "n": n, "lost": events, "verdict": ""}
        if name != MODEL:
            less, more = resample.percentiles(values[MODEL] - values[name])
            gain = rows[0]["concordance"] - row["concordance"]
            row |= {"difference": gain, "difference_low": less, "difference_high": more}
            row["verdict"] = "few" if few else "better" if less > 0 else "worse" if more < 0 else "no_difference"
        else:
            row["brier"] = float(np.mean((chance - lost) ** 2))
            row["verdict"] = "few" if few else ""
        rows.append(row)
    alike = {"metric": NOTHING, "concordance": 0.5 if 0 < events < n else np.nan, "lift": 1.0 if events else np.nan}
    alike |= {"brier": float(np.mean((chance.mean() - lost) ** 2)), "verdict": "", "n": n, "lost": events}
    return pd.DataFrame([*rows, alike], columns=list(SCORES))


def concordance(score: np.ndarray, lost: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The share of pairs of one lost and one kept in which the one lost has the higher score; ties count half.

    >>> concordance(np.array([3.0, 1.0, 2.0, 2.0]), np.array([True, False, True, False]))
    0.875
    """
    weight = np.ones(len(lost)) if weights is None else weights
    _levels, place = np.unique(score, return_inverse=True)
    gone = np.bincount(place, weights=weight * lost)
    kept = np.bincount(place, weights=weight * ~lost)
    pairs = gone.sum() * kept.sum()
    return float((gone * (np.cumsum(kept) - kept / 2)).sum() / pairs) if pairs else np.nan


def lift(score: np.ndarray, lost: np.ndarray, share: float = 0.1) -> float:
    """Share lost among the ``share`` ranked highest ÷ share lost of all; accounts that tie share the last places.

    Half of those lost are in the top tenth: five times as many as chance would put there.

    >>> lift(np.arange(10.0), np.array([False] * 8 + [True] * 2))
    5.0
    """
    if not lost.any():
        return np.nan
    _levels, place = np.unique(-score, return_inverse=True)
    size, gone = np.bincount(place), np.bincount(place, weights=lost)
    room = max(share * len(lost), 1.0)
    taken = np.clip(room - (np.cumsum(size) - size), 0, size) / size
    return float((gone * taken).sum() / room / lost.mean())


def _draws(n: int, seed: int) -> Iterator[np.ndarray]:
    source = np.random.default_rng(seed)
    for _ in range(_DRAWS):
        yield np.bincount(source.integers(0, n, n), minlength=n).astype(float)


def _alone(history: History) -> pd.DataFrame:
    """Each single metric as a score of its own, the higher the more likely to leave."""
    today, spells = history.today, history.spells
    scores = {"alone_tenure": -today["from_months"].to_numpy()}
    if "champion_gone" in history.covariates:
        scores["alone_champion_gone"] = today["champion_gone"].fillna(0.0).to_numpy()
    if "usage_fell" in history.covariates:
        fell = spells[spells["usage_fell"] == 1].groupby(["account_id", "life"])["tenure_months"].max()
        keys = pd.MultiIndex.from_frame(today[["account_id", "life"]])
        since = today["from_months"].to_numpy() - fell.reindex(keys).to_numpy(dtype=float)
        since = np.where(today["usage_fell"] == 1, 0.0, since)
        scores["alone_months_since_fall"] = np.where(np.isnan(since), -1e6, -np.maximum(since, 0.0))
    for name in (CHANGING[2], START):
        if name in history.covariates:
            scores[f"alone_{name}"] = -today[name].fillna(0.0).to_numpy()
    months = spells["tenure_months"] - spells["entry_months"]
    for name in history.covariates:
        if name not in (*CHANGING, START):
            rate = spells["event"].groupby(spells[name]).sum() / months.groupby(spells[name]).sum()
            scores[f"alone_{name}"] = today[name].map(rate).fillna(0.0).to_numpy(dtype=float)
    return pd.DataFrame(scores, index=today.index)
