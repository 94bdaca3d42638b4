"""Batch scoring: a transform job answers for files as the endpoint answers for requests, by the same code.

A CSV file has a header, so SageMaker must not split it: each file is one request. Larger ones are cut here,
each part with the header.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from trimtab.canonical import digest
from trimtab.errors import BadInput
from trimtab.model.deployment import tags
from trimtab.model.instances import volume_key

MEGABYTE = 1024 * 1024
# A container takes 6 MB unless it is told otherwise; SageMaker's own limit is 100.
PAYLOAD_MEGABYTES = 6
MOST_MEGABYTES = 100
CSV = "text/csv"
BOM = b"\xef\xbb\xbf"


def job_name(project: str, subject: Mapping[str, Any]) -> str:
    """Name the job after what it is about, so that the same request again is the same job.

    >>> job_name("flights", {"at": "2013-03-01T00:00:00Z"})
    'flights-score-4a636b907db7'
    """
    return f"{project}-score-{digest(dict(subject))[:12]}"


def home(project: str) -> str:
    """Return the folder of the data bucket in which jobs may read and write."""
    return f"scoring/{project}/"


def transform_request(
    *,
    project: str,
    environment: str,
    job: str,
    model: str,
    source: str,
    target: str,
    instance_type: str,
    key_arn: str,
    payload_megabytes: int = PAYLOAD_MEGABYTES,
) -> dict[str, Any]:
    """Return the request of CreateTransformJob for the CSV files under `source`, each one request."""
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}}
    return {
        "TransformJobName": job,
        "ModelName": model,
        "BatchStrategy": "SingleRecord",
        "MaxConcurrentTransforms": 1,
        "MaxPayloadInMB": payload_megabytes,
        "TransformInput": {
            "DataSource": data,
            "ContentType": CSV,
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": {"S3OutputPath": target, "Accept": CSV, "AssembleWith": "None"},
        "TransformResources": {
            "InstanceType": instance_type,
            "InstanceCount": 1,
            **volume_key(instance_type, key_arn),
        },
        "Tags": tags(environment, project),
    }


def cut_csv(file: IO[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield parts of at most `most_bytes`, each with the header; a record is never cut, newlines or not.

    >>> from io import BytesIO
    >>> list(cut_csv(BytesIO(b'id,note\\n1,"a\\nb"\\n2,c\\n'), 18))
    [b'id,note\\n1,"a\\nb"\\n', b'id,note\\n2,c\\n']
    """
    header = _record(file, most_bytes).removeprefix(BOM)
    if header and not header.endswith(b"\n"):
        header += b"\n"
    part, size, rows = [header], len(header), 0
    while record := _record(file, most_bytes - len(header)):
        if size + len(record) > most_bytes:
            yield b"".join(part)
            part, size = [header], len(header)
        part.append(record)
        size += len(record)
        rows += 1
    if not rows:
        raise BadInput("the file has no rows after its header; there is nothing to score")
    yield b"".join(part)


def join_answers(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts' answers as one CSV, with the header of the first."""
    for number, part in enumerate(parts):
        header, _, rows = part.partition(b"\n")
        yield rows if number else header + b"\n" + rows


def _record(file: IO[bytes], most_bytes: int) -> bytes:
    lines: list[bytes] = []
    size = quotes = 0
    while line := file.readline(most_bytes + 1):
        lines.append(line)
        size, quotes = size + len(line), quotes + line.count(b'"')
        if size > most_bytes:
            raise BadInput(
                f"a record has more than {most_bytes} bytes; raise --payload-mb, at most 100, or mend it"
            )
        if quotes % 2 == 0:
            return b"".join(lines)
    if lines:
        raise BadInput("the file ends inside a quoted field; mend it")
    return b""
