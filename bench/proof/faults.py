"""Faults: what kills, full and broken disks, wrong clocks and power cuts do to an instance."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.proof import Row, cuts, disks, kills, moments


def rows(short: bool) -> Iterator[Row]:
    """Yield a row a fault and command; short: a few moments of each. In all some hours, as root with strace and mount."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = kills.prepared(folder)
        for module in (kills, cuts, disks, moments):
            yield from module.rows(folder, made, short)
