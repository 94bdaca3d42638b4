"""The model registry as SageMaker keeps it: versions counted once, updates that keep the rest, and events."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.core.responses import EmptyResult
from moto.sagemaker.exceptions import ConflictException, ValidationError
from moto.sagemaker.models import PAGINATION_MODEL, ModelPackage, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse
from moto.utilities.paginator import paginate

from localcloud.bridges import Bridge, iso_seconds
from localcloud.context import Context

TITLE = "SageMaker Model Package State Change"
MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 50, 128, 256
PUNCTUATION = "_.:/=+-@"

_bridge = Bridge()


def install(context: Context) -> None:
    """Keep this local cloud's model packages as SageMaker would."""
    _bridge.install(context, _patch)


def _patch() -> None:
    _patch_groups()
    _patch_create()
    _patch_update()
    _patch_list()
    SageMakerResponse.delete_model_package = _delete_model_package  # type: ignore[attr-defined]
    SageMakerResponse.delete_model_package_group = _delete_model_package_group  # type: ignore[attr-defined]


# -- groups


def _patch_groups() -> None:
    original = SageMakerModelBackend.create_model_package_group

    def create_model_package_group(
        self: SageMakerModelBackend,
        model_package_group_name: str,
        model_package_group_description: str,
        tags: list[dict[str, str]] | None = None,
    ) -> str:
        existing = self.model_package_groups.get(model_package_group_name)
        if existing is not None:
            raise ValidationError(f"Model Package Group already exists: {existing.arn}")
        return original(self, model_package_group_name, model_package_group_description, tags)

    SageMakerModelBackend.create_model_package_group = create_model_package_group  # type: ignore[method-assign]


def _delete_model_package_group(self: SageMakerResponse) -> EmptyResult:
    backend, name = self.sagemaker_backend, _last_part(self._get_param("ModelPackageGroupName"))
    group = backend.describe_model_package_group(name)
    if any(package.model_package_group_name == name for package in backend.model_packages.values()):
        raise ConflictException(f"Model Package Group cannot be deleted, it is not empty: {group.arn}")
    del backend.model_package_groups[name]
    return EmptyResult()


# -- packages


def _patch_create() -> None:
    original = SageMakerModelBackend.create_model_package

    def create_model_package(self: SageMakerModelBackend, **request: Any) -> str:
        _refuse_metadata(request.get("customer_metadata_properties") or {})
        if not request.get("model_package_group_name") or request.get("model_package_name"):
            _refuse_duplicate(self, request.get("model_package_name"))
            return original(self, **request)
        group = self.describe_model_package_group(_last_part(request["model_package_group_name"]))
        # moto counts the versions that exist; SageMaker gives no number twice, not even after a deletion.
        version = getattr(group, "last_version", 0) + 1
        group.last_version = version  # type: ignore[attr-defined]
        name = group.model_package_group_name
        package = ModelPackage(
            **{
                **request,
                "model_package_name": name,
                "model_package_group_name": name,
                "model_approval_status": request.get("model_approval_status") or "PendingManualApproval",
            },
            model_package_version=version,
            approval_description=None,
            region_name=self.region_name,
            account_id=self.account_id,
            model_package_type="Versioned",
        )
        self.model_package_name_mapping[package.arn] = package.arn
        self.model_packages[package.arn] = package
        _announce(package)
        return package.arn

    SageMakerModelBackend.create_model_package = create_model_package  # type: ignore[method-assign, assignment]


def _refuse_duplicate(backend: SageMakerModelBackend, name: str | None) -> None:
    existing = backend.model_packages.get(backend.model_package_name_mapping.get(name or "", ""))
    if existing is not None and existing.model_package_type == "Unversioned":
        raise ValidationError(f"Model Package already exists: {existing.arn}")


def _patch_update() -> None:
    def update_model_package(
        self: SageMakerModelBackend,
        model_package_arn: str,
        model_approval_status: str | None,
        approval_description: str | None,
        customer_metadata_properties: dict[str, str] | None,
        customer_metadata_properties_to_remove: list[str] | None,
        additional_inference_specifications_to_add: list[Any] | None,
    ) -> str:
        package = self.describe_model_package(model_package_arn)
        merged = {**(package.customer_metadata_properties or {}), **(customer_metadata_properties or {})}
        for key in customer_metadata_properties_to_remove or ():
            merged.pop(key, None)
        _refuse_metadata(merged)
        before = package.model_approval_status
        if model_approval_status is not None:
            package.set_model_approval_status(model_approval_status)
        if approval_description is not None:
            package.approval_description = approval_description
        package.customer_metadata_properties = merged or None
        package.add_additional_inference_specifications(additional_inference_specifications_to_add)
        package.modifications_done()
        if package.model_approval_status != before:
            _announce(package)
        return package.arn

    SageMakerModelBackend.update_model_package = update_model_package  # type: ignore[method-assign]


def _patch_list() -> None:
    original = SageMakerModelBackend.list_model_packages.__wrapped__  # type: ignore[attr-defined]

    def list_model_packages(self: SageMakerModelBackend, **request: Any) -> list[ModelPackage]:
        request = {key: value for key, value in request.items() if key not in ("max_results", "next_token")}
        found: list[ModelPackage] = original(self, **request)
        if request.get("sort_by") in (None, "CreationTime"):
            # The clock stands while work is done, so many versions can carry one time.
            found.sort(
                key=lambda package: (package.creation_time, package.model_package_version or 0),
                reverse=request.get("sort_order") == "Descending",
            )
        return found

    paged = paginate(pagination_model=PAGINATION_MODEL)(list_model_packages)
    SageMakerModelBackend.list_model_packages = paged  # type: ignore[method-assign]


def _delete_model_package(self: SageMakerResponse) -> EmptyResult:
    backend = self.sagemaker_backend
    package = backend.describe_model_package(self._get_param("ModelPackageName"))
    del backend.model_packages[package.arn]
    mapping = backend.model_package_name_mapping
    for name in [name for name, arn in mapping.items() if arn == package.arn]:
        del mapping[name]
    return EmptyResult()


def _last_part(name_or_arn: str) -> str:
    return name_or_arn.rsplit("/", maxsplit=1)[-1]


def _refuse_metadata(properties: Mapping[str, str]) -> None:
    if len(properties) > MOST_PAIRS:
        raise ValidationError(
            f"CustomerMetadataProperties holds {len(properties)} pairs; a model package takes {MOST_PAIRS}."
        )
    for key, value in properties.items():
        for what, text, longest in (("key", key, LONGEST_KEY), ("value", value, LONGEST_VALUE)):
            if not 1 <= len(text) <= longest or not all(map(_is_allowed, text)):
                raise ValidationError(
                    f"1 validation error detected: the {what} {text[:80]!r} at 'customerMetadataProperties' "
                    f"must have 1 to {longest} letters, digits, spaces or any of {PUNCTUATION}"
                )


def _is_allowed(character: str) -> bool:
    return character in PUNCTUATION or unicodedata.category(character)[0] in "LNZ"


# -- events


def _announce(package: ModelPackage) -> None:
    """Emit the event that a version is new or has another approval status."""
    described = {key: _plain(value) for key, value in package.gen_response_object().items()}
    described.pop("CreatedBy", None)
    described.pop("LastModifiedBy", None)
    described["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}
    _bridge.context.emit_event("aws.sagemaker", TITLE, described, [package.arn])


def _plain(value: Any) -> Any:
    return iso_seconds(value) if isinstance(value, datetime) else value
