"""The command line: `trimtab`."""

import sys
import warnings

from trimtab.errors import TrimtabError

REMEDY = (
    "check credentials and region (AWS_PROFILE, AWS_REGION), or name the local cloud: "
    "export AWS_ENDPOINT_URL=http://localhost:5055"
)


def main() -> None:
    """Run the command line; say failures in one sentence on standard error and exit with 2."""
    from botocore.exceptions import BotoCoreError, ClientError

    from trimtab.cli.commands import app

    # CDK pins an old typeguard beside pandera; contracts have no generic types that it would check.
    warnings.filterwarnings("ignore", "Using typeguard < 3", UserWarning)
    try:
        app()
    except TrimtabError as error:
        _fail(str(error))
    except ClientError as error:
        details = error.response["Error"]
        _fail(f"AWS refused {error.operation_name}: {details.get('Code')}: {details.get('Message')}")
    except BotoCoreError as error:
        _fail(f"AWS cannot be reached: {error}; {REMEDY}")


def _fail(sentence: str) -> None:
    print(f"trimtab: {sentence}", file=sys.stderr)
    raise SystemExit(2)
