"""The CDK app's entry: `cdk` and `python -m assets.synth` run it."""

import sys
from pathlib import Path

from assets.uv import BuildFailed
from stacks.environment import build_app
from trimtab.errors import TrimtabError

if __name__ == "__main__":
    try:
        build_app(Path(__file__).resolve().parent).synth()
    except (BuildFailed, TrimtabError) as failure:
        sys.exit(f"error: {failure}")
