"""Fit the model; everything around it - data, split, hold-out, champion, records - is trimtab.training's."""

from typing import Any

import numpy as np
import pandas as pd
from features import CATEGORICAL, matrix, vocabulary
from inference import predict
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from trimtab.training.job import Recipe
from trimtab.training.run import train


def fit(rows: pd.DataFrame, label: NDArray[np.int8], recipe: Recipe) -> dict[str, Any]:
    """Fit gradient boosting on raw rows; the vocabulary travels with the model."""
    known = vocabulary(rows)
    classifier = HistGradientBoostingClassifier(
        categorical_features=list(range(len(CATEGORICAL))),
        early_stopping=False,
        random_state=recipe.seed,
        **recipe.parameters,
    )
    return {"classifier": classifier.fit(matrix(rows, known), label), "vocabulary": known}


if __name__ == "__main__":
    train(fit=fit, predict=predict)
