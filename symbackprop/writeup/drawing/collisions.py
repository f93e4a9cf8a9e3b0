"""Many boxes against many boxes or segments at once: the label search asks a million such questions.

Boxes are rows (x, y, width, height, angle), segments rows (x0, y0, x1, y1); answers are tables (boxes, others). The questions are
those of `geometry.overlap` and `geometry.crosses`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.writeup.drawing.geometry import Box, Segment

Table = NDArray[np.float64]
Answers = NDArray[np.bool_]


def rows_of_boxes(boxes: Iterable[Box]) -> Table:
    """Return boxes as rows, shape (number, 5)."""
    rows = [(box.x, box.y, box.width, box.height, box.angle) for box in boxes]
    return np.array(rows, dtype=float).reshape(-1, 5)


def rows_of_segments(segments: Iterable[Segment]) -> Table:
    """Return segments as rows, shape (number, 4)."""
    return np.array([(*start, *end) for start, end in segments], dtype=float).reshape(-1, 4)


def grown(boxes: Table, by: float) -> Table:
    """Return boxes with a margin on every side."""
    margin: Table = np.array([0.0, 0.0, 2 * by, 2 * by, 0.0])
    return np.add(boxes, margin)


def crossings(boxes: Table, segments: Table) -> Answers:
    """Return which segments pass through which boxes, shape (boxes, segments)."""
    start_x, start_y = _seen(boxes, segments[:, 0], segments[:, 1])
    end_x, end_y = _seen(boxes, segments[:, 2], segments[:, 3])
    enter = np.zeros(start_x.shape)
    leave = np.ones(start_x.shape)
    possible = np.ones(start_x.shape, dtype=bool)
    for start, end, extent in ((start_x, end_x, boxes[:, 2]), (start_y, end_y, boxes[:, 3])):
        half = extent[:, None] / 2
        step = end - start
        still = step == 0
        safe = np.where(still, 1.0, step)
        first, second = (-half - start) / safe, (half - start) / safe
        enter = np.where(still, enter, np.maximum(enter, np.minimum(first, second)))
        leave = np.where(still, leave, np.minimum(leave, np.maximum(first, second)))
        possible &= ~(still & (np.abs(start) >= half))
    result: Answers = possible & (enter < leave)
    return result


def overlaps(boxes: Table, others: Table) -> Answers:
    """Return which boxes have points in common, shape (boxes, others)."""
    apart = _apart(boxes, others) | _apart(others, boxes).T
    return ~apart


def _apart(frames: Table, others: Table) -> Answers:
    """Return where a side of the first box separates it from the second."""
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
    c, s = np.cos(others[:, 4]), np.sin(others[:, 4])
    along, across = signs[:, :1] * others[:, 2] / 2, signs[:, 1:] * others[:, 3] / 2
    corner_x = others[:, 0] + along * c - across * s  # (4, others)
    corner_y = others[:, 1] + along * s + across * c
    local_x, local_y = _seen(frames, corner_x.ravel(), corner_y.ravel())
    shape = (len(frames), 4, len(others))
    result = np.zeros((len(frames), len(others)), dtype=bool)
    for local, extent in ((local_x.reshape(shape), frames[:, 2]), (local_y.reshape(shape), frames[:, 3])):
        half = extent[:, None] / 2
        result |= (local.min(axis=1) >= half) | (local.max(axis=1) <= -half)
    return result


def _seen(boxes: Table, x: Any, y: Any) -> tuple[Table, Table]:
    """Return points as seen from the centres of boxes, along and across them, each of shape (boxes, points)."""
    dx, dy = x[None, :] - boxes[:, :1], y[None, :] - boxes[:, 1:2]
    c, s = np.cos(boxes[:, 4:5]), np.sin(boxes[:, 4:5])
    return dx * c + dy * s, dy * c - dx * s
