"""Play the year: upload files, send traffic, deliver labels late, move the clock. The stack does the rest."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from demo import data
from localcloud import LocalCloud
from trimtab import names
from trimtab.instants import format_time

ENVIRONMENT, PROJECT = "dev", "flights"
START = datetime(2013, 1, 31, 12, tzinfo=UTC)
END = datetime(2014, 1, 1, 12, tzinfo=UTC)
FIRST_TRAFFIC = date(2013, 3, 1)
FIRST_LABELLED_BY_PRODUCTION = 3
TRAFFIC_HOUR = 5
Progress = Callable[[date, str], None]


@dataclass
class Played:
    """What the outside world saw: the answers to its requests."""

    answers: list[tuple[date, pa.Table]] = field(default_factory=list)
    unanswered_days: list[date] = field(default_factory=list)


def play(cloud: LocalCloud, progress: Progress, on_first_answer: Callable[[], None]) -> Played:
    """Play from the first upload to the new year; `on_first_answer` is called once a model is in service."""
    played = Played()
    requests = _requests()
    day = START.date() + timedelta(days=1)
    while day < END.date():
        _deliveries(cloud, day, progress)
        cloud.advance_to(_at(day, TRAFFIC_HOUR))
        if day >= FIRST_TRAFFIC:
            _send(cloud, day, next(requests), played)
            if len(played.answers) == 1:
                on_first_answer()
        progress(day, "")
        day += timedelta(days=1)
    _deliveries(cloud, day, progress)
    cloud.advance_to(END)
    cloud.settle()
    return played


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def _requests() -> Iterator[bytes]:
    for month in range(FIRST_TRAFFIC.month, 13):
        for _, body in data.daily_requests(month):
            yield body


def _deliveries(cloud: LocalCloud, day: date, progress: Progress) -> None:
    """Upload what reaches the landing prefix on this day, if anything does."""
    if day.day == 1 and day.year == 2013 and day.month in (2, 3):
        month = day.month - 1
        cloud.advance_to(_at(day, 2))
        _upload(cloud, f"data/flights-2013-{month:02d}.csv", data.upload_csv(month))
        progress(day, f"uploaded flights-2013-{month:02d}.csv")
    elif day == date(2013, 3, 2):
        cloud.advance_to(_at(day, 2))
        for name, body in broken_files().items():
            _upload(cloud, f"data/{name}", body)
            progress(day, f"uploaded {name}, which is broken")
    elif day.day == 1:
        month = day.month - 2 if day.year == 2013 else 12 + day.month - 2
        if month >= FIRST_LABELLED_BY_PRODUCTION:
            cloud.advance_to(_at(day, 2))
            _upload(cloud, f"labels/labels-2013-{month:02d}.csv", data.labels_csv(month))
            progress(day, f"labels of 2013-{month:02d} arrived")
    cloud.settle()


def broken_files() -> dict[str, bytes]:
    """Make the two broken uploads: a renamed column, and text where a number belongs."""
    head, rest = data.upload_csv(2).split(b"\n", 1)
    renamed = head.replace(b"distance", b"distance_miles") + b"\n" + rest
    column = head.decode().split(",").index("distance")
    lines = rest.decode().splitlines()[:500]
    for number, line in enumerate(lines):
        cells = line.split(",")
        cells[column] = f"{cells[column]} miles"
        lines[number] = ",".join(cells)
    text_in_number = "\n".join([head.decode(), *lines, ""]).encode()
    return {"flights-renamed-column.csv": renamed, "flights-text-in-number.csv": text_in_number}


def _upload(cloud: LocalCloud, name: str, body: bytes) -> None:
    bucket = names.data_bucket(ENVIRONMENT, cloud.account, cloud.region)
    cloud.client("s3").put_object(Bucket=bucket, Key=f"landing/{PROJECT}/{name}", Body=body)
    cloud.settle()


def _send(cloud: LocalCloud, day: date, body: bytes, played: Played) -> None:
    """Ask the endpoint for the day's predictions; a day without a champion has none."""
    runtime = cloud.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=names.endpoint(ENVIRONMENT, PROJECT),
            ContentType="text/csv",
            Accept="text/csv",
            Body=body,
        )
    except runtime.exceptions.ValidationError:
        played.unanswered_days.append(day)
        return
    played.answers.append((day, csv.read_csv(io.BytesIO(answer["Body"].read()))))


def roll_back(cloud: LocalCloud, root: Path) -> dict[str, Any]:
    """Run the command that people run, and move the clock while it waits for the endpoint."""
    at = format_time(cloud.now())
    command = [
        str(Path(sys.executable).with_name("trimtab")), "rollback", PROJECT,
        "--endpoint-url", cloud.endpoint_url,
        "--reason", "the demo shows that it can be done", "--at", at, "--json",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while True:
        try:
            output, errors = process.communicate(timeout=0.1)
            break
        except subprocess.TimeoutExpired:
            cloud.advance_to(cloud.now() + timedelta(seconds=31))
    if not output:
        raise RuntimeError(f"trimtab rollback said: {errors.strip()}")
    facts: dict[str, Any] = json.loads(output)
    return facts
