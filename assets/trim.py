"""Remove from an installed layer what Lambda brings by itself or never runs."""

import shutil
from pathlib import Path

# The runtime has the SDK; setuptools is a leftover of build requirements; bin holds laptop scripts.
PACKAGES = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "urllib3",
    "setuptools",
    "pkg_resources",
    "_distutils_hack",
)
FILES = ("distutils-precedence.pth", ".lock")
FOLDERS = ("tests", "include", "includes", "__pycache__")
TOP_FOLDERS = ("bin",)
SUFFIXES = (".pyi", ".pyx", ".pxd", ".pxi", ".pyc")
# libarrow_substrait stays: pyarrow's core links against it. The bare and the fully versioned names of
# libarrow_python are copies of the one that is linked, because wheels cannot hold symbolic links.
PYARROW = (
    "_flight.*", "flight.py", "libarrow_flight.*", "libarrow_python_flight.*",
    "_gcsfs.*", "_azurefs.*", "_hdfs.*", "_substrait.*", "_pyarrow_cpp_tests.*",
    "libarrow_python.so", "libarrow_python.so.*.*.*",
    "libarrow_python_parquet_encryption.so", "libarrow_python_parquet_encryption.so.*.*.*",
)  # fmt: skip


def trim(site: Path) -> None:
    """Delete the listed packages, folders and files from `site`."""
    for name in PACKAGES:
        _remove(site / name)
        for info in site.glob(f"{name}-*.dist-info"):
            _remove(info)
    for name in (*FILES, *TOP_FOLDERS):
        _remove(site / name)
    for path in sorted(site.rglob("*")):
        if path.is_dir() and path.name in FOLDERS and not _is_data(path):
            _remove(path)
    for path in sorted(site.rglob("*")):
        if path.is_file() and path.suffix in SUFFIXES:
            _remove(path)
    for pattern in PYARROW:
        for path in (site / "pyarrow").glob(pattern):
            _remove(path)


def listing() -> str:
    """Spell the whole list, so that a change of it is a change of the layer."""
    return repr((PACKAGES, FILES, FOLDERS, TOP_FOLDERS, SUFFIXES, PYARROW))


def _is_data(path: Path) -> bool:
    return any(part.endswith(".dist-info") for part in path.parts)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
