"""`python -m benchmarks.drift`: what drift costs beside decoding, and beside the peers, in one run.

Every figure is of a process of its own on one thread; rounds of different works alternate, and medians are
shown. Ratios are of processor seconds: another program on the machine stretches wall seconds only.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console

from benchmarks.drift.process import ROOT, Cost, median, run
from benchmarks.drift.report import engine_section, engine_table, peers_section, streams_section
from benchmarks.page import write_section
from benchmarks.peers.environment import ensure_peer

FOLDER = ROOT / "build/bench"
ROWS, TEN = 1_000_000, 10_000_000
ROUNDS, PEER_ROUNDS, STREAM_ROUNDS = 9, 3, 3
OWN_ROUNDS = 3  # before each run of a peer
PARTS = ("engine", "peers", "streams")
HANDLERS = ("profile_shard", "compare_window")
PEERS = ("evidently", "whylogs", "nannyml")


def ours(work: str, *words: str | Path) -> Callable[[], Cost]:
    """Return one of our works, to be run in a process of its own."""
    return lambda: run([sys.executable, "-m", "benchmarks.drift.work", work, *words])


def alternate(works: dict[str, Callable[[], Cost]], rounds: int, console: Console) -> dict[str, Cost]:
    """Run every work in turn, some rounds of it, and return their medians."""
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for number in range(rounds):
        for name, work in works.items():
            cost = work()
            costs[name].append(cost)
            console.log(f"round {number + 1}: {name}: {cost.wall:.2f} s, processor {cost.cpu:.2f} s")
    return {name: median(found) for name, found in costs.items()}


def files(rows: Iterable[tuple[str, int]]) -> list[Path]:
    """Return generated files; a process writes those that are missing."""
    return [Path(ours("generate", FOLDER, side, str(count))().told["path"]) for side, count in rows]


def measure_engine(baseline: Path, current: Path, rounds: int, console: Console) -> dict[str, Cost]:
    """Measure our own works on a million rows."""
    plain, with_moments = FOLDER / "plain.baseline", FOLDER / "moments.baseline"
    stored = ours("baseline", baseline, plain, "no")()
    ours("baseline", baseline, with_moments, "yes")()
    works = {
        "decode": ours("decode", current),
        "compare": ours("compare", current, plain),
        "moments": ours("compare", current, with_moments),
    }
    for name in HANDLERS:
        works[name] = ours("handler", name, "with")
        works[f"{name} without runtime"] = ours("handler", name, "without")
    return alternate(works, rounds, console) | {"stored": stored}


def measure_streams(million: Path, ten: Path, rounds: int, console: Console) -> dict[str, Cost]:
    """Measure streams of growing length; the longest reads the ten million rows ten times."""
    (first,) = files([("baseline", ROWS)])
    plain = FOLDER / "plain.baseline"
    ours("baseline", first, plain, "no")()
    works = {
        "1 M": ours("compare", million, plain),
        "10 M": ours("compare", ten, plain),
        "100 M": ours("compare", ten, plain, "10"),
    }
    short = {name: works[name] for name in ("1 M", "10 M")}
    return alternate(short, rounds, console) | alternate({"100 M": works["100 M"]}, 1, console)


def measure_peers(baseline: Path, current: Path, rounds: int, console: Console) -> dict[str, Cost]:
    """Measure two files in a fresh process, in turn; ours, which takes a second, more often."""
    own: list[Cost] = []
    theirs: dict[str, list[Cost]] = {peer: [] for peer in PEERS}
    for number in range(rounds):
        for peer in PEERS:
            own += [ours("both", baseline, current)() for _ in range(OWN_ROUNDS)]
            theirs[peer].append(_peer(peer, baseline, current)())
            console.log(
                f"round {number + 1}: trimtab: processor {own[-1].cpu:.2f} s, "
                f"{peer}: processor {theirs[peer][-1].cpu:.2f} s"
            )
    return {name: median(found) for name, found in ({"trimtab": own} | theirs).items()}


def _peer(name: str, baseline: Path, current: Path) -> Callable[[], Cost]:
    python = ensure_peer(ROOT, name)
    return lambda: run([python, ROOT / f"benchmarks/peers/{name}_drift.py", baseline, current])


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and unless it is the quick form write sections of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which sections to measure again: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="a million rows of our own only; writes nothing")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--peer-rounds", type=int, default=PEER_ROUNDS)
    options = parser.parse_args(arguments)
    console = Console()
    baseline, current = files([("baseline", ROWS), ("current", ROWS)])
    if options.quick:
        console.print(
            engine_table(measure_engine(baseline, current, 3, console)), markup=False, soft_wrap=True
        )
        return
    parts = options.parts or PARTS
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; name any of {', '.join(PARTS)}")
    if "engine" in parts:
        costs = measure_engine(baseline, current, options.rounds, console)
        _write(console, "Drift: a million rows", engine_section(costs, options.rounds))
    if "peers" in parts:
        for peer in PEERS:
            ensure_peer(ROOT, peer)  # installs what is missing before anything is measured
        costs = measure_peers(baseline, current, options.peer_rounds, console)
        _write(
            console,
            "Drift: two files, beside the peers",
            peers_section(costs, options.peer_rounds, OWN_ROUNDS * len(PEERS) * options.peer_rounds),
        )
    if "streams" in parts:
        (ten,) = files([("current", TEN)])
        costs = measure_streams(current, ten, STREAM_ROUNDS, console)
        _write(console, "Drift: streams", streams_section(costs, STREAM_ROUNDS))


def _write(console: Console, name: str, text: str) -> None:
    console.print(f"{name}\n\n{text}\n", markup=False, soft_wrap=True)
    write_section(name, text)


if __name__ == "__main__":
    main()
