"""Cut a transform job's input into the requests that its container gets, as SageMaker's agent does."""

from __future__ import annotations

from collections.abc import Iterator

MEGABYTE = 1024 * 1024


class TooMuchData(Exception):
    """A file, or a line of one, is larger than the largest payload."""


def cut(body: bytes, *, split: str, strategy: str, most_bytes: int) -> Iterator[bytes]:
    """Yield the requests for one file; `most_bytes` of 0 is no limit.

    Without a split the file is one request. Split by lines, each line is one, or as many as fit.

    >>> list(cut(b"a\\nb\\nc", split="Line", strategy="MultiRecord", most_bytes=4))
    [b'a\\nb\\n', b'c']
    """
    records = [body] if split == "None" else body.splitlines(keepends=True)
    waiting = b""
    for record in records:
        if most_bytes and len(record) > most_bytes:
            raise TooMuchData(f"{len(record)} bytes in one payload, more than MaxPayloadInMB allows")
        if waiting and (strategy == "SingleRecord" or (most_bytes and len(waiting + record) > most_bytes)):
            yield waiting
            waiting = b""
        waiting += record
    if waiting or not records:
        yield waiting


def assemble(answers: list[bytes], *, assemble_with: str) -> bytes:
    """Join the answers to one file's requests, each on a line of its own if so asked.

    >>> assemble([b"1", b"2\\n"], assemble_with="Line")
    b'1\\n2\\n'
    """
    if assemble_with == "None":
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)
