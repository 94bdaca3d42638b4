"""Fit the model; everything around it - data, split, hold-out, champion, records - is Trimtab's."""

from features import CATEGORICAL, NUMERIC, features
from inference import predict
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from trimtab.training.run import train


def fit(rows, label, recipe):
    """Fit a logistic regression on raw rows; equal rows and recipes must give equal models."""
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), NUMERIC),
        (OneHotEncoder(handle_unknown="ignore"), CATEGORICAL),
    )
    model = make_pipeline(columns, LogisticRegression(random_state=recipe.seed, **recipe.parameters))
    return model.fit(features(rows), label)


if __name__ == "__main__":
    train(fit=fit, predict=predict)
