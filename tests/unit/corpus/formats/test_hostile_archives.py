"""EPUB and DOCX: bombs, paths outside the book, missing and locked parts, XML that declares entities."""

import re
import urllib.parse
import zipfile
from pathlib import Path

import hostile
import pytest
from hostile import CHAPTER, SECRET, message_or_words, refusal, words_of
from sample_files import (
    SAMPLES,
    WORDS,
    docx_members,
    dump_xml,
    epub_members,
    written,
    xhtml,
    zipped,
)

process, read = hostile.process, hostile.read  # fixtures


@pytest.mark.parametrize("name", ["epub 3", "docx", "mediawiki bz2", "mediawiki gz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_compressed_file_is_refused(tmp_path, read, name, share):
    """Catches a truncated download of an archive that ends in a traceback or is read in part."""
    path = SAMPLES[name](tmp_path)
    content = path.read_bytes()
    message = refusal(read, written(path, content[: int(share * len(content))]))
    assert "damaged" in message or "not a readable" in message


@pytest.mark.parametrize("name", ["epub 3", "docx"])
def test_a_zip_bomb_is_refused(tmp_path, read, name):
    """Catches a small archive that exhausts memory."""
    path = SAMPLES[name](tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.xml", "w") as member:
        for _ in range(60):
            member.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    assert "unpacks" in refusal(read, path)


@pytest.mark.parametrize("name", ["epub 3", "docx"])
def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path, read, name):
    """Catches a zip bomb whose directory states a small size."""
    path = SAMPLES[name](tmp_path)
    place = CHAPTER if name == "epub 3" else "word/document.xml"
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    zipped(path, members | {place: bytes(60_000_000)})
    size, claimed = (60_000_000).to_bytes(4, "little"), (6000).to_bytes(4, "little")
    written(path, path.read_bytes().replace(size, claimed))
    refusal(read, path)


@pytest.mark.parametrize("member", ["../evil.xhtml", "a/../../evil.xhtml", "/evil.xhtml", "C:\\evil.xhtml", "..\\evil"])
def test_member_names_outside_the_book_are_refused(tmp_path, read, member):
    """Catches an archive that accesses files outside itself."""
    path = zipped(tmp_path / "outside.epub", epub_members() | {member: "x"})
    message = refusal(read, path)
    assert "outside" in message
    assert not list(tmp_path.parent.glob("evil*"))


@pytest.mark.parametrize(
    "href", ["../../secret.txt", "%2e%2e/%2e%2e/secret.txt", "/{}/secret.txt", "file:///{}/secret.txt"]
)
def test_a_spine_that_points_outside_the_book_is_refused(tmp_path, read, href):
    """Catches chapters read from the disk instead of the book."""
    written(tmp_path / "secret.txt", SECRET)
    members = epub_members()
    target = href.format(urllib.parse.quote(str(tmp_path)))
    members["OEBPS/book.opf"] = members["OEBPS/book.opf"].replace("text/chapter1.xhtml", target)
    assert "is missing" in refusal(read, zipped(tmp_path / "spine.epub", members))


def test_a_missing_chapter_is_named(tmp_path, read):
    """Catches a book that is read without one of its chapters."""
    members = epub_members()
    del members[CHAPTER]
    assert CHAPTER in refusal(read, zipped(tmp_path / "incomplete.epub", members))


def test_a_spine_item_missing_from_the_manifest_causes_a_warning(tmp_path, read):
    """Catches a spine item missing from the manifest that is skipped silently or makes the book fail."""
    members = epub_members()
    members["OEBPS/book.opf"] = members["OEBPS/book.opf"].replace('idref="c1"', 'idref="c9"')
    (document,) = read(zipped(tmp_path / "spine.epub", members))
    assert document["warnings"] == ["items of the spine that the manifest lacks were skipped (1): 'c9'"]


def test_a_book_without_chapters_is_refused(tmp_path, read):
    """Catches an empty spine read as an empty book."""
    members = epub_members()
    members["OEBPS/book.opf"] = re.sub("<itemref.*?/>", "", members["OEBPS/book.opf"])
    assert "no text chapters" in refusal(read, zipped(tmp_path / "spine.epub", members))


@pytest.mark.parametrize("name", ["META-INF/rights.xml", "META-INF/license.lcpl"])
def test_a_locked_book_is_reported_as_drm_protected(tmp_path, read, name):
    """Catches a DRM-protected book that is reported as damaged."""
    assert "DRM" in refusal(read, zipped(tmp_path / "bought.epub", epub_members() | {name: "<rights/>"}))


def test_members_with_the_same_name_are_not_read_twice(tmp_path, read):
    """Catches text read twice because two chapters have the same name."""
    path = zipped(tmp_path / "twice.epub", epub_members())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(CHAPTER, xhtml("<p>Another text.</p>"))
    assert len(words_of(read(path))) < len(WORDS)


@pytest.mark.parametrize(
    "body", ["", "<w:p/>", "<w:tbl><w:tr/></w:tbl>", "<w:p><w:r><w:t/></w:r></w:p>", "<w:sectPr/>"]
)
def test_a_document_without_text_is_read_or_refused(tmp_path, read, body):
    """Catches an empty Word document that ends in a library's exception."""
    told = message_or_words(read, zipped(tmp_path / "void.docx", docx_members(body)))
    assert "Error:" not in told


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha "}">' for n in range(10))
ENTITIES = {
    "bomb": (f"<!DOCTYPE root [{LAUGHS}]>", "&l9;"),
    "long": (f'<!DOCTYPE root [<!ENTITY l9 "{"ha " * 100_000}">]>', "&l9;" * 10_000),
    "file": ('<!DOCTYPE root [<!ENTITY l9 SYSTEM "{}">]>', "&l9;"),
    "parameter": ('<!DOCTYPE root [<!ENTITY % all SYSTEM "{}"> %all;]>', ""),
    "external": ('<!DOCTYPE root SYSTEM "{}">', ""),
}
EPUB_PARTS = ["META-INF/container.xml", "OEBPS/book.opf"]
DOCX_PARTS = ["docProps/core.xml", "_rels/.rels"]
ENTITY_PLACES = ["chapter", *EPUB_PARTS, "word/document.xml", *DOCX_PARTS, "dump", "html"]


def entity_file(folder: Path, place: str, before: str, reference: str, encoding: str) -> Path:
    """A file whose part `place` declares entities (`before`) and uses one (`reference`)."""

    def coded(content: str) -> bytes:
        return content.replace("UTF-8", encoding.upper()).encode(encoding)

    text = f"<p>Before. {reference} After.</p>"
    if place == "chapter":
        return zipped(folder / "e.epub", epub_members() | {CHAPTER: coded(xhtml(text, before))})
    if place in EPUB_PARTS:
        members = epub_members()
        content = members[place].replace("?>\n", f"?>\n{before}", 1)
        content = content.replace("<dc:title>", f"<dc:title>{reference}").replace(
            "<rootfiles>", f"<rootfiles>{reference}"
        )
        return zipped(folder / "e.epub", members | {place: coded(content)})
    if place == "word/document.xml":
        members = docx_members(f"<w:p><w:r><w:t>Before. {reference} After.</w:t></w:r></w:p>", before)
        return zipped(folder / "e.docx", members | {place: coded(members[place])})
    if place in DOCX_PARTS:
        members = docx_members()
        content = members[place].replace("?>\n", f"?>\n{before}", 1).replace("<dc:title>", f"<dc:title>{reference}")
        return zipped(folder / "e.docx", members | {place: coded(content)})
    if place == "dump":
        return written(folder / "e.xml", dump_xml(f"Before. {reference} After.", before))
    return written(folder / "e.html", coded(xhtml(text, before)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("place", ENTITY_PLACES)
def test_xml_entities_neither_expand_nor_read_files(tmp_path, read, place, entity, encoding):
    """Catches entities that exhaust memory or read another file, even in another encoding."""
    secret = written(tmp_path / "secret.txt", SECRET)
    before, reference = ENTITIES[entity]
    told = message_or_words(
        read, entity_file(tmp_path, place, before.replace("{}", secret.as_uri()), reference, encoding)
    )
    assert SECRET not in told
    assert len(told) < 100_000
