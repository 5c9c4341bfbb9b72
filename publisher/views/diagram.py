"""A picture of the classes and their references, as SVG that takes the page's colours."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

WIDE, HIGH = 176, 44
PLACES = {
    "System": (0, 0), "Body": (1, 0), "LegislativeTerm": (2, 0), "Location": (4, 2),
    "Organization": (2, 1), "Membership": (3, 0), "Person": (4, 0),
    "Meeting": (3, 2), "AgendaItem": (3, 3), "Consultation": (2, 3),
    "Paper": (1, 2), "File": (4, 4), "PaperSection": (0, 3), "ResolutionProposal": (0, 1), "FinancialImpact": (0, 4),
}  # fmt: skip


def diagram(names: Mapping[str, str], edges: Mapping[tuple[str, str], Sequence[str]], title: str, links: Mapping[str, str]) -> Markup:
    """Return the SVG: a box for each class, a line for each pair of classes of which one refers to the other, with the keys as its hint."""
    made = Markup("")
    for pair in sorted({tuple(sorted(edge)) for edge in edges}):
        keys = [f"{_local(one)}.{key}" for one, other in (pair, pair[::-1]) for key in edges.get((one, other), ())]
        made += _line(_centre(pair[0]), _centre(pair[1]), ", ".join(keys))
    for iri, name in names.items():
        made += _box(_centre(iri), name, links[iri])
    return Markup('<svg class="plot" viewBox="0 0 1040 470" role="group" aria-label="{}">{}</svg>').format(title, made)


def _line(start: tuple[int, int], end: tuple[int, int], hint: str) -> Markup:
    return Markup(
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="currentColor" stroke-opacity="0.35" stroke-width="2"><title>{}</title></line>'
    ).format(*start, *end, hint)


def _box(centre: tuple[int, int], name: str, link: str) -> Markup:
    x, y = centre
    return Markup(
        '<a href="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="6" fill="Canvas" stroke="currentColor"/>'
        '<text x="{}" y="{}" text-anchor="middle" fill="CanvasText" font-size="15">{}</text></a>'
    ).format(link, x - WIDE // 2, y - HIGH // 2, WIDE, HIGH, x, y + 5, name)


def _centre(iri: str) -> tuple[int, int]:
    column, row = PLACES[_local(iri)]
    return 104 + column * 208, 35 + row * 100


def _local(iri: str) -> str:
    return iri.rsplit("/", 1)[-1].rsplit("#", 1)[-1]
