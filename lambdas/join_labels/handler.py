"""Join an uploaded file of labels with the captured predictions they belong to."""

from typing import Any

from trimtab.aws.captures import capture_keys, read_captures
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import function_settings
from trimtab.aws.uploads import Upload, ignored, rules
from trimtab.aws.verdicts import Work, keep, work_folder
from trimtab.contract.contract import Contract
from trimtab.labels.join import Joined, join_labels, refused
from trimtab.labels.reading import RefusedLabels, read_labels
from trimtab.project import Project
from trimtab.reading.refusal import Refusal
from trimtab.reading.sources import Source


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer as the check of an upload does, with the joined rows as a dataset version of kind `joined`."""
    upload = Upload.from_event(event)
    if upload.is_folder:
        return ignored(upload)
    settings = function_settings()
    project, contract = rules()
    work = Work.on(0)
    try:
        source = upload.find(project.name, "labels")
        work = Work.on(source.size)
        joined = _join(source, project, contract, Bucket(settings.data_bucket))
        source.verify()
    except Refusal as refusal:
        joined = Joined(rows=0, refusal=refusal)
    with work_folder() as folder:
        examined = joined.examination(folder, project, upload.origin)
        return keep(upload, examined, project, settings, work)


def _join(source: Source, project: Project, contract: Contract, bucket: Bucket) -> Joined:
    labels = read_labels(source, contract, project)
    if isinstance(labels, RefusedLabels):
        return refused(labels)
    days = labels.capture_days(project.serve.capture_lead_days)
    captured = read_captures(
        bucket,
        capture_keys(bucket, project.name, days),
        prediction_id=project.data.prediction_id,
        null_tokens=project.data.null_tokens,
    )
    return join_labels(labels, captured, contract, project)
