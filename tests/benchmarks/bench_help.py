"""How long ``--help`` takes, best of ten: ``uv run python tests/benchmarks/bench_help.py``. The target is 0.3 s."""

import subprocess
import sys
from time import perf_counter


def seconds(*arguments: str) -> float:
    """The best of ten runs of the command line."""
    times = []
    for _ in range(10):
        started = perf_counter()
        subprocess.run([sys.executable, "-m", "cs_analysis", *arguments], check=True, capture_output=True)
        times.append(perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    for command in ([], ["run"], ["demo"]):
        print(f"cs-analysis {' '.join([*command, '--help']):<14} {seconds(*command, '--help'):.2f} s")
