"""Revenue drawn: each chart takes a metric's frame and an ax, and returns the ax."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cs_analysis.data import topic
from cs_analysis.display import charts, sentences
from cs_analysis.display.language import _, labels, month, number
from cs_analysis.stats import periods
from cs_analysis.topics.revenue import words


def plot_bridge(bridge: pd.DataFrame, ax: Axes, *, months: int = 12, currency: str = "JPY") -> Axes:
    """MRR ``months`` ago, what was won and lost since, MRR now."""
    whole = bridge[bridge["complete"] & bridge["opening"].notna()].tail(months)
    if whole.empty:
        return charts.nothing(ax, _("No complete month of revenue can be followed yet."))
    first, last = whole.iloc[0], whole.iloc[-1]
    kinds = [kind for kind in words.MOVEMENT_LABELS if whole[kind].sum() != 0]
    before = periods.month_label(periods.month_index(first["month"] + "-01") - 1)
    charts.waterfall(
        ax,
        [month(before), *labels(kinds, words.MOVEMENT_LABELS), month(last["month"])],
        [first["opening"], *(whole[kind].sum() for kind in kinds), last["closing"]],
        ["total", *["change"] * len(kinds), "total"],
        currency=currency,
    )
    subtitle = _("Change over {n} months, of all accounts; closes to the last unit")
    return charts.title(ax, _("MRR bridge"), subtitle.format(n=number(len(whole))))


def plot_movements(bridge: pd.DataFrame, ax: Axes, *, months: int = 24, currency: str = "JPY") -> Axes:
    """What was won and lost in each month."""
    whole = bridge[bridge["complete"] & bridge["opening"].notna()].tail(months)
    if whole.empty:
        return charts.nothing(ax, _("No complete month of revenue can be followed yet."))
    parts = {_(label): whole[kind].to_numpy() for kind, label in words.MOVEMENT_LABELS.items() if whole[kind].any()}
    charts.stacked(ax, [month(m) for m in whole["month"]], parts, kind="money", currency=currency)
    return charts.title(ax, _("MRR won and lost by month"), _("All accounts; losses below the line"))


def plot_retention(retention: pd.DataFrame, ax: Axes) -> Axes:
    """NRR, GRR and logo retention month after month, with their intervals."""
    if retention.empty:
        return charts.nothing(ax, _("Retention cannot be told yet: no account has been followed over the whole span."))
    short = {"nrr": _("NRR"), "grr": _("GRR"), "logo": _("logo")}
    series = {}
    for measure, label in short.items():
        part = retention[retention["measure"] == measure]
        days = pd.to_datetime(part["month"] + "-01").dt.date.tolist()
        series[label] = (days, part["estimate"].to_numpy(), part["low"].to_numpy(), part["high"].to_numpy())
    charts.lines(ax, series, kind="percent", reference=1.0)
    last = retention.iloc[-1]
    subtitle = _("Over {span} months, {n} at the start of the newest span; bands are 95 % intervals")
    return charts.title(
        ax,
        _("Retention by month"),
        subtitle.format(span=last["span"], n=sentences.accounts(last["n"])),
    )


def plot_groups(retention: pd.DataFrame, ax: Axes, *, by: str, measure: str = "nrr") -> Axes:
    """The newest retention of each group, with its interval."""
    newest = retention[(retention["measure"] == measure) & (retention["month"] == retention["month"].max())]
    if newest.empty:
        return charts.nothing(ax, _("Retention cannot be told yet: no account has been followed over the whole span."))
    newest = newest.nlargest(15, "opening_mrr")
    columns = ("estimate", "low", "high")
    values = [newest[c].to_numpy() for c in columns]
    charts.forest(ax, newest[by].tolist(), *values, kind="percent", reference=1.0, n=newest["n"].tolist())
    subtitle = _("To {month}, over {span} months; the groups are those of today's file")
    return charts.title(
        ax,
        _("{measure} by {column}").format(measure=measure.upper(), column=topic.column_name(by)),
        subtitle.format(month=month(newest["month"].iloc[0]), span=newest["span"].iloc[0]),
    )


def plot_definitions(table: pd.DataFrame, ax: Axes) -> Axes:
    """The figures called retention, beside each other."""
    rates = table[table["estimate"].notna() & ~table["definition"].str.contains("churn")]
    names = labels(rates["definition"], words.DEFINITION_LABELS)
    charts.forest(ax, names, rates["estimate"].tolist(), None, None, kind="percent", reference=1.0)
    return charts.title(ax, _("One book, several definitions"), _("Same lines, same span"))


def plot_cohorts(table: pd.DataFrame, ax: Axes, *, measure: str = "nrr", most: int = 24, every: int = 3) -> Axes:
    """Cohorts × age as a heat map; what is not yet reached is hatched."""
    part = table[(table["measure"] == measure) & (table["age"] % every == 0) & table["whole"].astype(bool)]
    if part.empty:
        return charts.nothing(ax, _("No cohort can be followed yet: each needs at least two complete months."))
    wide = part.pivot(index="cohort", columns="age", values="estimate").sort_index().tail(most)
    wide = wide.dropna(axis=1, how="all")
    sizes = part[part["age"] == 0].set_index("cohort")["accounts"].reindex(wide.index)
    charts.heatmap(
        ax,
        wide.to_numpy(dtype=float),
        wide.index.tolist(),
        [number(int(age)) for age in wide.columns],
        kind="percent",
        centre=1.0 if measure == "nrr" else None,
        counts=sizes.tolist(),
        counts_label=_("accounts"),
    )
    ax.set_xlabel(_("months since first MRR"))
    subtitle = _("% of the cohort's accounts") if measure == "logo" else _("% of the cohort's first MRR")
    title = {"nrr": _("Net retention by cohort"), "grr": _("Gross retention by cohort"), "logo": _("Logo by cohort")}
    return charts.title(ax, title[measure], subtitle)


def plot_age_path(table: pd.DataFrame, ax: Axes, *, average: pd.DataFrame, ages: int = 12, most: int = 4) -> Axes:
    """The first year of the newest cohorts that are half-way through it, beside all cohorts pooled."""
    net = table[(table["measure"] == "nrr") & table["whole"].astype(bool) & (table["age"] <= ages)]
    reached = net.groupby("cohort")["age"].max()
    newest = sorted(reached[reached >= ages / 2].index)[-most:]
    pooled = average[(average["measure"] == "nrr") & (average["age"] <= ages)]
    if not newest:
        return charts.nothing(ax, _("No cohort has reached this age yet."))
    series = {_("all cohorts"): (pooled["age"].tolist(), pooled["estimate"].tolist())}
    paths = {c: net[net["cohort"] == c] for c in newest}
    series |= {c: (path["age"].tolist(), path["estimate"].tolist()) for c, path in paths.items()}
    charts.lines(ax, series, kind="percent", reference=1.0)
    ax.set_xlabel(_("months since first MRR"))
    return charts.title(ax, _("The first year of the newest cohorts"), _("NRR; lines end where a cohort is today"))


def plot_fixed_age(table: pd.DataFrame, ax: Axes) -> Axes:
    """NRR at one age, cohort after cohort, with intervals."""
    if table.empty:
        return charts.nothing(ax, _("No cohort has reached this age yet."))
    rows = table.tail(12)
    values = [rows[c].to_numpy() for c in ("estimate", "low", "high")]
    charts.forest(ax, rows["cohort"].tolist(), *values, kind="percent", reference=1.0, n=rows["n"].tolist())
    title = _("NRR at {age} months of age").format(age=number(rows["age"].iloc[0]))
    return charts.title(ax, title, _("By cohort; n is the cohort's accounts"))


def plot_projection(table: pd.DataFrame, ax: Axes, *, age: int = 12, most: int = 12) -> Axes:
    """Where each open cohort is projected to stand at one age (at its next year when it has passed that age)."""
    rows = words.projected_at(table, age).tail(most)
    if rows.empty:
        text = _("No projection: it takes three cohorts and thirty accounts at every age on the way.")
        return charts.nothing(ax, text)
    names = [_("{cohort}, {age} months").format(cohort=r.cohort, age=number(r.age)) for r in topic.records(rows)]
    values = [rows[c].to_numpy(dtype=float) for c in ("estimate", "low", "high")]
    charts.forest(ax, names, *values, kind="percent", reference=1.0)
    return charts.title(ax, _("Open cohorts, projected"), _("NRR at constant prices, by cohort and age"))


def plot_expansion(split: pd.DataFrame, ax: Axes, *, months: int = 24, currency: str = "JPY") -> Axes:
    """Expansion by month and kind."""
    if split.empty:
        return charts.nothing(ax, _("No account expanded."))
    wide = split.pivot(index="month", columns="kind", values="amount").fillna(0.0).sort_index()
    first, last = (periods.month_index(m + "-01") for m in (wide.index[0], wide.index[-1]))
    every = [periods.month_label(m) for m in range(max(first, last - months + 1), last + 1)]
    wide = wide.reindex(every, fill_value=0.0)
    parts = {_(label): wide[kind].to_numpy() for kind, label in words.KIND_LABELS.items() if kind in wide}
    charts.stacked(ax, [month(m) for m in wide.index], parts, kind="money", currency=currency)
    return charts.title(ax, _("Where expansion came from"), _("By month; the kinds add up to the bridge's expansion"))


def plot_concentration(
    table: pd.DataFrame, ax: Axes, *, retention: pd.DataFrame, accounts: pd.DataFrame | None = None
) -> Axes:
    """NRR without each of the largest accounts, beside NRR of all."""
    rows, net = table[table["nrr_without"].notna()], words.of_measure(retention, "nrr")
    if rows.empty or net is None:
        return charts.nothing(ax, _("There is only one account; NRR is that account's."))
    known = topic.account_names(accounts)
    labels = [_("all accounts"), *(known.get(a, a) for a in rows["account_id"])]
    values = [net["estimate"], *rows["nrr_without"]]
    charts.forest(ax, labels, values, None, None, kind="percent", highlight=0)
    return charts.title(ax, _("NRR without each of the largest accounts"), _("Largest first; one left out at a time"))
