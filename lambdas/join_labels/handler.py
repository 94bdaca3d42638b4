"""Join an uploaded file of labels with the captured predictions they belong to."""

from typing import Any

from trimtab.aws.captures import capture_keys, read_captures
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import function_settings
from trimtab.aws.uploads import Upload, ignored, keep, rules
from trimtab.contract.contract import Contract
from trimtab.contract.examination import Examination
from trimtab.contract.refusal import Refusal
from trimtab.labels.join import join_labels, refused
from trimtab.labels.reading import RefusedLabels, read_labels
from trimtab.project import Project


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer as the check of an upload does, with the joined rows as a dataset version of kind `joined`."""
    upload = Upload.from_event(event)
    if upload.is_folder:
        return ignored(upload)
    settings = function_settings()
    project, contract = rules()
    examined = _examine(upload, project, contract, Bucket(settings.data_bucket))
    return keep(upload, examined, project, settings)


def _examine(upload: Upload, project: Project, contract: Contract, bucket: Bucket) -> Examination:
    try:
        data = upload.read(project.name, "labels", project.data.max_bytes)
    except Refusal as refusal:
        return Examination(kind="joined", rows=0, refusal=refusal)
    labels = read_labels(data, contract, project)
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
