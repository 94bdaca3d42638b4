"""From approval to champion: the deploy machine and its functions; endpoints belong to the workflow."""

from constructs import Construct

from stacks.constructs.role import role
from stacks.constructs.trigger import RuleTrigger
from stacks.permissions import Statement, allow, assumed_by
from stacks.project import ProjectStack
from stacks.sagemaker_role import job_permissions
from stacks.target import Target
from trimtab import names


class ServingStack(ProjectStack):
    """Puts an approved version into service, tries it and moves the champion pointer."""

    def __init__(self, scope: Construct, id: str, *, target: Target) -> None:
        """Create the role of endpoints, the functions, the machine and the rule that waits for approvals."""
        super().__init__(scope, id, target=target, description=f"Trimtab: serving of {target.project.name}")
        self._add_endpoint_role()
        self._add_functions()
        self._add_move_champion()
        self.add_workflow(
            "deploy",
            calls=["plan_deployment", "smoke_test", "move_champion", "record_failure"],
            may=self._manage_endpoints(),
        )
        self._wait_for_approvals()

    @property
    def _endpoint_arn(self) -> str:
        name = names.endpoint(self.target.environment.name, self.target.project.name)
        return self.target.arn("sagemaker", f"endpoint/{name}")

    @property
    def _package_arn(self) -> str:
        group = names.model_package_group(self.target.environment.name, self.target.project.name)
        return self.target.arn("sagemaker", f"model-package/{group}/*")

    def _add_endpoint_role(self) -> None:
        target, may = self.target, self.permissions
        project = target.project.name
        endpoint = names.endpoint(target.environment.name, project)
        role(
            self,
            "ServingRole",
            name=names.role(target.environment.name, project, "serving"),
            description="What a model may do that serves: fetch itself, score files, capture traffic, log",
            trust=assumed_by(
                "sagemaker.amazonaws.com", {"StringEquals": {"aws:SourceAccount": target.account}}
            ),
            statements=[
                may.read(target.model_bucket, f"runs/{project}/*/output/*"),
                may.find(target.model_bucket, f"runs/{project}/*"),
                may.read(target.data_bucket, f"scoring/{project}/*"),
                may.find(target.data_bucket, f"scoring/{project}/*"),
                may.write(target.data_bucket, f"captured/{project}/*", f"scoring/{project}/*/output/*"),
                may.use_key("s3"),
                *may.encrypt_volumes(),
                *job_permissions(target, f"Endpoints/{endpoint}", "TransformJobs"),
            ],
        )

    def _add_functions(self) -> None:
        target, may = self.target, self.permissions
        environment, project = target.environment, target.project.name
        runs = f"runs/{project}/*"
        self.add_function(
            "plan_deployment",
            "Decides what to put into service, after its files were checked against the registry",
            memory_mb=1024,
            timeout_seconds=120,
            may=[
                may.read(target.model_bucket, runs),
                allow("sagemaker:DescribeModelPackage", on=[self._package_arn]),
                allow("sagemaker:DescribeEndpoint", on=[self._endpoint_arn]),
                may.read_items(*(f"{kind}#{project}" for kind in ("CHAMPION", "MODEL", "PROMOTION"))),
                may.write_items(f"RUN#{project}"),
                may.use_key("s3", "dynamodb"),
            ],
            variables={
                "ENDPOINT": "on" if environment.endpoint else "off",
                "ENDPOINT_INSTANCE_TYPE": environment.endpoint_instance_type,
                "ENDPOINT_INSTANCE_COUNT": str(environment.endpoint_instance_count),
            },
        )
        self.add_function(
            "smoke_test",
            "Asks the endpoint for a few predictions and checks the answers",
            memory_mb=512,
            timeout_seconds=120,
            may=[
                may.read(target.data_bucket, "objects/*", f"training-sets/{project}/*"),
                allow("sagemaker:InvokeEndpoint", on=[self._endpoint_arn]),
                may.use_key("s3"),
            ],
        )

    def _add_move_champion(self) -> None:
        may, project = self.permissions, self.target.project.name
        kinds = ("CHAMPION", "PROMOTION", "MODEL", "RUN")
        self.add_function(
            "move_champion",
            "Moves the champion pointer and its baseline together, and writes down who, what and why",
            memory_mb=256,
            timeout_seconds=60,
            may=[
                may.read_items(f"CHAMPION#{project}"),
                may.write_items(*(f"{kind}#{project}" for kind in kinds), "EDGE#*"),
                allow("sagemaker:UpdateModelPackage", on=[self._package_arn]),
                may.use_key("dynamodb"),
            ],
        )

    def _manage_endpoints(self) -> list[Statement]:
        target, may = self.target, self.permissions
        own = names.endpoint(target.environment.name, target.project.name)
        models = target.arn("sagemaker", f"model/{own}-v*")
        configs = target.arn("sagemaker", f"endpoint-config/{own}-v*")
        return [
            allow("sagemaker:CreateModel", "sagemaker:DescribeModel", on=[models]),
            allow("sagemaker:CreateEndpointConfig", "sagemaker:DescribeEndpointConfig", on=[configs]),
            allow("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", on=[self._endpoint_arn, configs]),
            allow("sagemaker:DescribeEndpoint", on=[self._endpoint_arn]),
            allow("sagemaker:AddTags", on=[models, configs, self._endpoint_arn]),
            may.pass_role(target.role_arn("serving")),
            *may.encrypt_volumes(),
            may.put_events(),
        ]

    def _wait_for_approvals(self) -> None:
        target = self.target
        group = names.model_package_group(target.environment.name, target.project.name)
        RuleTrigger(
            self,
            "Approvals",
            target=target,
            purpose="approvals",
            machine="deploy",
            pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]},
            },
            subject={
                "action": "promote",
                "package_arn": "$.detail.ModelPackageArn",
                "actor": "registry",
                "reason": "approved in the model registry",
                "at": "$.time",
            },
        )
