"""From upload to dataset version: the ingest machine and its functions; and what starts every run."""

from constructs import Construct

from stacks.constructs.trigger import RuleTrigger
from stacks.permissions import allow
from stacks.project import ProjectStack
from stacks.target import Target
from trimtab import names

# The clean parts of a file, and the keys that its contract wants unique, lie here until the verdict.
SCRATCH_MB = 8192


class DataStack(ProjectStack):
    """The longest-lived stack of a project; the others lean on its functions by name."""

    def __init__(self, scope: Construct, id: str, *, target: Target) -> None:
        """Create the functions, the machine and the rule that waits for uploads."""
        super().__init__(scope, id, target=target, description=f"Trimtab: data of {target.project.name}")
        self._add_start_run()
        self._add_intake()
        self._add_bookkeeping()
        self.add_workflow(
            "ingest",
            calls=["validate_upload", "join_labels", "commit_dataset", "record_failure"],
            may=[
                self.permissions.put_events(),
                *self.spread_out("ingest", f"ingest/{target.project.name}/*"),
            ],
        )
        self._wait_for_uploads()

    def _add_start_run(self) -> None:
        target = self.target
        machines = [target.machine_arn(machine) for machine in names.MACHINES]
        executions = [
            target.arn("states", f"execution:{target.machine_name(machine)}:*") for machine in names.MACHINES
        ]
        self.add_function(
            "start_run",
            "Starts the run that an event or a schedule asks for, once",
            memory_mb=256,
            timeout_seconds=30,
            may=[
                allow("states:StartExecution", on=machines),
                allow("states:DescribeExecution", on=executions),
            ],
            is_started_by_events=True,
        )

    def _add_intake(self) -> None:
        target, may = self.target, self.permissions
        project, data = target.project.name, target.data_bucket
        captured, grid = f"captured/{project}/*", f"grids/{project}.json"
        rows, labels = f"landing/{project}/data/*", f"landing/{project}/labels/*"
        steps = f"ingest/{project}/*"
        kept = [
            may.read(data, "objects/*", grid),
            may.write(data, "objects/*", f"profiles/{project}/*", grid, f"quarantine/{project}/*"),
            may.write_items(f"UPLOAD#{project}"),
            may.use_key("s3", "dynamodb"),
        ]
        self.add_function(
            "validate_upload",
            "Checks an upload against the contract; keeps the good rows and sets the bad ones aside",
            memory_mb=2048,
            timeout_seconds=900,
            storage_mb=SCRATCH_MB,
            may=[
                may.read_versions(data, rows),
                may.read(data, steps),
                may.write(data, steps),
                may.find(data, rows, grid, steps),
                *kept,
            ],
        )
        self.add_function(
            "join_labels",
            "Joins late labels with the captured traffic that they belong to",
            memory_mb=2048,
            timeout_seconds=900,
            may=[
                may.read_versions(data, labels),
                may.read(data, captured),
                may.find(data, labels, captured, grid),
                may.write(data, f"ingest/{project}/*/claims.json"),
                *kept,
            ],
        )

    def _add_bookkeeping(self) -> None:
        target, may = self.target, self.permissions
        project = target.project.name
        uploads, datasets = f"UPLOAD#{project}", f"DATASET#{project}"
        self.add_function(
            "commit_dataset",
            "Commits a dataset version and where it came from",
            memory_mb=256,
            timeout_seconds=60,
            may=[
                may.write(target.data_bucket, f"datasets/{project}/*"),
                may.list_versions(target.data_bucket, f"landing/{project}/*"),
                may.read_items(uploads),
                may.write_items(uploads, datasets, "EDGE#*"),
                may.use_key("s3", "dynamodb"),
            ],
        )
        self.add_function(
            "record_failure",
            "Records why a run failed and gives back what it held",
            memory_mb=256,
            timeout_seconds=30,
            may=[
                may.write_items(f"RUN#{project}"),
                may.delete_items(f"LOCK#{project}"),
                may.use_key("dynamodb"),
            ],
        )

    def _wait_for_uploads(self) -> None:
        target = self.target
        RuleTrigger(
            self,
            "Uploads",
            target=target,
            purpose="uploads",
            machine="ingest",
            pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [target.data_bucket]},
                    "object": {"key": [{"prefix": f"landing/{target.project.name}/"}]},
                },
            },
            subject={
                "bucket": "$.detail.bucket.name",
                "key": "$.detail.object.key",
                "version_id": "$.detail.object.version-id",
            },
        )
