"""How long movements, retention and cohorts take as contract lines grow, beside the usual month spine.

    uv run python tests/benchmarks/bench_revenue.py            # 10⁵, 10⁶ and 10⁷ lines
    uv run python tests/benchmarks/bench_revenue.py 100000     # one size

Both sides read the same DuckDB table in the same process, one after the other; the spine computes less (no intervals,
no win-backs) and its closing MRR is compared with ours, so that both answer the same question. The last line is the
exponent of growth between the smallest and the largest size: 1 is linear.
"""

import gc
import math
import sys
import time

import duckdb

import cs_analysis.topics.revenue as revenue

AS_OF = "2026-10-31"

LINES = """
create or replace table contracts as
with accounts as (
    select i as account, 12 * 2022 + 10 + cast(floor(random() * 47) as int) as first,
           1 + cast(floor(-ln(random() + 1e-9) * 12) as int) as seats
    from range(cast({lines} / 2.4 as bigint)) t(i)
), terms as (
    select account, first + 12 * term as month, term, seats + cast(floor(random() * 3) as int) * term as seats,
           random() as fate
    from accounts, range(4) r(term) where first + 12 * term <= 12 * 2026 + 9
), kept as (
    select *, min(case when fate < 0.12 then term end) over (partition by account) as last from terms
)
select 'A' || account as account_id,
       make_date(cast(month // 12 as int), cast(month % 12 + 1 as int), 1) as start,
       make_date(cast(month // 12 as int) + 1, cast(month % 12 + 1 as int), 1) as stop,
       seats * 1800.0 as mrr
from kept where last is null or term <= last
"""

SPINE = """
create or replace temp table spine as
with months as (select unnest(generate_series(date '2022-11-30', date '2026-10-31', interval 1 month)) as raw),
ends as (select cast(last_day(cast(raw as date)) as date) as month from months)
select account_id, month, sum(mrr) as mrr
from contracts join ends on start <= month and stop > month group by all
"""

SPINE_TABLES = (
    """with steps as (
        select month, account_id, mrr, lag(mrr) over w as before, lag(month) over w as last,
               lead(month) over w as next
        from spine window w as (partition by account_id order by month))
    select month, sum(mrr) as closing, sum(case when before is null then mrr end) as new,
           sum(greatest(mrr - before, 0)) as expansion, sum(least(mrr - before, 0)) as contraction,
           sum(case when next is null or next > last_day(cast(month + interval 1 day as date)) then mrr end) as churn
    from steps group by month order by month""",
    """select a.month, sum(coalesce(b.mrr, 0)) / sum(a.mrr) as nrr, sum(least(coalesce(b.mrr, 0), a.mrr)) / sum(a.mrr),
           count(b.mrr) / count(*) from spine a
    left join spine b on a.account_id = b.account_id and b.month = last_day(cast(a.month + interval 1 year as date))
    where a.month <= date '2025-10-31' group by a.month order by a.month""",
    """with first as (
        select account_id, min(month) as cohort, arg_min(mrr, month) as base from spine group by account_id)
    select date_trunc('quarter', cohort), datediff('month', cohort, month) as age, sum(mrr), count(*),
           sum(least(mrr, base))
    from spine join first using (account_id) group by all order by 1, 2""",
)


def change_points(connection):
    lines = connection.table("contracts")
    moved = revenue.movements(lines, as_of=AS_OF)
    kept = revenue.retention(lines, as_of=AS_OF)
    revenue.cohorts(lines, as_of=AS_OF)
    return moved, kept


def month_spine(connection):
    connection.execute(SPINE)
    return [connection.execute(query).df() for query in SPINE_TABLES]


def timed(function, *arguments):
    gc.collect()
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def main(sizes):
    taken = {}
    print(f"{'lines':>12} {'change points':>14} {'month spine':>12} {'ratio':>6}")
    for size in sizes:
        connection = duckdb.connect()
        connection.execute("select setseed(0.5)")
        connection.execute(LINES.format(lines=size))
        rows = connection.execute("select count(*) from contracts").fetchone()[0]
        ours, (moved, kept) = timed(change_points, connection)
        theirs, (by_month, retained, _cohorts) = timed(month_spine, connection)
        closing, nrr = by_month["closing"].iloc[-1], retained["nrr"].iloc[-1]
        assert math.isclose(moved["amount"].sum(), closing, rel_tol=1e-9), (moved["amount"].sum(), closing)
        newest = kept[kept["measure"] == "nrr"]["estimate"].iloc[-1]
        assert math.isclose(newest, nrr, rel_tol=1e-9), (newest, nrr)
        taken[rows] = ours
        print(f"{rows:>12,} {ours:>12.2f} s {theirs:>10.2f} s {theirs / ours:>6.1f}", flush=True)
    if len(taken) > 1:
        (small, a), (large, b) = min(taken.items()), max(taken.items())
        print(f"exponent of growth {math.log(b / a) / math.log(large / small):.2f}")


if __name__ == "__main__":
    main([int(float(a)) for a in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000])
