"""EPUB 2 and 3, packed or as a folder: the chapters in spine order."""

import posixpath
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from localist.corpus.formats.archives import Archive, opened_archive, read_member
from localist.corpus.formats.book import Book, Paragraph
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.markup import paragraphs, parse_xhtml
from localist.corpus.formats.page_parts import as_contents
from localist.corpus.formats.plain_text import text_paragraphs
from localist.plumbing.errors import UserError

CONTAINER = "META-INF/container.xml"
RIGHTS = ("META-INF/rights.xml", "META-INF/license.lcpl")
# Lists the encrypted parts: fonts, which are not needed here, or chapters.
ENCRYPTION = "META-INF/encryption.xml"
XHTML = "application/xhtml+xml"
NO_CHAPTER = ("image/", "audio/", "video/", "font/", "text/css")


def read_epub(path: Path) -> Iterator[Book]:
    """Read one EPUB, packed or as a folder, as one book.

    Raises UserError for damaged, encrypted (DRM) or dangerous files, and if a chapter is missing.
    """
    with opened_archive(path) as archive:
        names = _Names(archive)
        package_path = names.found(_package_path(archive, names, path))
        package = _xml(archive, package_path, path)
        chapters, unlisted = _chapters(package, package_path, path)
        encrypted = _encrypted(archive, names, path)
        protected = [name for name in map(names.found, RIGHTS) if name in names]
        protected += [name for name, _, _ in chapters if name in encrypted]
        if protected:
            raise UserError(
                f"{path}: is protected by DRM ({protected[0]}), so its text cannot be read. Use a DRM-free copy."
            )
        found: list[Paragraph] = []
        for name, media_type, is_contents in chapters:
            content = read_member(archive, names.found(name), path, signs=True)
            chapter = list(_chapter(content, media_type, f"{path} ({name})"))
            found.extend(as_contents(chapter) if is_contents else chapter)
    warning = f"items of the spine that the manifest lacks were skipped ({len(unlisted)}): {', '.join(unlisted[:5])}"
    yield Book(
        title=_metadata(package, "title") or path.stem,
        author=", ".join(_all_metadata(package, "creator")),
        paragraphs=tuple(found),
        warnings=(warning,) if unlisted else (),
    )


class _Names:
    """The member names of an archive, matched leniently: on systems that ignore case or Unicode normalisation, they may
    be spelled differently in the package."""

    def __init__(self, archive: Archive) -> None:
        self._names = {name: name for name in archive.namelist()}
        self._alike = {_alike(name): name for name in self._names}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def found(self, name: str) -> str:
        """The name as spelled in the archive; unchanged if the archive has no such name."""
        return self._names.get(name) or self._alike.get(_alike(name), name)


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/")).casefold()


def _package_path(archive: Archive, names: _Names, path: Path) -> str:
    container = _xml(archive, names.found(CONTAINER), path)
    name = next((one.get("full-path") for one in container.iter() if _local(one) == "rootfile"), None)
    if not name:
        raise UserError(f"{path}: {CONTAINER} does not name a package, so it is not an EPUB. Get a new copy.")
    return name


def _chapters(package: Element, package_path: str, path: Path) -> tuple[list[tuple[str, str, bool]], list[str]]:
    """(name in the archive, media type, whether it may be a table of contents) of each document in the spine; and the
    identifiers in the spine that are not in the manifest."""
    items = {one.get("id"): one for one in package.iter() if _local(one) == "item"}
    folder = posixpath.dirname(package_path)
    references = (one for one in package.iter() if _local(one) == "reference" and one.get("type") == "toc")
    contents = {_inside(folder, one.get("href", "")) for one in references}
    chapters, unlisted = [], []
    for reference in (one for one in package.iter() if _local(one) == "itemref"):
        item = items.get(reference.get("idref"))
        if item is None:
            unlisted.append(repr(reference.get("idref")))
            continue
        media_type = item.get("media-type", XHTML)
        if not media_type.startswith(NO_CHAPTER):
            name = _inside(folder, item.get("href", ""))
            chapters.append((name, media_type, name in contents or "nav" in item.get("properties", "").split()))
    if not chapters:
        raise UserError(f"{path}: its spine lists no text chapters. Check that it is a book.")
    return chapters, unlisted


def _chapter(content: bytes, media_type: str, name: str) -> Iterable[Paragraph]:
    if not content.strip():
        return ()
    if media_type == "text/plain":
        return text_paragraphs(decode(content, name)[0])
    if "html" in media_type or "xml" in media_type or media_type.startswith("text/"):
        return paragraphs(parse_xhtml(content, name))
    raise UserError(
        f"{name}: is a chapter of the unsupported type {media_type}. Convert the book with another program."
    )


def _encrypted(archive: Archive, names: _Names, path: Path) -> set[str]:
    name = names.found(ENCRYPTION)
    if name not in names:
        return set()
    references = (one for one in _xml(archive, name, path).iter() if _local(one) == "CipherReference")
    return {_inside("", one.get("URI", "")) for one in references}


def _inside(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _xml(archive: Archive, name: str, path: Path) -> Element:
    content = read_member(archive, name, path)
    try:
        return fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UserError(
            f"{path}: the part {name} is not well-formed XML ({error}). The file is damaged; get a new copy."
        ) from error


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _metadata(package: Element, name: str) -> str:
    return next(iter(_all_metadata(package, name)), "")


def _all_metadata(package: Element, name: str) -> list[str]:
    texts = (" ".join((one.text or "").split()) for one in package.iter() if _local(one) == name)
    return [text for text in texts if text]
