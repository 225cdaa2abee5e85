"""Cox regression against R's survival package, against itself (counts, split lives, shuffled rows), and at its edges."""

from __future__ import annotations

import json
import time
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from lifelines.utils import concordance_index

from cs_analysis.errors import InputError
from cs_analysis.stats.survival.concordance import concordance
from cs_analysis.stats.survival.cox import CoxFit, cox, fit_cox
from cs_analysis.stats.survival.risksets import _closed_form, _term_by_term

GOLDEN = json.loads((Path(__file__).parent / "golden" / "cox.json").read_text())
NEAR = 5e-6
nan = float("nan")


def golden_data(name: str) -> tuple[pd.DataFrame, dict]:
    """A golden case's rows and the arguments by which the fit knows its columns."""
    case = GOLDEN[name]
    arguments = {"entry": "start" if "start" in case["data"] else None, "weights": "count"}
    arguments["strata"] = case["strata"][0] if case["strata"] else None
    arguments["cluster"] = "id" if "id" in case["data"] and "cluster" in name else None
    frame = pd.DataFrame(case["data"])
    return frame.drop(columns="id") if "id" in frame and arguments["cluster"] is None else frame, arguments


def golden_fit(name: str) -> CoxFit:
    frame, arguments = golden_data(name)
    return fit_cox(frame, "stop", "event", **arguments)


@pytest.mark.parametrize("name", GOLDEN)
def test_coefficients_errors_likelihood_and_concordance_are_those_of_r(name):
    case, fit = GOLDEN[name], golden_fit(name)
    assert fit.names == case["covariates"]
    assert fit.coef == pytest.approx(case["coef"], abs=NEAR)
    assert fit.table["se"].tolist() == pytest.approx(case["se"], abs=NEAR)
    assert fit.log_likelihood == pytest.approx(case["log_likelihood"][0], rel=1e-9)
    assert fit.concordance == pytest.approx(case["concordance"][0], abs=NEAR)


@pytest.mark.parametrize("name", GOLDEN)
def test_proportional_hazards_are_those_of_cox_zph(name):
    case, table = GOLDEN[name], golden_fit(name).proportional_hazards()
    assert table["covariate"].tolist() == [*case["covariates"], "GLOBAL"]
    chi2, df, p = np.array(case["zph"]).T
    assert table["chi2"].tolist() == pytest.approx(chi2, rel=1e-6)
    assert table["df"].tolist() == df.tolist()
    assert table["p"].tolist() == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize("name", GOLDEN)
def test_baseline_hazard_is_that_of_survfit(name):
    case, fit = GOLDEN[name], golden_fit(name)
    theirs = pd.DataFrame({"time": case["baseline_time"], "r": case["baseline"]})
    theirs["stratum"] = [name.split("=")[1] for name in case["baseline_stratum"] or ["="] * len(theirs)]
    ours = fit.baseline
    # R counts from x = 0 (ours from the means), and lists times of censoring too
    ours["ours"] = ours["cumulative_hazard"] * np.exp(-fit.means @ fit.coef)
    ours["stratum"] = ours["stratum"].astype(str)
    joined = theirs.merge(ours, on=["stratum", "time"], how="inner")
    assert len(joined) == len(ours)
    assert joined["ours"].tolist() == pytest.approx(joined["r"].tolist(), rel=1e-6)


@pytest.mark.parametrize("name", [name for name in GOLDEN if GOLDEN[name]["surv"]])
def test_loss_from_the_start_is_that_of_survfit_coxph(name):
    case, fit = GOLDEN[name], golden_fit(name)
    frame = pd.DataFrame(case["data"]).head(2)
    for at, month in enumerate(case["times"]):
        lost = fit.loss(frame, 0, month)
        assert (1 - lost["estimate"]).tolist() == pytest.approx(case["surv"][at], abs=NEAR)
        assert (1 - lost["high"]).tolist() == pytest.approx(case["surv_low"][at], abs=NEAR)
        assert (1 - lost["low"]).tolist() == pytest.approx(case["surv_high"][at], abs=NEAR)
        stays = fit.survival(frame, [month])
        assert stays["estimate"].tolist() == pytest.approx(case["surv"][at], abs=NEAR)
        assert stays["low"].tolist() == pytest.approx(case["surv_low"][at], abs=NEAR)


@pytest.mark.parametrize("name", [name for name in GOLDEN if GOLDEN[name]["surv"]])
def test_loss_in_a_later_stretch_is_that_of_survfit_coxph_from_there_on(name):
    case, fit = GOLDEN[name], golden_fit(name)
    lost = fit.loss(pd.DataFrame(case["data"]).head(2), *case["times"])
    assert (1 - lost["estimate"]).tolist() == pytest.approx(case["later"], abs=NEAR)
    assert (1 - lost["high"]).tolist() == pytest.approx(case["later_low"], abs=NEAR)
    assert (1 - lost["low"]).tolist() == pytest.approx(case["later_high"], abs=NEAR)


@pytest.mark.parametrize("name", GOLDEN)
def test_concordance_of_a_single_score_is_that_of_r(name):
    case = GOLDEN[name]
    data = pd.DataFrame(case["data"])
    found = concordance(
        data["stop"], data["event"], data[case["covariates"][0]], entry=data.get("start"), weights=data["count"]
    )
    assert found == pytest.approx(case["concordance_of_first"][0], abs=1e-12)
