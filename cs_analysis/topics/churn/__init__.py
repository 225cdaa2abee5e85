"""Churn: how long customers stay, when and why they leave, and how sure that is.

Metrics take the lives of accounts (``lives``) and return small tidy frames; ``say_*``, ``plot_*`` and ``table_*`` take
those frames.
"""

from cs_analysis.data.topic import Summary, table_headline
from cs_analysis.stats.lives import followed, lives
from cs_analysis.topics.churn.curves import comparison, curve, summary_table
from cs_analysis.topics.churn.late_entry import known_at, late_entry_needed
from cs_analysis.topics.churn.plots import plot_comparison, plot_curve, plot_reasons, plot_renewals, plot_spike
from cs_analysis.topics.churn.reasons import reasons
from cs_analysis.topics.churn.renewals import renewals, spike, term
from cs_analysis.topics.churn.summary import summary
from cs_analysis.topics.churn.tables import (
    table_comparison,
    table_curve,
    table_reasons,
    table_renewals,
    table_spike,
    table_summary,
)
from cs_analysis.topics.churn.words import (
    say_curve,
    say_followed,
    say_groups,
    say_reasons,
    say_renewals,
    say_spike,
    say_weighted,
)

__all__ = [
    "Summary",
    "comparison",
    "curve",
    "followed",
    "known_at",
    "late_entry_needed",
    "lives",
    "plot_comparison",
    "plot_curve",
    "plot_reasons",
    "plot_renewals",
    "plot_spike",
    "reasons",
    "renewals",
    "say_curve",
    "say_followed",
    "say_groups",
    "say_reasons",
    "say_renewals",
    "say_spike",
    "say_weighted",
    "spike",
    "summary",
    "summary_table",
    "table_comparison",
    "table_curve",
    "table_headline",
    "table_reasons",
    "table_renewals",
    "table_spike",
    "table_summary",
    "term",
]
