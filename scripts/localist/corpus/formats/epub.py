"""EPUB 2 and 3: the chapters in the order of the spine."""

import posixpath
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from localist.corpus.formats.archives import opened_archive, read_member
from localist.corpus.formats.book import CONTENTS, PROSE, Book, Paragraph
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.markup import paragraphs, parse_xhtml
from localist.corpus.formats.plain_text import text_paragraphs
from localist.plumbing.errors import UserError

CONTAINER = "META-INF/container.xml"
RIGHTS = ("META-INF/rights.xml", "META-INF/license.lcpl")
# Lists the encrypted parts: fonts, which do not matter here, or chapters.
ENCRYPTION = "META-INF/encryption.xml"
XHTML = "application/xhtml+xml"
NO_CHAPTER = ("image/", "audio/", "video/", "font/", "text/css")


def read_epub(path: Path) -> Iterator[Book]:
    """Read one EPUB as one book.

    Raises UserError for damaged, encrypted (DRM) or dangerous files, and where a chapter is missing.
    """
    with opened_archive(path) as archive:
        package_path = _package_path(archive, path)
        package = _xml(archive, package_path, path)
        chapters = _chapters(package, package_path, path)
        encrypted = _encrypted(archive, path)
        protected = [name for name in RIGHTS if name in archive.namelist()]
        protected += [name for name, _, _ in chapters if name in encrypted]
        if protected:
            raise UserError(
                f"{path}: is protected by DRM ({protected[0]}), so its text cannot be read. Use a free copy."
            )
        found: list[Paragraph] = []
        for name, media_type, kind in chapters:
            chapter = _chapter(read_member(archive, name, path), media_type, f"{path} ({name})")
            found.extend(replace(one, kind=kind) if kind != PROSE else one for one in chapter)
    yield Book(
        title=_metadata(package, "title") or path.stem,
        author=", ".join(_all_metadata(package, "creator")),
        paragraphs=tuple(found),
    )


def _package_path(archive: zipfile.ZipFile, path: Path) -> str:
    container = _xml(archive, CONTAINER, path)
    name = next((one.get("full-path") for one in container.iter() if _local(one) == "rootfile"), None)
    if not name:
        raise UserError(f"{path}: {CONTAINER} names no package, so it is not an EPUB. Get it again.")
    return name


def _chapters(package: Element, package_path: str, path: Path) -> list[tuple[str, str, str]]:
    """(name in the archive, media type, kind of its paragraphs) of each document of the spine."""
    items = {one.get("id"): one for one in package.iter() if _local(one) == "item"}
    folder = posixpath.dirname(package_path)
    references = (one for one in package.iter() if _local(one) == "reference" and one.get("type") == "toc")
    contents = {_inside(folder, one.get("href", "")) for one in references}
    chapters = []
    for reference in (one for one in package.iter() if _local(one) == "itemref"):
        item = items.get(reference.get("idref"))
        if item is None:
            raise UserError(
                f"{path}: its spine names {reference.get('idref')!r}, which it does not list. Get it again."
            )
        media_type = item.get("media-type", XHTML)
        if not media_type.startswith(NO_CHAPTER):
            name = _inside(folder, item.get("href", ""))
            is_contents = name in contents or "nav" in item.get("properties", "").split()
            chapters.append((name, media_type, CONTENTS if is_contents else PROSE))
    if not chapters:
        raise UserError(f"{path}: its spine lists no chapter that is text. Check that it is a book.")
    return chapters


def _chapter(content: bytes, media_type: str, name: str) -> Iterable[Paragraph]:
    if not content.strip():
        return ()
    if media_type == "text/plain":
        return text_paragraphs(decode(content, name)[0])
    if "html" in media_type or "xml" in media_type or media_type.startswith("text/"):
        return paragraphs(parse_xhtml(content, name))
    raise UserError(
        f"{name}: is a chapter of type {media_type}, which is not read. Convert the book with another program."
    )


def _encrypted(archive: zipfile.ZipFile, path: Path) -> set[str]:
    if ENCRYPTION not in archive.namelist():
        return set()
    references = (one for one in _xml(archive, ENCRYPTION, path).iter() if _local(one) == "CipherReference")
    return {_inside("", one.get("URI", "")) for one in references}


def _inside(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _xml(archive: zipfile.ZipFile, name: str, path: Path) -> Element:
    content = read_member(archive, name, path)
    try:
        return fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UserError(
            f"{path}: its part {name} is not readable XML ({error}). The file is damaged; get it again."
        ) from error


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _metadata(package: Element, name: str) -> str:
    return next(iter(_all_metadata(package, name)), "")


def _all_metadata(package: Element, name: str) -> list[str]:
    texts = (" ".join((one.text or "").split()) for one in package.iter() if _local(one) == name)
    return [text for text in texts if text]
