"""whylogs profiles of two files and their drift scores; run by the Python of its own environment."""

import json
import sys

import pandas as pd
import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores


def main(first: str, second: str) -> None:
    """Print the columns that it says drifted."""
    baseline, current = (whylogs.log(pd.read_parquet(path)).view() for path in (first, second))
    scores = calculate_drift_scores(target_view=current, reference_view=baseline, with_thresholds=True)
    drifted = [name for name, score in scores.items() if score and score["drift_category"] == "DRIFT"]
    rows = current.get_column("n01").get_metric("counts").n.value
    print(json.dumps({"rows": rows, "drifted": sorted(drifted)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
