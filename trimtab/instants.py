"""Instants as text: ISO 8601 in UTC, the one form in which times travel between steps."""

from datetime import UTC, datetime


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 instant; raise ValueError if it carries no zone.

    >>> parse_time("2013-01-01T06:00:00Z")
    datetime.datetime(2013, 1, 1, 6, 0, tzinfo=datetime.timezone.utc)
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write it in UTC with a trailing Z")
    return instant.astimezone(UTC)


def format_time(instant: datetime) -> str:
    """Write an instant to the second, in UTC, with a trailing Z.

    >>> format_time(datetime(2013, 1, 1, 6, tzinfo=UTC))
    '2013-01-01T06:00:00Z'
    """
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
