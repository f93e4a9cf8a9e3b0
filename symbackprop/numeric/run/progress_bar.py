"""The progress bar of a training run that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_QUIET_SECONDS = 2.0


def progress_bar(wanted: bool | None, epochs: int) -> AbstractContextManager[Callable[[int, float], None]]:
    return nullcontext(lambda epoch, loss: None) if wanted is False else _ProgressBar(epochs, 0.0 if wanted else _QUIET_SECONDS)


class _ProgressBar(AbstractContextManager[Callable[[int, float], None]]):
    """A progress bar that appears once a run has taken longer than `after` seconds."""

    def __init__(self, epochs: int, after: float) -> None:
        self.total, self.after, self.began = epochs, after, time.monotonic()
        self.bar: Progress | None = None

    def __enter__(self) -> Callable[[int, float], None]:
        return self._advance

    def _advance(self, epoch: int, loss: float) -> None:
        if self.bar is None:
            if time.monotonic() - self.began < self.after:
                return
            self.bar = _progress()
            self.bar.add_task("training", total=self.total, loss="")
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=epoch, loss=f"{loss:.6g}")

    def __exit__(self, *problem: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def _progress() -> Progress:
    from rich import progress  # only a long run has a bar: every use of the package would wait for it

    loss = progress.TextColumn("loss {task.fields[loss]}")
    columns = (progress.TextColumn("training"), progress.BarColumn(), progress.MofNCompleteColumn(), loss)
    return progress.Progress(*columns, progress.TimeRemainingColumn(), transient=False)
