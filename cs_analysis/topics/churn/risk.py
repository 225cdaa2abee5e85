"""Who may give notice in the next months, how likely, and what that would cost."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cs_analysis.stats import periods
from cs_analysis.topics.churn.history import History, frozen
from cs_analysis.topics.churn.model import fit

RISK = ("account_id", "mrr", "probability", "low", "high", "mrr_at_risk", "mrr_low", "mrr_high", "borrowed")
_DRAWS = 4000


def risk(history: History, *, months: int = 6, min_n: int = 10) -> pd.DataFrame:
    """Probability that an account gives notice within ``months`` of the as-of date, given none is known of it.

    The window is the account's own: from the tenure up to which it has been followed to its tenure ``months`` after
    ``as_of``. Covariates are those of today; the model is fitted on covariates that were as old (see ``frozen``), so
    that champions who leave or follow meanwhile are reckoned with on average. Accounts already on notice stand
    outside, in ``history.leaving``.

    Parameters
    ----------
    months
        How far ahead.
    min_n
        Where fewer accounts were ever followed to that tenure, the same months of an earlier year of life stand in.

    Returns
    -------
    One row per account, most money first: account_id, mrr, probability, low, high, mrr_at_risk (mrr × probability),
    mrr_low, mrr_high, borrowed (True where an earlier year stands in); ``attrs["events"]``: the notices behind it.
    Empty when fewer than five notices are known.
    """
    model = fit(frozen(history, months), min_n=min_n)
    today = history.today
    if model is None or today.empty:
        return pd.DataFrame(columns=list(RISK))
    ahead = np.datetime64(periods.anniversary(history.as_of, months), "D")
    stop = periods.months_between(today["start"], np.full(len(today), ahead))
    found = model.loss(today, today["from_months"].to_numpy(), stop)
    out = pd.DataFrame(
        {
            "account_id": today["account_id"].to_numpy(),
            "mrr": today["mrr"].to_numpy(),
            "probability": found["estimate"].to_numpy(),
            "low": found["low"].to_numpy(),
            "high": found["high"].to_numpy(),
            "borrowed": found["borrowed"].to_numpy(),
        }
    )
    for name, share in (("mrr_at_risk", "probability"), ("mrr_low", "low"), ("mrr_high", "high")):
        out[name] = out["mrr"] * out[share]
    out = out.sort_values(["mrr_at_risk", "account_id"], ascending=[False, True], kind="stable", ignore_index=True)
    out = out[list(RISK)]
    out.attrs["events"] = model.events
    return out


class Expected(NamedTuple):
    """What is expected to be lost: accounts and MRR, each with the range in which it is likely to lie."""

    accounts: float
    accounts_low: float
    accounts_high: float
    mrr: float
    mrr_low: float
    mrr_high: float
    n: int


def expected(risk: pd.DataFrame, *, seed: int = 1) -> Expected | None:
    """The sum over all accounts, with the range in which nineteen of twenty such periods would lie.

    Each account stays or goes with its own probability, in 4,000 draws. Where the frame says on how many notices the
    model rests (``attrs["events"]``), all hazards of a draw share a factor with that many degrees of precision, gamma
    distributed with mean 1 and variance 1 / notices: the level of the model is known no better than that.

    >>> certain = pd.DataFrame({"mrr": [100.0, 50.0], "probability": [1.0, 0.0]})
    >>> expected(certain)[:6]
    (1.0, 1.0, 1.0, 100.0, 100.0, 100.0)
    """
    known = risk[risk["probability"].notna()]
    if known.empty:
        return None
    chance, mrr = known["probability"].to_numpy(dtype=float), known["mrr"].to_numpy(dtype=float)
    rng = np.random.default_rng(seed)
    events = float(risk.attrs.get("events", 0))
    level = rng.gamma(events, 1 / events, _DRAWS) if events else np.ones(_DRAWS)
    with np.errstate(divide="ignore"):
        hazard = -np.log1p(-np.minimum(chance, 1.0))
    lost, money = np.empty(_DRAWS), np.empty(_DRAWS)
    for k in range(_DRAWS):
        goes = rng.random(len(chance)) < -np.expm1(-level[k] * hazard)
        lost[k], money[k] = goes.sum(), mrr[goes].sum()
    bounds: Any = [*np.quantile(lost, [0.025, 0.975]), *np.quantile(money, [0.025, 0.975])]
    return Expected(
        float(chance.sum()), float(bounds[0]), float(bounds[1]),
        float((mrr * chance).sum()), float(bounds[2]), float(bounds[3]), len(known),
    )  # fmt: skip
