"""Write down who may do what, for people to review: `python -m tests.infrastructure.permissions > FILE`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from assets.synth import ensure_assembly
from tests.infrastructure.templates import Resource, Templates, as_list, statements_of

STAGE = "Dev"


def sheet(templates: Templates) -> str:
    """Return, for each role of one environment, its sentences: actions, resources, condition."""
    roles = {name_of(role): statements_of(role) for role in templates.resources("AWS::IAM::Role", STAGE)}
    parts = []
    for name, statements in sorted(roles.items()):
        parts.append(f"{name}\n" + "".join(sorted(_sentence(one) for one in statements)))
    return "\n".join(parts)


def name_of(role: Resource) -> str:
    """Name a role as its construct is named, such as `FlightsData/StartRun`."""
    return f"{role.stack.partition('-')[2]}/{re.sub('(Role)?[0-9A-F]{8}$', '', role.id)}"


def _sentence(statement: dict[str, Any]) -> str:
    lines = [f"  {', '.join(as_list(statement['Action']))}"]
    lines += [f"      on {resource}" for resource in as_list(statement["Resource"])]
    if "Condition" in statement:
        lines.append(f"      when {json.dumps(statement['Condition'], sort_keys=True)}")
    return _short("\n".join(lines)) + "\n"


def _short(text: str) -> str:
    """Leave out what is the same everywhere, and the digests of content."""
    text = text.replace("arn:${AWS::Partition}:", "").replace("us-east-1:${AWS::AccountId}:", "")
    return re.sub(r"[0-9a-f]{64}", "<digest>", text)


if __name__ == "__main__":
    sys.stdout.write(sheet(Templates(ensure_assembly(Path.cwd())[0])))
