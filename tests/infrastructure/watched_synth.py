"""Synthesize a checkout with cdk-nag watching: `python -m tests.infrastructure.watched_synth ROOT OUT`."""

import sys
from pathlib import Path

from aws_cdk import Validations
from cdk_nag import AwsSolutionsChecks

from stacks.environment import build_app


def main(root: Path, out: Path) -> None:
    """Leave templates and the report in `out`; findings are judged by the test, not here."""
    app = build_app(root, out)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        # The templates are complete; this error only says that the report has findings.
        if "ValidationFailed" not in str(error):
            raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
