"""Statistics: each plot is the answer to a query that anyone can change, drawn here as SVG, given as CSV."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from statistics import median
from typing import Any, NamedTuple

import orjson
from flask import Response, abort, current_app
from markupsafe import Markup

from publisher.errors import LimitMet, QueryRefused
from publisher.store.gate import checked
from publisher.store.workers import Job
from publisher.views import words
from publisher.views.examples import example
from publisher.views.pages.frame import at, blueprint, language, remembered, shown

WIDE, LEFT, ROW = 720, 56, 30
NARROW = 480  # of bars with a name each, which a phone shows whole
SHADES = ("s1", "s2", "s3", "s4", "s5", "s6")
MOST = 40  # bars of one plot

Table = tuple[list[str], list[list[Any]]]


class Plot(NamedTuple):
    """One plot as a page shows it; `problem` in place of rows where the query met a limit."""

    name: str
    title: str
    caption: str
    head: list[str]
    rows: list[list[Any]]
    svg: Markup
    csv: str
    editor: str
    problem: str = ""


class Kind(NamedTuple):
    """What makes a plot: the name of its example query, how its solutions become a table, how the table is drawn."""

    query: str
    table: Callable[[list[dict[str, str]], str], Table]
    draw: Callable[[Table, str, str], Markup]


def solutions(name: str) -> list[dict[str, str]]:
    """Return the answer to an example query as rows of plain texts. Raises LimitMet, QueryRefused."""

    def asked() -> list[dict[str, str]]:
        pool = current_app.extensions["sparql"][0]
        path = current_app.config["RELEASE"]().path / "store"
        answer = pool.ask(path, Job(checked(example(name).query), "application/sparql-results+json"))
        with answer.body as body:
            bindings = orjson.loads(body.read())["results"]["bindings"]
        return [{key: value["value"] for key, value in row.items()} for row in bindings]

    found: list[dict[str, str]] = remembered(("plot", name), asked)
    return found


def by_year(found: list[dict[str, str]], lang: str) -> Table:
    """Return papers a year, a column for each of the five commonest types and one for the rest."""
    kinds: Counter[str] = Counter()
    cells: dict[tuple[str, str], int] = defaultdict(int)
    for row in found:
        kinds[row.get("type", "")] += int(row["papers"])
    common = [kind for kind, _ in kinds.most_common(5)]
    other = words.text("other", lang)
    for row in found:
        kind = row.get("type", "")
        cells[row["year"][:4], kind if kind in common else other] += int(row["papers"])
    columns = common + ([other] if len(kinds) > 5 else [])
    years = sorted({year for year, _ in cells})[-MOST:]
    head = [words.text("year", lang), *(kind or words.text("no_type", lang) for kind in columns)]
    return head, [[year, *(cells[year, kind] for kind in columns)] for year in years]


def by_committee(found: list[dict[str, str]], lang: str) -> Table:
    """Return the median days from a paper's date to its decision, by committee, and of how many papers."""
    days: dict[str, list[int]] = defaultdict(list)
    for row in found:
        try:
            passed = (date.fromisoformat(row["decided"][:10]) - date.fromisoformat(row["date"][:10])).days
        except ValueError:
            continue
        if 0 <= passed <= 3650:
            days[row["committee"]].append(passed)
    ranked = sorted(days.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:MOST]
    return [words.text(key, lang) for key in ("committee", "median_days", "many_Paper")], [
        [name, round(median(passed)), len(passed)] for name, passed in ranked
    ]


def shares(found: list[dict[str, str]], lang: str) -> Table:
    """Return for each year the papers with and without a stated result."""
    rows = [[row["year"][:4], int(row["decided"]), int(row["papers"]) - int(row["decided"])] for row in found]
    return [words.text(key, lang) for key in ("year", "with_result", "without_result")], sorted(rows)[-MOST:]


def columns(table: Table, title: str, lang: str) -> Markup:
    """Return a table as stacked columns, one for each row, with a legend and a scale."""
    head, rows = table
    high, foot = 260, 26
    top = rounded(max((sum(row[1:]) for row in rows), default=0))
    step = min((WIDE - LEFT) / max(len(rows), 1), 90)
    made = _grid(top, high, lang)
    for at_row, row in enumerate(rows):
        x, y = LEFT + at_row * step + step * 0.12, float(high)
        for shade, name, value in zip(SHADES, head[1:], row[1:], strict=False):
            tall = value / top * (high - 20)
            y -= tall
            if value:
                made += Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>').format(
                    shade, x, y, step * 0.76, tall, f"{row[0]}, {name}: {words.number(value, lang)}"
                )
        if at_row % (len(rows) // 14 + 1) == 0:
            made += Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x + step * 0.38, high + 18, row[0])
    return _drawn(made + _legend(head[1:], high + foot + 16), high + foot + 24 + 22 * (len(head) // 2), title, table, lang)


def rounded(top: int) -> int:
    """Return the next number up that four grid lines divide into round steps: 188 -> 200, 7 -> 8."""
    unit = int(10 ** max(0, len(str(max(top, 1))) - 2))
    return -(-max(top, 1) // (4 * unit)) * 4 * unit


def bars(table: Table, title: str, lang: str) -> Markup:
    """Return the second column of a table as horizontal bars, each with its name above it."""
    rows = table[1]
    top = max((row[1] for row in rows), default=0) or 1
    made = Markup("")
    for at_row, row in enumerate(rows):
        y = at_row * (ROW + 14)
        made += Markup('<text x="0" y="{}">{}</text>').format(y + 16, str(row[0])[:64])
        wide = max(2.0, row[1] / top * (NARROW - 150))
        made += Markup('<rect class="s1" x="0" y="{}" width="{:.1f}" height="12"/><text class="tick" x="{:.1f}" y="{}">{}</text>').format(
            y + 22, wide, wide + 8, y + 33, words.text("days_of", lang, days=words.number(row[1], lang), count=words.number(row[2], lang))
        )
    return _drawn(made, len(rows) * (ROW + 14) + 10, title, table, lang, NARROW)


def _grid(top: int, high: int, lang: str) -> Markup:
    made = Markup("")
    for part in range(5):
        y = high - part / 4 * (high - 20)
        made += Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, WIDE, y, y)
        made += Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            LEFT - 8, y + 4, words.number(round(top * part / 4), lang)
        )
    return made


def _legend(names: Sequence[str], y: int) -> Markup:
    made = Markup("")
    for at_name, (shade, name) in enumerate(zip(SHADES, names, strict=False)):
        x, line = LEFT + at_name % 2 * 220, y + at_name // 2 * 22
        made += Markup('<rect class="{}" x="{}" y="{}" width="12" height="12"/><text x="{}" y="{}">{}</text>').format(
            shade, x, line, x + 18, line + 11, name[:30]
        )
    return made


def _drawn(inner: Markup, high: int, title: str, table: Table, lang: str, wide: int = WIDE) -> Markup:
    """Return an SVG whose label says in words what it shows; the numbers themselves stand in the table beside it."""
    rows = table[1]
    said = words.text("plot_says", lang, title=title, count=len(rows), first=rows[0][0] if rows else "", last=rows[-1][0] if rows else "")
    kind = "plot" if wide == WIDE else "plot bars"
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(kind, wide, high, said, inner)


KINDS = (
    Kind("papers-a-year", by_year, columns),
    Kind("days-to-decision", by_committee, bars),
    Kind("decided", shares, columns),
)


@blueprint.get("/statistics")
def statistics() -> Response:
    """Answer with every plot, its numbers as a table, and where to get them and the query."""
    lang = language()
    return shown("statistics.html", plots=[plotted(kind, lang) for kind in KINDS])


@blueprint.get("/statistics/<name>.csv")
def numbers(name: str) -> Response:
    """Answer with the numbers of a plot as CSV (RFC 4180)."""
    kind = next((one for one in KINDS if one.query == name), None)
    if kind is None:
        abort(404, f"{name}: known are {', '.join(one.query for one in KINDS)}")
    head, rows = kind.table(solutions(name), language())
    sheet = io.StringIO()
    csv.writer(sheet).writerows([head, *rows])
    return Response(sheet.getvalue(), mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}.csv"'})


def plotted(kind: Kind, lang: str) -> Plot:
    """Return a plot; one whose query met a limit says so instead."""
    told = example(kind.query)
    title, links = told.title[lang], (at(f"/statistics/{kind.query}.csv"), at("/query", example=kind.query))
    try:
        table = kind.table(solutions(kind.query), lang)
    except (LimitMet, QueryRefused) as error:
        return Plot(kind.query, title, "", [], [], Markup(""), *links, problem=str(error))
    return Plot(kind.query, title, words.text("plot_caption", lang), *table, kind.draw(table, title, lang), *links)
