"""Evidently's default drift preset on two files; run by the Python of its own environment."""

import json
import sys

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main(first: str, second: str) -> None:
    """Print the columns that it says drifted."""
    baseline, current = pd.read_parquet(first), pd.read_parquet(second)
    definition = DataDefinition(
        numerical_columns=[name for name in baseline.columns if name[0] == "n"],
        categorical_columns=[name for name in baseline.columns if name[0] == "c"],
    )
    sides = [Dataset.from_pandas(side, data_definition=definition) for side in (current, baseline)]
    snapshot = Report([DataDriftPreset()]).run(sides[0], sides[1])
    drifted = []
    for metric in snapshot.dict()["metrics"]:
        config = metric["config"]
        # Both its distances and its p-values carry their threshold; only distances are used above 1,000 rows.
        if config["type"].endswith("ValueDrift") and metric["value"] >= config["threshold"]:
            drifted.append(config["column"])
    print(json.dumps({"rows": len(current), "drifted": sorted(drifted)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
