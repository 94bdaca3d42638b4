"""Played on the local cloud, no function asks for more than its role allows."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from demo import play
from localcloud import LocalCloud
from localcloud.server import Endpoint
from tests.infrastructure.calls import Call, is_allowed, read_call
from tests.infrastructure.templates import Templates, statements_of

# By then uploads, captures, late labels, a drifted window and a measured one have been there.
UNTIL = datetime(2013, 5, 3, tzinfo=UTC)
SILENT = {"record_failure"}


def test_partition_key_and_prefix_are_judged_as_iam_does() -> None:
    table = {
        "Action": ["dynamodb:GetItem"],
        "Resource": ["arn:${AWS::Partition}:dynamodb:r:${AWS::AccountId}:table/t"],
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["RUN#flights"]}},
    }
    listing = {
        "Action": ["s3:ListBucket"],
        "Resource": ["arn:aws:s3:::b"],
        "Condition": {"StringLikeIfExists": {"s3:prefix": ["captured/flights/*"]}},
    }
    item = "arn:aws:dynamodb:r:123456789012:table/t"
    assert is_allowed(Call("f", "dynamodb:GetItem", item, "RUN#flights"), [listing, table])
    assert not is_allowed(Call("f", "dynamodb:GetItem", item, "RUN#orders"), [listing, table])
    assert not is_allowed(Call("f", "dynamodb:PutItem", item, "RUN#flights"), [listing, table])
    assert is_allowed(Call("f", "s3:ListBucket", "arn:aws:s3:::b", "captured/flights/x/"), [listing])
    assert not is_allowed(Call("f", "s3:ListBucket", "arn:aws:s3:::b", "captured/orders/"), [listing])


@pytest.mark.slow
def test_functions_ask_for_nothing_that_their_roles_refuse(
    templates: Templates, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: set[Call] = set()
    answer = Endpoint.__call__

    def listen(self: Endpoint, environ: dict[str, Any], start_response: Any) -> Any:
        if (call := read_call(environ)) is not None:
            calls.add(call)
        return answer(self, environ, start_response)

    monkeypatch.setattr(Endpoint, "__call__", listen)
    monkeypatch.setattr(play, "END", UNTIL)
    with LocalCloud(start=play.START) as cloud:
        cloud.deploy(assembly, ["Dev"])
        _sign_with_own_names(cloud)
        play.play(cloud, _ignore, lambda: None)
    roles = _statements_by_function(templates)
    assert {call.who for call in calls} == {name for name in roles if not _is_silent(name)}
    refused = {call for call in calls if not is_allowed(call, roles[call.who])}
    assert sorted({(call.who, call.action, _shown(call)) for call in refused}) == []


def _sign_with_own_names(cloud: LocalCloud) -> None:
    """Give each function its name for a key, by which its requests are told apart."""
    functions = cloud.client("lambda")
    for one in functions.list_functions()["Functions"]:
        variables = one["Environment"]["Variables"] | {"AWS_ACCESS_KEY_ID": one["FunctionName"]}
        functions.update_function_configuration(
            FunctionName=one["FunctionName"], Environment={"Variables": variables}
        )


def _ignore(day: date, text: str) -> None:
    del day, text


def _is_silent(name: str) -> bool:
    return any(name.endswith(one.replace("_", "-")) for one in SILENT)


def _statements_by_function(templates: Templates) -> dict[str, list[dict[str, Any]]]:
    roles = {
        (role.stack, f"${{{role.id}.Arn}}"): role for role in templates.resources("AWS::IAM::Role", "Dev")
    }
    return {
        one.properties["FunctionName"]: statements_of(roles[one.stack, one.properties["Role"]])
        for one in templates.resources("AWS::Lambda::Function", "Dev")
    }


def _shown(call: Call) -> str:
    return re.sub(r"[0-9a-f]{12,64}", "*", f"{call.resource} {call.within}")
