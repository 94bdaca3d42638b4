"""Build every asset that needs installing, with a line of progress each: `python -m assets`."""

import os
import sys
import time
from pathlib import Path

from assets.layer import ensure_container, ensure_layer, ensure_layer_zip, ensure_runtime
from assets.uv import BuildFailed


def main() -> int:
    """Build layer, runtime and container; return the exit code."""
    root, uv, started = Path.cwd(), os.environ.get("UV"), time.monotonic()

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        ensure_layer(root, "laptop", say, uv)
        ensure_runtime(root, say, uv)
        ensure_container(root, say, uv)
        ensure_layer_zip(root, say, uv)
    except BuildFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    elapsed = time.monotonic() - started
    if elapsed > 1:
        say(f"assets ready in {elapsed:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
