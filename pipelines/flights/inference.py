"""Answer scoring requests in the serving container; `predict` also scores the hold-out in training."""

from typing import Any

import pandas as pd
from features import matrix

from trimtab.training import scoring


def predict(model: dict[str, Any], rows: pd.DataFrame) -> scoring.Floats:
    """Return each row's probability of arriving late."""
    chances: scoring.Floats = model["classifier"].predict_proba(matrix(rows, model["vocabulary"]))
    return chances[:, 1]


def model_fn(model_dir: str) -> dict[str, Any]:
    """Load the model once, when the container starts."""
    return scoring.load(model_dir)


def input_fn(body: str | bytes, content_type: str) -> pd.DataFrame:
    """Read a request: text/csv with a header."""
    return scoring.read_request(body, content_type)


def predict_fn(rows: pd.DataFrame, model: dict[str, Any]) -> tuple[list[str], list[float]]:
    """Score the rows of a request."""
    return scoring.score(rows, model, predict)


def output_fn(scored: tuple[list[str], list[float]], accept: str) -> tuple[str, str]:
    """Write the answer: prediction_id, model_version, score."""
    return scoring.write_answer(scored, accept)
