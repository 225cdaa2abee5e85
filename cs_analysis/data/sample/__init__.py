"""A sample company whose truth is known: Midori Software, a maker of business software that is paid by the seat.

``make_sample`` simulates it month by month, ``write_sample`` puts it on disk as a client would send it. Everything that
an analysis should find was put there on purpose and is told in ``truth`` (``truth.json``):

``about``
    seed, accounts (in all, those that began before the first month included), months, until, last_month_end,
    observed_from (departures were recorded from here on: of the accounts that began before, only survivors are there),
    accounts_that_began_before, accounts_in_detail_tables (all up to 5,000, else a random 5,000), fixed_columns.
``figures``
    ``at_until``, ``at_previous`` (a month earlier) and ``at_year_ago`` (twelve months earlier), each None when there is
    no opening book twelve months before, else: as_of, opening_day, accounts and opening_mrr of the opening book,
    replicates, and for ``nrr``, ``grr``, ``logo`` (12 months, win-backs included, merged accounts as one):
    ``expected`` — **the target: the expected ratio for this opening book** (definitions, section 2), the mean over
    re-simulations of the twelve months from the state of each account at the opening day (notices already given
    included) —, its ``monte_carlo_error``, and ``realised``, what the tables show. ``logo_by_segment`` the same by
    segment. If ``until`` is no month end, the last month end before it is meant.
``renewals``
    by segment, of the recorded months: due (decided three months before), expected_lost (the sum of the true
    probabilities) and lost.
``onboarding``, ``hours``, ``prices``, ``stages``, ``survey_waves``, ``mergers``
    names, dates and sizes of what changed; ``hours.csm_factor`` multiplies the hours of a CSM's accounts;
    ``survey_waves`` holds per wave the NPS of all invited (``nps_invited``), of those who answered and the rates.
``parameters``
    every number of :class:`cs_analysis.data.sample.parameters.Parameters`, explained there.

All contracts are annual terms whose last day is given, so leaving is a term without a successor; renewed terms are
successor lines; seats bought in mid-term are an extra line to the end of the term and join the main line at renewal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from cs_analysis.data.sample import answers, detail, hours, tables
from cs_analysis.data.sample import truth as _truth
from cs_analysis.data.sample.world import simulate
from cs_analysis.data.sample.write import write_sample
from cs_analysis.errors import N_, InputError

__all__ = ["Sample", "make_sample", "write_sample"]


@dataclass(frozen=True)
class Sample:
    """A sample company: its tables in the form of an input, by name, and its truth (see the module)."""

    tables: dict[str, pd.DataFrame] = field(repr=False)
    truth: dict[str, Any] = field(repr=False)


def make_sample(accounts: int = 240, months: int = 48, until: date = date(2026, 10, 31), seed: int = 1) -> Sample:
    """Simulate a company as its files look on the day ``until``; the same arguments give the same company.

    Parameters
    ----------
    accounts
        Accounts in all, about 30 % of which began before the first month.
    months
        Recorded months, the last of which holds ``until``.
    until
        The last day that has happened: nothing later is in the tables but planned days, due days and ends of terms.
    seed
        Another seed, another company with the same truth.

    Returns
    -------
    Sample
        ``tables``: every input table but ``mrr_months`` (revenue is in ``contracts``). ``truth``: what is true of it.

    Raises
    ------
    InputError
        Fewer than 20 accounts or 3 months.

    Examples
    --------
    >>> sample = make_sample(accounts=40, months=24)
    >>> len(sample.tables["accounts"]), sample.truth["about"]["observed_from"]
    (40, '2024-11-01')
    """
    for name, value, least in (("accounts", accounts, 20), ("months", months, 3)):
        if value < least:
            raise InputError(
                N_("A sample company needs at least {least} for {name}; {value} was given."),
                least=least,
                name=name,
                value=value,
            )
    world = simulate(accounts, months, until, seed)
    account_id, team, known = tables.account_ids(world), tables.staff(world), tables.lines(world)
    total = tables.ledger(world, known)
    frames = {
        "accounts": tables.accounts(world, team, account_id),
        "contracts": tables.contracts(world, known, account_id),
        "ledger": total,
        "csms": tables.csms(world, team),
        "costs": tables.costs(world, team, total),
        "initiatives": tables.initiatives(world),
    }
    chosen = detail.detail_of(world, account_id)
    contacts = detail.contacts(world, chosen)
    responses, waves = answers.survey_responses(world, chosen, contacts)
    frames |= {
        "time_entries": hours.time_entries(world, chosen, team),
        "onboarding_steps": detail.onboarding_steps(world, chosen),
        "survey_responses": responses,
        "usage": detail.usage(world, chosen),
        "stages": detail.stages(world, chosen),
        "contacts": detail.contacts_file(contacts, world.calendar.until),
        "activities": detail.activities(world, chosen, team),
        "tasks": detail.tasks(world, chosen, team),
    }
    return Sample(frames, _truth.truth(world, team, waves))
