"""What a source's operator can be written: each fault of the last harvest with its count and where it was met."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from publisher.journal import Run
from publisher.sources.repairs import explained

MOST = 200


class _Keeper(logging.Handler):
    def __init__(self, kept: list[str], source: str) -> None:
        super().__init__()
        self._kept, self._source, self._thread = kept, source, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self._thread:  # walks of several sources run side by side
            return
        record.__dict__["fields"] = {"source": self._source}  # for the log further up: a parser does not know whose page it reads
        if record.levelno >= logging.WARNING and len(self._kept) < MOST:
            self._kept.append(record.getMessage())


@contextmanager
def remarks(source: str = "") -> Iterator[list[str]]:
    """Give a list that fills with what walkers remark on a server's odd ways (lost filters, endless lists) while the block runs."""
    kept: list[str] = []
    keeper, logger = _Keeper(kept, source), logging.getLogger("publisher.sources")
    logger.addHandler(keeper)
    try:
        yield kept
    finally:
        logger.removeHandler(keeper)


def letter(source: dict[str, Any], run: Run) -> str:
    """Return a text to mail to the operator: faults mended on our side, damage, what could not be read, what was remarkable.

    run.state["remarks"]: what `remarks` kept, if anything.
    """
    lines = [
        f"Auffälligkeiten der Schnittstelle (faults of the interface): {source.get('title') or run.source}",
        f"{source.get('url', '')}",
        f"Abruf (harvest) {run.started}",
    ]
    for heading, kind in (("Von uns berichtigt (mended on our side)", "normalised"), ("Beschädigt (damaged)", "damage")):
        lines += _rules(heading, run.notes.get(kind) or {})
    if run.refusals:
        lines += ["", f"Nicht lesbar (could not be read): {len(run.refusals)}"]
        lines += [f"  {one['url']}: {one['reason']}" for one in run.refusals[:MOST]]
    if missing := short(run):
        lines += ["", "Weniger als erwartet (fewer than expected)", *(f"  {words}" for words in missing)]
    told = run.state.get("remarks") or []
    if told:
        lines += ["", f"Bemerkungen (remarks): {len(told)}", *(f"  {one}" for one in told)]
    return "\n".join(lines) + "\n"


def short(run: Run) -> list[str]:
    """Return a line for each class of which a whole walk brought fewer objects than the source's TOML expects."""
    return [f"{name}: {came} of {expected}" for name, (expected, came) in (run.state.get("short") or {}).items()]


def _rules(heading: str, rules: dict[str, Any]) -> list[str]:
    told = [(rule, *row) for rule, row in rules.items() if explained(rule)]
    lines = ["", heading] if told else []
    for rule, times, _, places in sorted(told, key=lambda row: (-row[1], row[0])):
        lines += [f"  {times} x {explained(rule)}", *(f"      {place}" for place in places)]
    return lines
