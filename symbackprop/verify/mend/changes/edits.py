"""One change of Python code, as a splice of its text: what a person would correct in a handwritten gradient, the likely first."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from symbackprop.verify.mend.changes import borrow, delete, places, restore, supply
from symbackprop.verify.mend.changes.splices import Edit, ParsedSource

Rule = Callable[..., Iterator[Edit]]

RULES: tuple[tuple[type, Rule], ...] = (
    (ast.Name, restore.other_name),
    (ast.Name, places.reversed_axis),
    (ast.Attribute, places.reversed_axis),
    (ast.Constant, places.other_subscripts),
    (ast.Assign, places.strided_start),
    (ast.Assign, places.one_more),
    (ast.AugAssign, places.filled_in_part),
    (ast.Name, supply.residual),
    (ast.Assign, supply.target_left_out),
    (ast.Name, supply.squared),
    (ast.Attribute, supply.squared),
    (ast.Subscript, supply.squared),
    (ast.Name, supply.summand_in_a_factor),
    (ast.Attribute, supply.summand_in_a_factor),
    (ast.AugAssign, supply.statement_like_a_neighbour),
    (ast.Tuple, restore.other_axes),
    (ast.Call, places.other_layout),
    (ast.Subscript, places.padded),
    (ast.AugAssign, supply.all_but_first),
    (ast.Assign, supply.all_but_first),
    (ast.Attribute, restore.other_attribute),
    (ast.Subscript, restore.other_key),
    (ast.Attribute, restore.other_for_a_transpose),
    (ast.Attribute, restore.turned_attribute),
    (ast.Constant, restore.other_constant),
    (ast.Constant, supply.counted),
    (ast.UnaryOp, delete.minus_deleted),
    (ast.UnaryOp, restore.other_negative),
    (ast.UnaryOp, supply.counted),
    (ast.BinOp, restore.other_operator),
    (ast.BinOp, restore.sides_exchanged),
    (ast.BinOp, restore.brackets_moved),
    (ast.BinOp, delete.side_deleted),
    (ast.BinOp, delete.name_deleted),
    (ast.BinOp, delete.factors_deleted),
    (ast.BinOp, delete.inner_kept),
    (ast.BinOp, supply.softmax_jacobian),
    (ast.Compare, restore.compared_sum),
    (ast.Call, restore.arguments_exchanged),
    (ast.Call, delete.function_deleted),
    (ast.Call, supply.in_an_argument),
    (ast.expr, supply.reduced),
    (ast.Attribute, supply.in_a_chain),
    (ast.Name, supply.passed_through),
    (ast.Attribute, supply.passed_through),
    (ast.Assign, supply.changed_once_more),
    (ast.AugAssign, supply.changed_once_more),
    (ast.Dict, restore.results_exchanged),
    (ast.Tuple, restore.results_exchanged),
    (ast.List, restore.results_exchanged),
    (ast.BinOp, restore.transposed_in_each),
    (ast.BinOp, restore.names_exchanged),
    (ast.Call, restore.other_end_of_a_list),
    (ast.Assign, supply.reciprocal),
    (ast.Assign, supply.copy_scaled),
    (ast.Assign, supply.like_a_twin),
    (ast.Tuple, borrow.like_the_others),
    (ast.Dict, borrow.like_the_others),
    (ast.Subscript, places.strided),
    (ast.Subscript, places.index_shifted),
    (ast.Slice, places.negative_end),
    (ast.Slice, places.other_part),
    (ast.Slice, places.ended),
    (ast.Subscript, places.read_forwards),
    (ast.Slice, places.other_walk),
    (ast.Name, restore.complement),
    (ast.Attribute, restore.complement),
    (ast.Subscript, restore.complement),
    (ast.BinOp, restore.complement),
    (ast.For, places.direction_turned),
    (ast.For, supply.carry_scaled),
    (ast.expr, restore.repeated_name),
    (ast.expr, supply.scaled),
    (ast.expr, supply.with_a_variable),
    (ast.expr, supply.slope_of_an_entry),
    (ast.expr, supply.unread_added),
    (ast.expr, supply.product_of_the_unread),
    (ast.expr, supply.one_added),
    (ast.Subscript, supply.like_an_entry),
    (ast.BinOp, supply.like_a_neighbour),
    (ast.BinOp, supply.summand_of_its_form),
    (ast.expr, supply.masked),
    (ast.expr, supply.leaky),
    (ast.expr, supply.slope_by_a_helper),
    (ast.Attribute, supply.size_for_another),
    (ast.Subscript, supply.size_for_another),
    (ast.Call, supply.size_for_another),
    (ast.Constant, supply.size_for_another),
    (ast.expr, supply.size_of_an_array),
    (ast.AugAssign, restore.other_accumulation),
    (ast.AugAssign, restore.statements_exchanged),
    (ast.AugAssign, delete.statement_deleted),
    (ast.Assign, restore.copied),
    (ast.Assign, restore.assigned_for_added),
    (ast.Assign, restore.statements_exchanged),
    (ast.Assign, delete.statement_deleted),
    (ast.For, supply.carried_on),
    (ast.expr, borrow.other_expression),
    (ast.BinOp, borrow.called_at_each),
    (ast.Assign, borrow.value_of_a_twin),
    (ast.expr, borrow.path_of_a_twin),
    (ast.AugAssign, borrow.statement_of_a_twin),
    (ast.BinOp, borrow.path_of_products),
    (ast.BinOp, borrow.path_to_the_next_step),
    (ast.expr, borrow.path_of_matrices),
    (ast.AugAssign, borrow.statement_of_the_other_index),
    (ast.AugAssign, borrow.statement_of_the_other_part),
)
"""What is tried on which kind of node."""


def edits(source: ParsedSource) -> Iterator[Edit]:
    """Yield edits of the whole function, the likely ones first; each text once."""
    found: dict[tuple[int, int, str], Edit] = {}
    for edit in _marked(source):
        key = (edit.start, edit.end, edit.new)
        if edit.new != source.text[edit.start : edit.end] and (key not in found or edit.cost < found[key].cost):
            found[key] = edit
    yield from sorted(found.values(), key=lambda edit: edit.cost)


FEW = 40
"""Edits of one kind in a function that are few."""


def _marked(source: ParsedSource) -> Iterator[Edit]:
    """Yield the edits of every kind, those of kinds with few of them marked as rare."""
    by_rule: dict[Rule, list[Edit]] = {}
    for rule, edit in _all(source):
        by_rule.setdefault(rule, []).append(edit)
    for found in by_rule.values():
        yield from (replace(edit, rare=True) for edit in found) if len(found) <= FEW else found


def _all(source: ParsedSource) -> Iterator[tuple[Rule, Edit]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr | ast.stmt) and not _fixed(source, node):
            for kind, rule in RULES:
                if isinstance(node, kind):
                    yield from ((rule, edit) for edit in rule(source, node))


def _fixed(source: ParsedSource, node: ast.AST) -> bool:
    """Docstrings, loops without a bound, defaults and annotations are left alone."""
    outer = (ast.While, ast.arguments, ast.JoinedStr)
    return isinstance(node, ast.While | ast.FunctionDef) or any(isinstance(above, outer) for above in source.above(node))
