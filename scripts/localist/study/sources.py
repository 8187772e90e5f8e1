"""Sources and descriptions of model, encoder and corpus."""

import re
from collections.abc import Mapping, MutableMapping
from copy import deepcopy
from pathlib import Path
from typing import Any

RESOURCES = ("model", "encoder", "corpus")
SOURCES = ("path", "package", "hub", "untrained")


def source_kind(source: Mapping[str, Any]) -> str | None:
    """The kind of source (one of SOURCES) of a resource; a path takes precedence. None if none is set."""
    return next((kind for kind in SOURCES if source.get(kind)), None)


def describe_sources(config: MutableMapping[str, Any], properties: Mapping[str, Any]) -> None:
    """Fill in source, name, licence and origin of each resource, in place. properties: of the config schema.

    A resource without a source gets the schema's default with its description. One with the user's own source is
    described by the user, or else by the source itself: a book named on the command line never gets the name and
    licence of another book.
    """
    for what in RESOURCES:
        stated = config.get(what, {})
        if "source" not in stated:
            config[what] = deepcopy(properties[what]["default"]) | stated
            continue
        source, default = stated["source"], properties[what]["default"]
        if source.get("path") and stated.get("articles") == default.get("articles"):
            stated = {key: value for key, value in stated.items() if key != "articles"}  # the articles of another text
        others = [kind for kind in SOURCES[1:] if source.get(kind)]
        replaced = bool(source.get("path") and others)  # the description belongs to the unused source
        found = _description(what, source)
        config[what] = stated | found if replaced else found | stated


def _description(what: str, source: Mapping[str, Any]) -> dict[str, str]:
    kind = source_kind(source)
    if kind == "path":
        paths = source["path"]
        names = [Path(one).name for one in ([paths] if isinstance(paths, str) else paths)]
        listed = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        name, origin = names[0], f"the user's own files: {listed}"
    elif kind == "hub":
        name, origin = source["hub"]["id"].rpartition("/")[2], source["hub"]["id"]
    elif kind == "package":
        name, origin = source["package"]["name"], f"the package {source['package']['name']}"
    else:
        name, origin = what, "randomly initialised" if kind == "untrained" else "not stated"
    return {
        "name": re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or what,
        "license": "not stated",
        "origin": origin,
    }
