"""Which product answers: told by System.vendor and product, else by the shape of its objects."""

import re
from typing import Any

# Vendor and product URLs as the systems name themselves (29 Systems of 2018/19; SessionNet names its OParl version after the host).
VENDORS = (
    ("sternberg", re.compile(r"sternberg|sitzungsdienst\.net|ratsinfomanagement", re.I)),
    ("sessionnet", re.compile(r"somacos|sessionnet", re.I)),
    ("rubin", re.compile(r"more-?rubin|rubin|more!", re.I)),
    ("muenchen", re.compile(r"muenchen-transparent|münchen transparent", re.I)),
    ("kleineanfragen", re.compile(r"kleineanfragen", re.I)),
)
CC_EGOV = re.compile(r"cc-egov|allris", re.I)
# Paths of ids, for answers that come without their System.
PATHS = (
    ("allris3", re.compile(r"/oparl/1\.0/\w+\.asp\b", re.I)),
    ("sternberg", re.compile(r"/webservice/oparl/v1\.\d/", re.I)),
    ("allris4", re.compile(r"/oparl/(?:papers|meetings|organizations|bodies|persons|files)(?:\?|/\w+/\d|/\d+$)|sitzung-online\.de/", re.I)),
    ("sessionnet", re.compile(r"/bodies/\d{4}(?:/|$)", re.I)),
)


def dialect_of(obj: dict[str, Any]) -> str:
    """Return the product that speaks in an OParl object: sternberg, allris3, allris4, sessionnet, rubin ...; "" if nothing tells."""
    told = " ".join(str(obj.get(key, "")) for key in ("vendor", "product", "name") if "oparlVersion" in obj)
    for dialect, words in VENDORS:
        if words.search(told):
            return dialect
    if CC_EGOV.search(told):
        return "allris3" if ".asp" in str(obj.get("id", "")) else "allris4"
    if any(key.startswith("STERNBERG:") for key in obj):
        return "sternberg"
    return next((dialect for dialect, path in PATHS if path.search(str(obj.get("id", "")))), "")


def label(dialect: str) -> str:
    """Return a dialect's product and vendor for people."""
    return LABELS.get(dialect, "unbekannt (unknown)")


LABELS = {
    "sternberg": "SD.NET RIM (Sternberg)",
    "allris3": "ALLRIS 3 (CC e-gov)",
    "allris4": "ALLRIS 4 (CC e-gov)",
    "sessionnet": "SessionNet (Somacos)",
    "rubin": "more! rubin",
    "muenchen": "München Transparent",
    "kleineanfragen": "kleineAnfragen",
}
