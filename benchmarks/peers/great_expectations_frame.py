"""`python great_expectations_frame.py FILE`: Great Expectations on a whole frame; tells rows and bad rows."""

import json
import sys

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

NULLABLE = {
    "temp": (-60, 130),
    "dewp": (-80, 100),
    "humid": (0, 100),
    "wind_dir": (0, 360),
    "wind_speed": (0, 253),
    "wind_gust": (0, 253),
    "precip": (0, 20),
    "pressure": (850, 1100),
    "visib": (0, 100),
    "late": (0, 1),
}
RANGES = {"distance": (50, 10_000), "sched_dep_time": (0, 2400), "sched_arr_time": (0, 2400), **NULLABLE}
PATTERNS = {
    "prediction_id": r"^\d{4}-\d{2}-\d{2}-\w{2}-\d{1,4}-[A-Z]{3}$",
    "carrier": r"^[A-Z0-9]{2}$",
    "dest": r"^[A-Z]{3}$",
}
SETS = {"origin": ["EWR", "JFK", "LGA"], "late": [0, 1]}

frame = pd.read_csv(sys.argv[1], na_values=["", "NA"], keep_default_na=False, low_memory=False)
bad: set[int] = set()
for name in RANGES:
    # One cell that is no number makes a column of texts, which cannot be compared.
    if frame[name].dtype == object:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        bad.update(frame.index[numbers.isna() & frame[name].notna()])
        frame[name] = numbers
times = pd.to_datetime(frame["scheduled_departure"], utc=True, errors="coerce", format="ISO8601")
frame["scheduled_departure"] = times

expectations: list[gxe.Expectation] = [
    *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in frame.columns if name not in NULLABLE),
    *(
        gxe.ExpectColumnValuesToBeBetween(
            column=name, min_value=low, max_value=high, strict_max=name.startswith("sched_")
        )
        for name, (low, high) in RANGES.items()
        if name not in SETS
    ),
    *(gxe.ExpectColumnValuesToMatchRegex(column=name, regex=regex) for name, regex in PATTERNS.items()),
    *(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=values) for name, values in SETS.items()),
    gxe.ExpectColumnValuesToBeUnique(column="prediction_id"),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="temp", column_B="dewp", or_equal=True, ignore_row_if="either_value_is_missing"
    ),
]
context = gx.get_context(mode="ephemeral")
batch = (
    context.data_sources.add_pandas("frames")
    .add_dataframe_asset("flights")
    .add_batch_definition_whole_dataframe("all")
    .get_batch({"dataframe": frame})
)
suite = gx.ExpectationSuite(name="flights", expectations=expectations)
found = batch.validate(suite, result_format={"result_format": "COMPLETE"})
for result in found.results:
    if result.exception_info.get("raised_exception"):
        raise SystemExit(f"{result.expectation_config} raised {result.exception_info}")
    bad.update(result.result.get("unexpected_index_list") or ())
print(json.dumps({"rows": len(frame), "bad": len(bad)}))
