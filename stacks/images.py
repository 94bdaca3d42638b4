"""Where SageMaker's own scikit-learn 1.9 image lies: a committed table, so that synth asks nobody."""

import json
from functools import cache
from pathlib import Path

from assets.uv import BuildFailed

TABLE = Path(__file__).with_name("images.json")
REPOSITORY = "sagemaker-scikit-learn"


@cache
def image_uris() -> dict[str, str]:
    """Read the table of image URIs by region."""
    table: dict[str, str] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def image_uri(region: str) -> str:
    """Return the image's URI in a region; raise BuildFailed where SageMaker does not offer it."""
    if region not in image_uris():
        raise BuildFailed(
            f"the scikit-learn image is not offered in {region}; choose one of {sorted(image_uris())}"
        )
    return image_uris()[region]


def image_account(region: str) -> str:
    """Return the account that owns the image in a region."""
    return image_uri(region).split(".", 1)[0]
