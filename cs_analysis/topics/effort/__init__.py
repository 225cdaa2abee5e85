"""Time per account: where the CS team's hours go, what they cost beside what accounts bring, and which to win back.

Time entries (date, csm, account_id, phase, task, hours; any frame narwhals reads) are collapsed once by :func:`hours`;
all else takes that small frame.
"""

from cs_analysis.topics.effort.hours import balance, hours, set_aside

__all__ = ["balance", "hours", "set_aside"]
