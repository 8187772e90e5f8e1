"""Several processes that train one run together, one on each GPU: how they are started, and what they agree on.

Alone, as most runs are trained, a process agrees with itself at no cost.
"""

import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException, get_context, start_processes

from localist.plumbing.errors import UserError
from localist.plumbing.interruption import Interrupted, noticing_sigterm

Answer = TypeVar("Answer")

# How long the others have to end by themselves where one has failed.
SECONDS_AFTER_A_FAILURE = 5.0


# Set by `run_in_processes`, before the processes know of each other; what a scheduler calls ranks is none of ours.
NUMBER_OF_RANKS = "LOCALIST_NUMBER_OF_RANKS"
RANK = "LOCALIST_RANK"


def number_of_ranks() -> int:
    """How many processes train this run."""
    return int(os.environ.get(NUMBER_OF_RANKS, 1))


def rank() -> int:
    """Which of them this one is, from 0, and which of the GPUs in sight it takes; the first alone writes files."""
    return int(os.environ.get(RANK, 0))


def mean_over_ranks(value: torch.Tensor) -> torch.Tensor:
    """The mean of a value that each rank has, in float64 and without gradient; alone, the value itself."""
    if number_of_ranks() == 1:
        return value
    total = value.detach().double().clone()
    distributed.all_reduce(total)
    return total / number_of_ranks()


def any_rank(said: bool, device: torch.device) -> bool:
    """Whether any rank says so; each has to ask at the same place."""
    return said if number_of_ranks() == 1 else bool(mean_over_ranks(torch.tensor(float(said), device=device)) > 0)


def from_first_rank(compute: Callable[[], Answer]) -> Answer:
    """What the first rank computes, on every rank."""
    if number_of_ranks() == 1:
        return compute()
    answer = [compute() if rank() == 0 else None]
    distributed.broadcast_object_list(answer)
    return answer[0]


def run_in_processes(
    count: int, function: Callable[..., None], arguments: Mapping[str, Any], asked_to_stop: Callable[[], bool]
) -> None:
    """Run `function(**arguments, asked_to_stop=…)` in `count` processes that torch.distributed knows of.

    The function is one of a module. SIGTERM is passed on to the processes, once `asked_to_stop` says so, and they have
    as long as they need. Their logs come out here. Raises the UserError or Interrupted that one of them ended with.
    """
    # It tells how it ends the others where one has failed, which is not what went wrong.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)
    context = get_context("spawn")
    records, ends = context.Queue(), context.SimpleQueue()
    listener = QueueListener(records, *logging.getLogger().handlers, respect_handler_level=True)
    listener.start()
    try:
        workers = start_processes(
            _work, (count, _free_port(), records, ends, function, dict(arguments)), count, join=False
        )
        told = False
        while not workers.join(timeout=0.5, grace_period=SECONDS_AFTER_A_FAILURE):
            if asked_to_stop() and not told:
                told = True
                for process in workers.pids():
                    with suppress(ProcessLookupError):  # it is done
                        os.kill(process, signal.SIGTERM)
    except (ProcessExitedException, ProcessRaisedException) as error:
        # The first to fail may be one that lost the connection to the one that has something to say.
        told_too_early = isinstance(error, ProcessExitedException) and error.exit_code == -signal.SIGTERM
        if ends.empty() and asked_to_stop() and told_too_early:
            raise Interrupted("The job was asked to end before its first step.") from None
        if ends.empty() and isinstance(error, ProcessRaisedException):
            raise
        if ends.empty():
            raise UserError(
                f"One of the {count} processes of the run was ended: {error}. If it was for lack of memory, raise "
                "training.memory_mb, which is for all of them together."
            ) from error
    finally:
        listener.stop()
    if not ends.empty():
        kind, message = ends.get()
        raise kind(message)


def _work(
    rank: int, count: int, port: int, records, ends, function: Callable[..., None], arguments: Mapping[str, Any]
) -> None:
    handler = QueueHandler(records)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING if rank else logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    place = {
        **{RANK: rank, NUMBER_OF_RANKS: count},
        **{"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
    }
    os.environ.update({name: str(value) for name, value in place.items()})
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
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
