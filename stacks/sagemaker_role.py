"""What SageMaker needs for any job or endpoint: the image, its logs and its own metrics."""

from aws_cdk import Aws

from stacks.images import REPOSITORY, image_account
from stacks.permissions import Statement, allow
from stacks.target import Target


def job_permissions(target: Target, *kinds: str) -> list[Statement]:
    """Allow what a role of SageMaker needs whatever it runs; `kinds` are the log groups' last words."""
    region = target.environment.region
    repository = f"arn:{Aws.PARTITION}:ecr:{region}:{image_account(region)}:repository/{REPOSITORY}"
    groups = [target.arn("logs", f"log-group:/aws/sagemaker/{kind}") for kind in kinds]
    namespaces = {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}}
    return [
        allow(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            on=[repository],
        ),
        # Neither a token for ECR nor a metric has an ARN to name.
        allow("ecr:GetAuthorizationToken", on=["*"]),
        allow("cloudwatch:PutMetricData", on=["*"], when=namespaces),
        allow(
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            on=[*groups, *(f"{group}:*" for group in groups)],
        ),
    ]
