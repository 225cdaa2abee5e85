"""How keys are called in NPS: answers, weightings, roles, themes and columns, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cs_analysis.data.topic import column_name
from cs_analysis.display import language
from cs_analysis.display.language import _
from cs_analysis.errors import N_
from cs_analysis.topics.nps.themes import OTHER

ANSWER_LABELS = {
    "promoter": N_("promoters"),
    "passive": N_("passives"),
    "detractor": N_("detractors"),
    "no_answer": N_("no answer"),
    "not_asked": N_("not asked"),
}
WEIGHTING_LABELS = {
    "respondents": N_("one vote per answer"),
    "accounts": N_("one vote per account"),
    "mrr": N_("accounts by MRR"),
    "decision_makers": N_("decision makers only"),
    "non_response": N_("weighted for silence"),
    "worst_case": N_("bounds, silent included"),
}
ROLE_LABELS = {
    "champion": N_("champion"),
    "decision_maker": N_("decision maker"),
    "user": N_("user"),
}
BEHAVIOUR_LABELS = {"much": N_("uses much"), "little": N_("uses little")}
MEASURE_LABELS = {
    "nrr": N_("NRR since"),
    "stages": N_("Success stages reached by then"),
    "hours": N_("Hours per month in the year before"),
}
UNITS = {"nrr": "rate", "stages": "ratio", "hours": "hours"}
REASON_LABELS = {
    "set_aside": N_("set aside where the data came in"),
    "answered_again": N_("answered again later in the same wave"),
    "no_score": N_("no whole number from 0 to 10"),
}
THEME_LABELS = {
    "support": N_("support"),
    "ease_of_use": N_("ease of use"),
    "features": N_("features"),
    "speed": N_("speed"),
    "quality": N_("quality"),
    "price": N_("price"),
    "results": N_("results"),
    "people": N_("people"),
    "onboarding": N_("onboarding"),
    OTHER: N_("other"),
}


def label(key: object, names: Mapping[str, str]) -> str:
    """A key as a word in the reader's language, others as they are; a group nobody named says so."""
    return language.label(key, names) or _("(not given)")


def labels(keys: Iterable[object], names: Mapping[str, str]) -> list[str]:
    """Several keys as words: :func:`label` of each."""
    return [label(key, names) for key in keys]


def column(by: str) -> str:
    """The column of a split as the reader calls it; the role is one of the survey's, the others are the accounts'."""
    return _("role") if by == "role" else column_name(by)
