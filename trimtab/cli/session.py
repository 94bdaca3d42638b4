"""Where a command works: the checkout, the environment, and AWS or the local server."""

import getpass
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from trimtab import names
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table
from trimtab.errors import BadInput
from trimtab.project import Environment, Project, load_environment, load_project

LOCAL_HOSTS = ("http://localhost", "http://127.0.0.1")


@dataclass(frozen=True)
class Session:
    """One command's view of one environment."""

    root: Path
    environment: Environment

    @classmethod
    def open(cls, environment: str, endpoint_url: str | None) -> "Session":
        """Find the checkout and point the AWS clients at AWS or at the local server."""
        root = find_root(Path.cwd())
        settings = load_environment(root, environment)
        point_at(endpoint_url)
        os.environ.setdefault("AWS_DEFAULT_REGION", settings.region)
        return cls(root, settings)

    def project(self, name: str) -> Project:
        """Load a project of this checkout; raise BadInput if there is none of that name."""
        return load_project(self.root / "pipelines" / name)

    @property
    def projects(self) -> list[str]:
        """List the projects of this checkout."""
        return sorted(path.parent.name for path in self.root.glob("pipelines/*/project.toml"))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return account and ARN of the caller."""
        with translated("ask who is calling"):
            return dict(client("sts").get_caller_identity())

    @property
    def actor(self) -> str:
        """Name the person at the keyboard and the identity that AWS sees."""
        return f"{getpass.getuser()} ({self.identity['Arn']})"

    @property
    def account(self) -> str:
        """Return the account, configured or the caller's."""
        return self.environment.account or str(self.identity["Account"])

    @property
    def data(self) -> Bucket:
        """Return the data bucket."""
        return Bucket(names.data_bucket(self.environment.name, self.account, self.environment.region))

    @property
    def models(self) -> Bucket:
        """Return the model bucket."""
        return Bucket(names.model_bucket(self.environment.name, self.account, self.environment.region))

    @property
    def table(self) -> Table:
        """Return the table."""
        return Table(names.table(self.environment.name))

    def machine_arn(self, project: str, machine: str) -> str:
        """Return the ARN of a project's state machine."""
        name = names.machine(self.environment.name, project, machine)
        return f"arn:aws:states:{self.environment.region}:{self.account}:stateMachine:{name}"


def point_at(endpoint_url: str | None) -> None:
    """Point the AWS clients at the local server, if its address is given; at AWS otherwise."""
    if endpoint_url:
        os.environ["AWS_ENDPOINT_URL"] = endpoint_url
    if os.environ.get("AWS_ENDPOINT_URL", "").startswith(LOCAL_HOSTS):
        # The local server accepts any credentials, yet boto3 wants to find some.
        os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
        os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")


def find_root(start: Path) -> Path:
    """Find the checkout that `start` lies in; raise BadInput outside of one."""
    for folder in (start, *start.parents):
        if (folder / "cdk.json").is_file() and (folder / "pipelines").is_dir():
            return folder
    raise BadInput(f"{start} is not inside a Trimtab checkout; change to the folder that holds cdk.json")
