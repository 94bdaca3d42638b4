"""NannyML's univariate drift with its defaults on two files; run by the Python of its own environment."""

import json
import sys

import nannyml
import pandas as pd


def main(first: str, second: str) -> None:
    """Print the columns with an alert in any of the current side's chunks."""
    baseline, current = pd.read_parquet(first), pd.read_parquet(second)
    names = list(baseline.columns)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names, treat_as_categorical=[name for name in names if name[0] == "c"]
    )
    result = calculator.fit(baseline).calculate(current)
    found = result.filter(period="analysis").to_df()
    drifted = [name for name in names if found[(name, "jensen_shannon", "alert")].any()]
    print(json.dumps({"rows": len(current), "drifted": sorted(drifted)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
