"""A window too large for one function goes through Distributed Maps and gives the verdict of one call."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from demo import data
from localcloud import LocalCloud
from tests.workflows.test_monitor_machine import PROJECT, START, Stack
from trimtab import names
from trimtab.aws import clients
from trimtab.profile import Profile

MARCH = "2013-03"


@pytest.fixture(scope="module")
def stack(assembly: Path, root: Path) -> Iterator[Stack]:
    """Deploy the flights with a champion."""
    with LocalCloud(start=START) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.variables.items():
            patch.setenv(name, value)
        clients._client.cache_clear()
        cloud.deploy(assembly, stages=("Dev",))
        stack = Stack(cloud, root)
        stack.crown(1)
        yield stack
        clients._client.cache_clear()


def configure(stack: Stack, root: Path, line: str) -> None:
    """Deploy the planning function's code again, with one more line under [monitor]."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        for folder in ("trimtab", "lambdas", "pipelines"):
            for path in sorted((root / folder).rglob("*.py")):
                archive.write(path, path.relative_to(root).as_posix())
        settings = f"pipelines/{PROJECT}/project.toml"
        text = (root / settings).read_text(encoding="utf-8")
        archive.writestr(settings, text.replace("[monitor]\n", f"[monitor]\n{line}\n"))
    name = names.function("dev", PROJECT, "plan_window")
    stack.cloud.client("lambda").update_function_code(FunctionName=name, ZipFile=code.getvalue())


def capture_in_pieces(stack: Stack) -> int:
    """Capture 40 flights of each day of March, and some of them again elsewhere; return the rows sent."""
    sent = 0
    for day, request in data.daily_requests(3):
        header, *lines = request.decode().splitlines()
        some = "\n".join([header, *lines[:40], ""]).encode()
        stack.capture(day, some)
        sent += len(lines[:40])
        if day.day % 8 == 0:
            # Objects that no request of the month is filed under: before it, and on the day after its end.
            stack.capture(date(2013, 4, 1) if day.day == 24 else date(2013, 2, 27), some)
    return sent


def test_the_maps_profile_what_one_call_profiles(stack: Stack, root: Path) -> None:
    sent = capture_in_pieces(stack)
    stack.cloud.advance_to(datetime(2013, 4, 1, 7, tzinfo=UTC))
    assert "ProfileWindow" in stack.states_of("2013-04-01")
    once = stack.window(MARCH)
    stack.table.delete(f"WINDOW#{PROJECT}", MARCH)
    configure(stack, root, "objects_per_shard = 3")
    stack.cloud.advance_to(datetime(2013, 4, 2, 7, tzinfo=UTC))
    run = stack.run_of("2013-04-02")
    assert run["status"] == "SUCCEEDED", run.get("cause")
    entered = stack.states_of("2013-04-02")
    assert entered.count("ProfileLevel") == 3  # profile, find repeated rows, drop them
    assert "ProfileWindow" not in entered
    apart = stack.window(MARCH)
    assert apart["rows"] == once["rows"] == sent
    assert apart["profile_key"] == once["profile_key"]
    one, other = (stack.data.get_json(item["report_key"]) for item in (once, apart))
    assert other["captured"].pop("shards") > one["captured"].pop("shards") == 1
    assert other == one
    assert one["captured"]["duplicate"] > 0
    assert Profile.from_bytes(stack.data.get(apart["profile_key"])).rows == sent


def test_a_shard_that_fails_leaves_the_window_unjudged_and_is_told(stack: Stack) -> None:
    stack.table.delete(f"WINDOW#{PROJECT}", MARCH)
    key = next(entry.key for entry in stack.data.list("captured/") if "/2013/03/05/" in entry.key)
    kept = stack.data.get(key)
    header, rest = kept.split(b"scheduled_departure", 1)
    stack.data.put(key, header + b"departs_at" + rest)
    stack.cloud.advance_to(datetime(2013, 4, 3, 7, tzinfo=UTC))
    run = stack.run_of("2013-04-03")
    assert (run["status"], run["error"]) == ("FAILED", "WindowNotJudged"), run.get("cause")
    record = list(stack.table.query(f"RUN#{PROJECT}", "monitor#"))[-1]
    assert "among the children of this execution's map run" in record["reason"]
    stack.data.put(key, kept)
