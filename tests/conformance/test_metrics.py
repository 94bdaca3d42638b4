"""Metrics: embedded metric lines become data, the rest is dropped, and the index answers at once."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud, metrics
from localcloud.metrics import Bucket, Datum, MetricKey, Series


def line(cloud: LocalCloud, namespace: str, value: Any, *, seconds: float | None = 0, **more: Any) -> str:
    head: dict[str, Any] = {
        "CloudWatchMetrics": [
            {
                "Namespace": namespace,
                "Dimensions": [["Project"]],
                "Metrics": [{"Name": "Rows", "Unit": "Count"}],
            }
        ]
    }
    if seconds is not None:
        head["Timestamp"] = int((cloud.clock.time() + seconds) * 1000)
    return json.dumps({"_aws": head, "Project": "flights", "Rows": value, **more})


def total(cloud: LocalCloud, namespace: str) -> list[float]:
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName="Rows",
        Dimensions=[{"Name": "Project", "Value": "flights"}],
        StartTime=cloud.now() - timedelta(days=1),
        EndTime=cloud.now() + timedelta(days=1),
        Period=86_400,
        Statistics=["Sum", "SampleCount"],
    )
    return [point["Sum"] for point in answer["Datapoints"]]


def test_embedded_metrics_become_data_with_their_own_time(cloud: LocalCloud) -> None:
    text = "\n".join(
        ["plain text", '{"level": "INFO"}', line(cloud, "Emf", 3, seconds=-60), '{"_aws" broken']
    )
    metrics.emit(cloud.context, text)
    series = metrics.store().series(MetricKey("Emf", "Rows", frozenset({("Project", "flights")})))
    assert series is not None
    assert series.first_at(0) == cloud.clock.time() - 60
    assert total(cloud, "Emf") == [3.0]


def test_embedded_metrics_without_a_time_get_the_clocks(cloud: LocalCloud) -> None:
    metrics.emit(cloud.context, line(cloud, "EmfNow", [1, 2, 4], seconds=None))
    series = metrics.store().series(MetricKey("EmfNow", "Rows", frozenset({("Project", "flights")})))
    assert series is not None
    latest = series.latest(cloud.clock.time())
    assert latest is not None
    assert latest.time == cloud.clock.time()
    assert total(cloud, "EmfNow") == [7.0]


@pytest.mark.parametrize(
    ("value", "seconds"), [(float("nan"), 0), (float("inf"), 0), (1, -15 * 86_400), (1, 3 * 3_600)]
)
def test_what_cloudwatch_would_drop_is_dropped_and_logged(
    cloud: LocalCloud, caplog: pytest.LogCaptureFixture, value: float, seconds: float
) -> None:
    with caplog.at_level(logging.WARNING, "localcloud.metrics"):
        metrics.emit(cloud.context, line(cloud, "Dropped", value, seconds=seconds))
    assert "Dropped Rows was dropped" in caplog.text
    assert total(cloud, "Dropped") == []


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_put_metric_data_refuses_what_is_no_number(cloud: LocalCloud, value: float) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        cloud.client("cloudwatch").put_metric_data(
            Namespace="Put", MetricData=[{"MetricName": "Rows", "Value": value}]
        )


def test_the_index_holds_what_put_metric_data_put(cloud: LocalCloud) -> None:
    data = [
        {"MetricName": "Rows", "Values": [1.0, 5.0], "Counts": [2.0, 1.0]},
        {"MetricName": "Rows", "StatisticValues": {"Sum": 9, "SampleCount": 3, "Minimum": 2, "Maximum": 4}},
    ]
    cloud.client("cloudwatch").put_metric_data(Namespace="Index", MetricData=data)
    series = metrics.store().series(MetricKey("Index", "Rows", frozenset()))
    assert series is not None
    now = cloud.clock.time()
    bucket = series.bucket(now, now + 1)
    assert bucket is not None
    got = {name: bucket.statistic(name) for name in ("Sum", "SampleCount", "Minimum", "Maximum", "Average")}
    assert got == {"Sum": 16.0, "SampleCount": 6.0, "Minimum": 1.0, "Maximum": 5.0, "Average": 16 / 6}
    assert series.bucket(now + 1, now + 2) is None


def test_late_data_is_put_where_it_belongs() -> None:
    series = Series()
    for when in (5.0, 1.0, 3.0, 3.0):
        series.add(Datum(when, when, 1.0, when, when, "None"))
    assert [datum.time for datum in series.between(0, 9)] == [1.0, 3.0, 3.0, 5.0]
    assert series.first_at(3.5) == 5.0
    assert series.first_at(6) is None


def test_percentiles_follow_the_values() -> None:
    bucket = Bucket(tuple(Datum(0.0, float(n), 1.0, n, n, "None") for n in range(1, 101)))
    assert bucket.statistic("p50") == 50.0
    assert bucket.statistic("p99") == 99.0
    with pytest.raises(ValueError, match="tm90"):
        bucket.statistic("tm90")


def test_a_question_to_twenty_thousand_points_is_answered_at_once(cloud: LocalCloud) -> None:
    for number in range(20_000):
        metrics.record(cloud.context, "Many", {"Rows": 1.0}, {"Key": str(number % 20)})
    key = MetricKey("Many", "Rows", frozenset({("Key", "7")}))
    started = time.perf_counter()
    for _ in range(100):
        series = metrics.store().series(key)
        assert series is not None
        bucket = series.bucket(cloud.clock.time(), cloud.clock.time() + 60)
        assert bucket is not None
        assert bucket.statistic("Sum") == 1000.0
    assert time.perf_counter() - started < 1.0
