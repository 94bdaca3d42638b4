"""Probes: a handful of rows of the training set, sent to an endpoint before its model becomes champion."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from trimtab.errors import BadInput
from trimtab.names import PROBE_PREFIX

HEADER = ["prediction_id", "model_version", "score"]


def probe_rows(rows: Iterable[Mapping[str, Any]], prediction_id: str) -> list[dict[str, Any]]:
    """Return the rows under names of their own, so that no label is ever joined to a probe."""
    return [{**row, prediction_id: f"{PROBE_PREFIX}{number}"} for number, row in enumerate(rows, start=1)]


def request_body(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Write rows as the CSV of a request; null is empty, instants are ISO 8601."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(row[column]) for column in columns] for row in rows)
    return sink.getvalue().encode()


def check_answer(body: bytes, expected_ids: Sequence[str], version: int) -> None:
    """Raise BadInput unless the answer has a score in [0, 1] of this version for each row, in order."""
    answer = list(csv.reader(io.StringIO(body.decode("utf-8", errors="replace"))))
    if not answer or answer[0] != HEADER:
        raise BadInput(f"the endpoint's answer begins with {answer[:1]!r}, not with {','.join(HEADER)}")
    if [row[:1] for row in answer[1:]] != [[name] for name in expected_ids]:
        raise BadInput(
            f"the endpoint answered {len(answer) - 1} rows, not those of the {len(expected_ids)} sent"
        )
    for row in answer[1:]:
        if len(row) != len(HEADER) or row[1] != str(version):
            raise BadInput(f"the endpoint answered {row!r}, but version {version} was deployed")
        if not _is_probability(row[2]):
            raise BadInput(f"the endpoint answered the score {row[2]!r}, which is no number in [0, 1]")


def _is_probability(text: str) -> bool:
    try:
        return 0.0 <= float(text) <= 1.0
    except ValueError:
        return False


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
