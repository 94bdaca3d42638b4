"""A local cloud leaves nothing behind: the next one in the same process starts empty, with a clock of its
own.
"""

from __future__ import annotations

from datetime import UTC, datetime

from localcloud import LocalCloud


def test_a_second_cloud_starts_empty() -> None:
    for year in (2013, 2014):
        with LocalCloud(start=datetime(year, 1, 1, tzinfo=UTC)) as cloud:
            s3 = cloud.client("s3")
            assert s3.list_buckets()["Buckets"] == []
            s3.create_bucket(Bucket="once")
            assert s3.list_buckets()["Buckets"][0]["CreationDate"].year == year
            work_dir = cloud.context.work_dir
            assert work_dir.is_dir()
        assert not work_dir.exists()


def test_a_wall_clock_cloud_tells_the_real_time_until_it_is_moved() -> None:
    with LocalCloud() as cloud:
        assert abs((cloud.now() - datetime.now(UTC)).total_seconds()) < 2
        cloud.advance_to(cloud.now().replace(year=cloud.now().year + 1, day=1))
        cloud.client("s3").create_bucket(Bucket="later")
        created = cloud.client("s3").list_buckets()["Buckets"][0]["CreationDate"]
        assert created.year == datetime.now(UTC).year + 1
