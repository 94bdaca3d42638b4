"""Score the champion on the challenger's held-out days, with the champion's own code."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.errors import BadInput
from trimtab.instants import parse_time
from trimtab.training.archive import read_model
from trimtab.training.isolation import answer
from trimtab.training.job import Champion, Interval

ARCHIVE = "model.tar.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The champion's score of each prediction id, or why there is none: then a person has to compare."""

    version: int
    answers: Mapping[str, float] | None
    reason: str | None


def score_champion(
    champion: Champion, folder: Path | None, holdout: Interval, request: str, ids: Iterable[str]
) -> Scored:
    """Verify the champion's archive, then let its own code answer `request`, which asks about `ids`.

    Raises Denied when the archive is not the registered model: nothing of it is executed then.
    """
    if folder is None or not (folder / ARCHIVE).is_file():
        raise BadInput(
            f"job.json names champion {champion.version} but its channel has no {ARCHIVE}; plan the job again"
        )
    with (folder / ARCHIVE).open("rb") as file:
        members, manifest = read_model(file, champion.model_sha256)
    if parse_time(_fitted_until(manifest)) > holdout.start:
        reason = f"version {champion.version} was fitted on days that are held out here"
        return Scored(version=champion.version, answers=None, reason=reason)
    with tempfile.TemporaryDirectory() as scratch:
        model_folder = Path(scratch)
        for name, content in members.items():
            path = model_folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return _scored(champion.version, model_folder, request, ids)


def _fitted_until(manifest: Mapping[str, Any]) -> str:
    return str(manifest["fit"]["until"])


def _scored(version: int, model_folder: Path, request: str, ids: Iterable[str]) -> Scored:
    try:
        answers = answer(model_folder, model_folder / "code", request)
    # Whatever old code does with new rows, it must not stop the challenger: it becomes the gate's reason.
    except Exception as error:  # noqa: BLE001
        reason = f"version {version} could not score the held-out rows: {type(error).__name__}: {error}"
        return Scored(version=version, answers=None, reason=reason)
    if missing := [name for name in ids if name not in answers]:
        reason = (
            f"version {version} left {len(missing)} held-out rows without a score, such as {missing[0]!r}"
        )
        return Scored(version=version, answers=None, reason=reason)
    return Scored(version=version, answers=answers, reason=None)
