"""Data-parallel training of one run: starting one process per GPU, and reductions over these processes (ranks).

With a single process, these functions cost nothing.
"""

import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from multiprocessing.queues import Queue, SimpleQueue
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, start_processes

from localist.plumbing.errors import UserError
from localist.plumbing.interruption import Interrupted, noticing_sigterm

Answer = TypeVar("Answer")

# Grace period for the other processes after one has failed.
SECONDS_AFTER_A_FAILURE = 5.0

# Set by `run_in_processes` before torch.distributed is initialised. Not named RANK, which a scheduler may set.
NUMBER_OF_RANKS = "LOCALIST_NUMBER_OF_RANKS"
RANK = "LOCALIST_RANK"


def number_of_ranks() -> int:
    """Number of processes that train this run."""
    return int(os.environ.get(NUMBER_OF_RANKS, 1))


def rank() -> int:
    """This process's rank, from 0; also the index of its GPU. Only rank 0 writes files."""
    return int(os.environ.get(RANK, 0))


def mean_over_ranks(value: torch.Tensor) -> torch.Tensor:
    """Mean of `value` over ranks, in float64 and without gradient; `value` itself in a single process."""
    if number_of_ranks() == 1:
        return value
    total = value.detach().double().clone()
    distributed.all_reduce(total)
    return total / number_of_ranks()


def any_rank(condition: bool, device: torch.device) -> bool:
    """Whether `condition` holds on any rank. Collective: every rank must call it."""
    if number_of_ranks() == 1:
        return condition
    return bool(mean_over_ranks(torch.tensor(float(condition), device=device)) > 0)


def from_first_rank(compute: Callable[[], Answer]) -> Answer:
    """The result of `compute` on rank 0, broadcast to every rank. Collective: every rank must call it."""
    if number_of_ranks() == 1:
        return compute()
    answer: list[Any] = [compute() if rank() == 0 else None]
    distributed.broadcast_object_list(answer)
    return answer[0]


def run_in_processes(
    count: int, function: Callable[..., None], arguments: Mapping[str, Any], asked_to_stop: Callable[[], bool]
) -> None:
    """Run `function(**arguments, asked_to_stop=…)` in `count` processes, with the environment of torch.distributed.

    `function` must be importable from a module. Once `asked_to_stop` returns True, SIGTERM is passed on to the
    processes, which may take as long as they need. Their log records are handled here. Raises the UserError or
    Interrupted that one of them ended with, and UserError if one was killed.
    """
    # After a failure, torch logs that it terminates the other processes, which would bury the cause.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)
    context = get_context("spawn")
    records, ends = context.Queue(), context.SimpleQueue()
    listener = QueueListener(records, *logging.getLogger().handlers, respect_handler_level=True)
    listener.start()
    try:
        workers = start_processes(
            _work, (count, _free_port(), records, ends, function, dict(arguments)), count, join=False
        )
        assert workers is not None  # None only with join=True
        signalled = False
        while not workers.join(timeout=0.5, grace_period=SECONDS_AFTER_A_FAILURE):
            if asked_to_stop() and not signalled:
                signalled = True
                for process in workers.pids():
                    with suppress(ProcessLookupError):  # already ended
                        os.kill(process, signal.SIGTERM)
    except (ProcessExitedException, ProcessRaisedException) as error:
        # The first process to fail may only have lost its connection; the real reason is then in `ends`.
        ended_by_sigterm = isinstance(error, ProcessExitedException) and error.exit_code == -signal.SIGTERM
        if ends.empty() and asked_to_stop() and ended_by_sigterm:
            raise Interrupted("The job was asked to end before its first step.") from None
        if ends.empty() and isinstance(error, ProcessRaisedException):
            raise
        if ends.empty():
            raise UserError(
                f"One of the {count} processes of the run was killed: {error}. If memory ran out, raise "
                "training.memory_mb, which covers all of them together."
            ) from error
    finally:
        listener.stop()
    if not ends.empty():
        kind, message = ends.get()
        raise kind(message)


def _work(
    rank: int,
    count: int,
    port: int,
    records: Queue,
    ends: SimpleQueue,
    function: Callable[..., None],
    arguments: Mapping[str, Any],
) -> None:
    """The body of one process. Log records go to `records`; type and message of an expected exception go to `ends`."""
    handler = QueueHandler(records)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING if rank else logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    variables = {
        **{RANK: rank, NUMBER_OF_RANKS: count},
        **{"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
    }
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        with noticing_sigterm() as asked_to_stop:
            function(**arguments, asked_to_stop=asked_to_stop)
    except Interrupted as interrupted:
        ends.put((Interrupted, str(interrupted)))
    except UserError as error:
        ends.put((UserError, str(error)))
        raise SystemExit(1) from None
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _free_port() -> int:
    """A TCP port of this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
