"""Names of the nodes between which the table keeps lineage edges."""


def dataset_node(dataset_id: str) -> str:
    """Name a dataset version."""
    return f"dataset:{dataset_id}"


def training_set_node(training_set_id: str) -> str:
    """Name a training set."""
    return f"training-set:{training_set_id}"


def model_node(project: str, version: int) -> str:
    """Name a model version."""
    return f"model:{project}@{version}"


def endpoint_node(endpoint: str) -> str:
    """Name an endpoint."""
    return f"endpoint:{endpoint}"


def object_node(bucket: str, key: str, version_id: str) -> str:
    """Name one version of an object in S3."""
    return f"object:s3://{bucket}/{key}@{version_id}"
