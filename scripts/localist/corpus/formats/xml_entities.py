"""Entities declared in an XHTML file: short character entities are expanded; external ones and bombs are refused."""

import re

from localist.plumbing.errors import UserError

DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*\[(.*?)\]\s*>", re.DOTALL)
COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
# A short text without entities other than XML's five and numeric references.
REFERENCE = rb"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});"
VALUE = rb"(?:[^&%<\"']|" + REFERENCE + rb"){0,100}"
SIGN = re.compile(rb"<!ENTITY\s+([A-Za-z_][\w.-]*)\s+(?:\"(" + VALUE + rb")\"|'(" + VALUE + rb")')\s*>")
DECLARED = re.compile(rb"<!ENTITY")
USED = re.compile(rb"&([A-Za-z_][\w.-]*);")


def with_signs(content: bytes, name: str) -> bytes:
    """The content with the entities declared in its DOCTYPE expanded and the declarations removed.

    Raises UserError, naming the file, for entities that contain other entities, markup or long texts, or refer to
    another file.
    """
    doctype = DOCTYPE.search(content)
    if doctype:
        subset = COMMENT.sub(b"", doctype[1])
        signs = {match[1]: match[2] or match[3] or b"" for match in SIGN.finditer(subset)}
        if len(SIGN.findall(subset)) == len(DECLARED.findall(subset)):
            rest = content[: doctype.start()] + b"<!DOCTYPE html>" + content[doctype.end() :]
            content = USED.sub(lambda match: signs.get(match[1], match[0]), rest)
    refuse_entities(content, name)
    return content


def refuse_entities(content: bytes, name: str) -> None:
    """Raises UserError if an XML file declares entities, in any encoding."""
    if DECLARED.search(content.replace(b"\0", b"")):
        raise UserError(
            f"{name} declares XML entities, which books do not need and which can exhaust memory. Save it again with "
            "another program."
        )
