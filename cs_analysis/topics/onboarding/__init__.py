"""Onboarding: from start to live, with open cases censored and churn before go-live as a competing event.

Everything starts from `onboardings(steps, lives, as_of=…)`, one row per account; the metrics take that frame.
"""

from cs_analysis.data.topic import Summary, table_headline
from cs_analysis.stats.lives import lives
from cs_analysis.topics.onboarding.compare_words import say_groups, say_initiatives, say_later
from cs_analysis.topics.onboarding.durations import comparison, completion, curve, durations
from cs_analysis.topics.onboarding.initiatives import before_after, curve_before_after
from cs_analysis.topics.onboarding.later import Later, later
from cs_analysis.topics.onboarding.onboardings import as_known, cohorts, onboardings, recent
from cs_analysis.topics.onboarding.plots import (
    plot_before_after,
    plot_curve,
    plot_groups,
    plot_later,
    plot_steps,
    plot_stuck,
)
from cs_analysis.topics.onboarding.sensitivity import (
    plot_sensitivity,
    say_sensitivity,
    sensitivity,
    table_sensitivity,
)
from cs_analysis.topics.onboarding.steps import courts, steps, stuck, waits
from cs_analysis.topics.onboarding.summary import summary
from cs_analysis.topics.onboarding.tables import (
    left_out,
    table_comparison,
    table_completion,
    table_durations,
    table_initiatives,
    table_left_out,
    table_steps,
    table_stuck,
)
from cs_analysis.topics.onboarding.words import (
    say_completion,
    say_curve,
    say_left_out,
    say_mean,
    say_steps,
    say_stuck,
)

__all__ = [
    "Later",
    "Summary",
    "as_known",
    "before_after",
    "cohorts",
    "comparison",
    "completion",
    "courts",
    "curve",
    "curve_before_after",
    "durations",
    "later",
    "left_out",
    "lives",
    "onboardings",
    "plot_before_after",
    "plot_curve",
    "plot_groups",
    "plot_later",
    "plot_sensitivity",
    "plot_steps",
    "plot_stuck",
    "recent",
    "say_completion",
    "say_curve",
    "say_groups",
    "say_initiatives",
    "say_later",
    "say_left_out",
    "say_mean",
    "say_sensitivity",
    "say_steps",
    "say_stuck",
    "sensitivity",
    "steps",
    "stuck",
    "summary",
    "table_comparison",
    "table_completion",
    "table_durations",
    "table_headline",
    "table_initiatives",
    "table_left_out",
    "table_sensitivity",
    "table_steps",
    "table_stuck",
    "waits",
]
