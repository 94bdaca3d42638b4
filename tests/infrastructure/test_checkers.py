"""What cdk-nag and cfn-lint say of the templates; every finding is mended or acknowledged with a reason."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.infrastructure.conftest import Larger
from tests.infrastructure.templates import Templates

ACKNOWLEDGED = Path(__file__).with_name("acknowledged.toml")
ENVIRONMENTS = ("dev", "prod")
# What cfn-lint says that stands, with the reason.
LINT = {
    r"E3601:.*'OutputPath' was unexpected\) at 'States/"
    r"(Deployed|NothingToDo|Registered|Pending|Skipped)/OutputPath'": "a Succeed state may have one",
}


def findings(report: Path) -> set[tuple[str, str]]:
    """Read (construct, rule) from cdk-nag's report, with the environment's name left open."""
    found = set()
    for plugin in json.loads(report.read_text())["pluginReports"]:
        if plugin["pluginName"] != "AwsSolutions":
            continue
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                stage, _, path = construct["constructPath"].partition("/")
                if stage.lower() in ENVIRONMENTS and "Orders" not in path:
                    rule = violation["ruleName"].replace(f"trimtab-{stage.lower()}-", "trimtab-<env>-")
                    found.add((path, rule))
    return found


def acknowledged() -> dict[tuple[str, str], str]:
    """Read the reasons of acknowledged findings."""
    entries = tomllib.loads(ACKNOWLEDGED.read_text(encoding="utf-8"))["acknowledged"]
    return {
        (path, _rule(entry["rule"], resource)): entry["reason"]
        for entry in entries
        for path, resources in entry["constructs"].items()
        for resource in resources
    }


def _rule(rule: str, resource: str) -> str:
    full = resource if resource in ("", "*") else f"arn:<AWS::Partition>:{resource}"
    return f"{rule}[Resource::{full}]" if resource else rule


def test_cdk_nag_finds_only_what_is_acknowledged(larger: Larger) -> None:
    known, found = acknowledged(), findings(larger.report)
    assert found, "cdk-nag has not run"
    assert sorted(found - set(known)) == [], "mend these, or acknowledge them with a reason"
    assert sorted(set(known) - found) == [], "these are mended; take them off the list"
    assert all(len(reason) > 20 for reason in known.values())


def test_cfn_lint_has_nothing_to_say(templates: Templates) -> None:
    files = [str(path) for path in templates.files.values()]
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "parseable", "--template", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr
    findings = done.stdout.splitlines()
    assert [line for line in findings if not any(re.search(known, line) for known in LINT)] == []
    assert all(any(re.search(known, line) for line in findings) for known in LINT), "shorten the list"
