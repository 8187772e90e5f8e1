"""How a corpus is read: the config's `corpus` section, without name, source and licence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CorpusSettings:
    """The config keys of the same names, as described in the schema. Plain values only, since they are sent as JSON."""

    format: str
    language: str
    encoding: str | None
    text_column: str
    articles: Sequence[str]
    drop_sections: Sequence[str]
    section_words: int | None
    on_error: str
    clean: Mapping[str, bool]  # cleaning step → whether it is enabled
