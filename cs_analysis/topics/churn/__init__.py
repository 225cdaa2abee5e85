"""Churn: how long customers stay, when and why they leave, and how sure that is.

Metrics take the lives of accounts (``lives``) and return small tidy frames; ``say_*``, ``plot_*`` and ``table_*`` take
those frames.
"""

from cs_analysis.data.topic import Summary, table_headline
from cs_analysis.stats.lives import followed, lives
from cs_analysis.topics.churn.curves import comparison, curve, joined, summary_table
from cs_analysis.topics.churn.drivers import drivers, landmark, landmark_difference
from cs_analysis.topics.churn.explain_plots import (
    plot_drivers,
    plot_landmark,
    plot_risk,
    plot_scores,
    plot_sensitivity,
    plot_validation,
)
from cs_analysis.topics.churn.explain_tables import (
    table_drivers,
    table_landmark,
    table_leaving,
    table_risk,
    table_scores,
    table_sensitivity,
    table_validation,
)
from cs_analysis.topics.churn.explain_words import say_drivers, say_history, say_landmark, say_sensitivity
from cs_analysis.topics.churn.history import History, history
from cs_analysis.topics.churn.late_entry import known_at, late_entry_needed
from cs_analysis.topics.churn.plots import plot_comparison, plot_curve, plot_reasons, plot_renewals, plot_spike
from cs_analysis.topics.churn.reasons import reasons
from cs_analysis.topics.churn.renewals import renewals, spike, term
from cs_analysis.topics.churn.risk import Expected, expected, risk
from cs_analysis.topics.churn.risk_words import say_ranking, say_risk, say_validation
from cs_analysis.topics.churn.sensitivity import sensitivity
from cs_analysis.topics.churn.summary import summary, with_risk
from cs_analysis.topics.churn.tables import (
    table_comparison,
    table_curve,
    table_reasons,
    table_renewals,
    table_spike,
    table_summary,
)
from cs_analysis.topics.churn.validation import out_of_time, scores, validation
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
    "Expected",
    "History",
    "Summary",
    "comparison",
    "curve",
    "drivers",
    "expected",
    "followed",
    "history",
    "joined",
    "known_at",
    "landmark",
    "landmark_difference",
    "late_entry_needed",
    "lives",
    "out_of_time",
    "plot_comparison",
    "plot_curve",
    "plot_drivers",
    "plot_landmark",
    "plot_reasons",
    "plot_renewals",
    "plot_risk",
    "plot_scores",
    "plot_sensitivity",
    "plot_spike",
    "plot_validation",
    "reasons",
    "renewals",
    "risk",
    "say_curve",
    "say_drivers",
    "say_followed",
    "say_groups",
    "say_history",
    "say_landmark",
    "say_ranking",
    "say_reasons",
    "say_renewals",
    "say_risk",
    "say_sensitivity",
    "say_spike",
    "say_validation",
    "say_weighted",
    "scores",
    "sensitivity",
    "spike",
    "summary",
    "summary_table",
    "table_comparison",
    "table_curve",
    "table_drivers",
    "table_headline",
    "table_landmark",
    "table_leaving",
    "table_reasons",
    "table_renewals",
    "table_risk",
    "table_scores",
    "table_sensitivity",
    "table_spike",
    "table_summary",
    "table_validation",
    "term",
    "validation",
    "with_risk",
]
