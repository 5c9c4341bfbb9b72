"""Takes screenshots of an instance's pages on both widths: python -m tests.browser.screenshots HOME FOLDER [PATH ...]"""

import re
import sys
from pathlib import Path

from publisher.views import create_app
from tests.browser.serving import SIZES, browser, opened, served

CLASSES = ("Paper", "Meeting", "AgendaItem", "Organization", "Person", "Body", "Location", "File")
PAGES = ("/", "/?lang=en", "/search?q=sozial", "/calendar", "/statistics", "/status", "/about", "/sparql", "/id/nobody")


def paths(home: Path) -> list[str]:
    """Return the pages that stand for all: the routes, and one record of each class."""
    app = create_app(home)
    with app.app_context():
        reader = app.config["LIBRARY"].reader()
        records = [one.iri.removeprefix(reader.base) for name in CLASSES for one in reader.latest(name, 1)]
    return [*PAGES, *records]


def main(home: Path, folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with served(create_app(home)) as address, browser() as found:
        for size in SIZES:
            page = opened(found, size, locale="de-DE")
            for path in wanted or paths(home):
                page.goto(address + path)
                name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:60] or "home"
                page.screenshot(path=str(folder / f"{name}.{size}.png"), full_page=True)
                print(folder / f"{name}.{size}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
