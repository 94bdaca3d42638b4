"""Functions, layers, state machines and their logs."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from localcloud.cloudformation.kinds import (
    Kind,
    Made,
    Properties,
    arn,
    call,
    camel,
    chosen,
    document,
    ignoring,
    register,
    tag_map,
    without,
)
from localcloud.context import Context

FUNCTION_SETTINGS = (
    "Handler",
    "Role",
    "Runtime",
    "Timeout",
    "MemorySize",
    "Description",
    "Environment",
    "Layers",
    "EphemeralStorage",
    "TracingConfig",
    "DeadLetterConfig",
    "LoggingConfig",
    "VpcConfig",
)
DEFAULTS = {
    "Timeout": 3,
    "MemorySize": 128,
    "Description": "",
    "Layers": [],
    "Environment": {"Variables": {}},
}

# -- Lambda


def _code(properties: Properties) -> dict[str, Any]:
    code = dict(properties["Code"])
    if "ZipFile" in code:  # a template carries the source itself
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("index.py", code["ZipFile"])
        code["ZipFile"] = packed.getvalue()
    return code


def _create_function(context: Context, name: str, properties: Properties) -> Made:
    function = call(
        context,
        "lambda",
        "CreateFunction",
        FunctionName=name,
        Code=_code(properties),
        Tags=tag_map(properties) or None,
        **chosen(properties, *FUNCTION_SETTINGS, "PackageType", "Architectures", "KmsKeyArn"),
    )["FunctionArn"]
    _reserve(context, name, None, properties.get("ReservedConcurrentExecutions"))
    return Made(physical_id=name, name=name, attributes={"Arn": function})


def _reserve(context: Context, name: str, old: Any, new: Any) -> None:
    if new is not None and new != old:
        call(context, "lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=new)
    elif new is None and old is not None:
        call(context, "lambda", "DeleteFunctionConcurrency", FunctionName=name)


def _update_function(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    if new["Code"] != old["Code"]:
        call(context, "lambda", "UpdateFunctionCode", FunctionName=made.name, **_code(new))
    settings = chosen({**DEFAULTS, **new}, *FUNCTION_SETTINGS)
    call(context, "lambda", "UpdateFunctionConfiguration", FunctionName=made.name, **settings)
    if tag_map(old) != tag_map(new):
        call(context, "lambda", "TagResource", Resource=made.attributes["Arn"], Tags=tag_map(new))
    name = "ReservedConcurrentExecutions"
    _reserve(context, made.name, old.get(name), new.get(name))
    return made


def _delete_function(context: Context, made: Made, properties: Properties) -> None:
    call(context, "lambda", "DeleteFunction", FunctionName=made.name)


def _publish_layer(context: Context, name: str, properties: Properties) -> Made:
    layer = properties.get("LayerName", name)
    version = call(
        context, "lambda", "PublishLayerVersion", LayerName=layer, **without(properties, "LayerName")
    )["LayerVersionArn"]
    return Made(physical_id=version, name=layer, attributes={"LayerVersionArn": version})


def _delete_layer(context: Context, made: Made, properties: Properties) -> None:
    number = int(made.physical_id.rpartition(":")[2])
    call(context, "lambda", "DeleteLayerVersion", LayerName=made.name, VersionNumber=number)


def _add_permission(context: Context, name: str, properties: Properties) -> Made:
    settings = without(properties, "FunctionName")
    call(
        context,
        "lambda",
        "AddPermission",
        FunctionName=properties["FunctionName"],
        StatementId=name,
        **settings,
    )
    return Made(physical_id=name, name=name)


def _remove_permission(context: Context, made: Made, properties: Properties) -> None:
    gone = ignoring("ResourceNotFoundException")
    function = properties["FunctionName"]
    gone(lambda: call(context, "lambda", "RemovePermission", FunctionName=function, StatementId=made.name))


def _change_permission(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    _remove_permission(context, made, old)
    return _add_permission(context, made.name, new)


def _put_invoke_config(context: Context, name: str, properties: Properties) -> Made:
    settings = without(properties, "Qualifier")
    call(context, "lambda", "PutFunctionEventInvokeConfig", **settings)
    return Made(physical_id=name, name=name)


def _delete_invoke_config(context: Context, made: Made, properties: Properties) -> None:
    gone = ignoring("ResourceNotFoundException")
    function = properties["FunctionName"]
    gone(lambda: call(context, "lambda", "DeleteFunctionEventInvokeConfig", FunctionName=function))


# -- Step Functions


def definition(context: Context, properties: Properties) -> str:
    """Return the text of a state machine, wherever the template keeps it, with its substitutions made."""
    if "DefinitionS3Location" in properties:
        where = properties["DefinitionS3Location"]
        version = {"VersionId": where["Version"]} if "Version" in where else {}
        body = call(context, "s3", "GetObject", Bucket=where["Bucket"], Key=where["Key"], **version)["Body"]
        text: str = body.read().decode()
    else:
        text = document(properties.get("DefinitionString") or properties["Definition"]) or ""
    for name, value in (properties.get("DefinitionSubstitutions") or {}).items():
        substitute = value if isinstance(value, str) else json.dumps(value)
        text = text.replace(f"${{{name}}}", substitute)
    return text


def _machine_settings(context: Context, properties: Properties) -> dict[str, Any]:
    return {
        "definition": definition(context, properties),
        "roleArn": properties["RoleArn"],
        **{
            f"{name[:1].lower()}{name[1:]}": camel(properties[name])
            for name in ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration")
            if name in properties
        },
    }


def _create_machine(context: Context, name: str, properties: Properties) -> Made:
    machine = call(
        context,
        "stepfunctions",
        "CreateStateMachine",
        name=name,
        type=properties.get("StateMachineType", "STANDARD"),
        tags=camel(properties.get("Tags") or []),
        **_machine_settings(context, properties),
    )["stateMachineArn"]
    return Made(physical_id=machine, name=name, attributes={"Arn": machine, "Name": name})


def _update_machine(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    settings = _machine_settings(context, new)
    call(context, "stepfunctions", "UpdateStateMachine", stateMachineArn=made.physical_id, **settings)
    if new.get("Tags") and new.get("Tags") != old.get("Tags"):
        tags = camel(new["Tags"])
        call(context, "stepfunctions", "TagResource", resourceArn=made.physical_id, tags=tags)
    return made


def _delete_machine(context: Context, made: Made, properties: Properties) -> None:
    call(context, "stepfunctions", "DeleteStateMachine", stateMachineArn=made.physical_id)


# -- Logs


def _put_log_group(context: Context, name: str, properties: Properties) -> Made:
    there = ignoring("ResourceAlreadyExistsException")  # an invocation makes its group when there is none
    key, tags = properties.get("KmsKeyId"), tag_map(properties) or None
    there(lambda: call(context, "logs", "CreateLogGroup", logGroupName=name, kmsKeyId=key, tags=tags))
    days = properties.get("RetentionInDays")
    if days is None:
        call(context, "logs", "DeleteRetentionPolicy", logGroupName=name)
    else:
        call(context, "logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
    group = arn(context, "logs", f"log-group:{name}:*")
    return Made(physical_id=name, name=name, attributes={"Arn": group})


def _delete_log_group(context: Context, made: Made, properties: Properties) -> None:
    gone = ignoring("ResourceNotFoundException")
    gone(lambda: call(context, "logs", "DeleteLogGroup", logGroupName=made.name))


def _put_metric_filter(context: Context, name: str, properties: Properties) -> Made:
    transformations = [
        {
            **camel(without(one, "Dimensions")),
            **(
                {"dimensions": {d["Key"]: d["Value"] for d in one["Dimensions"]}}
                if "Dimensions" in one
                else {}
            ),
        }
        for one in properties["MetricTransformations"]
    ]
    call(
        context,
        "logs",
        "PutMetricFilter",
        logGroupName=properties["LogGroupName"],
        filterName=name,
        filterPattern=properties.get("FilterPattern", ""),
        metricTransformations=transformations,
    )
    return Made(physical_id=name, name=name)


def _delete_metric_filter(context: Context, made: Made, properties: Properties) -> None:
    gone = ignoring("ResourceNotFoundException")
    group = properties["LogGroupName"]
    gone(lambda: call(context, "logs", "DeleteMetricFilter", logGroupName=group, filterName=made.name))


register(
    Kind(
        type="AWS::Lambda::Function",
        name_property="FunctionName",
        create=_create_function,
        update=_update_function,
        delete=_delete_function,
        replaced_by=("PackageType",),
        attributes=("Arn",),
    ),
    Kind(
        type="AWS::Lambda::LayerVersion",
        create=_publish_layer,
        delete=_delete_layer,
        replaced_by=("Content", "LayerName", "CompatibleArchitectures", "CompatibleRuntimes", "Description"),
        attributes=("LayerVersionArn",),
        longest_name=140,
    ),
    Kind(
        type="AWS::Lambda::Permission",
        create=_add_permission,
        update=_change_permission,
        delete=_remove_permission,
        longest_name=100,
    ),
    Kind(type="AWS::Lambda::EventInvokeConfig", create=_put_invoke_config, delete=_delete_invoke_config),
    Kind(
        type="AWS::StepFunctions::StateMachine",
        name_property="StateMachineName",
        create=_create_machine,
        update=_update_machine,
        delete=_delete_machine,
        replaced_by=("StateMachineType",),
        attributes=("Arn", "Name"),
        longest_name=80,
    ),
    Kind(
        type="AWS::Logs::LogGroup",
        name_property="LogGroupName",
        create=_put_log_group,
        delete=_delete_log_group,
        attributes=("Arn",),
        longest_name=512,
    ),
    Kind(
        type="AWS::Logs::MetricFilter",
        name_property="FilterName",
        create=_put_metric_filter,
        delete=_delete_metric_filter,
        replaced_by=("LogGroupName",),
        longest_name=512,
    ),
)
