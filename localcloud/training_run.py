"""Run one training job for real: AWS's training toolkit, in a scratch folder, in the container's environment.

The job sees what a SageMaker container with network isolation sees: its channels, its hyperparameters, its
variables. It gets no credentials and no endpoint, so that a call out fails here as it would there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KILL_AFTER_SECONDS = 2.0  # SageMaker gives 120; nothing here needs to save a checkpoint
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
HOST = "localhost"  # the toolkit waits until the host's name resolves; algo-1 never would

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Tell how the toolkit ended."""

    exit_code: int
    is_stopped: bool
    is_over_time: bool
    failure: str


class TrainingProcess:
    """Hold one run of the toolkit: prepare its folder, run it, stop it."""

    def __init__(self, root: Path, python: Path) -> None:
        """Lay out an empty /opt/ml under `root`; `python` is the container environment's interpreter."""
        self.root = root
        self._python = python
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._is_stopped = self._is_over_time = False
        for folder in ("input/config", "input/data", "model", "output/data", "code", "tmp", "home"):
            (root / folder).mkdir(parents=True)

    def channel(self, name: str) -> Path:
        """Return the folder of an input channel."""
        return self.root / "input/data" / name

    def configure(self, request: Mapping[str, Any]) -> None:
        """Write input/config from a CreateTrainingJob request."""
        hyperparameters = dict(request.get("HyperParameters") or {})
        submitted = hyperparameters.get("sagemaker_submit_directory")
        if submitted is not None:
            # Jobs name their code by its place in the container. Here the toolkit's base folder is a scratch
            # folder, so this one value must name that instead; scripts get every other path from SM_*.
            hyperparameters["sagemaker_submit_directory"] = submitted.replace("/opt/ml/", f"{self.root}/", 1)
        channels = {
            channel["ChannelName"]: {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
            }
            for channel in request.get("InputDataConfig") or ()
        }
        instance = request["ResourceConfig"].get("InstanceType", "ml.m5.large")
        group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": [HOST]}
        resources = {
            "current_host": HOST,
            "hosts": [HOST],
            "network_interface_name": "lo",
            "current_instance_type": instance,
            "current_group_name": group["instance_group_name"],
            "instance_groups": [group],
        }
        documents = {
            "hyperparameters": hyperparameters,
            "inputdataconfig": channels,
            "resourceconfig": resources,
        }
        for name, document in documents.items():
            (self.root / "input/config" / f"{name}.json").write_text(json.dumps(document))

    def environment(self, request: Mapping[str, Any], arn: str) -> dict[str, str]:
        """Return the variables of the job: its own, SageMaker's, and nothing of this process."""
        return {
            **(request.get("Environment") or {}),
            "PATH": f"{self._python.parent}:{SYSTEM_PATH}",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "SAGEMAKER_BASE_DIR": str(self.root),
            "TRAINING_JOB_NAME": request["TrainingJobName"],
            "TRAINING_JOB_ARN": arn,
            "AWS_EC2_METADATA_DISABLED": "true",  # else a call out would look for credentials for seconds
        }

    def run(self, environment: Mapping[str, str], max_seconds: float, on_line: OnLine) -> Outcome:
        """Run the toolkit's `train` command to its end, handing over each line it writes."""
        with self._lock:
            if not self._is_stopped:
                self._process = subprocess.Popen(
                    [str(self._python), str(self._python.parent / "train")],
                    cwd=self.root,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
        if self._process is None:
            return Outcome(0, is_stopped=True, is_over_time=False, failure="")
        limit = threading.Timer(max_seconds, self._end_over_time)
        limit.daemon = True
        limit.start()
        try:
            assert self._process.stdout is not None  # noqa: S101 - asked for above
            for line in self._process.stdout:
                on_line(line.rstrip("\n"))
            code = self._process.wait()
        finally:
            limit.cancel()
        failure = self.root / "output/failure"
        text = failure.read_text(errors="replace") if failure.is_file() else ""
        return Outcome(code, self._is_stopped, self._is_over_time, text)

    def stop(self) -> None:
        """End the job's processes: politely, then not."""
        with self._lock:
            self._is_stopped = True
            process = self._process
        if process is not None and process.poll() is None:
            self._signal(process, signal.SIGTERM)
            killer = threading.Timer(KILL_AFTER_SECONDS, self._signal, (process, signal.SIGKILL))
            killer.daemon = True
            killer.start()

    def _end_over_time(self) -> None:
        self._is_over_time = True
        self.stop()

    @staticmethod
    def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.killpg(process.pid, number)
