"""NPS: what customers say, how sure the score is, who stayed silent, and what followed.

``answers`` turns survey rows (account_id, respondent, wave, score; any frame narwhals reads) into one row per person
and wave; ``with_accounts`` and ``weigh`` add what is known of their accounts. Every metric takes that frame and returns
a small tidy pandas frame.
"""

from cs_analysis.data.topic import Summary, table_headline
from cs_analysis.topics.nps.answers import (
    ANSWERS,
    account_answers,
    answers,
    followed_wave,
    newest_wave,
    of_wave,
    unused,
    waves,
)
from cs_analysis.topics.nps.calls import advocates, follow_up, standing
from cs_analysis.topics.nps.context import weigh, with_accounts
from cs_analysis.topics.nps.follow import beside, churn_link, labelled, loyalty, outcomes
from cs_analysis.topics.nps.plots import (
    plot_beside,
    plot_churn,
    plot_distribution,
    plot_groups,
    plot_loyalty,
    plot_switches,
    plot_themes,
    plot_trend,
    plot_weightings,
)
from cs_analysis.topics.nps.score import (
    WEIGHTINGS,
    changes,
    comparison,
    difference,
    distribution,
    score,
    switches,
    weightings,
)
from cs_analysis.topics.nps.summary import known_at, summary
from cs_analysis.topics.nps.tables import (
    table_advocates,
    table_beside,
    table_changes,
    table_churn,
    table_comments,
    table_comparison,
    table_follow_up,
    table_loyalty,
    table_score,
    table_switches,
    table_themes,
)
from cs_analysis.topics.nps.themes import by_theme, comments
from cs_analysis.topics.nps.words import (
    say_advocates,
    say_beside,
    say_churn,
    say_follow_up,
    say_groups,
    say_loyalty,
    say_response,
    say_score,
    say_switches,
    say_themes,
    say_unused,
    say_weightings,
)

__all__ = [
    "ANSWERS", "WEIGHTINGS", "Summary", "account_answers", "advocates", "answers", "beside", "by_theme", "changes",
    "churn_link", "comments", "comparison", "difference", "distribution", "follow_up", "followed_wave", "known_at",
    "labelled", "loyalty", "newest_wave", "of_wave", "outcomes", "plot_beside", "plot_churn", "plot_distribution",
    "plot_groups", "plot_loyalty", "plot_switches", "plot_themes", "plot_trend", "plot_weightings", "say_advocates",
    "say_beside", "say_churn", "say_follow_up", "say_groups", "say_loyalty", "say_response", "say_score",
    "say_switches", "say_themes", "say_unused", "say_weightings", "score", "standing", "summary", "switches",
    "table_advocates", "table_beside", "table_changes", "table_churn", "table_comments", "table_comparison",
    "table_follow_up", "table_headline", "table_loyalty", "table_score", "table_switches", "table_themes", "unused",
    "waves", "weigh", "weightings", "with_accounts",
]  # fmt: skip
