"""The long rounds that prove what is promised: faults, attacks, load; `python -m bench.proof` runs them and prints one table."""

from typing import NamedTuple


class Row(NamedTuple):
    """What one kind of trouble did. rounds: how often it was made; wrong: in how many of them the promise was broken; outcome: in words."""

    what: str
    rounds: int
    wrong: int
    outcome: str
