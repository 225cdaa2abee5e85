"""Recurring revenue: movements, retention, cohorts, expansion; what NRR is made of and how sure it is.

Every metric takes contract lines (account_id, start, stop, mrr; any frame narwhals reads) and an explicit ``as_of``,
and returns a small tidy pandas frame.
"""

from cs_analysis.topics.revenue.changes import dated
from cs_analysis.topics.revenue.cohorts import cohort_average, cohorts, fixed_age
from cs_analysis.topics.revenue.definitions import definitions, renewal_rate
from cs_analysis.topics.revenue.expansion import expansion_rates, expansion_split
from cs_analysis.topics.revenue.movements import bridge, movements, movers
from cs_analysis.topics.revenue.projection import backtest, calendar_effect, projection
from cs_analysis.topics.revenue.retention import concentration, difference, retention

__all__ = [
    "backtest",
    "bridge",
    "calendar_effect",
    "cohort_average",
    "cohorts",
    "concentration",
    "dated",
    "definitions",
    "difference",
    "expansion_rates",
    "expansion_split",
    "fixed_age",
    "movements",
    "movers",
    "projection",
    "renewal_rate",
    "retention",
]
