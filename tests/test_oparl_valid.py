"""Same bytes: what a record's IRI answers is valid OParl 1.1, except where its source lacks what the schema requires."""

import re
from collections import Counter
from typing import Any

import jsonschema
import orjson
import pytest

from publisher.journal import Journal
from publisher.record import CLASSES
from publisher.views.documents import with_context

from .conftest import shared


@pytest.fixture(scope="module")
def validators():
    """The specification's schemas as JSON Schema: its own keywords for references and embedding resolved by us."""
    schemas = {name: orjson.loads((shared("vocab", "oparl") / f"{name}.json").read_bytes()) for name in CLASSES}
    made = {name: plain(schema, schemas, ()) for name, schema in schemas.items()}
    return {name: jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()) for name, schema in made.items()}


def plain(schema: Any, schemas: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [plain(item, schemas, inside) for item in schema]
    if not isinstance(schema, dict):
        return schema
    embedded = str(schema.get("schema", "")).removesuffix(".json")
    if embedded in schemas and embedded not in inside and schema.get("type") == "object":
        return plain(schemas[embedded], schemas, (*inside, embedded))
    return {
        key: plain(value, schemas, inside) for key, value in schema.items() if key not in ("description", "backreference", "cardinality")
    }


def failures(home, validators):
    """Each failure as "Class.path: rule", counted, over every record of an instance as it is served."""
    found: Counter[str] = Counter()
    count = 0
    with Journal(home / "journal.sqlite") as journal:
        for version in journal.heads():
            if version.deleted:
                continue
            count += 1
            document = orjson.loads(with_context(version.json, "https://ris.example.org"))
            for error in validators[version.type].iter_errors(document):
                path = re.sub(r"\.\d+", "", ".".join(map(str, ["", *error.absolute_path])))
                found[f"{version.type}{path}: {error.validator} {error.message if error.validator == 'required' else ''}".strip()] += 1
    return count, found


def test_the_sample_is_valid_oparl_without_exception(sample_home, validators):
    count, found = failures(sample_home, validators)

    assert count > 100
    assert found == {}


def test_the_real_crawl_fails_only_where_its_source_says_nothing(crawl_home, validators):
    count, found = failures(crawl_home, validators)

    # SD.NET states no legislative terms; OParl 1.1 wants the list even if it is empty, and we invent none.
    assert count == 2516
    assert found == {"Body: required 'legislativeTerm' is a required property": 1}


def test_the_seed_fails_only_where_a_page_says_nothing(seed_home, validators):
    _, found = failures(seed_home, validators)

    assert found == {"Body: required 'legislativeTerm' is a required property": 1}


def test_the_schemas_would_find_a_wrong_type(validators):
    wrong = {"id": "https://x.example/1", "type": "https://schema.oparl.org/1.0/Paper", "date": 7}

    assert {error.validator for error in validators["Paper"].iter_errors(wrong)} == {"pattern", "type"}
