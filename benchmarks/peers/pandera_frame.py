"""`python pandera_frame.py FILE CONTRACT`: pandera on a whole pandas frame; tells rows and bad rows."""

import importlib.util
import json
import sys

import pandas as pd
import pandera.errors

spec = importlib.util.spec_from_file_location("contract", sys.argv[2])
if spec is None or spec.loader is None:
    raise SystemExit(f"{sys.argv[2]} is no Python file")
module = importlib.util.module_from_spec(spec)
sys.modules["contract"] = module
spec.loader.exec_module(module)

frame = pd.read_csv(sys.argv[1], na_values=["", "NA"], keep_default_na=False, low_memory=False)
bad: set[int] = set()
for name, column in module.Contract.to_schema().columns.items():
    # One cell that is no number makes a column of texts, and coercion would fail for all of it.
    if str(column.dtype).startswith("float") and frame[name].dtype == object:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        bad.update(frame.index[numbers.isna() & frame[name].notna()])
        frame[name] = numbers
times = pd.to_datetime(frame["scheduled_departure"], utc=True, errors="coerce", format="ISO8601")
frame["scheduled_departure"] = times
try:
    module.Contract.validate(frame, lazy=True, inplace=True)
except pandera.errors.SchemaErrors as errors:
    bad.update(int(row) for row in errors.failure_cases["index"].dropna())
print(json.dumps({"rows": len(frame), "bad": len(bad)}))
