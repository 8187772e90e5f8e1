"""How a corpus is read: the config's `corpus`, without its name, source and licence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CorpusSettings:
    """The config's keys of the same names; the schema describes them. Plain values only, since they travel as JSON."""

    format: str
    language: str
    encoding: str | None
    text_column: str
    articles: Sequence[str]
    drop_sections: Sequence[str]
    section_words: int | None
    on_error: str
    clean: Mapping[str, bool]  # cleaning step → whether it is on
