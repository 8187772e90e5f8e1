"""Chinese, Japanese and Thai books, from text to sections, splits and sentences."""

import hostile
import pandas as pd
import pytest
from sample_files import corpus

from localist.corpus.cleaning import STEPS
from localist.corpus.extraction import extract
from localist.corpus.unspaced import word_count
from split_sentences import main

process, one_process = hostile.process, hostile.one_process  # fixtures

# Openings of books in the public domain: Lu Xun, Kong Yiji; Natsume Soseki, I Am a Cat; Sunthorn Phu, Phra Aphai Mani.
OPENINGS = {
    "zh": (
        "魯鎮的酒店的格局，是和別處不同的：都是當街一個曲尺形的大櫃檯，櫃裡面預備著熱水，可以隨時溫酒。",
        "做工的人，傍午傍晚散了工，每每花四文銅錢，買一碗酒，靠櫃外站著，熱熱的喝了休息。",
        "孔乙己是站著喝酒而穿長衫的唯一的人。",
    ),
    "ja": (
        "吾輩は猫である。",
        "名前はまだ無い。",
        "どこで生れたかとんと見当がつかぬ。",
        "何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。",
        "吾輩はここで始めて人間というものを見た。",
    ),
    "th": (
        "แต่ปางหลังยังมีกรุงกษัตริย์ สมมุติวงศ์ทรงนามท้าวสุทัศน์ ",
        "ผ่านสมบัติรัตนานามธานี อันกรุงไกรใหญ่ยาวเก้าสิบเก้าโยชน์ ",
        "ภูเขาโขดเป็นกำแพงบุรีศรี ",
    ),
}
PARAGRAPHS = 60


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("language", OPENINGS)
def test_a_book_without_spaces_has_sections_in_every_split(language, tmp_path):
    """Catches paragraphs counted as one word, so that a single section leaves no test text, and endless sentences."""
    opening = OPENINGS[language] * 2
    lengths = [2 + number % (len(opening) - 1) for number in range(PARAGRAPHS)]
    text = "\n\n".join("".join(opening[:length]).strip() for length in lengths)
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    settings = corpus(language=language, clean=dict.fromkeys(STEPS, False))
    extract([tmp_path / "book.txt"], settings, tmp_path / "sections.parquet")
    sections = pd.read_parquet(tmp_path / "sections.parquet")
    sizes = sections["text"].map(word_count)
    assert sizes.sum() == word_count(text)
    longest = max(map(word_count, text.split("\n\n")))
    assert sizes[:-1].between(250, 250 + longest).all() and len(sizes) >= 10
    shares = {"train": 0.8, "validation": 0.1, "test": 0.1, "seed": 0, "passage_words": 1}
    main(tmp_path / "sections.parquet", language, shares, tmp_path / "sentences.parquet")
    sentences = pd.read_parquet(tmp_path / "sentences.parquet")
    assert set(sentences["split"]) == {"train", "validation", "test"}
    assert len(sentences) == (PARAGRAPHS if language == "th" else sum(lengths))  # Thai has no full stops
