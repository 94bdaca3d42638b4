"""`python -m demo`: synthesize, deploy to the local cloud, play the year, tell what happened."""

import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from demo.memory import MemoryWatch
from demo.screen import Screen, print_story
from trimtab.errors import TrimtabError

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "build" / "demo"


def main() -> int:
    """Play the demo; return the exit code."""
    try:
        with MemoryWatch(os.getpid()) as memory:
            summary, screen = _play()
        summary["peak_memory_mb"] = round(memory.peak_mb)
    except TrimtabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    _write(summary)
    print_story(screen.console, summary)
    folder = OUTPUT.relative_to(ROOT)
    screen.console.print(f"\nreport:  {folder / 'report.html'}\nsummary: {folder / 'summary.json'}")
    return 0 if summary["rollback"]["ok"] else 1


def _play() -> tuple[dict[str, Any], Screen]:
    from assets.synth import ensure_assembly

    started = time.monotonic()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    screen = Screen()
    with screen:
        assembly, cached = ensure_assembly(ROOT)
        synthesized = time.monotonic()
        screen.say(f"assembly {'reused' if cached else 'synthesized'} in {synthesized - started:.1f} s")
        summary, deployed, usage = _play_year(screen, assembly)
    total = time.monotonic() - started
    summary["seconds"] = {
        "synth": round(synthesized - started, 2),
        "deploy": round(deployed - synthesized, 2),
        "training": round(usage["training"], 2),
        "inference": round(usage["inference"], 2),
        "overhead": round(total - (deployed - started) - usage["training"] - usage["inference"], 2),
        "total": round(total, 2),
    }
    return summary, screen


def _play_year(screen: Screen, assembly: Path) -> tuple[dict[str, Any], float, dict[str, float]]:
    from demo import data
    from demo.play import START, play, roll_back
    from demo.replay import FrozenVersion
    from demo.story import tell
    from localcloud import LocalCloud

    with LocalCloud(start=START) as cloud, ThreadPoolExecutor(1) as beside:
        os.environ.update(cloud.variables)
        reading = beside.submit(data.load_year)
        stacks = cloud.deploy(assembly, stages=("Dev",))
        reading.result()
        deployed = time.monotonic()
        screen.say(f"deployed {len(stacks)} stacks to the local cloud at {cloud.endpoint_url}")
        frozen = FrozenVersion(cloud, OUTPUT / "frozen")
        played = play(cloud, screen.progress, frozen.start)
        screen.say("the year is over: rolling back")
        rollback = roll_back(cloud, ROOT)
        summary = tell(cloud, played, frozen.scores())
        summary["rollback"] = rollback
        return summary, deployed, cloud.usage.as_dict()


def _write(summary: dict[str, Any]) -> None:
    from trimtab.report import render_year_report

    shutil.rmtree(OUTPUT / "frozen", ignore_errors=True)
    (OUTPUT / "summary.json").write_text(json.dumps(summary, indent=2))
    (OUTPUT / "report.html").write_text(render_year_report(summary))


if __name__ == "__main__":
    sys.exit(main())
