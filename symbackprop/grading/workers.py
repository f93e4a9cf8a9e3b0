"""Where the grading is done: processes of this machine, or a Dask cluster; both are executors of `concurrent.futures`.

Work that takes its worker with it is found out (what ran at that moment is tried again, one at a time) and given up; the rest
goes on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from symbackprop.errors import UserError
from symbackprop.guest.process import die_with_parent

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Workers:
    """How an executor is had, and how many items are under way at once."""

    executor: Callable[[], AbstractContextManager[Executor]]
    count: int


def processes(count: int) -> Workers:
    """Return workers that are processes of this machine."""
    return Workers(lambda: _local(count), count)


def dask_cluster(address: str) -> Workers:
    """Return the workers of a Dask scheduler; they see the files under the same names, and have this library.

    Raises UserError when Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client  # the extra `dask`: only who has a cluster needs it
    except ImportError:
        raise UserError("--scheduler: Dask is not installed: pip install 'symbackprop[dask]'") from None
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"--scheduler {address}: no scheduler answers: {error}") from None
    threads = sum(client.nthreads().values())
    return Workers(lambda: _of_cluster(client), 4 * max(threads, 1))


def run_all(task: Callable[[Item], Made], items: Sequence[Item], workers: Workers) -> Iterator[tuple[Item, Made | Exception]]:
    """Yield each item with what the task makes of it, as it comes, or with the exception that it came to."""
    waiting, suspects = deque(items), deque[Item]()
    while waiting or suspects:
        alone = bool(suspects)
        yield from _until_broken(task, suspects if alone else waiting, suspects, workers, alone)


def _until_broken(
    task: Callable[[Item], Made], waiting: deque[Item], suspects: deque[Item], workers: Workers, alone: bool
) -> Iterator[tuple[Item, Made | Exception]]:
    """Work through a queue with one executor. When its workers die, what was under way goes to the suspects; a suspect that was
    alone is guilty."""
    running: dict[Future[Any], Item] = {}
    with workers.executor() as executor:
        try:
            while waiting or running:
                while waiting and len(running) < (1 if alone else workers.count):
                    future = executor.submit(task, waiting[0])
                    running[future] = waiting.popleft()
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    made = _result(done)
                    yield running[done], made
                    del running[done]
        except BrokenExecutor as error:
            if alone:
                yield from ((item, error) for item in running.values())
            else:
                suspects.extend(running.values())


def _result(done: Future[Made]) -> Made | Exception:
    """Return what a future has; what broke the executor is raised."""
    try:
        return done.result()
    except BrokenExecutor:
        raise
    except Exception as error:  # of the cluster: a worker that was lost, say
        return error


@contextmanager
def _local(count: int) -> Iterator[Executor]:
    """An executor of new processes, children of this one, so that they end with it."""
    executor = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_as_worker)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _as_worker() -> None:
    """Ctrl-C ends a worker without a word, and so does the end of the process that it works for."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))  # an exception could be swallowed, and told of, around a fork
    die_with_parent()


@contextmanager
def _of_cluster(client: Any) -> Iterator[Executor]:
    executor = client.get_executor(pure=False)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False)
