"""Recurring revenue: movements, retention, cohorts, expansion; what NRR is made of and how sure it is.

Every metric takes contract lines (account_id, start, stop, mrr; any frame narwhals reads) and an explicit ``as_of``,
and returns a small tidy pandas frame.
"""

from cs_analysis.data.topic import Summary, table_headline
from cs_analysis.topics.revenue.alerts import ending, nrr_if_none_renews
from cs_analysis.topics.revenue.changes import dated
from cs_analysis.topics.revenue.cohorts import cohort_average, cohorts, fixed_age
from cs_analysis.topics.revenue.definitions import definitions, renewal_rate
from cs_analysis.topics.revenue.expansion import expansion_rates, expansion_split
from cs_analysis.topics.revenue.movements import MOVEMENTS, bridge, movements, movers
from cs_analysis.topics.revenue.plots import (
    plot_age_path,
    plot_bridge,
    plot_cohorts,
    plot_concentration,
    plot_definitions,
    plot_expansion,
    plot_fixed_age,
    plot_groups,
    plot_movements,
    plot_projection,
    plot_retention,
)
from cs_analysis.topics.revenue.projection import backtest, calendar_effect, projection
from cs_analysis.topics.revenue.retention import MEASURES, change_on_year, concentration, difference, retention
from cs_analysis.topics.revenue.summary import summary
from cs_analysis.topics.revenue.tables import (
    table_average,
    table_backtest,
    table_bridge,
    table_cohorts,
    table_definitions,
    table_ending,
    table_expansion,
    table_movers,
    table_projection,
    table_retention,
)
from cs_analysis.topics.revenue.words import (
    say_bridge,
    say_cohorts,
    say_concentration,
    say_definitions,
    say_ending,
    say_expansion,
    say_fixed_age,
    say_groups,
    say_movements,
    say_projection,
    say_retention,
)

__all__ = [
    "MEASURES",
    "MOVEMENTS",
    "Summary",
    "backtest",
    "bridge",
    "calendar_effect",
    "change_on_year",
    "cohort_average",
    "cohorts",
    "concentration",
    "dated",
    "definitions",
    "difference",
    "ending",
    "expansion_rates",
    "expansion_split",
    "fixed_age",
    "movements",
    "movers",
    "nrr_if_none_renews",
    "plot_age_path",
    "plot_bridge",
    "plot_cohorts",
    "plot_concentration",
    "plot_definitions",
    "plot_expansion",
    "plot_fixed_age",
    "plot_groups",
    "plot_movements",
    "plot_projection",
    "plot_retention",
    "projection",
    "renewal_rate",
    "retention",
    "say_bridge",
    "say_cohorts",
    "say_concentration",
    "say_definitions",
    "say_ending",
    "say_expansion",
    "say_fixed_age",
    "say_groups",
    "say_movements",
    "say_projection",
    "say_retention",
    "summary",
    "table_average",
    "table_backtest",
    "table_bridge",
    "table_cohorts",
    "table_definitions",
    "table_ending",
    "table_expansion",
    "table_headline",
    "table_movers",
    "table_projection",
    "table_retention",
]
