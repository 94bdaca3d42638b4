"""From dataset versions to a registered model: the train machine, its functions, the registry's group."""

from aws_cdk import CfnTag
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from stacks.constructs.role import role
from stacks.constructs.trigger import SCHEDULED_TIME, RuleTrigger, ScheduleTrigger
from stacks.images import image_uri
from stacks.permissions import Statement, allow, assumed_by
from stacks.project import ProjectStack
from stacks.sagemaker_role import job_permissions
from stacks.target import Target
from trimtab import names

COMPLETION_RULE = "StepFunctionsGetEventsForSageMakerTrainingJobsRule"


class TrainingStack(ProjectStack):
    """Trains a challenger, judges it and registers it; models themselves belong to the workflow."""

    def __init__(self, scope: Construct, id: str, *, target: Target) -> None:
        """Create the group, the role of jobs, the functions, the machine and what starts it."""
        super().__init__(scope, id, target=target, description=f"Trimtab: training of {target.project.name}")
        self._add_group()
        self._add_job_role()
        self._add_planning()
        self._add_judgement()
        self.add_workflow(
            "train",
            calls=["plan_training", "judge_challenger", "register_model", "record_failure"],
            may=self._run_jobs(),
        )
        self._wait_for_reasons()

    @property
    def _group(self) -> str:
        return names.model_package_group(self.target.environment.name, self.target.project.name)

    @property
    def _group_arn(self) -> str:
        return self.target.arn("sagemaker", f"model-package-group/{self._group}")

    @property
    def _package_arns(self) -> str:
        return self.target.arn("sagemaker", f"model-package/{self._group}/*")

    def _add_group(self) -> None:
        target = self.target
        sagemaker.CfnModelPackageGroup(
            self,
            "ModelPackageGroup",
            model_package_group_name=self._group,
            model_package_group_description=f"Versions of {target.project.name} in {target.environment.name}",
            tags=[CfnTag(key="project", value=target.project.name)],
        )

    def _add_job_role(self) -> None:
        target, may = self.target, self.permissions
        project = target.project.name
        role(
            self,
            "TrainingRole",
            name=names.role(target.environment.name, project, "training"),
            description="What a training job may do; it runs without a network",
            trust=assumed_by(
                "sagemaker.amazonaws.com", {"StringEquals": {"aws:SourceAccount": target.account}}
            ),
            statements=[
                may.read(target.data_bucket, "objects/*"),
                may.find(target.data_bucket, "objects/*"),
                may.read(target.model_bucket, "code/*", f"runs/{project}/*"),
                may.find(target.model_bucket, "code/*", f"runs/{project}/*"),
                may.write(target.model_bucket, f"runs/{project}/*/output/*"),
                may.use_key("s3"),
                *may.encrypt_volumes(),
                *job_permissions(target, "TrainingJobs"),
            ],
        )

    def _add_planning(self) -> None:
        target, may = self.target, self.permissions
        project = target.project.name
        code = Asset(self, "TrainingCode", path=str(target.sourcedir))
        grid, datasets = f"grids/{project}.json", f"datasets/{project}/*"
        executions = target.arn("states", f"execution:{target.machine_name('train')}:*")
        known = [f"{kind}#{project}" for kind in ("DATASET", "CHAMPION", "MODEL", "CACHE")]
        own = [f"{kind}#{project}" for kind in ("LOCK", "PENDING", "RUN")]
        self.add_function(
            "plan_training",
            "Decides whether to train now, on what, and writes the job's order",
            memory_mb=512,
            timeout_seconds=120,
            may=[
                may.read(target.data_bucket, grid, datasets),
                may.find(target.data_bucket, grid),
                may.write(target.data_bucket, f"training-sets/{project}/*"),
                allow("s3:GetObject", on=[target.bucket_arn(code.s3_bucket_name, code.s3_object_key)]),
                may.write(target.model_bucket, "code/*", *_orders(project)),
                may.read(target.model_bucket, f"runs/{project}/*/output/*"),
                may.find(target.model_bucket, f"runs/{project}/*"),
                may.read_items(*known, *own),
                may.write_items(*own),
                may.delete_items(f"LOCK#{project}", f"PENDING#{project}"),
                allow("states:DescribeExecution", on=[executions]),
                may.use_key("s3", "dynamodb"),
            ],
            variables={
                "CODE_BUCKET": code.s3_bucket_name,
                "CODE_KEY": code.s3_object_key,
                "CODE_SHA256": target.sourcedir_sha256,
                "IMAGE_URI": image_uri(target.environment.region),
                "KEY_ARN": may.key_arn,
            },
        )

    def _add_judgement(self) -> None:
        target, may = self.target, self.permissions
        project, runs = target.project.name, f"runs/{target.project.name}/*"
        self.add_function(
            "judge_challenger",
            "Says whether the challenger is better than the champion, or that it cannot tell",
            memory_mb=512,
            timeout_seconds=120,
            may=[
                may.read(target.model_bucket, runs),
                may.find(target.model_bucket, runs),
                may.read_items(f"CACHE#{project}"),
                may.write_items(f"CACHE#{project}"),
                may.use_key("s3", "dynamodb"),
            ],
        )
        kinds = ("CHAMPION", "MODEL")
        self.add_function(
            "register_model",
            "Registers the model version with everything that made it",
            memory_mb=512,
            timeout_seconds=120,
            may=[
                may.read(target.data_bucket, f"training-sets/{project}/*"),
                may.read(target.model_bucket, runs),
                may.write(target.model_bucket, f"baselines/{project}/*", f"records/{project}/*"),
                allow("sagemaker:CreateModelPackage", on=[self._group_arn, self._package_arns]),
                allow(
                    "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage", on=[self._package_arns]
                ),
                may.read_items(*(f"{kind}#{project}" for kind in kinds)),
                may.write_items(f"MODEL#{project}", f"RUN#{project}", "EDGE#*"),
                may.delete_items(f"LOCK#{project}"),
                may.use_key("s3", "dynamodb"),
            ],
            variables={"IMAGE_URI": image_uri(target.environment.region)},
        )

    def _run_jobs(self) -> list[Statement]:
        target, may = self.target, self.permissions
        # Twelve hexadecimal digits follow, so that `flights` never reaches a job of `flights-eu`.
        jobs = target.arn("sagemaker", f"training-job/{target.project.name}-{'?' * 12}-*")
        return [
            allow(
                "sagemaker:AddTags",
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
                on=[jobs],
            ),
            may.pass_role(target.role_arn("training")),
            *may.encrypt_volumes(),
            allow(
                "events:DescribeRule",
                "events:PutRule",
                "events:PutTargets",
                on=[target.arn("events", f"rule/{COMPLETION_RULE}")],
            ),
        ]

    def _wait_for_reasons(self) -> None:
        on = set(self.target.project.train.on)
        if on & {"data", "first_data"}:
            self._on_event("dataset-committed", "DatasetVersionCommitted", "data", "$.detail.dataset_id")
        for signal in ("drift", "decay"):
            if signal in on:
                self._on_alarm(signal)
        if "schedule" in on:
            ScheduleTrigger(
                self,
                "Calendar",
                target=self.target,
                permissions=self.permissions,
                purpose="train",
                machine="train",
                expression=self.target.project.train.schedule,
                subject={"reason": "schedule", "cause": SCHEDULED_TIME, "at": SCHEDULED_TIME},
            )
        self._on_event("retrain-requested", "RetrainRequested", "pending", "$.detail.cause")

    def _on_event(self, purpose: str, detail_type: str, reason: str, cause: str) -> None:
        target = self.target
        RuleTrigger(
            self,
            detail_type,
            target=target,
            purpose=purpose,
            machine="train",
            pattern={
                "source": ["trimtab"],
                "detail-type": [detail_type],
                "detail": {"project": [target.project.name], "environment": [target.environment.name]},
            },
            subject={"reason": reason, "cause": cause, "at": "$.time"},
        )

    def _on_alarm(self, signal: str) -> None:
        RuleTrigger(
            self,
            f"{signal.capitalize()}Alarm",
            target=self.target,
            purpose=f"{signal}-alarm",
            machine="train",
            pattern={
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "detail": {"alarmName": [self.target.alarm_name(signal)], "state": {"value": ["ALARM"]}},
            },
            subject={"reason": signal, "cause": "$.detail.alarmName", "at": "$.time"},
        )


def _orders(project: str) -> list[str]:
    """Name what a plan writes for a job; its output is the job's own to write."""
    return [f"runs/{project}/*/config/*", f"runs/{project}/*/data.manifest"]
