"""Broken or odd text, rows and markup: refused with their location, or read without loss."""

import json
import os
import random
from pathlib import Path

import hostile
import pyarrow
import pytest
from hostile import CHAPTER, message_or_words, refusal, words_of
from pyarrow import parquet
from sample_files import (
    CHAPTERS,
    corpus,
    docx_members,
    epub_members,
    pdf_bytes,
    pdf_pages,
    word_paragraph,
    written,
    zipped,
)

import extract_corpus
from localist.corpus.extraction import extract
from localist.corpus.formats.decoding import LONGEST_LINE
from localist.plumbing.files import read_json

process, one_process, read = hostile.process, hostile.one_process, hostile.read  # fixtures


@pytest.mark.parametrize("extension", [".txt", ".html", ".md", ".csv", ".jsonl"])
def test_mixed_encodings_are_refused_with_their_line(tmp_path, read, extension):
    """Catches wrong letters when part of a file is in a different encoding."""
    lines = ["Ein Café öffnet, und die Gäste hören Musik über den Dächern."] * 9
    frame = {".html": "<html><body>{}</body></html>", ".csv": 'text\n"{}"', ".jsonl": '{{"text": "{}"}}'}
    before, _, after = frame.get(extension, "{}").replace("{{", "{").replace("}}", "}").partition("{}")
    between = {".jsonl": '"}\n{"text": "', ".csv": '"\n"'}.get(extension, "\n")
    coded = [line.encode("cp1252" if number == 6 else "utf-8") for number, line in enumerate(lines)]
    path = written(tmp_path / f"mixed{extension}", before.encode() + between.encode().join(coded) + after.encode())
    message = refusal(read, path)
    assert f"line {8 if extension == '.csv' else 7}" in message


@pytest.mark.parametrize("extension", [".txt", ".html", ".md", ".csv"])
def test_nul_bytes_are_refused_with_their_line(tmp_path, read, extension):
    """Catches a damaged file (gaps filled with NUL bytes) that is read as if complete."""
    content = {".html": "<html>\n", ".csv": "text\n"}.get(extension, "First line.\n") + "Some words.\n" * 300
    path = written(tmp_path / f"holes{extension}", content.encode() + b"Words\0\0\0words.\n")
    assert "NUL byte in line 302" in refusal(read, path)


@pytest.mark.parametrize("extension", [".txt", ".jsonl", ".csv", ".md", ".html"])
def test_an_overlong_line_is_refused(tmp_path, read, extension):
    """Catches an overlong line that exhausts memory."""
    before, after = {
        ".jsonl": ('{"text": "', '"}\n'),
        ".csv": ("text\n", "\n"),
        ".html": ("<html>\n", "\n</html>"),
    }.get(extension, ("\n", "\n"))
    content = before + "word " * (LONGEST_LINE // 5 + 200_000) + after
    path = written(tmp_path / f"line{extension}", content)
    message = refusal(read, path)
    assert "line 1" in message if extension == ".jsonl" else "line 2" in message


@pytest.mark.parametrize(
    "row",
    [
        "[1, 2]",
        "17",
        '"text"',
        "null",
        '{"text": 3}',
        '{"text": [1]}',
        '{"other": "a"}',
        '{"text": NaN}',
        '{"text": 1e999}',
        '{"text": ' + "9" * 5000 + "}",
        '{"text": "a"',
        '{"text": "a"} {"text": "b"}',
        '{"a": ' * 100_000,
        "[" * 100_000,
        '{"text": "\\ud800"',
        "{'text': 'a'}",
    ],
    ids=lambda row: row[:24],
)
def test_an_invalid_json_row_is_refused_with_its_line(tmp_path, read, row):
    """Catches an invalid row that is skipped, or reported without its line."""
    path = written(tmp_path / "rows.jsonl", '{"text": "Good words."}\n\n' + row + "\n")
    message = refusal(read, path)
    assert "line 3" in message
    assert "cannot be read: " not in message


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(
    "row", ['{"text": "Good \\ud800 words."}', '{"text": "Good words.", "title": "A \\udfff title"}']
)
@pytest.mark.usefixtures("one_process")
def test_a_lone_surrogate_in_json_is_read(tmp_path, row, unicode):
    """Catches a failure to write a lone surrogate, which JSON allows but UTF-8 files cannot contain."""
    path = written(tmp_path / "rows.jsonl", row)
    sections = tmp_path / "sections.parquet"
    steps = corpus().clean | {"unicode": unicode}
    extract_corpus.main([path], corpus(clean=steps), sections, tmp_path / "report.json")
    assert "words." in parquet.read_table(sections)["text"][0].as_py()


@pytest.mark.parametrize("code", ["D835DC65", "D835", "0000", "202E"])
@pytest.mark.usefixtures("one_process")
def test_odd_characters_in_a_font_map_do_not_break_extraction(tmp_path, code):
    """Catches a font map with surrogates or control characters that breaks the extraction or its report."""
    table = f"begincmap 1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <65> <{code}> endbfchar endcmap"
    added = f"99 0 obj\n<< /Length {len(table)} >>\nstream\n{table}\nendstream\nendobj\nxref\n"
    content = pdf_bytes(pdf_pages()).decode("cp1252").replace("xref\n", added, 1)
    content = content.replace("/Encoding /WinAnsiEncoding", "/Encoding /WinAnsiEncoding /ToUnicode 99 0 R")
    path = written(tmp_path / "font.pdf", content.encode("cp1252"))
    sections = tmp_path / "sections.parquet"
    extract_corpus.main([path], corpus(), sections, tmp_path / "report.json")
    assert "stairs at dusk" in parquet.read_table(sections)["text"][0].as_py()


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.txt", b"two\nlines.txt", b"<script>.txt", "m\u00b22.txt".encode(), "\u00b21.txt".encode()],
)
@pytest.mark.usefixtures("one_process")
def test_odd_file_names_are_accepted(tmp_path, name):
    """Catches a file name in another encoding, or with odd characters, that breaks the report."""
    books = tmp_path / "books"
    books.mkdir()
    path = Path(os.fsdecode(os.fsencode(books) + b"/" + name))
    written(path, "\n\n".join(CHAPTERS[0].paragraphs))
    extract_corpus.main([books], corpus(), tmp_path / "sections.parquet", tmp_path / "report.json")
    assert len(read_json(tmp_path / "report.json")["files"]) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("about.txt", "Files begin with <?xml version='1.0' encoding='KOI8-R'?> in the café."),
        ("about.md", 'Write `<meta charset="koi8-r">` into the head, says the café.'),
        ("about.csv", 'text\n"Write <meta charset=koi8-r> into the head, says the café."\n'),
        ("about.jsonl", json.dumps({"text": "<meta charset=koi8-r> says the café."}, ensure_ascii=False)),
        ("said.html", '<html><meta charset="koi8-r"><p>It is UTF-8 all the same, says the café.</p></html>'),
    ],
)
def test_an_encoding_mentioned_in_the_text_is_ignored(tmp_path, read, name, content):
    """Catches wrong letters because a text mentions, or a page falsely declares, another encoding."""
    assert "café." in words_of(read(written(tmp_path / name, content)))


@pytest.mark.parametrize(
    "content",
    [
        'text,title\n"one, two\nthree',
        'text,title\n"one" two,three\n',
        "text,title\n" + '"' * 1001 + "\n",
        "text,text\none,two\n",
        "title\none\n",
        "text,title\none,two,three\n",
        "text,title\n\n\n",
        "text",
    ],
    ids=["open quote", "text after quote", "quotes", "same name", "no column", "long row", "no rows", "header only"],
)
def test_odd_csv_is_read_or_refused(tmp_path, read, content):
    """Catches odd CSV that crashes its reader."""
    message_or_words(read, written(tmp_path / "odd.csv", content))


@pytest.mark.parametrize("kind", ["struct", "list", "binary", "number", "dictionary"])
def test_parquet_columns_are_read_as_text_or_refused(tmp_path, read, kind):
    """Catches a non-text column that is not refused, and texts in dictionaries, lists or UTF-8 bytes that are."""
    values = {
        "struct": pyarrow.array([{"body": "words"}]),
        "list": pyarrow.array([["words"]]),
        "binary": pyarrow.array([b"words"]),
        "number": pyarrow.array([1.5]),
        "dictionary": pyarrow.array(["words"]).dictionary_encode(),
    }
    path = tmp_path / "columns.parquet"
    parquet.write_table(pyarrow.table({"text": values[kind], "other": ["x"]}), path)
    if kind in ("struct", "number"):
        assert "'text'" in refusal(read, path)
    else:
        assert words_of(read(path)) == ["words"]


SENTENCES = {
    "ar": "كان الحارس يصعد السلم كل مساء ويعد الدرجات ثم يشعل المصباح قبل عودة القوارب إلى الميناء. "
    "وفي منتصف الليل تحولت الريح إلى الشمال وضرب المطر الزجاج، فشرب الشاي البارد واستمع إلى الجرس.",
    "he": "השומר עלה במדרגות עם רדת הערב, ספר אותן כהרגלו והדליק את המנורה לפני ששבו הסירות אל הנמל. "
    "בחצות פנתה הרוח צפונה והגשם הכה בזכוכית, והוא שתה תה קר והקשיב לפעמון.",
    "zh": "黄昏时分，看守人照例数着台阶登上塔楼，在第一批渔船回港之前点亮了灯。"
    "到了午夜，风转向北方，雨点敲打着玻璃，他喝着冷茶，听着浮标上的钟声。",
    "ru": "Смотритель поднимался по лестнице в сумерках, считал ступени, как всегда, и зажигал лампу прежде, чем лодки "
    "возвращались домой. К полуночи ветер повернул на север, и дождь бил в стекло.",
    "ja": "灯台守は夕暮れになると段を数えながら階段を上り、船が港に帰る前に灯をともした。"
    "真夜中には風が北に変わり、雨がガラスを打ったので、彼は冷たいお茶を飲みながら聞いていた。",
}
TRADITIONAL = (
    "黃昏時分，看守人照例數著台階登上塔樓，在第一批漁船回港之前點亮了燈。午夜風轉向北方，雨點敲打著玻璃，他喝著冷茶。"
)
ENCODINGS = {
    "ar": ["utf-8", "utf-16", "utf-16-le", "windows-1256"],
    "he": ["utf-8", "utf-16", "utf-16-be", "windows-1255"],
    "zh": ["utf-8", "utf-16", "gb18030", "big5"],
    "ru": ["utf-8", "utf-16", "windows-1251", "koi8-r"],
    "ja": ["utf-8", "utf-16", "shift-jis", "euc-jp", "iso-2022-jp"],
}


@pytest.mark.parametrize(
    ("language", "encoding"), [(language, one) for language, all_of in ENCODINGS.items() for one in all_of]
)
@pytest.mark.usefixtures("one_process")
def test_other_scripts_are_read_and_their_language_is_reported(tmp_path, language, encoding):
    """Catches lost or wrong letters in non-Latin scripts, and an unexpected language that is not reported."""
    sentence = TRADITIONAL if encoding == "big5" else SENTENCES[language]
    path = written(tmp_path / "book.txt", "\n\n".join([sentence] * 4).encode(encoding))
    sections = tmp_path / "sections.parquet"
    report = extract([path], corpus(clean=corpus().clean | {"near_duplicates": False}), sections)
    assert "\n".join(parquet.read_table(sections)["text"].to_pylist()).count(sentence) == 4
    (told,) = report["files"]
    assert max(told["languages"], key=told["languages"].get) == language
    (warning,) = told["warnings"]
    assert repr(language) in warning
    assert ("right to left" in warning) == (language in ("ar", "he"))


PROSE = " ".join(CHAPTERS[0].paragraphs)


ODD_PAGES = {
    "form": "<html><body><form action='/post'><p>{}</p><input/></form></body></html>",
    "class of body": "<html><body class='index'><p>{}</p></body></html>",
    "class of html": "<html class='search navigation'><body><p>{}</p></body></html>",
    "open fonts": "<html><body>" + "<p><font size=2>More.<br>" * 300 + "<p>{}</body></html>",
    "open blocks": "<html><body>" + "<div>More.\n" * 300 + "<p>{}</body></html>",
    "deep": "<html><body>" + "<div>" * 400 + "<p>{}</p>" + "</div>" * 400 + "</body></html>",
    "frames": "<html><frameset><frame src='x.html'><noframes><p>{}</p></noframes></frameset></html>",
    "layout": "<html><body><table><tr><td><table><tr><td>{}</td></tr></table></td></tr></table></body></html>",
    "early end": "<html><body><p>First.</p></body></html>\n<p>{}</p></body></html>",
    "two pages": "<html><body><p>First.</p></body></html><html><body><p>{}</p></body></html>",
    "odd elements": "<html><body><marquee>More.</marquee><textarea></textarea><x-y><p>{}</p></x-y></body></html>",
}


@pytest.mark.parametrize("name", ODD_PAGES)
def test_prose_of_an_odd_page_is_not_lost(tmp_path, read, name):
    """Catches odd pages whose text is skipped silently: it must be read, or the page refused."""
    told = message_or_words(read, written(tmp_path / "page.html", ODD_PAGES[name].replace("{}", PROSE)))
    assert "nested" in told or PROSE in told


def test_a_page_of_preformatted_text_keeps_its_paragraphs(tmp_path, read):
    """Catches a book in one <pre> element read as a single paragraph without headings."""
    text = "CHAPTER I\n\n" + "\n\n".join(CHAPTERS[0].paragraphs).replace(" boats", "\nboats")
    (document,) = read(written(tmp_path / "pre.html", f"<html><body><pre>\n{text}\n</pre></body></html>"))
    (section,) = document["document"]["sections"]
    assert section["heading"] == "CHAPTER I"
    assert section["text"].split("\n") == list(CHAPTERS[0].paragraphs)


def test_deeply_nested_markdown_lists_are_not_lost(tmp_path, read):
    """Catches a parser that drops deeply nested items."""
    path = written(tmp_path / "list.md", "".join(f"{'  ' * depth}- word{depth}\n" for depth in range(30)))
    assert words_of(read(path)) == [f"word{depth}" for depth in range(30)]


@pytest.mark.parametrize("kind", ["text/xml", "text/plain", "application/octet-stream", "application/x-dtbook+xml"])
def test_a_chapter_of_another_media_type_is_not_skipped(tmp_path, read, kind):
    """Catches chapters lost because of an odd media type: they must be read, or the book refused."""
    members = epub_members()
    item = 'chapter1.xhtml" media-type="'
    members["OEBPS/book.opf"] = members["OEBPS/book.opf"].replace(f"{item}application/xhtml+xml", f"{item}{kind}")
    told = message_or_words(read, zipped(tmp_path / "types.epub", members))
    assert kind in told or CHAPTERS[0].paragraphs[0] in told


def test_a_word_document_with_a_renamed_main_part_is_read(tmp_path, read):
    """Catches Word for the web documents refused because their main part is document2.xml."""
    members = {
        name.replace("document.xml", "document2.xml"): content.replace("word/document.xml", "word/document2.xml")
        for name, content in docx_members(word_paragraph(PROSE)).items()
    }
    assert words_of(read(zipped(tmp_path / "web.docx", members))) == PROSE.split()


def test_encrypted_chapters_without_rights_are_reported_as_drm(tmp_path, read):
    """Catches a DRM-protected book that lists only its encrypted parts and is reported as damaged."""
    encrypted = f'<encryption><CipherReference URI="{CHAPTER}"/></encryption>'
    members = epub_members() | {"META-INF/encryption.xml": encrypted, CHAPTER: random.Random(1).randbytes(3000)}
    assert "DRM" in refusal(read, zipped(tmp_path / "bought.epub", members))


def test_an_empty_chapter_is_left_out(tmp_path, read):
    """Catches a book refused because one of its chapters is empty."""
    (book,) = read(zipped(tmp_path / "empty.epub", epub_members() | {CHAPTER: ""}))
    assert [section["heading"] for section in book["document"]["sections"]] == [CHAPTERS[1].heading]
