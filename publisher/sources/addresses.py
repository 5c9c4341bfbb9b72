"""Addresses as pages write them, some of which are none: "http://[" or a host that Unicode folds into a path."""

from urllib.parse import SplitResult, urljoin, urlsplit


def joined(base: str, told: str) -> str:
    """Return the address that a page at `base` means; `told` as it stands where it is none, so that the fetch refuses it by name."""
    try:
        return urljoin(base, told)
    except ValueError:
        return told


def split(address: str) -> SplitResult:
    """Return the parts of an address; of what is none all are empty but the path."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", address, "", "")


def is_address(text: str) -> bool:
    """Return whether a text can be taken apart as an address at all."""
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True
