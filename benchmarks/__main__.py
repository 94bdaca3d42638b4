"""`python -m benchmarks`: the quick forms of the benches; they print, and write no page."""

from benchmarks.drift.__main__ import main

if __name__ == "__main__":
    main(["--quick"])
