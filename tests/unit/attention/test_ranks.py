"""Training one run in several processes, with the results of a single one; two CPU processes replace two GPUs."""

import json
import logging
import multiprocessing
import os
import signal
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_model
from torch.multiprocessing import ProcessRaisedException, start_processes

from localist.attention import ranks
from localist.attention.observed_attention import use_observed_attention
from localist.attention.ranks import any_rank, from_first_rank, mean_over_ranks, rank, run_in_processes
from localist.plumbing.errors import UserError
from localist.plumbing.interruption import Interrupted
from localist.tokens.windows import Windows
from localist.training import trainer as training
from localist.training.adapters import with_adapters
from localist.training.batches import BatchesOfRank, SimilarLengths
from localist.training.checkpoints import last_whole_checkpoint
from localist.training.constraint import Constraint
from localist.training.settings import LoraSettings, Optimisation
from localist.training.trainer import LocalityTrainer, train_arm


@pytest.fixture(scope="module", autouse=True)
def forked():
    """Fork ranks from one process that has imported this file, since each import takes seconds.

    In test_runs.py, they start from scratch, as in a study.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # the forking process has no other path
        patch.setattr(ranks, "start_processes", partial(start_processes, start_method="forkserver"))
        multiprocessing.set_forkserver_preload([__name__])
        yield


CONTEXT = 16
PLAIN = Constraint([0.0, 0.0, 0.0])
CONSTRAINTS = {
    "plain": PLAIN,
    "hinge": Constraint([0.0, 0.5, 1.0], "hinge", 0.8, 20.0),
    "group_sparsity": Constraint([0.0, 0.5, 1.0], "group_sparsity", None, 20.0),
}
# Thirteen windows in batches of four: the last batch of an epoch has one window, which leaves one of two ranks empty.
OPTIMISATION = Optimisation(
    token_budget=9 * 4 * 13, batch_size=4, learning_rate=1e-3, warmup_ratio=0.25, weight_decay=0.1, max_grad_norm=1.0
)


def thirteen_windows():
    generator = np.random.default_rng(0)
    input_ids = generator.integers(1, 60, (13, CONTEXT)).astype(np.int32)
    sentence_ids = np.tile(np.arange(CONTEXT) // 4, (13, 1)).astype(np.int32)
    sentence_ids[:, 0] = -1
    for window in range(13):
        sentence_ids[window, 6 + window % 11 :] = -1
    return Windows(input_ids, sentence_ids, np.ones_like(input_ids), np.arange(13, dtype=np.int32))


def train(
    folder,
    constraint,
    asked_to_stop,
    dropout=0.0,
    in_pieces=False,
    stop_after=None,
    damaged=False,
    trainer=None,
    lora=None,
):
    """Train a tiny model, and save weights and history in `folder`."""
    torch.set_num_threads(1)
    windows = thirteen_windows()
    blocks = np.where(windows.is_text, windows.sentence_ids % 2, -1)
    if damaged and rank() == 1:
        blocks[0, 1] = 999
    steps, norms = [], []

    def recorded(trainer, model, grad_norm=None):
        norms.append(float(grad_norm))
        return grad_norm

    def one_rank_is_asked():
        steps.append(1)
        return asked_to_stop() or (rank() == 1 and len(steps) == stop_after)

    model = tiny_model("gpt2", attn_pdrop=dropout, resid_pdrop=dropout, embd_pdrop=dropout)
    use_observed_attention(model, CONTEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalityTrainer, "_get_grad_norm", recorded)
        if in_pieces:
            patch.setattr(training, "LOSS_TOKENS", 8)
        history = train_arm(
            with_adapters(model, lora, seed=3) if lora else model,
            windows,
            blocks,
            constraint=constraint,
            optimisation=OPTIMISATION,
            seed=3,
            bf16=False,
            checkpoints=folder / "checkpoints",
            checkpoint_steps=4,
            trainer_keys=trainer,
            name="arm seed 3",
            asked_to_stop=one_rank_is_asked,
        )
    if rank() == 0:
        save_file({name: weight.clone() for name, weight in model.state_dict().items()}, folder / "model.safetensors")
        (folder / "history.json").write_text(json.dumps(history))
        (folder / "gradient_norms.json").write_text(json.dumps(norms))


def never():
    return False


def trained(folder, processes, constraint, **changes):
    folder.mkdir(exist_ok=True)
    arguments = {"folder": folder, "constraint": constraint, **changes}
    if processes == 1:
        train(**arguments, asked_to_stop=never)
    else:
        run_in_processes(processes, train, arguments, never)
    return load_file(folder / "model.safetensors"), json.loads((folder / "history.json").read_text())


def numbers(row):
    """The numbers in a row of the history, including fidelity by layer."""
    fidelity = json.loads(row["fidelity"]).values() if row["fidelity"] else ()
    return [*(value for name, value in row.items() if name != "fidelity" and value is not None), *fidelity]


def gradient_norms(folder):
    """The gradient norm of every step."""
    return json.loads((folder / "gradient_norms.json").read_text())


SAVING = {"gradient_accumulation_steps": 2, "gradient_checkpointing": True}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("constraint", "in_pieces", "changes"),
    [
        ("plain", True, {}),
        ("hinge", False, {}),
        ("hinge", True, {}),
        ("group_sparsity", False, {}),
        ("hinge", False, {"trainer": SAVING}),
        ("hinge", True, {"trainer": SAVING, "lora": LoraSettings(rank=4, alpha=8.0)}),
    ],
)
def test_two_processes_train_like_one(constraint, in_pieces, changes, tmp_path, monkeypatch):
    """Catches dropped or repeated windows, and losses, penalties or gradients averaged with wrong weights."""
    monkeypatch.setattr(training, "LOSS_TOKENS", training.LOSS_TOKENS)
    if "lora" in changes:
        pytest.importorskip("peft")
    alone, history = trained(tmp_path / "one", 1, CONSTRAINTS[constraint], in_pieces=in_pieces, **changes)
    together, history_together = trained(tmp_path / "two", 2, CONSTRAINTS[constraint], in_pieces=in_pieces, **changes)
    assert len(history) == len(history_together) >= 9
    for row, other in zip(history, history_together, strict=True):
        # Sums are computed in another order: the last digits of float32 differ.
        assert numbers(other) == pytest.approx(numbers(row), rel=1e-6, abs=1e-7)
    # AdamW and the bound on the norm would hide gradients that are wrong by a constant factor.
    norms, norms_together = (gradient_norms(tmp_path / place) for place in ("one", "two"))
    assert len(norms) == 13 and norms_together == pytest.approx(norms, rel=1e-5)
    for name, weight in alone.items():
        # Adam divides by a gradient's size, which amplifies rounding of tiny ones: allow less than a third of a step.
        assert (together[name] - weight).abs().max() < 3e-4, name


@pytest.mark.slow
def test_all_ranks_stop_after_the_same_step_and_resume_to_the_same_weights(tmp_path):
    """Catches a rank that waits forever for one that stopped, and random states lost on resuming."""
    whole, history = trained(tmp_path / "whole", 2, CONSTRAINTS["hinge"], dropout=0.1)
    with pytest.raises(Interrupted, match="was asked to end after step 6 of"):
        trained(tmp_path / "cut", 2, CONSTRAINTS["hinge"], dropout=0.1, stop_after=6)
    assert last_whole_checkpoint(tmp_path / "cut" / "checkpoints").name == "checkpoint-6"
    states = [last_whole_checkpoint(tmp_path / "cut" / "checkpoints") / f"rng_state_{rank}.pth" for rank in (0, 1)]
    assert states[0].read_bytes() != states[1].read_bytes()  # dropout differs between ranks
    resumed, history_resumed = trained(tmp_path / "cut", 2, CONSTRAINTS["hinge"], dropout=0.1)
    assert history_resumed == history
    assert all(torch.equal(resumed[name], weight) for name, weight in whole.items())


@pytest.mark.slow
def test_an_error_in_one_process_ends_all_with_its_message(tmp_path, caplog, monkeypatch):
    """Catches a job that hangs after one of its processes fails, and a traceback instead of the message."""
    monkeypatch.setattr(ranks, "SECONDS_AFTER_A_FAILURE", 1.0)  # the other waits in vain
    with pytest.raises(UserError, match="the block id of window 0, position 1, is 999") as ended:
        trained(tmp_path / "two", 2, CONSTRAINTS["hinge"], damaged=True)
    assert "Traceback" not in str(ended.value) + caplog.text


def one_says_why(folder, asked_to_stop):
    """Rank 0 fails first, as if it had lost its connection; rank 1 fails a moment later, with the real error."""
    (folder / f"{rank()}").touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.05)
    if rank() == 0:
        raise RuntimeError("connection closed by peer")
    time.sleep(1)
    raise UserError("the message")


@pytest.mark.slow
def test_the_error_message_is_shown_whichever_process_ends_first(tmp_path):
    """Catches a traceback of the rank that lost its connection instead of the real error."""
    with pytest.raises(UserError, match="the message"):
        run_in_processes(2, one_says_why, {"folder": tmp_path}, never)


def fail_when_told(ready, asked_to_stop):
    ready.touch()
    while not asked_to_stop():
        time.sleep(0.05)
    raise RuntimeError("the connection broke while it saved")


def be_told_while_loading(ready, asked_to_stop):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ready.touch()
    time.sleep(60)


@pytest.mark.slow
def test_a_failure_after_a_stop_request_is_not_an_interruption(tmp_path):
    """Catches a job that fails whenever it saves and is requeued forever as if it had been interrupted."""
    ready = tmp_path / "ready"
    with pytest.raises(ProcessRaisedException, match="the connection broke while it saved"):
        run_in_processes(1, fail_when_told, {"ready": ready}, ready.exists)


@pytest.mark.slow
def test_a_stop_request_while_processes_load_is_an_interruption(tmp_path):
    """Catches a job that is not requeued because one of its processes was not ready for the signal."""
    ready = tmp_path / "ready"
    with pytest.raises(Interrupted, match="before its first step"):
        run_in_processes(1, be_told_while_loading, {"ready": ready}, ready.exists)


def say(folder, asked_to_stop):
    """Write what each rank obtains from the others."""
    torch.distributed.init_process_group("gloo")
    logging.getLogger("localist").info("from the first rank alone")
    found = {
        "mean": mean_over_ranks(torch.tensor(float(rank()))).item(),
        "any": [any_rank(rank() == 1, torch.device("cpu")), any_rank(False, torch.device("cpu"))],
        "first": from_first_rank(lambda: f"computed on {rank()}"),
    }
    (folder / f"{rank()}.json").write_text(json.dumps(found))


@pytest.mark.slow
def test_ranks_agree_and_only_the_first_logs(tmp_path, caplog):
    """Catches answers that differ between ranks, and log lines repeated by every rank."""
    with caplog.at_level(logging.INFO):
        logging.getLogger().addHandler(caplog.handler)
        run_in_processes(2, say, {"folder": tmp_path}, never)
        logging.getLogger().removeHandler(caplog.handler)
    answers = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert answers[0] == answers[1] == {"mean": 0.5, "any": [True, False], "first": "computed on 0"}
    assert {record.getMessage() for record in caplog.records} == {"from the first rank alone"}


def test_a_single_process_does_not_communicate():
    """Catches a run on one GPU that is slowed down, or whose numbers change, by communication between ranks."""
    value = torch.tensor(3)
    assert mean_over_ranks(value) is value and any_rank(True, torch.device("cpu")) and from_first_rank(lambda: 7) == 7


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_the_ranks_share_the_batches_of_a_single_process(ranks):
    """Catches batches that differ from those of one process; an index below 0 is an example without targets."""
    order = partial(SimilarLengths, np.arange(13), 6, seed=1)
    shares = [list(BatchesOfRank(order(), 6, rank, ranks)) for rank in range(ranks)]
    whole = list(torch.utils.data.BatchSampler(order(), 6, drop_last=False))
    assert [sorted(i for batch in parts for i in batch if i >= 0) for parts in zip(*shares, strict=True)] == [
        sorted(batch) for batch in whole
    ]
    assert all(batch for share in shares for batch in share) and len(shares[0]) == len(whole)
    assert len(BatchesOfRank(order(), 6, 0, ranks)) == len(whole)
