"""Who may know whom: the table is the architecture; changing it is a design decision, in its own commit."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "publisher"

LEVELS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("config", "logs"),
    ("record", "iris", "ontology", "concepts", "fetch", "release"),
    ("sources", "journal", "graph", "shapes", "store", "search", "catalog", "feeds", "texts"),
    ("pipeline", "views"),
    ("cli",),
    ("__main__",),
)
BELOW = {room: {low for level in LEVELS[:at] for low in level} for at, level in enumerate(LEVELS) for room in level}
MAY_KNOW = {
    **BELOW,
    "concepts": BELOW["concepts"] | {"ontology"},
    "views": BELOW["views"] - {"sources", "shapes", "fetch"},
}

ONE_ROOM = {
    "httpx": {"fetch", "store"},
    "selectolax": {"sources"},
    "pyld": {"graph"},
    "shacl": {"shapes"},
    "shacl_rust": {"shapes"},
    "pyshacl": {"shapes"},
    "pyoxigraph": {"graph", "store", "ontology", "concepts"},
    "SPARQLWrapper": {"store"},
    "flask": {"views"},
    "sqlite3": {"journal"},
    "tantivy": {"search"},
    "pypdfium2": {"texts"},
    "click": {"cli"},
    "granian": {"cli", "views"},
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """Each imported module of a file: (dotted name, line, whether it stands inside a function)."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {
        node for function in ast.walk(tree) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(name.name, node.lineno, node in inside) for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{name.name}" for name in node.names] if node.module == "publisher" else [node.module]
            found += [(name, node.lineno, node in inside) for name in names]
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


def test_a_room_knows_only_rooms_below_it():
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} knows {name}"
        for path in FILES
        for name, line, _ in imports(path)
        if name.startswith("publisher.")
        and (known := name.split(".")[1]) != room(path)
        and known not in MAY_KNOW.get(room(path), set())
        and known != "__version__"
    ]
    assert wrong == []


def test_each_room_stands_in_the_table():
    assert {room(path) for path in FILES} - {"__init__", "__main__"} <= set(MAY_KNOW)


def test_each_library_has_its_rooms():
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        for path in FILES
        for name, line, _ in imports(path)
        if room(path) not in ONE_ROOM.get(name.split(".")[0], {room(path)})
    ]
    assert wrong == []


def test_nothing_is_imported_inside_a_function():
    assert [f"{path.relative_to(PACKAGE)}:{line} {name}" for path in FILES for name, line, inner in imports(path) if inner] == []


def test_modules_and_functions_stay_short():
    long = []
    for path in FILES:
        text = path.read_text("utf-8")
        if text.count("\n") > 400:
            long.append(f"{path.relative_to(PACKAGE)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno > 60:
                long.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}")
    assert long == []


def test_nobody_catches_everything():
    broad = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    ]
    assert broad == []
