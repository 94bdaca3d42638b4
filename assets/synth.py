"""Keep one synthesized cloud assembly per state of the checkout: `python -m assets.synth`."""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from assets.layer import ensure_layer_zip
from assets.uv import BuildFailed, exclusive, run

# Everything that a template may depend on; requirements.txt pins the CDK itself.
INPUT_FILES = ("app.py", "cdk.json", "requirements.txt")
INPUT_FOLDERS = ("assets", "environments", "lambdas", "pipelines", "stacks", "trimtab")
OUTPUT = Path("build/cdk.out")
RECORD = Path("build/cdk.out.digest")


def inputs_digest(root: Path) -> str:
    """Digest every file of the checkout that synth reads."""
    total = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for path in _inputs(root):
        total.update(f"{path.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def ensure_assembly(root: Path) -> tuple[Path, bool]:
    """Return the assembly of this checkout and whether it was there already.

    Raise BuildFailed when the layer cannot be built or the CDK app fails.
    """
    root = root.resolve()
    with exclusive(root / "build/synth"):
        digest, output, record = inputs_digest(root), root / OUTPUT, root / RECORD
        if output.is_dir() and record.is_file() and record.read_text() == digest:
            return output, True
        ensure_layer_zip(root)
        record.unlink(missing_ok=True)
        _synthesize(root, output)
        record.write_text(digest)
        return output, False


def _synthesize(root: Path, output: Path) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="cdk.out-", dir=output.parent))
    try:
        # jsii finds Node beside this Python, where the wheel put it.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        # The CDK's own template check takes as long as the rest; the tests lint the templates instead.
        settings = [f"PATH={path}", f"CDK_OUTDIR={scratch / 'out'}", "CDK_VALIDATION=false"]
        run(["env", *settings, sys.executable, root / "app.py"], "synthesis")
        shutil.rmtree(output, ignore_errors=True)
        (scratch / "out").rename(output)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _inputs(root: Path) -> Iterator[Path]:
    for name in INPUT_FILES:
        yield root / name
    for folder in INPUT_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and not path.name.startswith("."):
                yield path


def main() -> int:
    """Synthesize when needed and say where the templates are; return the exit code."""
    started = time.monotonic()
    try:
        output, cached = ensure_assembly(Path.cwd())
    except BuildFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    state = "unchanged" if cached else "synthesized"
    print(f"{state} in {time.monotonic() - started:.1f} s: {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
