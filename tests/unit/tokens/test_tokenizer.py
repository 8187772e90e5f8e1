"""Tokenizers: the sink, loading from a folder, and the rule that tokenises."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from transformers import GPT2Config

from localist.corpus.documents import Document, Section, document_text, sections_table
from localist.corpus.sentences import sentences_table
from localist.plumbing.errors import UserError
from localist.plumbing.files import read_json, write_json
from localist.tokens.tokenizer import END_OF_TEXT, load_tokenizer, sink_token, train_tokenizer
from localist.tokens.windows import Windows
from tokenize_corpus import main

TEXTS = [
    "The naïve fox – “quick” – jumps. It ran.\nSo it goes… 😀",
    "Second part. 你好。More words here.",
    "Third. End.",
]


class FakeTokenizer(SimpleNamespace):
    """The part of a tokenizer that the choice of the sink uses."""

    def __len__(self) -> int:
        return 100


@pytest.mark.parametrize(
    ("configured", "bos", "eos", "expected"),
    [(None, 5, 6, 5), (None, None, 6, 6), (7, 5, 6, 7), (None, 0, 6, 0), (0, 5, 6, 0), (99, None, None, 99)],
)
def test_the_sink_is_chosen_in_order(configured, bos, eos, expected):
    """Catches an order other than configured, beginning, end of text; or a token 0 taken for none."""
    assert sink_token(FakeTokenizer(bos_token_id=bos, eos_token_id=eos), configured) == expected


def test_an_impossible_sink_is_refused():
    """Catches a token number that the model does not have, which would fail deep inside it; or no sink at all."""
    with pytest.raises(UserError, match=r"model\.sink_token_id: 100 .* 100 tokens"):
        sink_token(FakeTokenizer(bos_token_id=1, eos_token_id=2), 100)
    with pytest.raises(UserError, match=r"set model\.sink_token_id"):
        sink_token(FakeTokenizer(bos_token_id=None, eos_token_id=None), None)


def test_a_trained_tokenizer_round_trips_text():
    """Catches lost or unknown characters that are not in the training text."""
    tokenizer = train_tokenizer(TEXTS, 320)
    text = "Unseen: żółć 🜁 \t\n  end"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    assert tokenizer.eos_token_id == tokenizer.bos_token_id == tokenizer.convert_tokens_to_ids(END_OF_TEXT)
    assert tokenizer.eos_token_id not in ids


def test_training_a_tokenizer_is_repeatable():
    """Catches a vocabulary that depends on thread order: the untrained study would not be reproducible."""
    vocabularies = [train_tokenizer(TEXTS * 3, 300).get_vocab() for _ in range(2)]
    assert vocabularies[0] == vocabularies[1]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model folder with a tokenizer and a config, but no weights."""
    folder = tmp_path_factory.mktemp("model")
    train_tokenizer(TEXTS, 320).save_pretrained(folder)
    GPT2Config(vocab_size=320, n_positions=32).save_pretrained(folder)
    return folder


def test_a_saved_tokenizer_is_loaded_with_the_models_context_length(model):
    """Catches a limit that is not read from the model's config."""
    tokenizer, longest = load_tokenizer(model)
    assert tokenizer.is_fast
    assert longest == 32


@pytest.mark.parametrize("name", ["gone", "empty"])
def test_a_folder_without_a_model_is_reported(tmp_path, name):
    """Catches a traceback, or a search on the network, for a wrong path."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=f"{name} is not a Hugging Face model folder"):
        load_tokenizer(tmp_path / name)


def test_a_tokenizer_with_custom_code_is_refused_and_not_run(tmp_path, model, monkeypatch):
    """Catches code in a model's folder that is run, or a prompt to run it, even with HF_TRUST_REMOTE_CODE set."""
    monkeypatch.setenv("HF_TRUST_REMOTE_CODE", "1")
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked at the terminal"))
    shutil.copytree(model, tmp_path, dirs_exist_ok=True)
    settings = tmp_path / "tokenizer_config.json"
    own = {"tokenizer_class": "XTokenizer", "auto_map": {"AutoTokenizer": ["tokenization_x.XTokenizer", None]}}
    write_json(settings, read_json(settings) | own)
    (tmp_path / "tokenization_x.py").write_text("raise SystemExit('code was run')", encoding="utf-8")
    with pytest.raises(UserError, match=r"custom code \(auto_map in tokenizer_config\.json\), which is not run"):
        load_tokenizer(tmp_path)


def test_more_tokens_than_embedding_rows_are_refused(tmp_path, model):
    """Catches an index error in the first training step, after tokens were added without enlarging the embedding."""
    tokenizer, _ = load_tokenizer(model)
    rows = len(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    GPT2Config(vocab_size=rows).save_pretrained(tmp_path)
    load_tokenizer(tmp_path)
    tokenizer.add_tokens(["robot"])
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(
        UserError, match=f"the tokenizer has {rows + 1} tokens, but the model's embedding has {rows} rows"
    ):
        load_tokenizer(tmp_path)


def test_every_loader_refuses_remote_code():
    """Catches a new call that loads a tokenizer, config, model or encoder without trust_remote_code=False."""
    scripts = Path(__file__).parents[3] / "scripts"
    loader = re.compile(r"(?:Auto\w+\.from_(?:pretrained|config)|SentenceTransformer)\((?:[^()]|\([^()]*\))*\)")
    calls = [call for path in scripts.rglob("*.py") for call in loader.findall(path.read_text(encoding="utf-8"))]
    trusted = [call for call in calls if "trust_remote_code=False" not in call and "**where" not in call]
    assert len(calls) > 5 and not trusted


def tokenise(folder: Path, model: Path, context: int, texts: list[str] = TEXTS) -> tuple[str, dict[str, Windows], dict]:
    sections = sections_table([Document("T", tuple(Section("", text) for text in texts))])
    sentences = sentences_table(sections, pd.Series(["train", "validation", "test"]), "en")
    sections.to_parquet(folder / "sections.parquet", index=False)
    sentences.to_parquet(folder / "sentences.parquet", index=False)
    splits = {split: folder / split for split in ("train", "validation", "test")}
    summary = folder / "summary.json"
    main(folder / "sections.parquet", folder / "sentences.parquet", model, context, None, splits, summary)
    windows = {split: Windows.load(path) for split, path in splits.items()}
    return document_text(texts), windows, read_json(summary)


def test_the_rule_loses_no_token_or_byte(tmp_path, model):
    """Catches tokens or bytes lost between the text and the three splits, or a repeated sink."""
    text, windows, summary = tokenise(tmp_path, model, 8)
    tokenizer, _ = load_tokenizer(model)
    ids = np.concatenate([part.input_ids[part.is_text] for part in windows.values()])
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    assert summary["sink_token"] == tokenizer.bos_token_id
    assert tokenizer.bos_token_id not in ids
    counts = summary["splits"].values()
    assert sum(split["bytes"] for split in counts) == len(text.encode())
    assert sum(split["tokens"] for split in counts) == len(ids)
    assert [split["sections"] for split in counts] == [1, 1, 1]


def test_special_tokens_in_the_text_stay_text(tmp_path, model, caplog):
    """Catches <|endoftext|> in the text that becomes a sink inside a window, or is not counted."""
    texts = [f"{TEXTS[0]} A {END_OF_TEXT} B{END_OF_TEXT}", *TEXTS[1:]]
    text, windows, summary = tokenise(tmp_path, model, 8, texts)
    tokenizer, _ = load_tokenizer(model)
    ids = np.concatenate([part.input_ids[part.is_text] for part in windows.values()])
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    assert summary["sink_token"] not in ids
    assert summary["printed_special_tokens"] == {END_OF_TEXT: 2}
    assert f"contains the special token {END_OF_TEXT} 2 times" in caplog.text


def test_a_context_beyond_the_model_is_refused(tmp_path, model):
    """Catches windows longer than the model's positions, which would fail only in training."""
    with pytest.raises(UserError, match=r"tokens\.context is 33.*at most 32"):
        tokenise(tmp_path, model, 33)


def test_a_text_shorter_than_a_window_is_refused(tmp_path, model):
    """Catches a run that fails much later for lack of text, without stating how much is needed."""
    with pytest.raises(UserError, match=r"has \d+ tokens of text, but one window has 32 \(tokens\.context\)"):
        tokenise(tmp_path, model, 32, ["One.", "Two.", "Three."])
