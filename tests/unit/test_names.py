"""Names are functions of environment, project and content."""

import pytest

from trimtab import names
from trimtab.canonical import canonical_json, digest
from trimtab.project.settings import LONGEST_NAME


def test_an_execution_is_named_after_its_subject_only() -> None:
    first = names.execution("ingest", {"key": "a", "version_id": "1"})
    assert first == names.execution("ingest", {"version_id": "1", "key": "a"})
    assert first != names.execution("ingest", {"key": "a", "version_id": "2"})
    assert first != names.execution("train", {"key": "a", "version_id": "1"})
    assert len(first) <= 80


def test_the_longest_names_fit_the_services() -> None:
    project, environment = "p" * LONGEST_NAME, "e" * 10
    assert len(names.endpoint(environment, project)) <= 63
    assert len(names.function(environment, project, "measure_performance")) <= 64
    assert len(names.role(environment, project, "training")) <= 64
    assert len(names.machine(environment, project, "monitor")) <= 80
    assert len(names.data_bucket(environment, "1" * 12, "ap-southeast-2")) <= 63


def test_canonical_json_refuses_what_json_cannot_carry() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": float("nan")})


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
