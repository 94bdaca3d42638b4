"""Text as UTF-8: checked, or recoded from the encoding that a project declares; never repaired."""

from trimtab.reading.refusal import Refusal


def utf8(data: bytes, encoding: str, start: int, first_row: int) -> bytes:
    """Return text as UTF-8; raise Refusal that names the first byte that is none.

    `data` stands at byte `start` of the file and begins with row `first_row`.
    """
    if data.isascii():
        return data
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding == "utf-8" else encoding
        remedy = (
            "export it as UTF-8, or set data.encoding in project.toml" if encoding == "utf-8"
            else "export it so, or correct data.encoding in project.toml"
        )  # fmt: skip
        raise Refusal(
            "ENCODING",
            f"the file is not {name}: byte {start + error.start:,} is {data[error.start]:#04x}, in row "
            f"{first_row + data.count(b'\n', 0, error.start):,}; {remedy}",
        ) from error
    return data if encoding == "utf-8" else text.encode()
