"""Every regular expression of the package against texts made from the expression itself: time must grow about as the text does."""

import argparse
import ast
import importlib
import pkgutil
import re
import re._constants as code  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, product
from pathlib import Path
from typing import Any, NamedTuple

import publisher
from bench.proof import Row

METHODS = ("match", "search", "fullmatch", "finditer", "findall", "sub", "split")
REPEATS = {code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT}
CLASSES = {code.CATEGORY_DIGIT: "1", code.CATEGORY_SPACE: " ", code.CATEGORY_WORD: "a", code.CATEGORY_NOT_WORD: "-"}
BOUNDED = {"publisher.store.gate.SERVICE": "the gate asks it only of queries that hold the word 200 times at most"}
NOT_OURS = ("publisher.store.worker", "publisher.__main__")  # they run when imported
LENGTH, ALLOWED, LONGEST = 8_000, 0.05, 2.0
GROWTH = 2.8  # times as long for a text twice as long: 2 is linear, 4 is quadratic


class Pattern(NamedTuple):
    """A compiled expression, where it stands, and the methods that the module calls on it (all, where that cannot be seen)."""

    where: str
    compiled: re.Pattern[Any]
    methods: tuple[str, ...]


class Slow(Exception):
    """The expression was still at it after LONGEST seconds."""


def patterns() -> Iterator[Pattern]:
    """Yield each regular expression of the package once."""
    seen = set()
    for module in pkgutil.walk_packages(publisher.__path__, "publisher."):
        if module.name in NOT_OURS:
            continue
        loaded = importlib.import_module(module.name)
        tree = ast.parse(Path(str(loaded.__file__)).read_text("utf-8"))
        for found in chain(_named(loaded, tree), _inline(module.name, tree)):
            if found.where not in BOUNDED and (key := (found.compiled, found.methods)) not in seen:
                seen.add(key)
                yield found


def _named(module: Any, tree: ast.AST) -> Iterator[Pattern]:
    called: dict[str, set[str]] = {}
    for call in ast.walk(tree):
        if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name) and call.attr in METHODS:
            called.setdefault(call.value.id, set()).add(call.attr)
    for name, value in vars(module).items():
        for compiled in _inside(value):
            yield Pattern(f"{module.__name__}.{name}", compiled, tuple(sorted(called.get(name, set(METHODS[:4])))))


def _inside(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | dict) and depth < 4:
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one, depth + 1)


def _inline(name: str, tree: ast.AST) -> Iterator[Pattern]:
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in METHODS and call.args):
            continue
        if isinstance(call.func.value, ast.Name) and call.func.value.id == "re" and isinstance(call.args[0], ast.Constant):
            told = [part.attr for part in ast.walk(call) if isinstance(part, ast.Attribute) and part.attr in ("I", "IGNORECASE", "S", "M")]
            flags = sum(getattr(re, flag) for flag in set(told))
            yield Pattern(f"{name}:{call.lineno}", re.compile(call.args[0].value, flags), (call.func.attr,))


def texts(compiled: re.Pattern[Any], length: int) -> Iterator[Any]:
    """Yield texts of `length` that begin as the expression wants, repeat what it repeats, and end as it does not want."""
    raw = isinstance(compiled.pattern, bytes)
    whole, pumps = _sample(parser.parse(compiled.pattern, compiled.flags & ~(0 if not raw else re.UNICODE)))
    bodies = sorted({body for _, body in pumps if body} | ({whole} if whole else set()))
    tried = {pump for pump in pumps if pump[1]} | {("", body) for body in bodies}
    tried |= {("", one + two) for one, two in product(bodies[:8], repeat=2)}
    for (start, body), end in product(sorted(tried), ("", "\0", "!")):
        text = start + body * (length // len(body)) + end
        yield text.encode("latin-1", "replace") if raw else text


def _sample(parsed: Any) -> tuple[str, list[tuple[str, str]]]:
    """Return a short text that a parsed expression takes, and (text before, repeated text) for each of its repetitions."""
    text, pumps = "", list[tuple[str, str]]()
    for kind, value in parsed:
        if kind in REPEATS:
            least, most, body = value
            inner, more = _sample(body)
            pumps += [(text + before, again) for before, again in more]
            pumps += [(text, again) for again in {inner, *(_letters(body[0][1]) if len(body) == 1 and body[0][0] is code.IN else ())}][
                : 99 if most is code.MAXREPEAT or most > 20 else 0
            ]
            pumps += [("", text), (text, text)]  # what stands before it, begun again and again
            text += inner * min(least, 50)
        elif kind is code.BRANCH:
            ways = [_sample(way) for way in value[1]]
            pumps += [(text + before, again) for _, more in ways for before, again in more]
            pumps += [("", way) for way, _ in ways[:40]]
            text += ways[0][0]
        elif kind in (code.SUBPATTERN, code.ATOMIC_GROUP, code.ASSERT):
            inner, more = _sample(value if kind is code.ATOMIC_GROUP else value[-1])
            pumps += [(text + before, again) for before, again in more]
            text += inner
        else:
            text += _letter(kind, value)
    return text, pumps


def _letter(kind: Any, value: Any) -> str:
    if kind is code.LITERAL:
        return chr(value)
    if kind is code.IN:
        return _letters(value)[0]
    return "a" if kind in (code.ANY, code.NOT_LITERAL) else ""


def _letters(members: Any) -> list[str]:
    """Return letters of a class of letters: the first of each range, of a negated class some that are not in it."""
    found = []
    for kind, value in members:
        if kind in (code.LITERAL, code.RANGE):
            found.append(chr(value if kind is code.LITERAL else value[0]))
        elif kind is code.CATEGORY:
            found.append(CLASSES.get(value, "a"))
    if members[0][0] is code.NEGATE:
        return [letter for letter in 'a1 -<"' if letter not in found] or ["§"]
    return found or ["a"]


def seconds(pattern: Pattern, text: Any) -> float:
    """Return the processor time that the slowest method in use takes for a text; LONGEST if it does not end."""
    slowest = 0.0
    for method in pattern.methods:
        call = getattr(pattern.compiled, method)
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        try:
            told = call(text[:0], text) if method == "sub" else call(text)
            if method == "finditer":
                for _ in told:
                    pass
        except Slow:
            return LONGEST
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.process_time() - begin)
    return slowest


def worst(pattern: Pattern, length: int) -> tuple[float, Any]:
    """Return seconds and text of the first text of `length` that takes above ALLOWED and grows above GROWTH; (0, "") if none does."""
    for half, text in zip(texts(pattern.compiled, length // 2), texts(pattern.compiled, length), strict=True):
        spent = seconds(pattern, text)
        if spent >= LONGEST or (spent > ALLOWED and min(spent, seconds(pattern, text)) > GROWTH * seconds(pattern, half)):
            return spent, text
    return 0.0, ""


@contextmanager
def ringing() -> Iterator[None]:
    """Let an expression that does not end be ended by Slow."""

    def ring(*_: Any) -> None:
        raise Slow

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def found_slow(pattern: Pattern, length: int) -> bool:
    """Tell whether an expression's time grows faster than its text."""
    with ringing():
        return worst(pattern, length)[0] > 0


def slow(length: int = LENGTH) -> list[tuple[Pattern, float, Any]]:
    """Return the expressions whose time grows faster than some text of up to `length`, with seconds and text."""
    with ringing():
        measured = [(pattern, *worst(pattern, length)) for pattern in patterns()]
    return [one for one in measured if one[1]]


def rows(short: bool) -> Iterator[Row]:
    """Yield one row: how many expressions there are, and which of them are slow."""
    length = LENGTH if short else 4 * LENGTH
    found, count = slow(length), sum(1 for _ in patterns())
    outcome = (
        "; ".join(f"{pattern.where} {spent:.1f} s" for pattern, spent, _ in found)
        or f"none grows faster than its text of {length:,} letters"
    )
    yield Row("regular expressions on texts made against them", count, len(found), outcome)


if __name__ == "__main__":
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--length", type=int, default=LENGTH)
    for pattern, spent, text in slow(told.parse_args().length):
        print(f"{spent:.2f} s {pattern.where} {pattern.methods} {text[:50]!r} ... {text[-8:]!r}\n    {str(pattern.compiled.pattern)[:160]}")
