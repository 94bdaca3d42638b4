"""What the four stacks of a project have in common."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from stacks.constructs.function import ProjectFunction, Runs
from stacks.constructs.workflow import Workflow
from stacks.permissions import Permissions, Statement, allow
from stacks.target import Target


class ProjectStack(cdk.Stack):
    """A stack of one project: deployed, rolled back and deleted by itself."""

    def __init__(self, scope: Construct, id: str, *, target: Target, description: str) -> None:
        """Start a stack that knows its target, its key and what its functions run."""
        super().__init__(
            scope,
            id,
            description=description,
            tags={"trimtab:environment": target.environment.name, "trimtab:project": target.project.name},
            **target.stack_settings(),
        )
        self.target = target
        # A parameter by name rather than an export, so that the platform is never locked by its users.
        key = cdk.CfnParameter(
            self,
            "KeyArn",
            type="AWS::SSM::Parameter::Value<String>",
            default=target.key_parameter,
            description="The environment's encryption key",
        )
        self.permissions = Permissions(target, key.value_as_string)
        self._runs: Runs | None = None

    def add_function(
        self,
        folder: str,
        purpose: str,
        *,
        memory_mb: int,
        timeout_seconds: int,
        storage_mb: int | None = None,
        may: list[Statement],
        variables: dict[str, str] | None = None,
        is_started_by_events: bool = False,
    ) -> ProjectFunction:
        """Add the function of a folder under `lambdas/`, with a role that may do what is said and log."""
        if self._runs is None:
            self._runs = self._add_code()
        return ProjectFunction(
            self,
            "".join(word.capitalize() for word in folder.split("_")),
            target=self.target,
            permissions=self.permissions,
            runs=self._runs,
            folder=folder,
            purpose=purpose,
            memory_mb=memory_mb,
            timeout_seconds=timeout_seconds,
            storage_mb=storage_mb,
            may=may,
            variables=variables,
            is_started_by_events=is_started_by_events,
        )

    def add_workflow(self, machine: str, *, calls: list[str], may: list[Statement]) -> Workflow:
        """Add a state machine that invokes the functions of the folders `calls`."""
        return Workflow(
            self,
            machine.capitalize(),
            target=self.target,
            permissions=self.permissions,
            machine=machine,
            calls=calls,
            may=may,
        )

    def spread_out(self, machine: str, lists: str) -> list[Statement]:
        """Let a machine run the children of a Distributed Map, which are executions of itself.

        `lists` are the keys of the data bucket under which the items of its maps lie.
        """
        target, may = self.target, self.permissions
        name = target.machine_name(machine)
        children = [target.arn("states", f"execution:{name}:*"), target.arn("states", f"execution:{name}/*")]
        return [
            allow("states:StartExecution", on=[target.machine_arn(machine)]),
            allow("states:DescribeExecution", "states:StopExecution", on=children),
            may.read(target.data_bucket, lists),
            may.use_key("s3"),
        ]

    def _add_code(self) -> Runs:
        # A layer version per stack: a shared one would vanish under functions that roll back to it.
        asset = Asset(
            self,
            "LayerFile",
            path=str(self.target.layer_zip),
            asset_hash=self.target.layer_digest,
            asset_hash_type=cdk.AssetHashType.CUSTOM,
        )
        layer = lambda_.CfnLayerVersion(
            self,
            "Layer",
            description=f"numpy, pandas, pyarrow, pandera, pydantic; lock {self.target.layer_digest[:16]}",
            compatible_architectures=["arm64"],
            compatible_runtimes=["python3.12"],
            content=lambda_.CfnLayerVersion.ContentProperty(
                s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key
            ),
        )
        code = Asset(
            self,
            "Code",
            path=str(self.target.code_folder),
            # The folder is named by its content; running from it leaves bytecode, which is no part of it.
            asset_hash=self.target.code_folder.name,
            asset_hash_type=cdk.AssetHashType.CUSTOM,
            exclude=["**/__pycache__"],
        )
        return Runs(code=code, layer=layer)
