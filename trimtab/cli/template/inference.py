"""Answer scoring requests in the serving container; `predict` also scores the hold-out in training."""

from features import features

from trimtab.training import scoring


def predict(model, rows):
    """Return each row's probability of the label 1."""
    return model.predict_proba(features(rows))[:, 1]


def model_fn(model_dir):
    """Load the model once, when the container starts."""
    return scoring.load(model_dir)


def input_fn(body, content_type):
    """Read a request: text/csv with a header."""
    return scoring.read_request(body, content_type)


def predict_fn(rows, model):
    """Score the rows of a request."""
    return scoring.score(rows, model, predict)


def output_fn(scored, accept):
    """Write the answer: prediction_id, model_version, score."""
    return scoring.write_answer(scored, accept)
