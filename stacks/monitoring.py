"""From captured traffic to verdicts: the monitor machine, its functions, the alarms and the dashboard."""

from constructs import Construct

from stacks.constructs.alarm import alarm
from stacks.constructs.dashboard import dashboard
from stacks.constructs.trigger import SCHEDULED_TIME, ScheduleTrigger
from stacks.permissions import Statement, allow
from stacks.project import ProjectStack
from stacks.signals import signals
from stacks.target import Target


class MonitoringStack(ProjectStack):
    """Compares production with the champion's baseline, and tells people and the train machine."""

    def __init__(self, scope: Construct, id: str, *, target: Target) -> None:
        """Create the functions, the machine, its schedule, the alarms and the dashboard."""
        super().__init__(
            scope, id, target=target, description=f"Trimtab: monitoring of {target.project.name}"
        )
        self._add_plan_window()
        self._add_comparison()
        self._add_measure_performance()
        self.add_workflow(
            "monitor",
            calls=["plan_window", "profile_shard", "compare_window", "measure_performance", "record_failure"],
            may=[
                self.permissions.put_events(),
                *self.spread_out("monitor", f"shards/{target.project.name}/*"),
            ],
        )
        ScheduleTrigger(
            self,
            "Calendar",
            target=target,
            permissions=self.permissions,
            purpose="monitor",
            machine="monitor",
            expression=target.project.monitor.schedule,
            subject={"scheduled_time": SCHEDULED_TIME},
        )
        for signal in signals(target):
            name = "".join(word.capitalize() for word in signal.name.split("-"))
            alarm(self, f"{name}Alarm", target=target, signal=signal)
        dashboard(self, "Dashboard", target=target)

    def _add_plan_window(self) -> None:
        target, may = self.target, self.permissions
        project = target.project.name
        kinds = ("WINDOW", "DATASET", "CHAMPION", "PENDING", "PROMOTION")
        self.add_function(
            "plan_window",
            "Says which windows are ready to be judged, splits them into shards and reports that it is alive",
            memory_mb=512,
            timeout_seconds=300,
            may=[
                may.find(target.data_bucket, f"captured/{project}/*"),
                may.write(target.data_bucket, f"shards/{project}/*"),
                may.read_items(*(f"{kind}#{project}" for kind in kinds)),
                may.use_key("s3", "dynamodb"),
            ],
        )

    def _add_comparison(self) -> None:
        target, may = self.target, self.permissions
        project = target.project.name
        captured, shards, windows = f"captured/{project}/*", f"shards/{project}/*", f"windows/{project}/*"
        grid, baselines = f"grids/{project}.json", f"baselines/{project}/*"
        self.add_function(
            "profile_shard",
            "Profiles one shard of captured traffic, or adds profiles up",
            memory_mb=1024,
            timeout_seconds=600,
            may=[
                may.read(target.data_bucket, captured, grid, shards),
                may.find(target.data_bucket, shards),
                may.write(target.data_bucket, shards),
                may.use_key("s3"),
                *self._count_in_athena(shards),
            ],
        )
        self.add_function(
            "compare_window",
            "Adds a window's profiles up, compares them with the baseline and publishes the verdict",
            memory_mb=1024,
            timeout_seconds=300,
            may=[
                may.read(target.data_bucket, shards, windows),
                may.read(target.model_bucket, baselines),
                may.find(target.model_bucket, baselines),
                may.find(target.data_bucket, shards, windows),
                may.write(target.data_bucket, windows, f"profiles/{project}/*"),
                may.read_items(f"WINDOW#{project}"),
                may.write_items(f"WINDOW#{project}"),
                may.use_key("s3", "dynamodb"),
            ],
        )

    def _count_in_athena(self, answers: str) -> list[Statement]:
        """Let a function have the table counted in which the project's rows lie, if they do."""
        target, table = self.target, self.target.project.monitor.table
        if table is None:
            return []
        database, _, name = table.name.partition(".")
        bucket, _, folder = table.location.removeprefix("s3://").partition("/")
        catalog = ("catalog", f"database/{database}", f"table/{database}/{name}")
        return [
            allow(
                "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup",
                "athena:StartQueryExecution", on=[target.arn("athena", f"workgroup/{table.workgroup}")],
            ),
            allow(
                "glue:GetDatabase", "glue:GetPartitions", "glue:GetTable",
                on=[target.arn("glue", resource) for resource in catalog],
            ),
            self.permissions.read(bucket, f"{folder}*"),
            self.permissions.find(bucket, f"{folder}*"),
            allow(
                "s3:GetBucketLocation", on=[target.bucket_arn(one) for one in {bucket, target.data_bucket}]
            ),
            allow(
                "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts",
                on=[target.bucket_arn(target.data_bucket, answers)],
            ),
        ]  # fmt: skip

    def _add_measure_performance(self) -> None:
        target, may = self.target, self.permissions
        project = target.project.name
        datasets, windows = f"datasets/{project}/*", f"windows/{project}/*"
        self.add_function(
            "measure_performance",
            "Measures how good the champion's predictions were, once their labels have come",
            memory_mb=1024,
            timeout_seconds=300,
            may=[
                may.read(target.data_bucket, "objects/*", datasets),
                may.write(target.data_bucket, windows),
                may.read_items(*(f"{kind}#{project}" for kind in ("WINDOW", "MODEL"))),
                may.write_items(f"WINDOW#{project}"),
                may.use_key("s3", "dynamodb"),
            ],
        )
