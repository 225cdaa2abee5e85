"""The NPS surveys of the sample company: who is asked, who answers, and what those who stay silent would have said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.data.sample.detail import Detail
from cs_analysis.data.sample.parameters import first_day
from cs_analysis.data.sample.state import World
from cs_analysis.data.sample.tables import dates

_WAVES = {3: "spring", 9: "autumn"}  # calendar month → name
_INVITED_ON = 5  # day of the month
_LATEST = 21  # days to the last answer
_COLUMNS = ("account_id", "respondent", "role", "wave", "invited_date", "responded_date", "score", "comment")
_PRAISE = ("サポートの対応が早くて助かっています", "Easy to use, the team likes it", "業務の時間が半分になりました")
_NEUTRAL = ("機能は十分だが操作に慣れが必要", "Works, but reports could be faster", "特にありません")
_BLAME = ("価格に見合う効果が見えない", "Too many clicks for simple things", "担当者の交代が多く引き継ぎが不十分")


def survey_responses(world: World, d: Detail, contacts: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """All invitations with their answers, and per wave the truth: NPS of all invited, of those who answered, rates."""
    rng = np.random.default_rng([world.seed, 40])
    frames, waves = [], {}
    for k, month in enumerate(d.months):
        name = _WAVES.get(int(month) % 12 + 1)
        invited = int(first_day(month)) + _INVITED_ON - 1
        if name is None or invited + _LATEST > world.calendar.until:
            continue
        wave = f"{1970 + int(month) // 12} {name}"
        frame = _wave(world, d, contacts, k, invited, rng)
        if len(frame):
            frames.append(frame.assign(wave=wave))
            waves[wave] = _truth(frame)
    if not frames:
        empty = pd.DataFrame({name: [] for name in _COLUMNS}, dtype=object)
        return empty.astype({"invited_date": "datetime64[ns]", "responded_date": "datetime64[ns]"}), {}
    found = pd.concat(frames, ignore_index=True)
    answered = found["answered"].to_numpy()
    found["invited_date"] = dates(found["invited"].to_numpy())
    found["responded_date"] = dates(found["responded"].to_numpy(), ~answered)
    found["score"] = pd.array(np.where(answered, found["true_score"], -1), dtype="Int64")
    found.loc[~answered, "score"] = pd.NA
    found["comment"] = _comments(found, rng)
    return found.loc[:, list(_COLUMNS)], waves


def _wave(world: World, d: Detail, contacts: pd.DataFrame, k: int, invited: int, rng) -> pd.DataFrame:
    """One wave: every contact of an active account on that day, with the score of each, said or not."""
    p = world.parameters
    at = contacts["at"].to_numpy()
    here = d.active[k, at] & (contacts["day"].to_numpy() < invited) & (contacts["left"].to_numpy() > invited)
    frame = contacts.loc[here, ["account_id", "contact", "role", "at"]]
    frame = frame.set_axis(["account_id", "respondent", "role", "at"], axis=1)
    health = world.history["health"][k, frame["at"].to_numpy()].astype(float)
    n = len(frame)
    score = p.score_mean + p.score_health * health + p.score_sigma * rng.standard_normal(n)
    chance = 1 / (1 + np.exp(-(p.response_intercept + p.response_health * health)))
    return frame.assign(
        true_score=np.clip(np.rint(score), 0, 10).astype(int),
        answered=rng.random(n) < chance,
        chance=chance,
        invited=invited,
        responded=invited + np.minimum(np.floor(rng.exponential(5, n)).astype(int), _LATEST),
    )


def _truth(frame: pd.DataFrame) -> dict:
    score = frame["true_score"].to_numpy()
    value = 100.0 * (score >= 9) - 100.0 * (score <= 6)
    answered = frame["answered"].to_numpy()
    return {
        "invited": len(frame),
        "answered": int(answered.sum()),
        "expected_response_rate": round(float(frame["chance"].mean()), 6),
        "nps_invited": round(float(value.mean()), 4),
        "nps_answered": round(float(value[answered].mean()), 4) if answered.any() else None,
    }


def _comments(found: pd.DataFrame, rng) -> np.ndarray:
    score, answered = found["true_score"].to_numpy(), found["answered"].to_numpy()
    pools = np.array([_BLAME, _NEUTRAL, _PRAISE], dtype=object)
    out = pools[np.digitize(score, [7, 9]), rng.integers(0, 3, len(found))]
    out[~answered | (rng.random(len(found)) < 0.7)] = None
    return out
