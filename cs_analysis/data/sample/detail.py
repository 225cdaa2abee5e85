"""The tables with a row per event: onboarding, hours, usage, stages, contacts, answers, activities and tasks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.data.sample.tables import Staff
from cs_analysis.data.sample.world import World


def detail_tables(world: World, team: Staff, account_id: np.ndarray) -> tuple[dict[str, pd.DataFrame], dict]:
    """The detail tables by name, and the truth of the survey waves."""
    return {}, {}
