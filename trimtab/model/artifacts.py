"""Where a finished training job left its archives, and whether they belong to the job that was ordered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.errors import Denied
from trimtab.model.training_job import MODEL_ARCHIVE, OUTPUT_ARCHIVE, folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """The archives of one training job, as keys of the model bucket."""

    url: str
    model: str
    output: str


def find_artifacts(project: str, model_bucket: str, job: str, model_url: str) -> Artifacts:
    """Return where the archives lie; raise Denied when that is not the ordered job's own folder."""
    home = f"s3://{model_bucket}/{folder(project, job)}/output/"
    if not model_url.startswith(home) or not model_url.endswith(f"/{MODEL_ARCHIVE}"):
        raise Denied(f"the job's model lies at {model_url}, not under {home}; do not use it, train again")
    model = model_url.removeprefix(f"s3://{model_bucket}/")
    return Artifacts(
        url=model_url, model=model, output=f"{model.removesuffix(MODEL_ARCHIVE)}{OUTPUT_ARCHIVE}"
    )


def check_order(manifest: Mapping[str, Any], training_set: str, code_sha256: str) -> None:
    """Raise Denied when a manifest names other data or other code than was ordered."""
    for name, ordered in (("training_set", training_set), ("code_sha256", code_sha256)):
        if manifest.get(name) != ordered:
            raise Denied(
                f"the job's manifest says {name} {manifest.get(name)}, but {ordered} was ordered; train again"
            )
