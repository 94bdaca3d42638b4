import os
import subprocess
import sys
from pathlib import Path

from trimtab.cli.init import create_project

ROOT = Path(__file__).resolve().parents[2]


def test_a_new_projects_own_tests_pass_at_once(tmp_path):
    (tmp_path / "pipelines").mkdir()
    folder = tmp_path / create_project(tmp_path, "second-model")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_the_sample_is_a_file_that_can_be_uploaded(tmp_path):
    (tmp_path / "pipelines").mkdir()
    folder = tmp_path / create_project(tmp_path, "second-model")
    script = folder / "tests" / "sample.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    header, first, *rest = done.stdout.splitlines()
    assert header == "prediction_id,offered_at,amount,age_days,channel,accepted"
    assert first.startswith("offer-0,2026-01-01T00:")
    assert len(rest) == 70 * 40 - 1
