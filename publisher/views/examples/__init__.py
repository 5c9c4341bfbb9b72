"""The example queries: one .rq file each, its title in German and English in the first lines."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from publisher.errors import Misconfigured

FOLDER = Path(__file__).parent


class Example(NamedTuple):
    """One example: its file's name without the suffix, its title by language, and the query with its comments."""

    name: str
    title: dict[str, str]
    query: str


@cache
def examples() -> tuple[Example, ...]:
    """Return all examples by name. Raises Misconfigured naming a file without titles."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.rq")))


def example(name: str) -> Example:
    """Return the example of that name. Raises Misconfigured if there is none."""
    found = next((one for one in examples() if one.name == name), None)
    if found is None:
        raise Misconfigured(f"no example {name!r}; known: {', '.join(one.name for one in examples())}")
    return found


def _read(path: Path) -> Example:
    text = path.read_text("utf-8")
    titles = {lang: title.strip() for lang, title in re.findall(r"^# (de|en): (.+)$", text, re.MULTILINE)}
    if set(titles) != {"de", "en"}:
        raise Misconfigured(f'{path}: expected lines such as "# de: Titel" and "# en: Title"')
    return Example(path.stem, titles, text)
