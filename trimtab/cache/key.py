"""What decides the outcome of a step, in parts, and the key that stands for all of them."""

from collections.abc import Mapping
from typing import Any

from trimtab.canonical import digest


def parts_of(
    *,
    stage: str,
    code: str,
    parameters: Mapping[str, Any],
    environment: Mapping[str, Any],
    inputs: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return the parts of a step's key.

    `code` and `inputs` are digests of content, `parameters` everything else that the step is told, and
    `environment` what it runs in. A part that is left out is a wrong hit one day: in doubt, it belongs here.
    """
    return {
        "stage": stage,
        "code": code,
        "parameters": dict(parameters),
        "environment": dict(environment),
        "inputs": dict(inputs),
    }


def key_of(parts: Mapping[str, Any]) -> str:
    """Return the digest of a step's parts; their order and the machine do not matter.

    >>> one = parts_of(stage="train", code="c", parameters={"a": 1, "b": 2}, environment={}, inputs={})
    >>> other = parts_of(stage="train", code="c", parameters={"b": 2, "a": 1}, environment={}, inputs={})
    >>> key_of(one) == key_of(other)
    True
    """
    return digest(dict(parts))
