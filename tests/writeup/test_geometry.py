"""Boxes and curves against polygons clipped by the tests' own means, and against the arrays that ask many questions at once."""

from __future__ import annotations

from math import hypot, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.writeup.drawing.collisions import crossings, overlaps, rows_of_boxes, rows_of_segments
from symbackprop.writeup.drawing.geometry import Box, Curve, Segment, crosses, distance, extent, line, overlap
from tests.writeup.drawings import area, common, length_inside

places = st.floats(-40, 40).map(lambda x: round(x, 2))
sizes = st.floats(1, 50).map(lambda x: round(x, 2))
boxes = st.builds(Box, places, places, sizes, sizes, st.floats(-pi / 2, pi / 2).map(lambda x: round(x, 3)))
segments = st.tuples(st.tuples(places, places), st.tuples(places, places)).filter(lambda ends: ends[0] != ends[1])


@pytest.mark.slow
@given(boxes, boxes)
def test_overlap_is_a_common_area(first: Box, second: Box) -> None:
    shared = common(list(first.corners), list(second.corners))
    size = area(shared) if len(shared) > 2 else 0.0
    if overlap(first, second):
        assert area(common(list(first.grown(0.01).corners), list(second.grown(0.01).corners))) > 0
    else:
        assert size < 1e-6


@pytest.mark.slow
@given(boxes, segments)
def test_crossing_is_a_length_inside(box: Box, segment: Segment) -> None:
    inside = length_inside(list(segment), list(box.corners))
    if inside > 1e-6:
        assert crosses(box, segment)
    if length_inside(list(segment), list(box.grown(0.01).corners)) == 0:
        assert not crosses(box, segment)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.lists(boxes, min_size=1, max_size=4), st.lists(boxes, min_size=1, max_size=3), st.lists(segments, min_size=1, max_size=3)
)
def test_many_questions_have_the_answers_of_one(first: list[Box], second: list[Box], cuts: list[Segment]) -> None:
    rows = rows_of_boxes(first)
    assert overlaps(rows, rows_of_boxes(second)).tolist() == [[overlap(one, other) for other in second] for one in first]
    assert crossings(rows, rows_of_segments(cuts)).tolist() == [[crosses(one, cut) for cut in cuts] for one in first]


def test_boxes_that_only_touch_do_not_overlap() -> None:
    assert not overlap(Box(0, 0, 10, 10), Box(10, 0, 10, 10))
    assert overlap(Box(0, 0, 10, 10), Box(9.9, 0, 10, 10))
    assert not crosses(Box(0, 0, 10, 10), ((-9, 5), (9, 5)))


def test_a_turned_box_has_the_corners_of_the_turned_rectangle() -> None:
    corners = Box(1, 2, 6, 4, pi / 2).corners
    assert np.allclose(corners, [(3, -1), (3, 5), (-1, 5), (-1, -1)])


@pytest.mark.slow
@given(places, places, segments)
def test_distance_is_the_least_over_the_segment(x: float, y: float, segment: Segment) -> None:
    (ax, ay), (bx, by) = segment
    steps = np.linspace(0, 1, 2001)
    sampled = np.hypot(ax + steps * (bx - ax) - x, ay + steps * (by - ay) - y).min()
    assert distance((x, y), segment) <= sampled + 1e-9
    assert distance((x, y), segment) >= sampled - hypot(bx - ax, by - ay) / 2000 - 1e-9


def test_a_bulging_curve_passes_beside_the_middle() -> None:
    right = line((0, 0), (100, 0), 30)
    assert right.at(0.5) == pytest.approx((50, 30))
    assert line((0, 0), (0, 100), 30).at(0.5) == pytest.approx((-30, 50))
    assert not right.straight
    assert len(right.segments) == 16
    assert line((3, 4), (5, 9)).straight


@given(st.floats(0.05, 0.95))
@pytest.mark.slow
def test_direction_is_the_derivative_of_the_place(t: float) -> None:
    curve = Curve((0.0, 0.0), (40.0, 70.0), (100.0, 10.0))
    step = 1e-5
    after, before = np.array(curve.at(t + step)), np.array(curve.at(t - step))
    tangent = (after - before) / np.linalg.norm(after - before)
    assert np.allclose(curve.direction(t), tangent, atol=1e-6)


def test_the_frame_of_nothing_is_a_point() -> None:
    assert extent([]) == (0, 0, 0, 0)
    assert extent([Box(5, 5, 4, 2), Box(0, 0, 2, 2)]) == (-1, -1, 7, 6)
