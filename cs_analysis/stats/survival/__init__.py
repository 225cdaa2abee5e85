"""Time until something happens: curves, means, comparisons, competing causes and what drives them.

Arrays or Series in; times are numbers ≥ 0 of any unit. The conventions are those of R's survival: at risk at t means
entry < t ≤ duration, events come before censoring at ties, and weights are counts of equal rows.
"""

from __future__ import annotations
