"""Numbers and lists as people read them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

MISSING = "–"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with a fixed count of digits after the point, or a dash for one that is not known.

    >>> number(0.7123), number(-0.0641), number(None)
    ('0.712', '−0.064', '–')
    """
    if value is None:
        return MISSING
    written = f"{value:,.{digits}f}"
    if float(written.replace(",", "")) == 0:
        written = written.lstrip("-")
    return written.replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """Write a difference with its sign.

    >>> signed(0.0213), signed(-0.0001)
    ('+0.021', '0.000')
    """
    written = number(value, digits)
    return written if written.startswith("−") or not written.strip("0.,") else f"+{written}"


def count(value: int | None) -> str:
    """Write a count with thousands apart.

    >>> count(336776)
    '336,776'
    """
    return MISSING if value is None else f"{value:,}"


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share as per cent.

    >>> percent(0.128)
    '13 %'
    """
    return MISSING if value is None else f"{number(100 * value, digits)} %"


def plural(value: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun.

    >>> plural(1, "month"), plural(3, "month"), plural(2, "try", "tries")
    ('1 month', '3 months', '2 tries')
    """
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def listed(words: Iterable[str]) -> str:
    """Join words with commas and a final "and".

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    every = list(words)
    return " and ".join(filter(None, [", ".join(every[:-1]), every[-1]])) if every else "none"


def shortened(words: Sequence[str], most: int) -> str:
    """Join words, naming at most `most` of them.

    >>> shortened(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    if len(words) <= most:
        return listed(words)
    return listed([*words[:most], f"{len(words) - most} more"])


def compact(value: float | None) -> str:
    """Write a number that may be very small.

    >>> compact(0.25), compact(0.00012), compact(1e-12), compact(0)
    ('0.2500', '1.2e-04', '< 1e-9', '0')
    """
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    if abs(value) < 1e-9:
        return "< 1e-9"
    return f"{value:.1e}" if abs(value) < 0.001 else number(value, 4)


def plain(value: float) -> str:
    """Write a value of a column with four digits.

    >>> plain(-1234.5)
    '−1,234'
    """
    return f"{value:,.4g}".replace("-", "−")


def window_name(name: str) -> str:
    """Write a window's name shortly: without the year.

    >>> window_name("2013-03"), window_name("2013-W10"), window_name("2013-03-05")
    ('Mar', 'W10', '03-05')
    """
    return month_name(name) if len(name) == len("2013-03") else name.partition("-")[2]


def day(instant: datetime) -> str:
    """Write a date in full.

    >>> from datetime import UTC
    >>> day(datetime(2013, 3, 1, tzinfo=UTC))
    '1 March 2013'
    """
    return f"{instant.day} {instant:%B %Y}"


def month_name(month: str, *, year: bool = False) -> str:
    """Write `2013-03` as `Mar`, or `March 2013`; anything else stays as it is.

    >>> month_name("2013-03"), month_name("2013-03", year=True)
    ('Mar', 'March 2013')
    """
    try:
        first = datetime.fromisoformat(f"{month}-01")
    except ValueError:
        return month
    return f"{first:%B %Y}" if year else f"{first:%b}"
