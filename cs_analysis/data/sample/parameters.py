"""The true parameters of the sample company: what its customers do, before chance has its say.

Everything the generator uses stands here, so that a test or a reader of ``truth.json`` can compare an estimate with it.
Arrays over segments follow the order of ``SEGMENTS``, over products that of ``PRODUCTS``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SEGMENTS = ("Enterprise", "Mid-market", "SMB")
PRODUCTS = ("Core", "Analytics", "API Connect", "Premium Support")  # the first is priced per seat and held by all
STAGES = ("Live", "First value", "Regular use", "Team-wide", "Outcome proven")  # stage 0 is "not live yet"
STEPS = ("Kickoff", "Setup", "Data import", "Training", "Go-live")
STEP_OWNERS = ("us", "us", "customer", "us", "customer")
TASKS = ("meeting", "preparation", "reporting", "support", "training")
PHASES = ("onboarding", "adoption", "steady", "renewal")
TOUCH = ("high", "low", "tech")
TOUCH_SHARE = ((1.0, 0.0, 0.0), (0.3, 0.7, 0.0), (0.0, 0.4, 0.6))  # segment × touch model
TEAMS = ("East", "West")


@dataclass(frozen=True)
class Parameters:
    """Hazards, effects and prices of the sample company (dates are derived from the period, see :class:`Calendar`)."""

    # who they are
    segment_share: tuple[float, ...] = (0.15, 0.35, 0.50)
    share_before: float = 0.30  # of all accounts, began before the first recorded month and survived to it
    months_before: int = 48  # how long before
    start_day_first: float = 0.80  # contracts that start on the 1st
    # what they pay: whole yen per seat (or flat) and month
    seats_median: tuple[float, ...] = (120.0, 40.0, 12.0)
    seats_sigma: float = 0.55
    prices: tuple[tuple[int, ...], ...] = (
        (2600, 500, 60000, 80000),
        (3000, 600, 30000, 40000),
        (3400, 700, 10000, 12000),
    )  # segment × product
    starts_with_addon: float = 0.25
    # leaving: 1 − exp(−hazard) is the probability; hazard = base × renewal number × champion × stage × exp(−health)
    renewal_hazard: tuple[float, ...] = (0.055, 0.090, 0.135)  # at each anniversary, decided three months before
    renewal_number_factor: tuple[float, ...] = (1.25, 1.0, 0.85)  # first, second, later renewals
    champion_factor: float = 2.5  # while the champion is gone
    stage_factor: tuple[float, ...] = (1.6, 1.3, 1.1, 0.9, 0.7, 0.5)  # stage 0 (not live) to 5
    health_effect: float = 0.40  # hazard × exp(−0.40 × health); health is standard normal over accounts
    early_hazard: tuple[float, ...] = (0.0005, 0.0010, 0.0020)  # per month, outside the last five months of a term
    winback: float = 0.05
    # growing and shrinking
    upsell: tuple[float, ...] = (0.034, 0.030, 0.024)  # per month, more seats on an extra co-terming line
    upsell_size: tuple[float, float] = (0.10, 0.40)  # share of the seats held
    cross_sell: tuple[float, ...] = (0.012, 0.010, 0.008)  # per month, a product new to the account
    downsell: float = 0.08  # at a renewal, fewer seats
    downsell_size: tuple[float, float] = (0.10, 0.40)
    addon_dropped: float = 0.04  # per add-on at a renewal
    price_rise: float = 0.04  # of every product at every renewal from price_rise_date on
    # what changes in time
    health_persistence: float = 0.95  # month to month
    champion_leaves: float = 0.012  # per month
    champion_replaced: float = 0.12  # per month once gone
    stage_advance: tuple[float, ...] = (0.0, 0.18, 0.12, 0.07, 0.04, 0.0)  # per month × exp(0.3 × health)
    stage_health_effect: float = 0.30
    # onboarding: days per step, log-normal
    step_median_days: tuple[float, ...] = (6.0, 9.0, 13.0, 11.0, 7.0)
    step_sigma: float = 0.65
    onboarding_sigma: float = 0.30  # shared by the steps of an account
    onboarding_segment_factor: tuple[float, ...] = (1.5, 1.1, 0.85)
    onboarding_change_factor: float = 0.70  # every step, contracts starting from onboarding_change_date on
    # hours per account and month: task × phase
    hours: tuple[tuple[float, ...], ...] = (
        (2.0, 1.2, 0.7, 1.5),
        (1.2, 0.7, 0.4, 1.0),
        (0.4, 0.8, 0.8, 1.0),
        (1.2, 0.9, 0.6, 0.6),
        (2.2, 0.6, 0.2, 0.1),
    )
    touch_factor: tuple[float, ...] = (1.8, 0.9, 0.4)
    segment_hours_factor: tuple[float, ...] = (1.25, 1.0, 0.85)
    account_hours_sigma: float = 0.35
    csm_sigma: float = 0.22
    initiative_task: str = "reporting"
    initiative_team: str = "East"
    initiative_factor: float = 0.60  # hours of the task, CSMs of the team, from initiative_date on
    # answers: score = round(mean + slope × health + noise), answered with probability logistic(a + b × health)
    score_mean: float = 7.4
    score_health: float = 1.4
    score_sigma: float = 1.4
    response_intercept: float = 0.0
    response_health: float = 0.7
    churn_reason_blank: float = 0.15
    # the calendar of new business, January first
    new_business: tuple[float, ...] = field(default=(0.7, 0.8, 1.0, 2.4, 1.1, 1.0, 1.1, 0.8, 1.0, 1.5, 0.9, 0.5))
    growth: float = 0.004  # of new business, per month


@dataclass(frozen=True)
class Calendar:
    """The months of the company, as months since January 1970, and the days on which something changed."""

    first: int  # first recorded month
    last: int  # the month of ``until``, possibly unfinished
    complete: int  # the last month whose last day is known
    until: int  # days since 1970

    @classmethod
    def of(cls, months: int, until) -> Calendar:
        """The calendar of ``months`` months, the last of which holds ``until``."""
        day = np.datetime64(until, "D")
        last = int(day.astype("datetime64[M]").astype(int))
        whole = int(first_day(last + 1)) - 1 == int(day.astype(int))
        return cls(last - months + 1, last, last if whole else last - 1, int(day.astype(int)))

    @property
    def months(self) -> int:
        return self.last - self.first + 1

    @property
    def onboarding_change(self) -> int:
        return self.first + round(0.5 * self.months)

    @property
    def price_rise(self) -> int:
        return self.first + round(0.6 * self.months)

    @property
    def initiative(self) -> int:
        return self.first + round(2 / 3 * self.months)


def first_day(month):
    """The first day (days since 1970) of a month (months since January 1970).

    >>> int(first_day(1))
    31
    """
    return np.asarray(month, dtype=np.int64).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
