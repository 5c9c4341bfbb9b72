"""A memory of what was made for a release, so that it is made once."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

REMEMBERED, REMEMBERED_BYTES = 10_000, 100_000_000  # a process; pages of records are by far the most of it


class Memory:
    """Keeps what was made for a release, bounded in number and in bytes, the oldest goes first; a new release starts empty."""

    def __init__(self) -> None:
        self._held: OrderedDict[Any, Any] = OrderedDict()
        self._release, self._bytes = -1, 0

    def get(self, release: int, key: Any, make: Callable[[], Any]) -> Any:
        if release != self._release:
            self._held, self._release, self._bytes = OrderedDict(), release, 0
        held = self._held
        if key in held:
            return held[key]
        made = held[key] = make()
        self._bytes += _weight(made)
        while len(held) > REMEMBERED or self._bytes > REMEMBERED_BYTES and len(held) > 1:
            self._bytes -= _weight(held.popitem(last=False)[1])
        return made

    def held(self, key: Any, release: int) -> Any:
        """Return what is remembered of this release, else None."""
        return self._held.get(key) if release == self._release else None


def _weight(made: Any) -> int:
    """Return how many bytes a page takes; what is no page counts nothing, since there is little of it."""
    return len(made) if isinstance(made, bytes) else 0
