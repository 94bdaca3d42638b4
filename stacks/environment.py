"""The CDK app: one stage per environment, in it the platform and four stacks per project."""

import json
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from assets.code import build_code
from assets.layer import layer_digest, layer_zip
from assets.sourcedir import build_sourcedir
from assets.uv import BuildFailed
from stacks.data import DataStack
from stacks.monitoring import MonitoringStack
from stacks.platform import PlatformStack
from stacks.serving import ServingStack
from stacks.target import Place, Target
from stacks.training import TrainingStack
from trimtab.project import Environment, Project, load_environment, load_project, project_names


class EnvironmentStage(cdk.Stage):
    """Everything of one environment; deployed as one, in the order of lifetimes."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment, targets: list[Target]) -> None:
        """Create the platform and the stacks of every project."""
        super().__init__(scope, id)
        platform = PlatformStack(self, "Platform", place=Place(environment=environment))
        for target in targets:
            name = "".join(word.capitalize() for word in target.project.name.split("-"))
            data = DataStack(self, f"{name}Data", target=target)
            data.add_stack_dependency(platform)
            for kind in (TrainingStack, ServingStack, MonitoringStack):
                stack = kind(self, f"{name}{kind.__name__.removesuffix('Stack')}", target=target)
                stack.add_stack_dependency(data)


def build_app(root: Path, outdir: Path | None = None) -> cdk.App:
    """Build the app of a checkout from its files alone; raise BuildFailed or BadInput with the remedy."""
    settings = json.loads((root / "cdk.json").read_text(encoding="utf-8"))
    app = cdk.App(
        analytics_reporting=False,
        # The CDK's command line would set these itself; set here, templates do not depend on who synthesizes.
        context=settings["context"],
        outdir=str(outdir) if outdir else None,
    )
    projects = [load_project(root / "pipelines" / name) for name in project_names(root)]
    for path in sorted((root / "environments").glob("*.toml")):
        environment = load_environment(root, path.stem)
        targets = [_target(root, environment, project) for project in projects]
        EnvironmentStage(app, environment.name.capitalize(), environment=environment, targets=targets)
    return app


def _target(root: Path, environment: Environment, project: Project) -> Target:
    layer = layer_zip(root)
    if not layer.is_file():
        raise BuildFailed("the Lambda layer is not built yet; run: python -m assets")
    sourcedir, sha256 = build_sourcedir(root, project.name)
    return Target(
        environment=environment,
        project=project,
        code_folder=build_code(root, project.name),
        sourcedir=sourcedir,
        sourcedir_sha256=sha256,
        layer_zip=layer,
        layer_digest=layer_digest(root),
        workflows=root / "pipelines/workflows",
    )
