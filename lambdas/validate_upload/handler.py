"""Check an uploaded file against the project's contract; store its clean rows, quarantine the others."""

from typing import Any

from trimtab.aws.objects import Bucket
from trimtab.aws.settings import function_settings
from trimtab.aws.uploads import Upload, ignored, rules
from trimtab.aws.verdicts import Work, keep, known_grid, work_folder
from trimtab.contract.examination import Examination, examine_file
from trimtab.contract.part import PartCheck
from trimtab.reading.refusal import Refusal


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the verdict on one object version and what a dataset version needs to know of it."""
    upload = Upload.from_event(event)
    if upload.is_folder:
        return ignored(upload)
    settings = function_settings()
    project, contract = rules()
    try:
        source = upload.find(project.name, "data")
    except Refusal as refusal:
        refused = Examination(kind="upload", rows=0, refusal=refusal)
        return keep(upload, refused, project, settings, Work.on(0))
    work = Work.on(source.size)
    with work_folder() as folder:
        grid = known_grid(Bucket(settings.data_bucket), project.name)
        check = PartCheck(contract, project, folder, grid, upload.origin)
        return keep(upload, examine_file(source, check), project, settings, work)
