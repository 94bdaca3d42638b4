"""Train a project's model as one job: the project says how to fit and predict, the rest is here."""

import inspect
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from trimtab.errors import BadInput
from trimtab.training import scoring
from trimtab.training.baseline import label_counts, make_baseline
from trimtab.training.champion import Scored, score_champion
from trimtab.training.evaluation import evaluate
from trimtab.training.importance import Fit, weigh
from trimtab.training.isolation import answer
from trimtab.training.job import Folders, Job, read_job
from trimtab.training.leaks import find_leaks
from trimtab.training.output import copy_code, write_manifest, write_output
from trimtab.training.rows import Split, read_rows
from trimtab.training.scoring import Floats, Predict

FAILURE_CHARACTERS = 1024  # what a job's description shows of its failure


def train(*, fit: Fit, predict: Predict) -> None:
    """Do the training job that the container's environment describes.

    `fit(rows, label, recipe)` returns a model that joblib can store, equal for equal arguments;
    `predict(model, rows)` returns the probability of the label 1 for each row. Both get raw rows as data
    frames. The folder of `fit` is the code that is kept with the model. Raises errors that name the remedy;
    the container puts them into its failure reason.
    """
    code = Path(inspect.getfile(fit)).resolve().parent
    try:
        run(Folders.from_environment(os.environ), code, fit=fit, predict=predict)
    except Exception as error:
        _explain(error)
        raise


def run(folders: Folders, code: Path, *, fit: Fit, predict: Predict) -> dict[str, Any]:
    """Do the training job in `folders`; return its evaluation."""
    seconds: dict[str, float] = {}
    job = read_job(folders.config)
    with _timed(seconds, "total"), threadpool_limits(job.recipe.threads):
        with _timed(seconds, "read"):
            split = read_rows(job, folders.training)
        # Importances need the rows and not the model: a second processor weighs while the first fits.
        with _timed(seconds, "fit_and_weigh"), ThreadPoolExecutor(2) as both:
            fitting = both.submit(_fit, seconds, job, split, fit)
            weighing = weigh(split.fit, job.recipe, job.gate.folds, fit, predict, both)
            model = fitting.result()
            manifest = _write_model(job, model, folders.model, code)
            weighed = weighing.result()
        with _timed(seconds, "score"):
            request = split.holdout.request(job.columns)
            scores = _challenger_scores(job, split, model, folders.model, request, predict)
            champion = _champion_scores(job, split, folders, request)
        with _timed(seconds, "baseline"):
            every_score = np.r_[weighed.scores, scores]
            baseline = make_baseline(split, every_score, weighed.weights, job.grid, job.season)
        with _timed(seconds, "evaluate"):
            evaluation = evaluate(job, split, scores, champion)
    evaluation |= {
        "importances": weighed.weights,
        "labels": label_counts(split, job.season),
        "leaks": find_leaks(job, split.fit),
        "seconds": seconds,
    }
    write_output(folders.output, evaluation, baseline.to_bytes(), manifest)
    return evaluation


def _fit(seconds: dict[str, float], job: Job, split: Split, fit: Fit) -> Any:
    # A limit on OpenMP holds for the thread that sets it.
    with _timed(seconds, "fit"), threadpool_limits(job.recipe.threads, user_api="openmp"):
        return fit(split.fit.frame, split.fit.label, job.recipe)


def _write_model(job: Job, model: Any, folder: Path, code: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    scoring.save(model, job.columns, folder)
    copy_code(code, folder / "code")
    return write_manifest(job, folder)


def _challenger_scores(
    job: Job, split: Split, model: Any, folder: Path, request: str, predict: Predict
) -> Floats:
    """Score the hold-out as production will, from the stored files, and make sure that training agrees."""
    answers = answer(folder, folder / "code", request)
    ids = split.holdout.frame[job.columns["prediction_id"]]
    served = np.array([answers.get(name, np.nan) for name in ids])
    trained = scoring.checked_scores(predict(model, split.holdout.frame), len(split.holdout))
    if not np.array_equal(served, trained):
        apart = int(np.flatnonzero(served != trained)[0])
        raise BadInput(
            f"prediction {ids.iloc[apart]!r} is scored {served[apart]} by inference.py but {trained[apart]} "
            "by train.py's predict; let both use the same features and the same function"
        )
    return served


def _champion_scores(job: Job, split: Split, folders: Folders, request: str) -> Scored | None:
    if job.champion is None:
        return None
    ids = split.holdout.frame[job.columns["prediction_id"]]
    return score_champion(job.champion, folders.champion, job.holdout, request, ids)


def _explain(error: Exception) -> None:
    # The toolkit's own failure file says no more than "exit code 1", but it keeps one that is there already.
    folder = os.environ.get("SM_OUTPUT_DIR")
    if folder:
        text = f"{type(error).__name__}: {error}"
        (Path(folder) / "failure").write_text(text[:FAILURE_CHARACTERS], encoding="utf-8")


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - start, 3)
