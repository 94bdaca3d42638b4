"""Captured traffic: what an endpoint was asked and what it answered, as SageMaker's data capture writes it.

    table = read_captured(lines)                            # everything as text, but score and captured_at
    table = read_captured(lines, numeric=("distance",))     # these columns as float64

Each captured line holds one request (CSV with a header) and its answer (CSV: prediction_id, model_version,
score). Imports numpy and pyarrow only.
"""

from trimtab.captured.reading import SKIPPED_LINES, UNREADABLE_CELLS, count_of, read_captured

__all__ = ["SKIPPED_LINES", "UNREADABLE_CELLS", "count_of", "read_captured"]
