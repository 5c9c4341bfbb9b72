"""What every page shares: its language, the operator's name and colours, links, and a memory that lasts as long as a release."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from flask import Blueprint, Response, current_app, request
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup, escape

from publisher.errors import Busy
from publisher.journal.reader import Reader
from publisher.ontology import VERSION, ontology
from publisher.views import standing, words
from publisher.views.answers import HTML, negotiated, preferred
from publisher.views.examples import example, examples
from publisher.views.pages.compiled import Brisk, escaped
from publisher.views.pages.memory import REMEMBERED, Memory
from publisher.views.pages.prose import GERMAN, THEIRS, WORDED, counted, paragraphs
from publisher.views.pages.site import Site, site_of

blueprint = Blueprint("pages", __name__)

SHARED = ("Body", "Organization", "System", "Person", "Meeting")
STATIC = Path(__file__).parent.parent / "static"
TEXT = re.compile(r"\{\{ t\('([a-z_]+)'\) \}\}")
SAFE = re.compile(r"(?i)(?:https?://|mailto:[^\s]|tel:[^\s])")
# The one style sheet that the editor's table (column-resizer in YASGUI 4.6.2) makes by itself, named by its hash.
GRIPS = "'sha256-zCK2EVMoPc04mRF/g5CotUvxbJPWS+8V0b+s9ptqQIk='"
POLICY = "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
COUNTED = frozenset(key.removeprefix("many_") for key in words.TEXTS if key.startswith("many_"))
FORMATS = (("JSON-LD", "jsonld"), ("Turtle", "ttl"), ("N-Triples", "nt"), ("RDF/XML", "rdf"))
MEDIA = {"jsonld": "application/ld+json", "ttl": "text/turtle", "nt": "application/n-triples", "rdf": "application/rdf+xml"}
ALTERNATES = "\n".join(f'<link rel="alternate" href="\0.{suffix}" title="{name}" type="{MEDIA[suffix]}">' for name, suffix in FORMATS)
FILTERS = ("href", "named", "link", "links", "committees", "day", "weekday", "num", "paragraphs", "alternates", "downloads")


def language() -> str:
    """Return "de" or "en": what the address asks for, else what the browser prefers; German where neither names one of them."""
    return asked_language() or preferred(request.headers.get("Accept-Language", "")[:500], words.LANGUAGES) or "de"


def asked_language() -> str:
    """Return the language that the address asks for, "" if none; links carry it on."""
    asked = request.args.get("lang", "") if request.query_string else ""
    return asked if asked in words.LANGUAGES else ""


def today() -> date:
    """Return the day on which a page is read; tests set TODAY."""
    found: date = current_app.config.get("TODAY", date.today)()
    return found


def reader() -> Reader:
    """Return the Reader of the release in service. Raises Busy before the first one."""
    found: Reader = current_app.config["LIBRARY"].reader()
    return found


def site() -> Site:
    """Return what the operator configured in {home}/site.toml, read once. Raises Misconfigured naming the key."""
    held: Site | None = current_app.extensions.get("site")
    if held is None:
        held = current_app.extensions["site"] = site_of(Path(current_app.config["HOME"]))
    return held


def memory() -> Memory:
    """Return this process's memory."""
    found: Memory = current_app.extensions.setdefault("pages", Memory())
    return found


def remembered(key: Any, make: Callable[[], Any], release: int = 0) -> Any:
    """Return what `make` gives, made once a release; whoever knows the release's number saves asking for it."""
    return memory().get(release or reader().release, key, make)


def dead_links(release: int = 0) -> dict[str, str]:
    """Return address -> record of the files whose links led nowhere when the harvest read them last."""

    def read() -> dict[str, str]:
        path = current_app.config["RELEASE"]().path / "dead.json"
        found: dict[str, str] = orjson.loads(path.read_bytes()) if path.is_file() else {}
        return found

    made: dict[str, str] = remembered(("dead",), read, release)
    return made


class Things:
    """The records and parts of a release by IRI, each read once for a page; called like a function, None for the unknown.

    Those that many pages name (SHARED) are read once a release. Whoever gets an object must not change it.
    """

    def __init__(self, source: Reader) -> None:
        self.reader = source
        self._held: dict[str, dict[str, Any] | None] = {}
        self._shared: dict[str, dict[str, Any]] = remembered(("things",), dict, source.release)

    def __call__(self, iri: str) -> dict[str, Any] | None:
        shared = self._shared.get(iri)
        if shared is not None:
            return shared
        if iri not in self._held:
            found = self.reader.get(iri)
            made = self._held[iri] = orjson.loads(found.json) if found and not found.deleted else None
            if made and found and found.type in SHARED and len(self._shared) < REMEMBERED:
                self._shared[iri] = made
        return self._held[iri]

    def of(self, value: Any) -> list[dict[str, Any]]:
        """Return the objects that a value of OParl embeds or points at; what is not here is left out."""
        found = (item if isinstance(item, dict) else self(item) if isinstance(item, str) else None for item in standing.listed(value))
        return [one for one in found if one]


def name_of(obj: Mapping[str, Any]) -> str:
    """Return what a thing is called, the end of its IRI where it has no name."""
    keys = ("name", "shortName", "description", "reference", "oparlx:number", "fileName", "number")
    return next((str(obj[key]) for key in keys if obj.get(key)), str(obj.get("id", "")).rsplit("/", 1)[-1])


def place_of(iri: str) -> str:
    """Return the address of a thing of ours without its host, with the chosen language; a foreign one as it is, "" if unsafe."""
    return placing()(iri)


def placing() -> Callable[[str], str]:
    """Return `place_of` for this request, for whoever asks it more than once."""
    return _addresses(asked_language())[0]


def at(path: str, **arguments: Any) -> str:
    """Return the address of a page of ours with arguments, empty ones left out, in the chosen language."""
    return _addresses(asked_language())[1](path, **arguments)


def _addresses(asked: str) -> tuple[Callable[[str], str], Callable[..., str]]:
    """Return `place_of` and `at` for the language that the address names, "" for none; a page asks them for every link."""
    return _addressing(current_app.config["BASE"], asked)


@cache
def _addressing(base: str, asked: str) -> tuple[Callable[[str], str], Callable[..., str]]:
    prefix, head, tail = urlsplit(base).path, base + "/", f"lang={asked}" if asked else ""

    def href(iri: str) -> str:
        if not iri.startswith(head) and iri != base:
            return iri if SAFE.match(iri) else ""
        path = iri[len(base) - len(prefix) :] or "/"
        return f"{path}{'&' if '?' in path else '?'}{tail}" if tail else path

    def address(path: str, **arguments: Any) -> str:
        given = {key: value for key, value in arguments.items() if value not in ("", None)}
        if asked:
            given.setdefault("lang", asked)
        return prefix + path + (f"?{urlencode(given)}" if given else "")

    return href, address


def other_language(lang: str) -> str:
    """Return this page's address in another language."""
    given = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"] if request.query_string else []
    return f"{request.path}?{urlencode([*given, ('lang', lang)]) if given else f'lang={lang}'}"


def static(name: str) -> str:
    """Return the address of a file in static/, which changes with its content."""
    marks: dict[str, str] = current_app.extensions.setdefault("static", {})
    if name not in marks:
        path = STATIC / name
        marks[name] = sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else ""
    return f"{urlsplit(current_app.config['BASE']).path}/static/{name}?v={marks[name]}"


def document(json: bytes, base: str) -> Markup:
    """Return a record's JSON-LD document fit for a script element: equal to what its IRI serves, with < > & escaped (HTML 4.12.1)."""
    text = '{"@context":"%s/ontology/context/%s.jsonld",%s' % (base, VERSION, json[1:].decode())  # noqa: UP031
    safe = (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    return Markup(safe)


def label(term: str, lang: str) -> str:
    """Return a class's or property's label from the ontology, ours for the terms of others that it only uses; `term` is an IRI."""
    if term in words.FOREIGN:
        return words.FOREIGN[term][lang == "en"]
    return ontology().label(term, lang)


def page(template: str, lang: str, **values: Any) -> str:
    """Return a page filled in."""
    return templates(lang, asked_language()).get_template(template).render(tools(lang) | values)


class Worded(Extension):
    """Puts the texts of one language into a template before it is compiled: a page has dozens of them, and they never change."""

    lang = "de"

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        del name, filename
        fixed = _fixed(self.lang)
        return TEXT.sub(lambda hit: str(escape(fixed[hit[1]])) if hit[1] in fixed else hit[0], source)


class WordedInEnglish(Worded):
    """Beside the texts, says of what a source wrote that it is German, for voices and hyphens (WCAG 3.1.2); `dir="auto"` marks that."""

    lang = "en"

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return super().preprocess(source, name, filename).replace('dir="auto"', GERMAN)


def templates(lang: str, asked: str) -> Environment:
    """Return Flask's environment with the texts and the filters of a language; `asked` if the address names it, else ""."""
    made: dict[tuple[str, str], Environment] = current_app.extensions.setdefault("templates", {})
    if (lang, asked) not in made:
        environment = current_app.jinja_env.overlay(extensions=[WordedInEnglish if lang == "en" else Worded])
        environment.filters = environment.filters | _filters(lang, asked)
        environment.code_generator_class = Brisk
        made[lang, asked] = environment
    return made[lang, asked]


def _filters(lang: str, asked: str) -> dict[str, Callable[[Any], Any]]:
    """Return what templates do to a value; as filters, since Jinja calls those without looking what kind of function they are."""
    href = _addresses(asked)[0]
    anchor = f'<a href="%s" {GERMAN if lang == "en" else THEIRS}>%s</a>'

    def linked(iri: str, name: str) -> Markup:
        return Markup(anchor % (escaped(href(iri)), escaped(name)))

    def downloads(iri: str) -> Markup:
        return Markup(" ".join([f'<a href="{escaped(href(f"{iri}.{suffix}"))}">{name}</a>' for name, suffix in FORMATS]))

    return {
        "href": href,
        "named": name_of,
        "link": lambda thing: linked(thing["id"], name_of(thing)),
        "links": lambda things: Markup(", ").join(linked(one["id"], name_of(one)) for one in things),
        "committees": lambda named: Markup(", ").join(linked(one.iri, one.name or one.iri) for one in named),
        "day": lambda value: words.long_day(standing.moment(value)[0] or str(value), lang),
        "weekday": lambda value: words.weekday(standing.moment(value)[0], lang),
        "num": lambda count: words.number(count, lang),
        "paragraphs": paragraphs if lang == "de" else lambda text: Markup(paragraphs(text).replace(THEIRS, GERMAN)),
        "alternates": lambda iri: Markup(ALTERNATES.replace("\0", escaped(iri))),
        "downloads": downloads,
    }


@blueprint.record_once
def _filtered(state: Any) -> None:
    """Let templates of other blueprints be compiled as well: they ask for the reader's language when they are filled in."""

    def later(name: str) -> Callable[[Any], Any]:
        return lambda value: _filters(language(), asked_language())[name](value)

    state.app.jinja_env.filters.update({name: later(name) for name in FILTERS})


@cache
def _fixed(lang: str) -> dict[str, str]:
    """Return the texts that nothing is filled into."""
    return {key: words.text(key, lang) for key, pair in words.TEXTS.items() if "{" not in "".join(pair)}


def tools(lang: str) -> dict[str, Any]:
    """Return what every template may use, made once for a language and for whether the address names it. Nobody may change it."""
    made: dict[tuple[str, str], dict[str, Any]] = current_app.extensions.setdefault("tools", {})
    asked = asked_language()
    if (lang, asked) not in made:
        made[lang, asked] = _furnished(_tools(lang, asked))
    return made[lang, asked]


def _tools(lang: str, asked: str) -> dict[str, Any]:
    fixed = _fixed(lang)
    href, address = _addresses(asked)
    return {
        "lang": lang,
        "asked": asked,
        "t": lambda key, **values: fixed[key] if key in fixed else words.text(key, lang, **values),
        "label": lambda term: label(term, lang),
        "day": lambda value: words.long_day(standing.moment(value)[0] or str(value), lang),
        "clock": lambda value: standing.moment(value)[1],
        "weekday": lambda value: words.weekday(standing.moment(value)[0], lang),
        "num": lambda count: words.number(count, lang),
        "size": lambda count: words.size(count, lang),
        "known": COUNTED,
        "host": lambda url: urlsplit(url).netloc,
        "worded": lambda result: lang == "de" and bool(WORDED.search(result)),
        "counted_votes": lambda votes: counted(votes, lang),
        "geo": lambda places: orjson.dumps([[one.name, one.lines] for one in places if one.lines]).decode(),
        "name_of": name_of,
        "href": href,
        "at": address,
        "static": static,
        "vendored": lambda name: (STATIC / "vendor" / name).is_file(),
        "examples": examples(),
        "example": example("latest-papers"),
        "other_language": other_language,
        "paragraphs": paragraphs,
        "site": site(),
        "formats": FORMATS,
        "media": MEDIA,
    }


def _furnished(made: dict[str, Any]) -> dict[str, Any]:
    """Add what pages are put together from, bound to the language: the macros, and the frame, which is the same on every page."""
    environment = templates(made["lang"], made["asked"])
    frame: Any = environment.get_template("chrome.html").make_module(made)
    marked = {path: frame.menu(path) for path in ("", *(path for path, _ in frame.MENU))}
    prefix = len(urlsplit(current_app.config["BASE"]).path)
    return made | {
        "parts": environment.get_template("parts.html").make_module(made),
        "head": frame.head(),
        "brand": frame.brand(),
        "find": frame.find,
        "finder": frame.find(""),
        "menu": lambda path: marked.get(path[prefix:]) or marked[""],
        "foot": frame.foot(),
    }


@blueprint.app_context_processor
def _offered() -> dict[str, Any]:
    """Give templates of other blueprints the same tools, in the reader's language."""
    return tools(language())


@blueprint.after_app_request
def _policy(response: Response) -> Response:
    """Allow what a page needs beyond our own files: the editor's pictures, the map's tiles; never inline code."""
    # What is registered first runs last: a problem shown as a page is a page by now.
    framed = request.endpoint == "reconcile.preview" and response.status_code == 200  # which stands in frames of other sites
    if response.mimetype == "text/html" and not framed:
        pictures = "'self' data:" + (f" {urlsplit(tiles).scheme}://{urlsplit(tiles).netloc}" if (tiles := site().tiles) else "")
        response.headers["Content-Security-Policy"] = f"{POLICY}; img-src {pictures}; font-src 'self' data:"
        if request.path.endswith(("/query", "/sparql")):
            response.headers["Content-Security-Policy"] += f"; style-src 'self' {GRIPS}"
    return response


@blueprint.after_app_request
def _readable(response: Response) -> Response:
    """Show a problem as a page to whoever asks for pages; programs keep the problem details (RFC 9457)."""
    offered = ("application/problem+json", *HTML)
    if response.mimetype != offered[0] or negotiated(request.headers.get("Accept"), offered) not in HTML:
        return response
    problem = orjson.loads(response.get_data())
    told = {"title": problem.get("title", ""), "detail": problem.get("detail", ""), "first": _before_the_first()}
    made = page("error.html", language(), status=response.status_code, **told)
    response.set_data(made)
    response.mimetype = "text/html"
    response.headers.pop("ETag", None)
    response.headers["Vary"] = "Accept, Accept-Encoding, Accept-Language"
    return response


def _before_the_first() -> bool:
    """Tell whether there is no release yet."""
    try:
        current_app.config["RELEASE"]()
    except Busy:
        return True
    return False


def shown(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page as a response in the reader's language."""
    lang = language()
    response = Response(page(template, lang, **values), status, mimetype="text/html")
    response.headers["Vary"] = "Accept, Accept-Encoding, Accept-Language"
    response.headers["Content-Language"] = lang
    response.headers["Cache-Control"] = "public, max-age=60"
    return response
