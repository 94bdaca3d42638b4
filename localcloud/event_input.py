"""What a rule's target receives: Input, InputPath and InputTransformer, by EventBridge's rules of
substitution.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

VARIABLE = re.compile(r"<([A-Za-z0-9_.\-]+)>")
PATH_STEP = re.compile(r"\.([^.\[\]]+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[(\d+)\]")
RESERVED = (
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event.json",
    "aws.events.event",
)


class BadTemplate(ValueError):
    """A path, or a template that names an unknown variable or does not give JSON."""


_MISSING = object()


def target_input(
    event: Mapping[str, Any], target: Mapping[str, Any], *, rule_arn: str, rule_name: str
) -> str:
    """Return the JSON text that a target receives for an event; raise BadTemplate.

    >>> target_input({"detail": {"a": 1}}, {"InputPath": "$.detail"}, rule_arn="", rule_name="")
    '{"a": 1}'
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = look_up(event, target["InputPath"])
        return json.dumps(None if found is _MISSING else found)
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        values = variables(event, transformer, rule_arn=rule_arn, rule_name=rule_name)
        return fill(transformer["InputTemplate"], values)
    return json.dumps(event)


def look_up(event: Any, path: str) -> Any:
    """Follow the JSONPath subset of EventBridge: names, quoted names and indices; raise BadTemplate."""
    if not path.startswith("$"):
        raise BadTemplate(f"the path {path!r} must start with $")
    position, found = 1, event
    while position < len(path):
        step = PATH_STEP.match(path, position)
        if step is None:
            raise BadTemplate(f"the path {path!r} is not one that EventBridge takes")
        name = step[1] or step[2] or step[3]
        if name is not None:
            found = found.get(name, _MISSING) if isinstance(found, Mapping) else _MISSING
        else:
            index = int(step[4])
            found = found[index] if isinstance(found, list) and index < len(found) else _MISSING
        position = step.end()
    return found


def variables(
    event: Mapping[str, Any], transformer: Mapping[str, Any], *, rule_arn: str, rule_name: str
) -> dict[str, Any]:
    """Return the value of every variable that a template may name; a path that finds nothing gives none."""
    values: dict[str, Any] = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event.get("time", ""),
        "aws.events.event.json": event,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
    }
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        values[name] = look_up(event, path)
    return values


def unknown_variables(transformer: Mapping[str, Any]) -> list[str]:
    """Return what a template names although neither the paths nor EventBridge define it."""
    known = {*(transformer.get("InputPathsMap") or {}), *RESERVED}
    return sorted(set(VARIABLE.findall(transformer["InputTemplate"])) - known)


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Substitute: a variable inside quotes becomes text, one outside becomes a JSON value; raise BadTemplate.

    >>> fill('{"key": <key>, "note": "at <key>", "object": <o>}', {"key": "a/b", "o": {"n": 1}})
    '{"key": "a/b", "note": "at a/b", "object": {"n": 1}}'
    """
    parts: list[str] = []
    position, in_string = 0, False
    while position < len(template):
        variable = VARIABLE.match(template, position)
        if variable is not None and variable[1] in values:
            parts.append(_rendered(values[variable[1]], in_string=in_string))
            position = variable.end()
            continue
        character = template[position]
        if character == "\\" and in_string:
            parts.append(template[position : position + 2])
            position += 2
            continue
        if character == '"':
            in_string = not in_string
        parts.append(character)
        position += 1
    text = "".join(parts)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise BadTemplate(f"the input template gives no JSON ({error}): {text[:500]}") from error
    return text


def _rendered(value: Any, *, in_string: bool) -> str:
    if value is _MISSING:
        return "" if in_string else "null"
    if not in_string:
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
