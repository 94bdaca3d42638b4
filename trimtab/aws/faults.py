"""Translate botocore's errors into failures by remedy, so that nothing else sees botocore."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from trimtab.errors import BadInput, Conflict, Denied, Gone, Transient, TrimtabError

_GONE = {
    "NoSuchKey",
    "NoSuchVersion",
    "NoSuchBucket",
    "404",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "NotFound",
}
_CONFLICT = {
    "PreconditionFailed",
    "412",
    "ConditionalCheckFailedException",
    "ConditionalRequestConflict",
    "409",
}
_DENIED = {
    "AccessDenied", "AccessDeniedException", "403", "KMS.DisabledException", "DisabledException",
    "KMSAccessDeniedException", "UnauthorizedOperation", "ExpiredToken",
}  # fmt: skip
_TRANSIENT = {
    "SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded", "ProvisionedThroughputExceededException", "InternalError", "InternalServerError",
    "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout", "500", "503",
    "TransactionConflictException",
}  # fmt: skip


def remedy_for(code: str) -> type[TrimtabError]:
    """Return the failure class for an AWS error code; what is unknown is the caller's bad input."""
    for codes, remedy in ((_GONE, Gone), (_CONFLICT, Conflict), (_DENIED, Denied), (_TRANSIENT, Transient)):
        if code in codes:
            return remedy
    return BadInput


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise the failure by remedy for any AWS error inside, naming `operation`."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"].get("Code", "Unknown")
        message = error.response["Error"].get("Message", "")
        raise remedy_for(code)(f"{operation}: {code}: {message}") from error
    except (ConnectionError, HTTPClientError) as error:
        raise Transient(f"{operation}: {error}") from error
