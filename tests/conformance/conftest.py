"""A local cloud for each file of conformance tests, and what several of them need."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from localcloud import LocalCloud

START = datetime(2013, 1, 1, tzinfo=UTC)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Return a local cloud that stands at the beginning of 2013."""
    with LocalCloud(start=START) as running:
        yield running


@pytest.fixture(scope="module")
def role(cloud: LocalCloud) -> str:
    """Return the ARN of a role that functions may have."""
    made = cloud.client("iam").create_role(RoleName="conformance", AssumeRolePolicyDocument=TRUST)
    arn: str = made["Role"]["Arn"]
    return arn


def zipped(**modules: str) -> bytes:
    """Zip modules given as name=source."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, source in modules.items():
            archive.writestr(f"{name}.py", source)
    return packed.getvalue()


@pytest.fixture(scope="module")
def make_function(cloud: LocalCloud, role: str) -> Callable[..., str]:
    """Return a function that creates a Lambda function from source and returns its ARN."""

    def make(name: str, source: str, **settings: Any) -> str:
        made = cloud.client("lambda").create_function(
            FunctionName=name,
            Role=role,
            Runtime="python3.12",
            Handler="app.handler",
            Code={"ZipFile": zipped(app=source)},
            **settings,
        )
        arn: str = made["FunctionArn"]
        return arn

    return make


@pytest.fixture(scope="module")
def make_queue(cloud: LocalCloud) -> Callable[[str], tuple[str, str]]:
    """Return a function that creates a queue and returns its URL and ARN."""

    def make(name: str) -> tuple[str, str]:
        url = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:{cloud.region}:{cloud.account}:{name}"

    return make


@pytest.fixture(scope="module")
def messages(cloud: LocalCloud) -> Callable[[str], list[Any]]:
    """Return a function that takes everything out of a queue, decoded."""

    def take(url: str) -> list[Any]:
        sqs, found = cloud.client("sqs"), []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return take
