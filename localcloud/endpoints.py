"""Models, endpoint configurations and endpoints that come into service, fail, and roll back."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeEndpoint, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemaker.utils import arn_formatter

from localcloud import serving
from localcloud.archives import BadArchive
from localcloud.bridges import Bridge, epoch_millis
from localcloud.capture import Capture
from localcloud.context import Context
from localcloud.log_lines import LogStream
from localcloud.serving import Fleet, describe_failure
from localcloud.serving_processes import WorkerFailed
from localcloud.training_channels import InputProblem, split_uri

LOG = logging.getLogger("localcloud.endpoints")
TITLE = "SageMaker Endpoint State Change"
IN_EVENTS = {
    "Creating": "CREATING",
    "InService": "IN_SERVICE",
    "Updating": "UPDATING",
    "RollingBack": "ROLLING_BACK",
    "Failed": "FAILED",
    "Deleting": "DELETING",
}

_bridge = Bridge()


def install(context: Context) -> None:
    """Bring this local cloud's endpoints into service; `serving.install` comes first."""
    _bridge.install(context, _patch)


def _patch() -> None:
    _patch_models()
    _patch_configs()
    SageMakerResponse.create_endpoint = _create_endpoint  # type: ignore[method-assign]
    SageMakerResponse.update_endpoint = _update_endpoint  # type: ignore[attr-defined]
    SageMakerResponse.delete_endpoint = _delete_endpoint  # type: ignore[method-assign]


# -- models


def _patch_models() -> None:
    original = SageMakerResponse.create_model

    def create_model(self: SageMakerResponse) -> ActionResult:
        name, backend = self._get_param("ModelName"), self.sagemaker_backend
        if name in backend._models:
            raise ValidationError(f'Cannot create already existing model "{backend._models[name].arn}".')
        containers = [self._get_param("PrimaryContainer"), *(self._get_param("Containers") or ())]
        for container in filter(None, containers):
            _refuse_missing_data(resolved(backend, container), self._get_param("ExecutionRoleArn"))
        answer = original(self)
        model = backend._models[name]
        model.enable_network_isolation = bool(self._get_param("EnableNetworkIsolation"))
        serving.current().nursery.start()  # an endpoint is what mostly comes next
        return answer

    SageMakerResponse.create_model = create_model  # type: ignore[method-assign]


def resolved(backend: SageMakerModelBackend, container: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container with its model data's place, wherever the request keeps it."""
    if container.get("ModelPackageName"):
        package = backend.describe_model_package(container["ModelPackageName"])
        listed = (package.inference_specification or {}).get("Containers") or [{}]
        own = listed[0]
        environment = {**(own.get("Environment") or {}), **(container.get("Environment") or {})}
        return {**own, **container, "ModelDataUrl": own.get("ModelDataUrl"), "Environment": environment}
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    return {**container, "ModelDataUrl": container.get("ModelDataUrl") or source.get("S3Uri")}


def _refuse_missing_data(container: Mapping[str, Any], role: str) -> None:
    uri = container.get("ModelDataUrl")
    if not uri:
        raise ValidationError("A container needs its model's place: ModelDataUrl or ModelPackageName.")
    try:
        bucket, key = split_uri(uri)
        _bridge.context.client("s3").head_object(Bucket=bucket, Key=key)
    except (InputProblem, ClientError) as problem:
        raise ValidationError(
            f'Could not access model data at {uri}. Please ensure that the role "{role}" exists and that its '
            'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
            '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that '
            f"the object is located in {_bridge.context.region}."
        ) from problem


# -- configurations


def _patch_configs() -> None:
    original = SageMakerResponse.create_endpoint_config

    def create_endpoint_config(self: SageMakerResponse) -> ActionResult:
        existing = self.sagemaker_backend.endpoint_configs.get(self._get_param("EndpointConfigName"))
        if existing is not None:
            raise ValidationError(
                f'Cannot create already existing endpoint configuration "{existing.endpoint_config_arn}".'
            )
        return original(self)

    SageMakerResponse.create_endpoint_config = create_endpoint_config  # type: ignore[method-assign]


# -- endpoints


def _create_endpoint(self: SageMakerResponse) -> ActionResult:
    name, backend = self._get_param("EndpointName"), self.sagemaker_backend
    if name in backend.endpoints:
        raise ValidationError(f'Cannot create already existing endpoint "{backend.endpoints[name].arn}".')
    config_name = self._get_param("EndpointConfigName")
    endpoint = backend.create_endpoint(name, config_name, self._get_param("Tags"))
    _enter(endpoint, "Creating")
    label = f"endpoint {name} comes into service"
    _bridge.context.clock.spawn(_come_into_service, backend, endpoint, config_name, name=label)
    return ActionResult({"EndpointArn": endpoint.arn})


def _update_endpoint(self: SageMakerResponse) -> ActionResult:
    name, backend = self._get_param("EndpointName"), self.sagemaker_backend
    endpoint = backend.endpoints.get(name)
    if endpoint is None:
        raise ValidationError(f'Could not find endpoint "{_arn(name)}".')
    config_name = self._get_param("EndpointConfigName")
    backend.describe_endpoint_config(config_name)  # refuses an unknown one
    if endpoint.endpoint_status in ("Creating", "Updating", "RollingBack"):
        raise ValidationError(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    if endpoint.endpoint_status != "InService":
        raise ValidationError(
            f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.endpoint_status}: delete it and '
            "create it again."
        )
    _set_reason(endpoint, None)
    _enter(endpoint, "Updating")
    label = f"endpoint {name} is updated"
    _bridge.context.clock.spawn(_come_into_service, backend, endpoint, config_name, name=label)
    return ActionResult({"EndpointArn": endpoint.arn})


def _delete_endpoint(self: SageMakerResponse) -> EmptyResult:
    name, backend = self._get_param("EndpointName"), self.sagemaker_backend
    endpoint = backend.endpoints.get(name)
    if endpoint is None:
        raise ValidationError(f'Could not find endpoint "{_arn(name)}".')
    backend.delete_endpoint(name)
    fleet = serving.current().fleets.pop(name, None)
    if fleet is not None:
        fleet.close()
    _enter(endpoint, "Deleting")
    return EmptyResult()


def _come_into_service(backend: SageMakerModelBackend, endpoint: FakeEndpoint, config_name: str) -> None:
    """Start the new fleet beside the old one; swap them, or keep the old one when the new one fails."""
    running, name = serving.current(), endpoint.endpoint_name
    try:
        fleet = _start_fleet(backend, endpoint, config_name)
    except (WorkerFailed, BadArchive, ClientError, ValidationError) as problem:
        LOG.warning("endpoint %s: %s", name, problem)
        _set_reason(endpoint, describe_failure(problem))
        if name in running.fleets:
            _enter(endpoint, "RollingBack")
            _enter(endpoint, "InService")
        else:
            _enter(endpoint, "Failed")
        return
    if name not in backend.endpoints:
        fleet.close()  # deleted while it started
        return
    old = running.fleets.get(name)
    running.fleets[name] = fleet
    config = backend.endpoint_configs[config_name]
    endpoint.endpoint_config_name = config_name
    endpoint.production_variants = endpoint._process_production_variants(config.production_variants)
    endpoint.data_capture_config = _capture_summary(config.data_capture_config)
    _enter(endpoint, "InService")
    if old is not None:
        old.close()


def _start_fleet(backend: SageMakerModelBackend, endpoint: FakeEndpoint, config_name: str) -> Fleet:
    running, config = serving.current(), backend.endpoint_configs[config_name]
    capture = Capture(_bridge.context, endpoint.endpoint_name, config.data_capture_config)
    fleet = Fleet(config_name, {}, capture)
    try:
        for variant in config.production_variants:
            model = backend.describe_model(variant["ModelName"])
            container = resolved(backend, model.primary_container or model.containers[0])
            name, weight = variant["VariantName"], float(variant.get("InitialVariantWeight") or 1.0)
            group = f"/aws/sagemaker/Endpoints/{endpoint.endpoint_name}"
            logs = LogStream(_bridge.context, group, f"{name}/i-local")
            fleet.variants[name] = running.start_variant(name, weight, container, logs)
    except BaseException:
        fleet.close()
        raise
    return fleet


def _capture_summary(config: Mapping[str, Any]) -> dict[str, Any]:
    if not config:
        return {}
    enabled = bool(config.get("EnableCapture"))
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


def _arn(name: str) -> str:
    return arn_formatter("endpoint", name, _bridge.context.account, _bridge.context.region)


def _set_reason(endpoint: FakeEndpoint, reason: str | None) -> None:
    endpoint.failure_reason = reason  # type: ignore[assignment] # moto's never fail


def _reason(endpoint: Any) -> str | None:
    reason: str | None = endpoint.failure_reason
    return reason


def _enter(endpoint: FakeEndpoint, status: str) -> None:
    endpoint.endpoint_status = status
    endpoint.last_modified_time = _bridge.utcnow()
    detail = {
        "EndpointName": endpoint.endpoint_name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.endpoint_config_name,
        "ProductionVariants": json.loads(json.dumps(endpoint.production_variants)),
        "EndpointStatus": IN_EVENTS[status],
        "CreationTime": epoch_millis(endpoint.creation_time),
        "LastModifiedTime": epoch_millis(endpoint.last_modified_time),
        "Tags": {tag["Key"]: tag["Value"] for tag in endpoint.tags or ()},
    }
    if (reason := _reason(endpoint)) is not None:
        detail["FailureReason"] = reason
    _bridge.context.emit_event("aws.sagemaker", TITLE, detail, [endpoint.arn])
