"""Settings of the jobs that measure models."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EvaluationSettings:
    """How a model is run on held-out text.

    batch_size: in windows; precision: auto, bf16 or fp32; threads: of torch; gpus: 0 computes on the CPU; seed: of the
    samples; sample_tokens: predicted tokens in the samples for losses; divergence_tokens: tokens in the sample on which
    attention is compared with another model's (None: all); deterministic: as in training.
    """

    batch_size: int
    precision: str
    threads: int
    gpus: int
    deterministic: bool
    seed: int
    sample_tokens: int
    divergence_tokens: int | None
