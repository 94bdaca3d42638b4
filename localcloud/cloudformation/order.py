"""In which order a template's resources are made: each after everything it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


class CircularDependency(ValueError):
    """Resources that wait for each other."""


def creation_order(resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the logical ids, what others need first; raise CircularDependency.

    >>> creation_order({"Policy": {"Properties": {"Roles": [{"Ref": "Role"}]}}, "Role": {}})
    ['Role', 'Policy']
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, resource in resources.items():
        needed = [one for one in dict.fromkeys(references(resource)) if one in resources and one != name]
        sorter.add(name, *needed)
    try:
        return list(sorter.static_order())
    except CycleError as error:
        names = ", ".join(error.args[1])
        raise CircularDependency(f"Circular dependency between resources: [{names}]") from error


def references(value: Any) -> Iterator[str]:
    """Yield every name that a part of a template refers to."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if key == "Ref" and isinstance(one, str):
                yield one
            elif key == "Fn::GetAtt":
                yield one.split(".")[0] if isinstance(one, str) else one[0]
            elif key == "Fn::Sub":
                text = one if isinstance(one, str) else one[0]
                yield from SUBSTITUTION.findall(text)
                yield from references([] if isinstance(one, str) else one[1])
            elif key == "DependsOn":
                yield from [one] if isinstance(one, str) else one
            else:
                yield from references(one)
