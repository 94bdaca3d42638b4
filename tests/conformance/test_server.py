"""The endpoint: connections are kept, its own routes answer, faults say what failed, and it can start
again.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud


def ask(cloud: LocalCloud, route: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{cloud.endpoint_url}/localcloud/{route}", data=data) as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
    return found


def test_control_routes_move_the_clock(cloud: LocalCloud) -> None:
    assert ask(cloud, "status")["clock"] == "moved"
    before = cloud.now()
    assert ask(cloud, "advance", {"seconds": 90})["time"] == (before + timedelta(seconds=90)).isoformat()
    assert ask(cloud, "advance", {"to": "2013-02-03T00:00:00Z"})["time"] == "2013-02-03T00:00:00+00:00"
    with pytest.raises(urllib.request.HTTPError, match="400"):
        ask(cloud, "advance", {"to": "2013-02-04T00:00:00"})
    with pytest.raises(urllib.request.HTTPError, match="404"):
        ask(cloud, "nothing")


def test_one_connection_carries_many_requests(cloud: LocalCloud) -> None:
    host = cloud.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    for _ in range(3):
        connection.request("GET", "/localcloud/status")
        answer = connection.getresponse()
        assert answer.version == 11
        assert answer.getheader("Connection") == "keep-alive"
        answer.read()
    first = connection.sock
    connection.request("GET", "/localcloud/status")
    connection.getresponse().read()
    assert connection.sock is first
    connection.close()


def test_bodies_of_every_kind_arrive_whole(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="bodies")
    body = bytes(range(256)) * 40_000
    for key, sent in (("empty", b""), ("a b/ä+?&.csv", b"text"), ("large", body)):
        s3.put_object(Bucket="bodies", Key=key, Body=sent)
        assert s3.get_object(Bucket="bodies", Key=key)["Body"].read() == sent
        assert s3.head_object(Bucket="bodies", Key=key)["ContentLength"] == len(sent)
    assert s3.get_object(Bucket="bodies", Key="large", Range="bytes=256-511")["Body"].read() == body[:256]
    s3.put_object(Bucket="bodies", Key="meta", Body=b"", Metadata={"my_key": "v"})
    assert s3.head_object(Bucket="bodies", Key="meta")["Metadata"] == {"my_key": "v"}


def test_what_is_not_there_says_so(cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="the local cloud does not have"):
        cloud.client("sagemaker").list_lineage_groups()


def test_long_polling_does_not_wait_on_a_moved_clock(cloud: LocalCloud) -> None:
    url = cloud.client("sqs").create_queue(QueueName="empty")["QueueUrl"]
    started = time.monotonic()
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)
    assert time.monotonic() - started < 2


def test_a_call_costs_a_few_milliseconds(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="quick")
    s3.put_object(Bucket="quick", Key="k", Body=b"x")
    samples = []
    for _ in range(100):
        started = time.perf_counter()
        s3.get_object(Bucket="quick", Key="k")["Body"].read()
        samples.append(time.perf_counter() - started)
    assert sorted(samples)[len(samples) // 2] < 0.02


def test_only_one_runs_at_a_time(cloud: LocalCloud) -> None:
    with pytest.raises(RuntimeError, match="runs in this process already"), LocalCloud():
        pass
