"""Training sets: a content-addressed list of dataset versions, split by time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from trimtab.canonical import digest
from trimtab.errors import BadInput
from trimtab.instants import format_time

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Two adjoining half-open intervals of event time: fit on the first, judge on the second."""

    start: datetime
    holdout: datetime
    until: datetime


def labelled_days(first: datetime, last: datetime) -> int:
    """Count the UTC days from the first event's to the last event's, both included."""
    return (_day(last) - _day(first)).days + 1


def split(first: datetime, last: datetime, holdout_share: float) -> Split:
    """Hold out the last share of the days of the newest month, at least one, and fit on all before.

    `first` and `last` are the times of the first and of the last labelled event. Raises BadInput when they
    lie on one day, because nothing would be left to fit on.

    >>> parts = split(datetime(2013, 1, 1, 9, tzinfo=UTC), datetime(2013, 2, 28, 23, tzinfo=UTC), 0.2)
    >>> parts.holdout.isoformat(), parts.until.isoformat()
    ('2013-02-23T00:00:00+00:00', '2013-03-01T00:00:00+00:00')
    """
    start, until = _day(first), _day(last) + ONE_DAY
    month = max(start, _day(last).replace(day=1))
    held = max(1, round(holdout_share * (until - month).days))
    holdout = max(until - held * ONE_DAY, start + ONE_DAY)
    if holdout >= until:
        raise BadInput(f"all labels are of {start:%Y-%m-%d}; a split by time needs at least two days")
    return Split(start=start, holdout=holdout, until=until)


def training_set(datasets: Iterable[tuple[str, Iterable[Mapping[str, Any]]]], parts: Split) -> dict[str, Any]:
    """Return the document of a training set, its id being the digest of the rest.

    `datasets` are pairs of a dataset version's id and its files (path, sha256, size, rows).
    """
    document = {
        "datasets": [
            {"id": name, "files": [{key: file[key] for key in FILE_KEYS} for file in files]}
            for name, files in sorted(datasets)
        ],
        "fit": {"from": format_time(parts.start), "until": format_time(parts.holdout)},
        "holdout": {"from": format_time(parts.holdout), "until": format_time(parts.until)},
    }
    return {"id": digest(document), **document}


FILE_KEYS = ("path", "sha256", "size", "rows")


def key(project: str, training_set_id: str) -> str:
    """Return the key of a training set in the data bucket."""
    return f"training-sets/{project}/{training_set_id}.json"


def _day(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
