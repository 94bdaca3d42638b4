"""`python duckdb_file.py FILE FOLDER`: DuckDB reads the file and checks it; tells rows and bad rows."""

import json
import sys

import duckdb

# ruff: noqa: S608 - the statements are made of the constants below
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
REQUIRED = {"distance": (50, 10_000), "sched_dep_time": (0, 2399.999), "sched_arr_time": (0, 2399.999)}
PATTERNS = {
    "prediction_id": r"\d{4}-\d{2}-\d{2}-\w{2}-\d{1,4}-[A-Z]{3}",
    "carrier": "[A-Z0-9]{2}",
    "dest": "[A-Z]{3}",
    "origin": "EWR|JFK|LGA",
}


def number(name: str) -> str:
    """Return the column as a number, or null."""
    return f"TRY_CAST({name} AS DOUBLE)"


# A row is good where this is true; null stands for a value that is missing or cannot be read.
good = [
    *(f"regexp_full_match({name}, '{pattern}')" for name, pattern in PATTERNS.items()),
    "TRY_CAST(scheduled_departure AS TIMESTAMPTZ) IS NOT NULL",
    *(f"{number(name)} BETWEEN {low} AND {high}" for name, (low, high) in REQUIRED.items()),
    *(
        f"({name} IS NULL OR {number(name)} BETWEEN {low} AND {high})"
        for name, (low, high) in NULLABLE.items()
    ),
    f"coalesce({number('late')} IN (0, 1), true)",
    f"coalesce({number('dewp')} <= {number('temp')}, true)",
]
connection = duckdb.connect(config={"temp_directory": sys.argv[2]})
connection.execute("SET TimeZone = 'UTC'")
# Types are tried cell by cell: read_csv with types would stop at the first bad cell, or drop the row unsaid.
rows = f"read_csv('{sys.argv[1]}', header = true, delim = ',', all_varchar = true, nullstr = ['', 'NA'])"
total, broken = connection.execute(
    f"SELECT count(*), count(*) FILTER (WHERE ({' AND '.join(good)}) IS NOT TRUE) FROM {rows}"
).fetchone() or (0, 0)
# The ids of all rows are grouped, and counted where they repeat; no row of these files breaks two checks.
(repeated,) = connection.execute(
    f"SELECT coalesce(sum(times), 0) FROM (SELECT count(*) AS times FROM {rows} GROUP BY prediction_id "
    "HAVING times > 1)"
).fetchone() or (0,)
print(json.dumps({"rows": total, "bad": broken + int(repeated)}))
