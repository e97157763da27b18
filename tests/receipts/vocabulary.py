"""The vocabulary and the schemas the documents are held against."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from mailer.receipts import OWN_TERMS
from tests.house.sources import ROOT

OWN_LIST = Path(__file__).parent / "dpv_terms.txt"
WHOLE_LIST = ROOT.parent / "shared" / "data" / "dpv" / "terms.txt"
SCHEMAS = ROOT / "mailer" / "receipts" / "schemas"
# What is used of Dublin Core and RDF, which the vocabulary builds on.
DUBLIN_CORE = "conformsTo created date description identifier language modified title"
OTHER_TERMS = frozenset(f"dct:{name}" for name in DUBLIN_CORE.split()) | {"rdf:value"}
TERM = re.compile(r"(?:dpv|pd|loc|eu-gdpr|legal-eu|dct|rdf|x):[\w-]+")


def words_in(path: Path) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def known_terms() -> frozenset[str]:
    """Every term of the vocabulary: of the whole list where it lies beside us, else of our own."""
    listed = words_in(WHOLE_LIST if WHOLE_LIST.is_file() else OWN_LIST)
    return listed | OTHER_TERMS | frozenset(OWN_TERMS)


def terms_of(document: Any) -> Iterator[str]:
    """Every term a document uses, as a name or as a value; what is in words is no term."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            if name == "@context":
                continue
            if not name.startswith("@"):
                yield name
            if name != "x:digests":
                yield from terms_of(value)
    elif isinstance(document, list):
        for value in document:
            yield from terms_of(value)
    elif isinstance(document, str) and TERM.fullmatch(document):
        yield document


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of `record` or `receipt`."""
    schemas = {
        path.name.partition(".")[0]: json.loads(path.read_text(encoding="utf-8"))
        for path in SCHEMAS.glob("*.json")
    }
    registry: Registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    Draft202012Validator.check_schema(schemas[name])
    return Draft202012Validator(schemas[name], registry=registry, format_checker=FormatChecker())


def faults(name: str, document: Any) -> list[str]:
    """What keeps `document` from being a `record` or `receipt`."""
    wrong = [
        f"{error.json_path}: {error.message[:200]}"
        for error in validator(name).iter_errors(document)
    ]
    return wrong + sorted(set(terms_of(document)) - known_terms())
