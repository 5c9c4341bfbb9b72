"""Repairs of files: their media types, names, sizes and addresses."""

import re
from typing import Any
from urllib.parse import unquote

from publisher.sources.addresses import split

# Endings that councils really publish, with their registered media types.
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "rtf": "application/rtf",
    "txt": "text/plain",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "zip": "application/zip",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "dwg": "image/vnd.dwg",
    "msg": "application/vnd.ms-outlook",
}
DOUBLED = re.compile(r"(\.[A-Za-z0-9]{2,4})\1$", re.I)


def media_type_in_full(value: Any) -> bool:
    """Tell whether a value looks like a media type and is not the one that SD.NET misspells."""
    return isinstance(value, str) and "/" in value and value != "application/octetstream"


def size_known(value: Any) -> bool:
    """Tell whether a size is one."""
    return isinstance(value, bool) or value not in (0, "0")


def one_ending(value: Any) -> bool:
    """Tell whether a name has at most one ending."""
    return not isinstance(value, str) or value.count(".") < 2


def media_type_of_extension(obj: dict[str, Any]) -> dict[str, Any]:
    """Write the media type that a mere ending stands for: "pdf" -> "application/pdf" (ALLRIS 4, Bonn 2021, Braunschweig 2026)."""
    told = obj["mimeType"]
    media = MEDIA_TYPES.get(told.strip().lstrip(".").lower()) if isinstance(told, str) else None
    return obj | {"mimeType": media} if media else obj


def octet_stream_by_name(obj: dict[str, Any]) -> dict[str, Any]:
    """Replace SD.NET's misspelt "application/octetstream" by the type of the file's ending, else by the right spelling."""
    if obj["mimeType"] != "application/octetstream":
        return obj
    name = obj.get("fileName") or unquote(split(str(obj.get("accessUrl", ""))).path)
    return obj | {"mimeType": MEDIA_TYPES.get(str(name).rpartition(".")[2].lower(), "application/octet-stream")}


def size_unknown(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop a size of 0, which ALLRIS 4 writes for a size it does not know (Bonn 2021)."""
    if obj["size"] not in (0, "0") or isinstance(obj["size"], bool):
        return obj
    return {key: value for key, value in obj.items() if key != "size"}


def extension_once(obj: dict[str, Any]) -> dict[str, Any]:
    """Cut the second of two equal endings: "Einladung.pdf.pdf" -> "Einladung.pdf" (SD.NET)."""
    name = obj["fileName"]
    short = DOUBLED.sub(r"\1", name) if isinstance(name, str) else name
    return obj | {"fileName": short} if short != name else obj


def file_path_with_one_slash(obj: dict[str, Any]) -> dict[str, Any]:
    """Mend ".../files//rim..." to ".../files/rim...": the address SD.NET prints does not answer, this one does."""
    changed = {
        key: obj[key].replace("/files//rim", "/files/rim")
        for key in ("accessUrl", "downloadUrl")
        if isinstance(obj.get(key), str) and "/files//rim" in obj[key]
    }
    return obj | changed if changed else obj
