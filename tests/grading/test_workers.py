"""Workers: every item comes back once, and what kills its worker is found out while the others are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import Any

import pytest

from symbackprop.grading.workers import Workers, run_all


class Fragile(Executor):
    """An executor whose workers die of negative items: what is under way then, and what comes later, is lost."""

    def __init__(self) -> None:
        self.under_way: list[Future[int]] = []

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[int] = Future()
        (item,) = arguments
        if item < 0:
            for other in (*self.under_way, future):
                if not other.done():
                    other.set_exception(BrokenExecutor("a worker died"))
        elif item % 2:
            self.under_way.append(future)  # takes long
            if len(self.under_way) > 1:
                self.under_way.pop(0).set_result(None)  # type: ignore[arg-type]
        else:
            future.set_result(task(item))
        return future


@pytest.mark.parametrize("items", [[2, 4, -1, 6], [-1], [-1, -2, 2], [2, -1, 4, -2, 6, 8], []])
def test_what_kills_its_worker_is_found_out(items: list[int]) -> None:
    @contextmanager
    def executor() -> Iterator[Executor]:
        yield Fragile()

    found = list(run_all(lambda item: item * item, items, Workers(executor, 3)))
    assert sorted(item for item, _ in found) == sorted(items)
    for item, made in found:
        assert isinstance(made, BrokenExecutor) if item < 0 else made == item * item


def test_what_was_under_way_is_done_again() -> None:
    tried: list[int] = []

    class Once(Fragile):
        def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
            tried.append(arguments[0])
            if tried.count(arguments[0]) > 1 and arguments[0] > 0:
                future: Future[Any] = Future()
                future.set_result(task(arguments[0]))
                return future
            return super().submit(task, *arguments, **options)

    @contextmanager
    def executor() -> Iterator[Executor]:
        yield Once()

    found = dict(run_all(lambda item: item + 100, [1, -5, 2], Workers(executor, 3)))
    assert (found[1], found[2]) == (101, 102)
    assert isinstance(found[-5], BrokenExecutor)
