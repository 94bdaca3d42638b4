"""Athena: UNLOAD statements, run for real over the Parquet objects of Glue's tables.

moto takes statements and runs none. Here sqlglot reads them as Athena's SQL, which refuses what is none, and
writes them as DuckDB's; the few functions that DuckDB lacks are macros that do what Trino's documentation
says. Other statements stay moto's.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import sqlglot
from botocore.exceptions import ClientError
from moto.athena.models import AthenaBackend
from moto.athena.responses import AthenaResponse
from sqlglot import exp
from sqlglot.errors import SqlglotError

from localcloud.bridges import Bridge
from localcloud.context import Context

_MACROS = (
    "to_ieee754_64(x) AS CAST(CAST(x AS DOUBLE) AS BIT)",
    "from_big_endian_64(x) AS CAST(x AS BIGINT)",
    "is_infinite(x) AS isinf(x)",
    # Trino's fills with zeros from the left; DuckDB's does so for numbers that are not negative.
    "bitwise_right_shift(x, n) AS CASE WHEN x < 0 THEN error('a negative number') ELSE x >> n END",
)
_UNLOAD = re.compile(r"UNLOAD \((?P<select>.*)\) TO '(?P<path>[^']*)' WITH \([^()]*\)", re.DOTALL)

_bridge = Bridge()


def install(context: Context) -> None:
    """Run this local cloud's statements."""
    _bridge.install(context, _patch)


def _patch() -> None:
    start, answer = AthenaBackend.start_query_execution, AthenaResponse.get_query_execution

    def start_query_execution(self: AthenaBackend, *args: Any, **kwargs: Any) -> str:
        name = start(self, *args, **kwargs)
        execution: Any = self.executions[name]
        if unload := _UNLOAD.fullmatch(execution.query.strip()):
            try:
                execution.manifest = _unload(
                    unload["select"], unload["path"], execution.config["OutputLocation"]
                )
            except (ClientError, duckdb.Error, SqlglotError, ValueError) as error:
                execution._transitions = [("QUEUED", "RUNNING"), ("RUNNING", "FAILED")]
                execution.reason = str(error)
        return name

    def get_query_execution(self: AthenaResponse) -> str:
        found = json.loads(answer(self))
        execution = self.athena_backend.executions[found["QueryExecution"]["QueryExecutionId"]]
        if hasattr(execution, "reason"):
            found["QueryExecution"]["Status"]["StateChangeReason"] = execution.reason
        if hasattr(execution, "manifest"):
            found["QueryExecution"]["Statistics"]["DataManifestLocation"] = execution.manifest
        return json.dumps(found)

    AthenaBackend.start_query_execution = start_query_execution  # type: ignore[method-assign]
    AthenaResponse.get_query_execution = get_query_execution  # type: ignore[method-assign]


def _unload(select: str, path: str, output: str) -> str:
    """Run a query, write its answer as Parquet below an address where there is nothing yet; list its files.

    Return the address of the list, which lies beside what would be the query's output.
    """
    bucket, key = _place(path.rstrip("/") + "/")
    s3, statement = _bridge.context.client("s3"), parsed(select)
    if s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)["KeyCount"]:
        raise ValueError(f"HIVE_PATH_ALREADY_EXISTS: {path} is not empty")
    with tempfile.TemporaryDirectory() as folder, connect() as database:
        for table in statement.find_all(exp.Table):
            if table.db:
                _create(database, table, Path(folder) / table.db / table.name)
        answer = Path(folder) / "answer"
        database.sql(in_duckdb(statement)).write_parquet(str(answer))
        s3.upload_file(str(answer), bucket, key + "part-0")
    manifest = output.removesuffix(".csv") + "-manifest.csv"
    place, name = _place(manifest)
    s3.put_object(Bucket=place, Key=name, Body=f"s3://{bucket}/{key}part-0\n".encode())
    return manifest


def _create(database: duckdb.DuckDBPyConnection, table: exp.Table, folder: Path) -> None:
    """Create a view of a table's objects, with a folder per partition as they lie in S3."""
    found = _bridge.context.client("glue").get_table(DatabaseName=table.db, Name=table.name)["Table"]
    storage, s3 = found["StorageDescriptor"], _bridge.context.client("s3")
    if "parquet" not in storage["InputFormat"].lower():
        raise ValueError(
            f"NOT_SUPPORTED: {table.db}.{table.name} is no Parquet, which is all that is read here"
        )
    bucket, prefix = _place(storage["Location"].rstrip("/") + "/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            path = folder / entry["Key"].removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, entry["Key"], str(path))
    view = exp.table_(table.name, db=table.db, quoted=True).sql(dialect="duckdb")
    files = database.read_parquet(f"{folder}/**", hive_partitioning=bool(found.get("PartitionKeys")))
    database.execute(f"CREATE SCHEMA IF NOT EXISTS {exp.to_identifier(table.db, quoted=True).sql('duckdb')}")
    files.create_view("found", replace=True)
    database.execute(f"CREATE VIEW {view} AS FROM found")


def _place(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.netloc, parts.path.removeprefix("/")


def connect() -> duckdb.DuckDBPyConnection:
    """Return an empty database that knows what Athena's SQL calls, in a session of UTC like Athena's."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for macro in _MACROS:
        connection.execute(f"CREATE MACRO {macro}")
    return connection


def parsed(sql: str) -> exp.Expr:
    """Read one statement of Athena's SQL; raise sqlglot.errors.SqlglotError for anything else."""
    return sqlglot.parse_one(sql, read="athena", error_level=sqlglot.ErrorLevel.RAISE)


def in_duckdb(statement: exp.Expr) -> str:
    """Write a statement as DuckDB's SQL."""
    return statement.transform(_unnest_in_columns).sql(dialect="duckdb")


def _unnest_in_columns(node: exp.Expr) -> exp.Expr:
    """Move UNNEST of several arrays to where DuckDB knows it: among the columns, here of an inner query.

    What is selected beside must come from the arrays; DuckDB refuses the statement otherwise.
    """
    if not isinstance(node, exp.Select):
        return node
    joins = node.args.get("joins") or []
    if not (len(joins) == 1 and isinstance(joins[0].this, exp.Unnest) and len(joins[0].this.expressions) > 1):
        return node
    unnest = joins[0].this
    alias, one = unnest.args["alias"], exp.Literal.number(1)
    columns = dict(zip(alias.columns, unnest.expressions, strict=True))
    if offset := unnest.args.get("offset"):
        length = exp.ArraySize(this=unnest.expressions[0].copy())
        columns[offset] = exp.func("range", one, exp.Add(this=length, expression=one.copy()))
    inner = exp.select(*(exp.alias_(exp.Explode(this=of), name) for name, of in columns.items()))
    inner.set("from_", node.args["from_"])
    node.set("joins", [])
    return node.from_(inner.subquery(alias.this), copy=False)
