"""Check an uploaded file against the project's contract; store its clean rows, quarantine the others."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from trimtab.aws.fanout import FanOut
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import function_settings
from trimtab.aws.uploads import Upload, ignored, rules
from trimtab.aws.verdicts import Work, keep, known_grid, work_folder
from trimtab.contract.examination import Examination, examine_open, refused
from trimtab.contract.part import PartCheck
from trimtab.reading.files import open_file
from trimtab.reading.refusal import Refusal

# What the keys' comparison, a second look at repeated rows and the uploads may take of the function's time.
TO_FINISH_MS = 300_000

type Answer = dict[str, Any]


def handler(event: dict[str, Any], context: Any) -> Answer:
    """Answer with the verdict on one object version and what a dataset version needs to know of it.

    A file that is too large for that gets the verdict `split`; the machine then comes back with the steps
    `count`, `plan`, `check` and `finish`, of which the last one answers as the check of a small file does.
    """
    upload = Upload.from_event(event)
    if upload.is_folder:
        return ignored(upload)
    settings = function_settings()
    project, contract = rules()
    bucket = Bucket(settings.data_bucket)
    work = Work.on(0)
    with work_folder() as folder:
        try:
            source = upload.find(project.name, "data")
        except Refusal as refusal:
            return keep(upload, refused(refusal), project, settings, work)
        work = work.of(source.size)
        with closing(source):
            step = event.get("step", "validate")
            grid = known_grid(bucket, project.name) if step in ("validate", "check", "finish") else None
            steps = FanOut(bucket, upload, source, PartCheck(contract, project, folder, grid, upload.origin))
            examined = _step(step, event, steps, context)
            if isinstance(examined, dict):
                return examined
            return keep(upload, examined, project, settings, work, grid)


def _step(step: str, event: dict[str, Any], steps: FanOut, context: Any) -> Examination | Answer:
    if step == "finish":
        return steps.finish()
    if step == "count":
        steps.count(event["range"]["first"], event["range"]["last"])
    elif step == "plan":
        steps.plan()
    elif step == "check":
        steps.examine(event["part"]["places"])
    else:
        return _validate(steps, lambda: context.get_remaining_time_in_millis() < TO_FINISH_MS)
    return {}


def _validate(steps: FanOut, is_late: Callable[[], bool]) -> Examination | Answer:
    """Examine the file in one pass, or leave it to the other steps."""
    data = steps.check.project.data
    try:
        file = open_file(steps.source, steps.check.wanted, data)
    except Refusal as refusal:
        return refused(refusal)
    with closing(file):
        if file.is_splittable and steps.source.size > data.max_lambda_bytes:
            return steps.split()
        return examine_open(file, steps.source, steps.check, is_late)
