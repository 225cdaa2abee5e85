"""How long curves, log-rank and Cox take on a million accounts, beside R's survfit, survdiff and coxph (Efron).

    uv run python tests/benchmarks/bench_survival.py              # 10⁶ accounts, three repetitions
    uv run python tests/benchmarks/bench_survival.py 100000 5     # accounts, repetitions

Both sides read the same CSV, in turns, and time the same three computations inside their own process, reading and
writing left out; the best of the repetitions counts. Curves and Cox have late entry; log-rank has none, because
survdiff knows none. What the two sides find is compared, so that both answer the same question. Without R (and its
package survival) only ours is timed.
"""

import gc
import io
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from cs_analysis.stats import survival

COVARIATES = ["mid", "large", "high_touch", "champion", "size"]
STEPS = ["curve", "logrank", "cox"]

R = """
options(warn = 1)
library(survival)
d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
seconds <- function(f) { gc(); s <- proc.time()[["elapsed"]]; r <- f(); list(proc.time()[["elapsed"]] - s, r) }
a <- seconds(function() survfit(Surv(entry, time, lost) ~ segment, data = d, conf.type = "log-log"))
b <- seconds(function() survdiff(Surv(time, lost) ~ segment, data = d))
c <- seconds(function() coxph(Surv(entry, time, lost) ~ mid + large + high_touch + champion + size, data = d,
                              ties = "efron"))
cat("seconds", a[[1]], b[[1]], c[[1]], "\\n")
cat("chisq", format(b[[2]]$chisq, digits = 17), "\\n")
cat("coef", format(coef(c[[2]]), digits = 17), "\\n")
cat("se", format(sqrt(diag(vcov(c[[2]]))), digits = 17), "\\n")
f <- a[[2]]
write.table(format(data.frame(rep(sub("segment=", "", names(f$strata)), f$strata), f$time, f$surv, f$lower, f$upper),
                   digits = 17),
            commandArgs(TRUE)[2], sep = ",", row.names = FALSE, col.names = FALSE, quote = FALSE)
"""


def accounts(n: int) -> pd.DataFrame:
    """Accounts with tenures in calendar months (whole months and days of a month), three tenths entering late."""
    chance = np.random.default_rng(20261031)
    segment = chance.choice(["large", "mid", "small"], n, p=[0.15, 0.35, 0.5])
    frame = pd.DataFrame({"segment": segment, "mid": (segment == "mid") * 1, "large": (segment == "large") * 1})
    frame["high_touch"] = (chance.random(n) < np.where(segment == "large", 0.8, 0.2)) * 1
    frame["champion"] = (chance.random(n) < 0.7) * 1
    frame["size"] = chance.integers(1, 6, n)
    slope = frame[COVARIATES].to_numpy() @ [-0.2, -0.5, -0.3, -0.6, 0.05]
    entry = np.where(chance.random(n) < 0.3, _months(chance.uniform(0, 36, n), chance), 0.0)
    gone = entry + chance.exponential(1 / (0.025 * np.exp(slope)))
    followed = entry + chance.uniform(0, 48, n)
    time = _months(np.minimum(gone, followed), chance)
    frame["entry"], frame["time"], frame["lost"] = entry, np.maximum(time, np.round(entry + 1 / 31, 6)), gone < followed
    return frame.astype({"lost": int})


def _months(tenure: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    month = chance.choice([28, 30, 31], len(tenure), p=[1 / 12, 4 / 12, 7 / 12])
    return np.round(np.floor(tenure) + np.ceil((tenure % 1) * month) / month, 6)


def timed(function):
    gc.collect()
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def ours(path: Path) -> tuple[list[float], dict]:
    d = pd.read_csv(path, float_precision="round_trip")
    runs = [
        timed(lambda: survival.curve(d["time"], d["lost"], entry=d["entry"], groups=d["segment"])),
        timed(lambda: survival.logrank(d["time"], d["lost"], d["segment"])),
        timed(lambda: survival.cox(d[[*COVARIATES, "entry", "time", "lost"]], "time", "lost", entry="entry")),
    ]
    curve, test, cox = (result for _seconds, result in runs)
    cox = cox.set_index("covariate").loc[COVARIATES]
    found = {"curve": curve, "chisq": [test.statistic], "coef": cox["coef"].to_numpy(), "se": cox["se"].to_numpy()}
    return [seconds for seconds, _result in runs], found


def theirs(path: Path, folder: Path) -> tuple[list[float], dict]:
    (folder / "bench.R").write_text(R)
    command = ["Rscript", "--vanilla", str(folder / "bench.R"), str(path), str(folder / "curve.csv")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = {line.split()[0]: [float(value) for value in line.split()[1:]] for line in io.StringIO(printed)}
    columns = ["group", "time", "estimate", "low", "high"]
    curve = pd.read_csv(folder / "curve.csv", names=columns, skipinitialspace=True)
    return lines.pop("seconds"), {**lines, "curve": curve}


def compare(mine: dict, other: dict) -> None:
    """Print the largest difference of each result, and stop if it is no rounding."""
    a, b = mine["curve"], other["curve"]
    assert a["group"].tolist() == b["group"].str.strip().tolist()
    assert np.allclose(a["time"], b["time"], rtol=1e-12)
    inside = a["estimate"].between(0, 1, inclusive="neither").to_numpy()
    columns = ["estimate", "low", "high"]
    apart = {"curve and its limits": np.abs(a[columns].to_numpy() - b[columns].to_numpy(dtype=float))[inside].max()}
    for name in ("chisq", "coef", "se"):
        apart[name] = np.max(np.abs(np.subtract(mine[name], other[name])) / np.abs(other[name]))
    print("largest difference: " + ", ".join(f"{name} {value:.1e}" for name, value in apart.items()))
    assert max(apart.values()) < 1e-7, apart


def has_r() -> bool:
    if not shutil.which("Rscript"):
        return False
    return not subprocess.run(["Rscript", "-e", "library(survival)"], capture_output=True).returncode


def main(n: int = 1_000_000, repetitions: int = 3) -> None:
    with_r = has_r()
    if not with_r:
        print("R or its package survival is missing: only ours is timed.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "accounts.csv"
        frame = accounts(n)
        frame.to_csv(path, index=False)
        print(f"{n:,} accounts, {frame['lost'].sum():,} lost, {frame['time'].nunique():,} distinct times", flush=True)
        mine, other = [], []
        for _ in range(repetitions):
            seconds, found = ours(path)
            mine.append(seconds)
            if with_r:
                seconds, reference = theirs(path, folder)
                other.append(seconds)
        report(np.array(mine), np.array(other))
        if with_r:
            compare(found, reference)


def report(mine: np.ndarray, other: np.ndarray) -> None:
    """Best of the repetitions per computation, and of their sum."""
    best = [*mine.min(axis=0), mine.sum(axis=1).min()]
    if not len(other):
        print("\n".join(f"{name:>8} {a:>8.2f} s" for name, a in zip([*STEPS, "all"], best, strict=True)))
        return
    print(f"{'':>8} {'ours':>10} {'R':>10} {'ratio':>6}")
    reference = [*other.min(axis=0), other.sum(axis=1).min()]
    for name, a, b in zip([*STEPS, "all"], best, reference, strict=True):
        print(f"{name:>8} {a:>8.2f} s {b:>8.2f} s {b / a:>6.1f}")


if __name__ == "__main__":
    main(*(int(float(argument)) for argument in sys.argv[1:]))
