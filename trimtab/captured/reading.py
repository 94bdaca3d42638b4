"""Read capture lines: group lines of equal columns, parse each group at once, line up the answers."""

import base64
import csv
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pyarrow import csv as arrow_csv

from trimtab.cells import flags_of, read_cells
from trimtab.errors import BadInput
from trimtab.instants import parse_time
from trimtab.names import PROBE_PREFIX

pc: Any = pyarrow.compute

# Keys of the table's metadata, each a count in decimal digits.
SKIPPED_LINES = b"skipped_lines"
UNREADABLE_CELLS = b"unreadable_cells"

_ANSWER = ("prediction_id", "model_version", "score")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANTS: Any = pa.timestamp("us", tz="UTC")
_BAD_LINE = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class _Line:
    request_header: str
    request: str
    answer_header: str
    answer: str
    rows: int
    microseconds: int


def read_captured(
    lines: bytes,
    *,
    prediction_id: str = "prediction_id",
    numeric: Collection[str] = (),
    null_tokens: Collection[str] = ("", "NA"),
) -> pa.Table:
    """Read JSON Lines of data capture as one row for each prediction.

    Columns: those of the requests, as text unless named in `numeric` (then float64), and `model_version`,
    `score` (float64), `captured_at` (UTC). Lines that are damaged, that hold no CSV or whose answer does not
    fit the request are skipped, numeric cells that are no number become null; `count_of` tells how many. Rows
    keep the order of the lines within lines of equal columns. No line at all gives a table without rows.
    """
    groups: dict[tuple[str, str], list[_Line]] = {}
    skipped = 0
    for line in _lines(lines):
        if line is None:
            skipped += 1
        elif line.rows:
            groups.setdefault((line.request_header, line.answer_header), []).append(line)
    tables = []
    for group in groups.values():
        for found in _tables(group, prediction_id, list(null_tokens)):
            if found is None:
                skipped += 1
            else:
                tables.append(found)
    table = pa.concat_tables(tables, promote_options="default") if tables else _nothing(prediction_id)
    table = _without_probes(table, prediction_id)
    table, unreadable = _with_numbers(table, numeric)
    counts = {SKIPPED_LINES: str(skipped), UNREADABLE_CELLS: str(unreadable)}
    return table.replace_schema_metadata(counts)


def _without_probes(table: pa.Table, prediction_id: str) -> pa.Table:
    """Leave out what a deployment asked to try its endpoint: nobody's traffic."""
    ids = table[prediction_id]
    # fill_null would be shorter, but a Python value as its argument imports pandas.
    return table.filter(pc.or_kleene(pc.is_null(ids), pc.invert(pc.starts_with(ids, PROBE_PREFIX))))


def count_of(table: pa.Table, what: bytes) -> int:
    """Return how many lines or cells `read_captured` could not read: SKIPPED_LINES or UNREADABLE_CELLS."""
    return int((table.schema.metadata or {}).get(what, b"0"))


def _lines(data: bytes) -> Iterator[_Line | None]:
    for text in data.split(b"\n"):
        if text.strip():
            try:
                yield _line(json.loads(text))
            except _BAD_LINE:
                yield None


def _line(document: Any) -> _Line:
    capture = document["captureData"]
    request_header, request = _csv_of(capture["endpointInput"])
    answer_header, answer = _csv_of(capture["endpointOutput"])
    rows = _count_rows(request)
    if rows != _count_rows(answer):
        raise ValueError("request and answer differ in their number of rows")
    moment = parse_time(document["eventMetadata"]["inferenceTime"]) - _EPOCH
    microseconds = (moment.days * 86_400 + moment.seconds) * 1_000_000 + moment.microseconds
    return _Line(request_header, request, answer_header, answer, rows, microseconds)


def _csv_of(payload: Any) -> tuple[str, str]:
    """Return header and body; a payload whose content type SageMaker was not told comes in base 64."""
    encoding, text = payload["encoding"], payload["data"]
    if encoding == "BASE64":
        text = base64.b64decode(text, validate=True).decode("utf-8")
    elif encoding != "CSV":
        raise ValueError(f"encoding {encoding!r} is no CSV")
    header, _, body = text.lstrip("\ufeff").partition("\n")
    return header.rstrip("\r"), body if not body or body.endswith("\n") else body + "\n"


def _count_rows(body: str) -> int:
    if '"' in body:  # a quoted cell may hold line breaks
        return sum(1 for row in csv.reader(io.StringIO(body, newline="")) if row)
    return sum(1 for row in body.split("\n") if row.strip("\r"))


def _tables(group: Sequence[_Line], prediction_id: str, nulls: list[str]) -> Iterator[pa.Table | None]:
    """Yield the rows of lines of equal columns; one bad line costs itself only: None stands for it."""
    try:
        yield _table(group, prediction_id, nulls)
    except (pa.ArrowInvalid, BadInput):
        if len(group) == 1:
            yield None
        else:
            middle = len(group) // 2
            yield from _tables(group[:middle], prediction_id, nulls)
            yield from _tables(group[middle:], prediction_id, nulls)


def _table(group: Sequence[_Line], prediction_id: str, nulls: list[str]) -> pa.Table:
    rows = [line.rows for line in group]
    requests = _parse(group[0].request_header, [line.request for line in group], sum(rows), nulls)
    answers = _parse(group[0].answer_header, [line.answer for line in group], sum(rows), nulls)
    if missing := [name for name in _ANSWER if name not in answers.column_names]:
        raise BadInput(f"the answer has no column {missing[0]!r}")
    if prediction_id not in requests.column_names:
        raise BadInput(f"the request has no column {prediction_id!r}")
    same = flags_of(pc.equal(_flat(requests, prediction_id), _flat(answers, "prediction_id")))
    if not same.all():
        raise BadInput("the answer's prediction ids are not those of the request")
    score, unreadable = read_cells(answers["score"], "number")
    if len(unreadable) or score.null_count:
        raise BadInput("the answer holds a score that is no number")
    moments = np.repeat(np.array([line.microseconds for line in group], dtype=np.int64), rows)
    captured_at = pa.Array.from_buffers(_INSTANTS, len(moments), [None, pa.py_buffer(moments.tobytes())])
    answered = {"model_version": answers["model_version"], "score": score, "captured_at": captured_at}
    kept = [name for name in requests.column_names if name not in answered]
    columns: dict[str, Any] = {name: requests[name] for name in kept}
    return pa.table({**columns, **answered})


def _flat(table: pa.Table, name: str) -> Any:
    return table[name].combine_chunks()


def _parse(header: str, bodies: Sequence[str], rows: int, nulls: list[str]) -> pa.Table:
    names = next(csv.reader([header]))
    if len(set(names)) < len(names):
        raise BadInput("a column appears twice")
    table = arrow_csv.read_csv(
        io.BytesIO("".join([header, "\n", *bodies]).encode()),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=nulls, strings_can_be_null=True
        ),
    )
    if table.num_rows != rows:
        raise BadInput("the rows of the lines do not add up")
    return table


def _nothing(prediction_id: str) -> pa.Table:
    columns = {prediction_id: pa.string(), "model_version": pa.string()}
    return pa.schema({**columns, "score": pa.float64(), "captured_at": _INSTANTS}).empty_table()


def _with_numbers(table: pa.Table, numeric: Collection[str]) -> tuple[pa.Table, int]:
    unreadable = 0
    for name in numeric:
        if name in table.column_names and name not in ("score", "captured_at"):
            values, bad = read_cells(table[name], "number")
            unreadable += len(bad)
            table = table.set_column(table.column_names.index(name), name, values)
    return table, unreadable
