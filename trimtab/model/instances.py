"""What SageMaker's instance types allow."""

import re

_FAMILY = re.compile(r"ml\.[a-z]+\d+(?P<letters>[a-z-]*)\.")
_ACCELERATED = ("ml.g", "ml.p", "ml.trn", "ml.inf2")


def has_local_storage(instance_type: str) -> bool:
    """Tell whether an instance keeps data on disks of its own: SageMaker refuses a volume key for those.

    The letter d marks such a family of plain instances; accelerated ones are all taken to be of that kind.

    >>> has_local_storage("ml.m5.large"), has_local_storage("ml.m5d.large")
    (False, True)
    """
    family = _FAMILY.match(instance_type)
    return instance_type.startswith(_ACCELERATED) or (family is not None and "d" in family["letters"])


def volume_key(instance_type: str, key_arn: str) -> dict[str, str]:
    """Return the volume key of a resource configuration, or nothing where SageMaker refuses one."""
    return {} if has_local_storage(instance_type) else {"VolumeKmsKeyId": key_arn}
