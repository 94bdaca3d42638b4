"""Training sets: split by time, named by content."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import BadInput
from trimtab.model.training_set import labelled_days, split, training_set

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)
moments = st.integers(0, 730 * 86_400).map(lambda seconds: NEW_YEAR + timedelta(seconds=seconds))


@given(moments, st.integers(1, 400), st.floats(0.01, 0.99))
def test_fit_and_holdout_adjoin_and_cover_every_event(first: datetime, days: int, share: float) -> None:
    last = first + timedelta(days=days)
    parts = split(first, last, share)
    assert parts.start <= first < last < parts.until
    assert parts.start < parts.holdout < parts.until
    assert (parts.until - parts.start).days == labelled_days(first, last)
    month = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert parts.holdout >= min(month, parts.until - timedelta(days=1))


@pytest.mark.parametrize(
    ("last", "holdout"),
    [
        (datetime(2013, 2, 28, 23, tzinfo=UTC), datetime(2013, 2, 22, tzinfo=UTC) + timedelta(days=1)),
        (datetime(2013, 3, 31, 23, tzinfo=UTC), datetime(2013, 3, 26, tzinfo=UTC)),
        (datetime(2013, 3, 1, 3, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)),
        (datetime(2013, 3, 10, 3, tzinfo=UTC), datetime(2013, 3, 9, tzinfo=UTC)),
    ],
)
def test_the_last_fifth_of_the_newest_month_is_held_out(last: datetime, holdout: datetime) -> None:
    assert split(datetime(2013, 1, 1, 9, tzinfo=UTC), last, 0.2).holdout == holdout


def test_one_day_cannot_be_split() -> None:
    day = datetime(2013, 1, 1, tzinfo=UTC)
    with pytest.raises(BadInput, match="at least two days"):
        split(day, day + timedelta(hours=23), 0.2)


def test_the_id_depends_on_content_and_not_on_order() -> None:
    parts = split(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 2, 28, tzinfo=UTC), 0.2)
    file = {"path": "a", "sha256": "00", "size": 1, "rows": 1}
    one = training_set([("b", [file]), ("a", [{**file, "noted": "beside"}])], parts)
    assert one["id"] == training_set([("a", [file]), ("b", [file])], parts)["id"]
    assert one["id"] != training_set([("a", [file])], parts)["id"]
    assert one["datasets"][0] == {"id": "a", "files": [file]}
