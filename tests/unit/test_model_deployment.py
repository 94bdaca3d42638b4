"""Pure rules of deployments: who may become champion, where a rollback leads, what a probe must show."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training_world import check_request
from trimtab.errors import BadInput
from trimtab.model import deployment, probe

ROWS = [
    {"prediction_id": "a", "price": 9.5, "country": None},
    {"prediction_id": "b", "price": 1, "country": "de"},
]
COLUMNS = ["prediction_id", "price", "country"]


@pytest.mark.parametrize(
    ("version", "approval", "champion", "outcome"),
    [
        (1, "Approved", None, None),
        (3, "Approved", 2, None),
        (2, "Approved", 2, "already champion"),
        (1, "Approved", 2, "superseded"),
        (3, "Rejected", 2, "ignored"),
        (3, "PendingManualApproval", None, "ignored"),
    ],
)
def test_F34_an_approval_is_followed_only_if_it_still_holds(
    version: int, approval: str, champion: int | None, outcome: str | None
) -> None:
    objection = deployment.objection(version, approval, champion)
    assert (objection[0] if objection else None) == outcome


def log(*steps: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"action": action, "to": version} for action, version in steps]


PROMOTED = log(("promote", 1), ("promote", 2), ("promote", 4))


@pytest.mark.parametrize(
    ("promotions", "wanted", "target", "previous"),
    [
        (PROMOTED, None, 2, 1),
        (PROMOTED, 1, 1, None),
        ([*PROMOTED, *log(("rollback", 2))], None, 1, None),
        ([*PROMOTED, *log(("rollback", 2), ("promote", 5))], None, 2, 1),
        ([*PROMOTED, *log(("rollback", 1), ("promote", 5))], None, 1, None),
    ],
)
def test_a_rollback_leads_to_the_champion_before(
    promotions: list[dict[str, Any]], wanted: int | None, target: int, previous: int | None
) -> None:
    stack = deployment.champions(promotions)
    assert deployment.rollback_target(stack, wanted) == target
    assert deployment.previous_of(stack, target, "rollback") == previous


@pytest.mark.parametrize(
    ("promotions", "wanted", "words"),
    [
        ([], None, "nothing to roll back from"),
        (log(("promote", 1)), None, "none before it"),
        (PROMOTED, 3, "was not champion before version 4; choose from: 1, 2"),
        (PROMOTED, 4, "was not champion before"),
        ([*PROMOTED, *log(("rollback", 2))], 4, "choose from: 1"),
    ],
)
def test_a_rollback_to_nowhere_says_why(
    promotions: list[dict[str, Any]], wanted: int | None, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        deployment.rollback_target(deployment.champions(promotions), wanted)


@given(st.lists(st.booleans(), max_size=30))
def test_whatever_happens_the_last_step_names_the_champion(steps: list[bool]) -> None:
    promotions: list[dict[str, Any]] = []
    for version, goes_back in enumerate(steps, start=1):
        stack = deployment.champions(promotions)
        if goes_back and len(stack) > 1:
            promotions += log(("rollback", deployment.rollback_target(stack, None)))
        else:
            promotions += log(("promote", version))
        stack = deployment.champions(promotions)
        assert stack[-1] == promotions[-1]["to"]
        assert stack == sorted(set(stack))


def test_names_follow_from_the_request_and_fit() -> None:
    subject = {"action": "rollback", "actor": "ann", "reason": "", "at": "2013-05-02T07:00:00Z"}
    name = deployment.serving_name(
        "production", "a" * 24, 123456, {**subject, "time": "x", "machine": "deploy"}
    )
    assert name == deployment.serving_name("production", "a" * 24, 123456, subject)
    assert name != deployment.serving_name("production", "a" * 24, 123456, {**subject, "at": "later"})
    assert len(name) <= 63


def test_container_and_variants_are_what_sagemaker_accepts() -> None:
    container = deployment.container(7, "image", "s3://bucket/model.tar.gz", "us-east-1")
    request = {"ModelName": "a", "PrimaryContainer": container, "Tags": deployment.tags("dev", "shop")}
    check_request("CreateModel", request)
    variants = deployment.variants("a", "ml.m5.large", 1)
    config = {"EndpointConfigName": "a", "ProductionVariants": variants}
    check_request("CreateEndpointConfig", config)
    assert container["Environment"]["TRIMTAB_MODEL_VERSION"] == "7"


def test_an_endpoint_instance_with_disks_of_its_own_is_refused() -> None:
    with pytest.raises(BadInput, match="endpoint_instance_type"):
        deployment.variants("a", "ml.m5d.large", 1)


def test_probes_have_names_of_their_own_and_no_other_column() -> None:
    rows = probe.probe_rows(ROWS, "prediction_id")
    body = probe.request_body(rows, COLUMNS)
    assert body == b"prediction_id,price,country\ntrimtab-probe-1,9.5,\ntrimtab-probe-2,1,de\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "begins with"),
        (b"<html>", "begins with"),
        (b"prediction_id,model_version,score\na,7,0.5\n", "answered 1 rows"),
        (b"prediction_id,model_version,score\nb,7,0.5\na,7,0.5\n", "not those of the 2 sent"),
        (b"prediction_id,model_version,score\na,6,0.5\nb,6,0.5\n", "version 7 was deployed"),
        (b"prediction_id,model_version,score\na,7\nb,7,0.5\n", "version 7 was deployed"),
        (b"prediction_id,model_version,score\na,7,0.5\nb,7,1.5\n", "no number in"),
        (b"prediction_id,model_version,score\na,7,nan\nb,7,0.5\n", "no number in"),
        (b"prediction_id,model_version,score\na,7,high\nb,7,0.5\n", "no number in"),
    ],
)
def test_an_answer_that_is_not_as_promised_fails_the_probe(body: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        probe.check_answer(body, ["a", "b"], 7)


def test_an_answer_as_promised_passes() -> None:
    probe.check_answer(b"prediction_id,model_version,score\na,7,0\nb,7,1.0\n", ["a", "b"], 7)
