"""What a training run leaves: losses, parameters, and why it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.errors import SymbackpropError
from symbackprop.numeric.run.plot import line_plot_svg

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """A finished training run.

    `losses[k]` is the loss over all data before the first update of epoch k, and the last entry the loss after the last update:
    one more than `epochs`. (Online and minibatch updates move the parameters within an epoch; the loss is always that of the
    whole data at one set of parameters.) `parameters` are the last ones, `trajectory` those at each entry of `losses` if they
    were asked for. `stopped_because` is a sentence.
    """

    losses: tuple[float, ...]
    parameters: Parameters
    epochs: int
    updates: int
    stopped_because: str
    trajectory: tuple[Parameters, ...] = ()

    @property
    def loss(self) -> float:
        """The last loss."""
        return self.losses[-1]

    def plot_svg(self, title: str = "", width: int = 640, height: int = 360) -> str:
        """Return a plot of the loss over the epochs as SVG, with a logarithmic scale where the losses allow it."""
        return line_plot_svg(self.losses, title or "Loss over the epochs", "epoch", "loss", width, height)

    def __repr__(self) -> str:
        return f"History({self.epochs} epochs, loss {self.losses[0]:.6g} → {self.loss:.6g}: {self.stopped_because})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the plot."""
        return self.plot_svg()


class TrainingDiverged(SymbackpropError):
    """The loss or a gradient became NaN or infinite; `parameters` are the last good ones, `history` the run so far."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history

    @property
    def parameters(self) -> Parameters:
        """The parameters at which the loss was last a number."""
        return self.history.parameters
