"""Turn raw rows into what the model sees; training and serving call the same function."""

NUMERIC = ["amount", "age_days", "weekday"]
CATEGORICAL = ["channel"]


def features(rows):
    """Return the model's columns for rows of a file or of a request."""
    return rows.assign(weekday=rows["offered_at"].dt.weekday)[NUMERIC + CATEGORICAL]
