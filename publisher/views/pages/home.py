"""The front page, what this is, the operator's legal pages, and the operator's colours."""

from typing import Any

from flask import Response, abort, current_app, request, send_file

from publisher.errors import Busy
from publisher.views.examples import examples
from publisher.views.pages.frame import Things, blueprint, language, reader, remembered, shown, site, today
from publisher.views.pages.papers import card
from publisher.views.pages.towns import COUNTED, NEW, body, objects

MOST_TOWNS = 500


@blueprint.get("/")
def home() -> Response:
    """Answer with what is new and what comes next: of the one town there is, or of all with a list of them."""
    lang = language()
    try:
        held = reader()
    except Busy:
        return shown("empty.html", 503, title=site().name[lang])
    from_args = (lang, today().isoformat(), "home")
    values = remembered((*from_args, "values"), lambda: _values(lang))
    return shown("home.html", **values, title=site().name[lang], release=held.release)


def _values(lang: str) -> dict[str, Any]:
    things = Things(reader())
    bodies = objects(things.reader.bodies()[:MOST_TOWNS])
    counts = {one["id"]: things.reader.counts(one["id"]) for one in bodies}
    towns = [one for one in bodies if counts[one["id"]].get("Paper", (0, 0))[0] or counts[one["id"]].get("Meeting", (0, 0))[0]] or bodies
    if len(towns) == 1:
        return {"town": towns[0], "towns": [], **body(towns[0], things, lang)}
    every = things.reader.counts()
    return {
        "town": None,
        "towns": [
            (one, [(name, counts[one["id"]].get(name, (0, 0))[0]) for name in ("Paper", "Meeting", "Organization")]) for one in towns
        ],
        "counts": [(name, every[name][0]) for name in COUNTED if name in every],
        "new": [card(one, things, lang) for one in objects(things.reader.latest("Paper", NEW))],
        "next": [],
        "last": [],
    }


@blueprint.get("/query")
def query() -> Response:
    """Answer with the query editor, filled with an example or with the query of a shared link."""
    named = {one.name: one for one in examples()}
    chosen = named.get(request.args.get("example", ""))
    asked = request.args.get("query", "")[:20_000]
    return shown("sparql.html", limits=current_app.config["SPARQL_LIMITS"], query=asked or (chosen.query if chosen else ""))


@blueprint.get("/about")
def about() -> Response:
    """Answer what this is, how to cite, reuse and query it."""
    held, base = reader(), current_app.config["BASE"]
    sample = next((found[0].iri for name in ("Paper", "Body") if (found := held.latest(name, 1))), f"{base}/oparl")
    return shown("about.html", sources=held.sources(), base=base, sample=sample)


@blueprint.get("/imprint")
def imprint() -> Response:
    """Answer with the operator's imprint."""
    return _own("imprint")


@blueprint.get("/privacy")
def privacy() -> Response:
    """Answer with the operator's privacy statement."""
    return _own("privacy")


def _own(name: str) -> Response:
    found = getattr(site(), name)
    if not found:
        abort(404, f"{name}: site.toml names none")
    return shown("text.html", heading=name, words=found[language()])


@blueprint.get("/theme.css")
def theme() -> Response:
    """Answer with the operator's colours; nothing where ours are kept."""
    colours = "".join(f"--{name}:{value};" for name, value in sorted(site().colours.items()))
    response = Response(f":root{{{colours}}}\n" if colours else "", mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/logo")
def logo() -> Response:
    """Answer with the operator's logo."""
    path = site().logo
    if path is None:
        abort(404, "no logo")
    return send_file(path.absolute(), max_age=3600)
