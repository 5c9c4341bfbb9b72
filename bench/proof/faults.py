"""Faults: what kills, full and broken disks, wrong clocks and power cuts do to an instance."""

from collections.abc import Iterator

from bench.proof import Row


def rows(short: bool) -> Iterator[Row]:
    """Yield a row a fault; short: a few moments of each."""
    yield Row("nothing yet", 0 if short else 0, 0, "")
