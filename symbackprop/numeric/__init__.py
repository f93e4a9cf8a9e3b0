"""The same derivation as numbers: readable numpy source, evaluation, training."""

from symbackprop.numeric.code.source import source
from symbackprop.numeric.run.function import GradientFunction, compile_source, evaluate, function
from symbackprop.numeric.run.history import History, TrainingDiverged
from symbackprop.numeric.run.train import train

__all__ = ["GradientFunction", "History", "TrainingDiverged", "compile_source", "evaluate", "function", "source", "train"]
