"""The challenger against the champion and against no model at all, on days that neither was fitted on."""

from typing import Any

import numpy as np

from trimtab.instants import format_time
from trimtab.performance import brier, brier_skill, day_block_bootstrap, roc_auc
from trimtab.training.champion import Scored
from trimtab.training.job import Job
from trimtab.training.rows import Rows, Split
from trimtab.training.scoring import Floats

# The gate refuses too few days with a reason of its own; here only what cannot be computed is left out.
FEWEST_BLOCKS = 2


def evaluate(job: Job, split: Split, scores: Floats, champion: Scored | None) -> dict[str, Any]:
    """Return evaluation.json but for importances and seconds; None stands for what cannot be computed."""
    holdout = split.holdout
    prior = np.full(len(holdout), float(split.fit.label.mean()))
    rival = _in_order(champion, holdout, job)
    return {
        "schema": 1,
        "metric": "auc",
        "rows": {"fit": len(split.fit), "holdout": len(holdout), **split.left_out},
        "holdout": {
            "from": format_time(job.holdout.start),
            "until": format_time(job.holdout.until),
            "blocks": len(np.unique(holdout.days)),
        },
        "challenger": _measures(holdout, scores),
        "champion": _champion(champion, holdout, rival),
        "baseline_classifier": {"auc": roc_auc(holdout.label, prior), "brier": brier(holdout.label, prior)},
        "over_champion": _gain(job, holdout, scores, rival),
        "over_baseline": _gain(job, holdout, scores, prior),
    }


def _in_order(champion: Scored | None, holdout: Rows, job: Job) -> Floats | None:
    if champion is None or champion.answers is None:
        return None
    ids = holdout.frame[job.columns["prediction_id"]]
    return np.array([champion.answers[name] for name in ids])


def _champion(champion: Scored | None, holdout: Rows, scores: Floats | None) -> dict[str, Any] | None:
    if champion is None:
        return None
    if scores is None:
        unknown = dict.fromkeys(("auc", "brier", "skill"))
        return {"version": champion.version, **unknown, "reason": champion.reason}
    return {"version": champion.version, **_measures(holdout, scores)}


def _measures(holdout: Rows, scores: Floats) -> dict[str, float | None]:
    return {
        "auc": roc_auc(holdout.label, scores),
        "brier": brier(holdout.label, scores),
        "skill": brier_skill(holdout.label, scores),
    }


def _gain(job: Job, holdout: Rows, scores: Floats, rival: Floats | None) -> dict[str, Any] | None:
    """Return by how much the AUC is above the rival's, resampling whole days."""
    if rival is None:
        return None
    gain = day_block_bootstrap(
        holdout.days,
        holdout.label,
        scores,
        rival,
        resamples=job.gate.resamples,
        seed=job.recipe.seed,
        confidence=job.gate.confidence,
        fewest_blocks=FEWEST_BLOCKS,
    )
    return gain.to_dict() if gain else None
