"""Alarms, dashboards, parameters, the model registry's group, budgets and what exists in templates only."""

from __future__ import annotations

from localcloud.cloudformation.kinds import Kind, Made, Properties, arn, call, chosen, register, without
from localcloud.context import Context


def _put_alarm(context: Context, name: str, properties: Properties) -> Made:
    call(context, "cloudwatch", "PutMetricAlarm", AlarmName=name, **without(properties, "AlarmName"))
    return Made(physical_id=name, name=name, attributes={"Arn": arn(context, "cloudwatch", f"alarm:{name}")})


def _put_composite_alarm(context: Context, name: str, properties: Properties) -> Made:
    call(context, "cloudwatch", "PutCompositeAlarm", AlarmName=name, **without(properties, "AlarmName"))
    return Made(physical_id=name, name=name, attributes={"Arn": arn(context, "cloudwatch", f"alarm:{name}")})


def _delete_alarm(context: Context, made: Made, properties: Properties) -> None:
    call(context, "cloudwatch", "DeleteAlarms", AlarmNames=[made.name])


def _put_dashboard(context: Context, name: str, properties: Properties) -> Made:
    body = properties["DashboardBody"]
    call(context, "cloudwatch", "PutDashboard", DashboardName=name, DashboardBody=body)
    return Made(physical_id=name, name=name)


def _delete_dashboard(context: Context, made: Made, properties: Properties) -> None:
    call(context, "cloudwatch", "DeleteDashboards", DashboardNames=[made.name])


def _put_parameter(context: Context, name: str, properties: Properties) -> Made:
    settings = chosen(properties, "Type", "Value", "Description", "AllowedPattern", "Tier", "DataType")
    call(context, "ssm", "PutParameter", Name=name, Overwrite=True, **settings)
    attributes = {"Type": properties["Type"], "Value": properties["Value"]}
    return Made(physical_id=name, name=name, attributes=attributes)


def _delete_parameter(context: Context, made: Made, properties: Properties) -> None:
    call(context, "ssm", "DeleteParameter", Name=made.name)


def _create_package_group(context: Context, name: str, properties: Properties) -> Made:
    settings = chosen(properties, "ModelPackageGroupDescription", "Tags")
    group = call(context, "sagemaker", "CreateModelPackageGroup", ModelPackageGroupName=name, **settings)[
        "ModelPackageGroupArn"
    ]
    attributes = {"ModelPackageGroupArn": group, "ModelPackageGroupStatus": "Completed"}
    return Made(physical_id=group, name=name, attributes=attributes)


def _update_package_group(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    if new.get("Tags"):
        call(context, "sagemaker", "AddTags", ResourceArn=made.physical_id, Tags=new["Tags"])
    return made


def _delete_package_group(context: Context, made: Made, properties: Properties) -> None:
    call(context, "sagemaker", "DeleteModelPackageGroup", ModelPackageGroupName=made.name)


def _create_budget(context: Context, name: str, properties: Properties) -> Made:
    budget = {**properties["Budget"]}
    name = budget.setdefault("BudgetName", name)
    call(
        context,
        "budgets",
        "CreateBudget",
        AccountId=context.account,
        Budget=budget,
        NotificationsWithSubscribers=properties.get("NotificationsWithSubscribers") or [],
    )
    return Made(physical_id=name, name=name)


def _delete_budget(context: Context, made: Made, properties: Properties) -> None:
    call(context, "budgets", "DeleteBudget", AccountId=context.account, BudgetName=made.name)


def _change_budget(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    _delete_budget(context, made, old)
    return _create_budget(context, made.name, new)


def _only_in_template(context: Context, name: str, properties: Properties) -> Made:
    return Made(physical_id=name, name=name)


register(
    Kind(
        type="AWS::CloudWatch::Alarm",
        name_property="AlarmName",
        create=_put_alarm,
        delete=_delete_alarm,
        attributes=("Arn",),
        longest_name=255,
    ),
    Kind(
        type="AWS::CloudWatch::CompositeAlarm",
        name_property="AlarmName",
        create=_put_composite_alarm,
        delete=_delete_alarm,
        attributes=("Arn",),
        longest_name=255,
    ),
    Kind(
        type="AWS::CloudWatch::Dashboard",
        name_property="DashboardName",
        create=_put_dashboard,
        delete=_delete_dashboard,
        longest_name=255,
    ),
    Kind(
        type="AWS::SSM::Parameter",
        name_property="Name",
        create=_put_parameter,
        delete=_delete_parameter,
        attributes=("Type", "Value"),
        longest_name=1011,
    ),
    Kind(
        type="AWS::SageMaker::ModelPackageGroup",
        name_property="ModelPackageGroupName",
        create=_create_package_group,
        update=_update_package_group,
        delete=_delete_package_group,
        replaced_by=("ModelPackageGroupDescription",),
        attributes=("ModelPackageGroupArn", "ModelPackageGroupStatus"),
        longest_name=63,
    ),
    Kind(
        type="AWS::Budgets::Budget",
        create=_create_budget,
        update=_change_budget,
        delete=_delete_budget,
        longest_name=100,
    ),
    Kind(type="AWS::CDK::Metadata", create=_only_in_template),
)
