"""Old names that live on: data/aliases/*.csv and {home}/aliases/*.csv map a new source id to the one its IRI was minted from."""

import csv
from io import StringIO
from pathlib import Path

from publisher.config import project_file
from publisher.errors import Misconfigured


def aliases(home: Path) -> dict[str, str]:
    """Return new id -> old id. Each file has the columns `old` and `new`. Raises Misconfigured naming file and line."""
    found: dict[str, str] = {}
    for folder in (project_file("data", "aliases"), home / "aliases"):
        for path in sorted(folder.glob("*.csv")) if folder.is_dir() else ():
            try:
                text = path.read_text("utf-8-sig")  # a spreadsheet puts a mark in front
            except UnicodeDecodeError as error:
                raise Misconfigured(f"{path}: expected a CSV in UTF-8: {error}") from error
            for line, row in enumerate(csv.DictReader(StringIO(text, newline="")), 2):
                old, new = (row.get("old") or "").strip(), (row.get("new") or "").strip()
                if not old or not new or found.get(new, old) != old:
                    raise Misconfigured(f"{path}:{line}: expected one old and one new id, and no new id twice; found {row}")
                found[new] = old
    return found
