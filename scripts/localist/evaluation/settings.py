"""Settings of the jobs that measure models."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ComparisonSettings:
    """How a model is run on held-out text.

    batch_size: in windows; precision: auto, bf16 or fp32; threads: of torch; gpus: 0 computes on the CPU.
    """

    batch_size: int
    precision: str
    threads: int
    gpus: int


@dataclass(frozen=True)
class EvaluationSettings(ComparisonSettings):
    """seed: of the sample of training windows; passage_tokens: length of the passage of the attention maps."""

    seed: int
    passage_tokens: int
