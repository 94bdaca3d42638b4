"""The real cdk command line bootstraps, deploys, updates and destroys against the served local cloud."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conformance.small_assembly import write_assembly

CDK = Path(sys.executable).with_name("cdk")
Cdk = Callable[..., str]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def variables(root: Path) -> Iterator[dict[str, str]]:
    """Serve a local cloud in a process of its own and return the environment for its clients."""
    port = free_port()
    command = [sys.executable, "-m", "localcloud", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        banner = process.stdout.readline()
        assert f"http://localhost:{port}" in banner
        yield {
            "AWS_ENDPOINT_URL": f"http://localhost:{port}",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        process.terminate()
        assert process.wait(20) == 0


@pytest.fixture(scope="module")
def cdk(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Cdk:
    """Return a function that runs cdk away from the project's own cdk.json."""
    folder = tmp_path_factory.mktemp("cdk")

    def run(*arguments: str) -> str:
        path = f"{CDK.parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, **variables, "PATH": path, "HOME": str(folder), "CI": "true"}
        command = [str(CDK), *arguments, "--no-color"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def client(variables: dict[str, str]) -> Callable[[str], Any]:
    session = boto3.session.Session("local", "local", region_name="us-east-1")
    make: Callable[..., Any] = session.client
    return lambda service: make(service, endpoint_url=variables["AWS_ENDPOINT_URL"])


def test_bootstrap_deploy_update_and_destroy(cdk: Cdk, client: Callable[[str], Any], tmp_path: Path) -> None:
    assert "bootstrapped" in cdk("bootstrap", "aws://123456789012/us-east-1")
    for method in (
        ["--method=direct"],
        [],
    ):  # directly, and by change sets as the command line does by itself
        for word, timeout in (("first", 5), ("second", 7)):
            folder = write_assembly(tmp_path / word, answer=word, timeout=timeout)
            said = cdk("deploy", "--app", str(folder), "Dev/*", "--require-approval", "never", *method)
            assert "Small-Calls" in said
            function = client("lambda")
            assert json.loads(function.invoke(FunctionName="small")["Payload"].read()) == word
            assert function.get_function_configuration(FunctionName="small")["Timeout"] == timeout
        assert "no changes" in cdk(
            "deploy", "--app", str(folder), "Dev/*", "--require-approval", "never", *method
        )
        cdk("destroy", "--app", str(folder), "Dev/*", "--force")
        names = [one["FunctionName"] for one in client("lambda").list_functions()["Functions"]]
        assert "small" not in names
