"""How long the description of time per account takes on five million entries.

    uv run python tests/benchmarks/bench_effort.py             # 5 million entries
    uv run python tests/benchmarks/bench_effort.py 100000      # another size

The entries are a DuckDB table: 3,000 accounts over 36 months, 40 CSMs, 12 tasks, one phase per account and month. Each
step is timed by itself; the sum of the hours is compared with DuckDB's own.
"""

import sys
import time

import duckdb
import pandas as pd

from cs_analysis.data.settings import Settings
from cs_analysis.topics import effort

AS_OF = "2026-10-31"
ENTRIES = """
create or replace table entries as
with rows as (
    select cast(floor(random() * 3100) as int) as a, cast(floor(random() * 1096) as int) as d, random() as r
    from range({n})
)
select date '2023-11-01' + d as date, 'CSM ' || (a % 40) as csm, case when a < 3000 then 'A' || a end as account_id,
       case when a < 3000 then (case when d < (a % 1000) + 90 then 'onboarding' else 'steady' end) end as phase,
       'task ' || cast(floor(r * 12) as int) as task, (1 + cast(floor(r * 800) as int) % 8) / 4.0 as hours
from rows
"""


def main(size: int) -> None:
    """Time each step and print it."""
    duckdb.execute("select setseed(0.1)")
    duckdb.execute(ENTRIES.format(n=size))
    entries = duckdb.table("entries")
    ids = [f"A{i}" for i in range(3000)]
    accounts = pd.DataFrame({"account_id": ids, "touch_model": ["high", "low", "tech"] * 1000})
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta([i % 1000 for i in range(3000)], unit="D")
    contracts = pd.DataFrame({"account_id": ids, "start": start, "stop": pd.NaT, "mrr": 50_000.0})
    contracts["stop"] = pd.to_datetime(contracts["stop"])
    team = pd.DataFrame({"csm": [f"CSM {i}" for i in range(40)], "available_hours": 140.0, "hourly_cost": 5000.0})
    took: dict[str, float] = {}

    def timed(name, function, *args, **options):
        begin = time.perf_counter()
        found = function(*args, **options)
        took[name] = time.perf_counter() - begin
        return found

    hours = timed("hours", effort.hours, entries, as_of=AS_OF, accounts=accounts)
    aside = timed("set_aside", effort.set_aside, entries, as_of=AS_OF, accounts=accounts)
    balance = timed("balance", effort.balance, entries, hours, set_aside=aside, as_of=AS_OF)
    weeks = timed("logging_coverage", effort.logging_coverage, entries, csms=team, as_of=AS_OF)
    timed("logging_checks", effort.logging_checks, entries, weeks, as_of=AS_OF)
    priced = timed("priced", effort.priced, hours, csms=team, coverage=effort.covered(weeks))
    timed("cost_to_serve", effort.cost_to_serve, priced, contracts, as_of=AS_OF)
    lives = timed("lives", effort.lives, contracts, as_of=AS_OF, which="all")
    timed("weeks_of_life", effort.weeks_of_life, entries, lives, as_of=AS_OF)
    months = timed("account_months", effort.account_months, hours, lives, as_of=AS_OF).merge(accounts)
    people = effort.team(hours, csms=team, as_of=AS_OF)
    timed("capacity", effort.capacity, months, people)
    timed("what_if", effort.what_if, months, hours, team=people)
    timed("summary", effort.summary, priced, contracts, as_of=AS_OF, coverage=weeks, settings=Settings())
    total = duckdb.sql("select sum(hours) from entries").fetchall()[0][0]
    found = float(balance.set_index("part").loc["total", "hours"])
    assert abs(found - float(total)) < 1e-6 * float(total)
    assert float(balance.set_index("part").loc["missing", "hours"]) == 0
    print(f"{size:,} entries, {len(hours):,} rows of hours")
    for name, seconds in took.items():
        print(f"{name:>18} {seconds:6.2f} s")
    print(f"{'together':>18} {sum(took.values()):6.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
