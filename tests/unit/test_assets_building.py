"""Assets are built once, completely or not at all, and found again in no time."""

import threading
import time
from pathlib import Path

import pytest

from assets import layer, synth
from assets.trim import trim
from assets.uv import BuildFailed, build_once, find_uv, run


def test_asset_is_built_once_when_several_ask_at_the_same_time(tmp_path: Path) -> None:
    builds: list[Path] = []

    def build(folder: Path) -> None:
        builds.append(folder)
        time.sleep(0.05)
        folder.mkdir()
        (folder / "whole").write_text("yes")

    threads = [threading.Thread(target=build_once, args=(tmp_path / "asset", build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert (tmp_path / "asset/whole").read_text() == "yes"


def test_asset_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        folder.mkdir()
        (folder / "half").write_text("")
        raise BuildFailed("the network is down")

    with pytest.raises(BuildFailed, match="network"):
        build_once(tmp_path / "asset", build)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_failed_command_says_what_failed_and_why() -> None:
    with pytest.raises(BuildFailed, match=r"listing failed \(exit code \d\).*nowhere"):
        run(["ls", "/nowhere"], "listing")


def test_uv_is_found_in_the_checkout_first(tmp_path: Path) -> None:
    own = tmp_path / "build/uv-bootstrap/bin/uv"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_uv(tmp_path) == own


def test_missing_uv_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(BuildFailed, match="run: make install"):
        find_uv(tmp_path)
    with pytest.raises(BuildFailed, match="UV names /nowhere/uv"):
        find_uv(tmp_path, "/nowhere/uv")


def test_trim_keeps_what_runs(tmp_path: Path) -> None:
    kept = ("pyarrow/lib.so", "pyarrow/libarrow_substrait.so.2500", "pyarrow/libarrow_python.so.2500",
            "numpy-2.5.1.dist-info/licenses/include/LICENSE", "pandas/core/frame.py")  # fmt: skip
    gone = ("boto3/session.py", "boto3-1.0.dist-info/METADATA", "pandas/tests/t.py", "pyarrow/lib.pyx",
            "pyarrow/include/arrow.h", "pyarrow/_flight.so", "pyarrow/libarrow_python.so", "bin/f2py",
            "pyarrow/libarrow_python.so.2500.0.0", "numpy/__init__.pyi")  # fmt: skip
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    trim(tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == set(kept)


def test_layer_is_named_by_lock_and_trim_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / layer.LAYER_LOCK
    lock.parent.mkdir()
    lock.write_text("numpy==1\n")
    first = layer.layer_digest(tmp_path)
    lock.write_text("numpy==2\n")
    second = layer.layer_digest(tmp_path)
    monkeypatch.setattr(layer, "listing", lambda: "another list")
    assert len({first, second, layer.layer_digest(tmp_path)}) == 3


def test_this_machine_is_named_in_words_that_uv_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {}
    for system, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")):
        monkeypatch.setattr("sys.platform", system)
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        named[system, machine] = layer.laptop_target()
    assert list(named.values()) == ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin"]
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(BuildFailed, match="use Linux or macOS"):
        layer.laptop_target()


def checkout(folder: Path) -> Path:
    """Write every kind of file that synth depends on."""
    for name in synth.INPUT_FILES:
        (folder / name).write_text(name)
    for name in synth.INPUT_FOLDERS:
        (folder / name).mkdir()
        (folder / name / "file.py").write_text(name)
    return folder


def test_synth_depends_on_every_input_and_not_on_bytecode(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    seen = [synth.inputs_digest(root)]
    (root / "stacks/__pycache__").mkdir()
    (root / "stacks/__pycache__/file.cpython-312.pyc").write_text("x")
    assert synth.inputs_digest(root) == seen[0]
    inputs = [*synth.INPUT_FILES, *(f"{name}/file.py" for name in synth.INPUT_FOLDERS)]
    for name in inputs:
        (root / name).write_text("changed")
        seen.append(synth.inputs_digest(root))
    (root / "stacks/file.py").rename(root / "stacks/other.py")
    seen.append(synth.inputs_digest(root))
    assert len(set(seen)) == len(seen)


def test_assembly_is_made_again_only_when_an_input_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, made = checkout(tmp_path), []

    def synthesize(_: Path, output: Path) -> None:
        made.append(output)
        output.mkdir(exist_ok=True)

    monkeypatch.setattr(synth, "_synthesize", synthesize)
    monkeypatch.setattr(synth, "ensure_layer_zip", lambda _: None)
    assert [synth.ensure_assembly(root)[1] for _ in range(2)] == [False, True]
    (root / "app.py").write_text("changed")
    assert [synth.ensure_assembly(root)[1] for _ in range(2)] == [False, True]
    assert len(made) == 2


def test_failed_synth_is_not_taken_for_an_assembly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = checkout(tmp_path)
    (root / "app.py").write_text("import sys\nsys.exit('error: no such project')\n")
    monkeypatch.setattr(synth, "ensure_layer_zip", lambda _: None)
    for _ in range(2):
        with pytest.raises(BuildFailed, match=r"synthesis failed.*no such project"):
            synth.ensure_assembly(root)
    assert not (root / synth.OUTPUT).exists()


def test_check_of_this_checkout_is_quick(root: Path) -> None:
    started = time.perf_counter()
    synth.inputs_digest(root)
    assert time.perf_counter() - started < 0.5
