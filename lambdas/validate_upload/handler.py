"""Check an uploaded file against the project's contract; store its clean rows, quarantine the others."""

from typing import Any

from trimtab.aws.settings import function_settings
from trimtab.aws.uploads import Upload, ignored, keep, rules
from trimtab.contract.contract import Contract
from trimtab.contract.examination import Examination, examine_upload
from trimtab.contract.refusal import Refusal
from trimtab.project import Project


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the verdict on one object version and what a dataset version needs to know of it."""
    upload = Upload.from_event(event)
    if upload.is_folder:
        return ignored(upload)
    project, contract = rules()
    return keep(upload, _examine(upload, project, contract), project, function_settings())


def _examine(upload: Upload, project: Project, contract: Contract) -> Examination:
    try:
        data = upload.read(project.name, "data", project.data.max_bytes)
    except Refusal as refusal:
        return Examination(kind="upload", rows=0, refusal=refusal)
    return examine_upload(data, contract, project)
