"""Serve the local cloud: `python -m localcloud serve --port 5055`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from localcloud.cloud import LocalCloud

BANNER = """\
The local cloud is up at {url}, on {clock}.

  export {exports}

  cdk bootstrap aws://123456789012/us-east-1
  cdk deploy --all --method=direct --require-approval never
  aws s3 ls          (or boto3, or anything that reads AWS_ENDPOINT_URL)

  curl {url}/localcloud/status
  curl -X POST {url}/localcloud/advance -d '{{"seconds": 86400}}'

Everything in it is gone when it stops: press Ctrl-C.
"""


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the local cloud until interrupted")
    serve.add_argument("--port", type=int, default=5055)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    serve.add_argument(
        "--moved-clock",
        metavar="START",
        type=_instant,
        help="stand at this time until moved: 2013-01-01T00:00:00Z",
    )
    serve.add_argument("--deploy", metavar="FOLDER", type=Path, help="deploy this CDK assembly first")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    try:
        return _serve(chosen)
    except OSError as error:
        print(
            f"error: cannot listen on {chosen.host}:{chosen.port}: {error}; choose another --port",
            file=sys.stderr,
        )
        return 1


def _serve(chosen: argparse.Namespace) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with LocalCloud(start=chosen.moved_clock, port=chosen.port, host=chosen.host) as cloud:
        if chosen.deploy is not None:
            cloud.deploy(chosen.deploy)
        clock = (
            f"a clock that stands at {cloud.now():%Y-%m-%d %H:%M} UTC"
            if chosen.moved_clock
            else "the wall clock"
        )
        exports = " ".join(f"{name}={value}" for name, value in cloud.variables.items())
        print(BANNER.format(url=cloud.endpoint_url, clock=clock, exports=exports), flush=True)
        stop.wait()
    return 0


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
