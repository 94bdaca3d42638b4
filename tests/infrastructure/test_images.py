"""The committed table of images agrees with SageMaker's own."""

import pytest

from assets.uv import BuildFailed
from stacks.images import image_account, image_uri, image_uris


def test_table_agrees_with_sagemaker_in_every_region() -> None:
    from sagemaker.core.image_uris import retrieve

    for region, uri in image_uris().items():
        for scope in ("training", "inference"):
            known = retrieve(
                "sklearn", region, version="1.9-0", instance_type="ml.m5.large", image_scope=scope
            )
            assert known == uri, region


def test_region_without_the_image_is_refused_by_name() -> None:
    with pytest.raises(BuildFailed, match="not offered in mars-north-1; choose one of"):
        image_uri("mars-north-1")


def test_image_belongs_to_an_account() -> None:
    assert image_account("us-east-1") == "683313688378"
