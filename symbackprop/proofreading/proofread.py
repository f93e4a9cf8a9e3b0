"""`proofread`: a verdict for every `=` and every printed number of a text, with a remedy where one was found.

The text is read twice. The first reading gathers what its names stand for, the second judges: texts use names before they say
what they are. With a network, its definitions and numbers are known from the start and no text can define them anew.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from mpmath import mpf

from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.read.name_table import Kind, Names
from symbackprop.formula.tree.tree import Chain, Formula
from symbackprop.network import Network
from symbackprop.proofreading.claims import ClaimStatus, ClaimVerdict, Judgement, Malformed, PrintedNumber, Remedy
from symbackprop.proofreading.judging.course import Course, Pair
from symbackprop.proofreading.judging.index_ranges import axes_of, bounds, first_place, index_ranges
from symbackprop.proofreading.judging.loss_and_rate import find_loss, find_rate
from symbackprop.proofreading.judging.other_meanings import numbered_entries
from symbackprop.proofreading.judging.quantities import arguments_by_name, by_analogy, called_again, merge_names
from symbackprop.proofreading.judging.reading import Reading, Unread, read_formulas
from symbackprop.proofreading.judging.said_before import domains_in
from symbackprop.proofreading.judging.statement_kinds import Statement
from symbackprop.proofreading.meaning.code_names import code_definitions, lookup_in
from symbackprop.proofreading.meaning.knowledge import environment_of
from symbackprop.proofreading.meaning.known_functions import IN_WORDS, any_function, called_by_name, called_only, told_by_slope
from symbackprop.proofreading.meaning.layer_families import find_layers, marked_letters, names_in_layers
from symbackprop.proofreading.meaning.said_in_words import made_in_words, numbers_in_words
from symbackprop.proofreading.meaning.values import Definition, Knowledge
from symbackprop.proofreading.proofread_report import ProofreadReport
from symbackprop.proofreading.remedy.confirm import HowItIsRead
from symbackprop.proofreading.remedy.lists import explain_list
from symbackprop.proofreading.remedy.mender import Mender
from symbackprop.proofreading.remedy.value_labels import wrong_label
from symbackprop.proofreading.shapes.array_shapes import (
    array_shapes,
    as_transposes,
    given_numbers,
    losses_among,
    t_transposes,
    vectors_among,
)
from symbackprop.proofreading.text.code_lines import Calculator, CodeLine, NotArithmeticError, Printed, Values, lines_of, matches
from symbackprop.proofreading.text.code_runs import CodeRuns, printed_lines, run_code
from symbackprop.proofreading.text.document import Document, document_from_text, read_document
from symbackprop.proofreading.text.everyday import document_macros, normalised, with_macros_put_in
from symbackprop.proofreading.text.vocabulary import NamesFound, discover

MOST_FORMULAS = 15_000  # of one document


def proofread(
    source: str | Path | Document,
    network: Network | None = None,
    *,
    loss: str | None = None,
    notation: Notation | None = None,
    rate: float | None = None,
    run_seconds: float | None = None,
) -> ProofreadReport:
    """Proof-read a document.

    Args:
        source: a file (.md .txt .tex .html .ipynb), or a `Document`.
        network: what the formulas are about; by default the document's own definitions.
        loss: the loss node, for updates such as w⁺; by default what the document differentiates most.
        notation: how the document writes (names, aliases); by default found in the document.
        rate: the learning rate, where the text gives none.
        run_seconds: run the document's code, in a child process that has so many seconds, and compare what it prints.

    Raises:
        UserError: the file cannot be read, or holds too many formulas, or the loss is no node of the network.
    """
    document = _of_some_formulas(source if isinstance(source, Document) else read_document(source))
    if network is not None and loss is not None and loss not in network.nodes:
        raise UserError(f"proofread: the network has no node {loss}")
    lines = list(lines_of(document))
    names, table = _names(document, lines, network, notation)
    reading = read_formulas(document, table)
    start = _starting(document, network, loss, notation, rate)
    how = HowItIsRead()
    if network is None:
        reading, how = _as_meant(reading)
        letters = [name for name, entry in table.entries.items() if entry.kind is Kind.INDEX]
        _with_sizes(reading, how, letters, start)
        start.aliases.update(called_again(document.fragments, table, _meanings(reading)))
        start.in_words = made_in_words(document, table)
        start.printed.update(numbers_in_words(document, names, table))
    called = _with_functions(document, reading, start)
    course = _gathered(reading, lines, names, network, start, called)
    runs = run_code(document, run_seconds) if run_seconds is not None else CodeRuns()
    if runs.ended:
        course.assumed["code"] = f"is not known to its end: {runs.ended}"
    return _judged(document, reading, lines, names, course, network, how, runs)


def _of_some_formulas(document: Document) -> Document:
    """Return a document. Raises UserError where it holds too many formulas for one reading."""
    if (count := len(document.formulas())) > MOST_FORMULAS:
        raise UserError(f"{document.name}: {count} formulas are too many; {MOST_FORMULAS} at most: proof-read it in parts")
    return document


def _as_meant(reading: Reading) -> tuple[Reading, HowItIsRead]:
    """Return the reading with its transposes, and with what formulas for any layer say in each."""
    chains = [statement.chain for statement in reading.statements]
    how = HowItIsRead(find_layers(chains), t_transposes(chains))
    chains = as_transposes(chains) if how.t_transposes else chains
    statements = [replace(statement, chain=chain) for statement, chain in zip(reading.statements, chains, strict=True)]
    if how.layers is not None:
        statements = [replace(each, in_layers=dict(how.layers.in_each(each.chain, each.order))) for each in statements]
    return replace(reading, statements=tuple(statements)), how


def _with_sizes(reading: Reading, how: HowItIsRead, letters: Sequence[str], start: Knowledge) -> None:
    """Find over what indices run, and the shapes of a text's matrices and vectors."""
    chains = [chain for statement in reading.statements for chain in statement.meanings]
    start.extents.update(index_ranges(chains, {*letters, *marked_letters(chains)}))
    start.bounds = bounds(chains, start.extents)
    start.first = first_place(chains)
    start.written_out = numbered_entries(chains, start.bounds)
    numbers = {key[0] for key in start.given} | set(given_numbers(chains)) | start.bounds.keys()
    if how.layers is None:
        found = array_shapes(chains, reading.spelled, numbers)
    else:
        start.in_layers = names_in_layers(chains, how.layers)
        start.layer_letters = how.layers.any_layer | how.layers.last
        numbers |= losses_among(chains) - start.in_layers
        axes, vectors = axes_of(chains, start.extents), vectors_among(chains, start.in_layers)
        found = array_shapes(chains, reading.spelled, numbers, axes, vectors)
    start.shapes.update(found.shapes)
    start.lengths.update(found.lengths)
    start.unshaped, start.guessed = found.unknown, found.guessed


def proofread_text(text: str, network: Network | None = None, **options: object) -> ProofreadReport:
    """Proof-read a text in Markdown."""
    return proofread(document_from_text(text), network, **options)  # type: ignore[arg-type]


Lines = Sequence[CodeLine | Printed]
MOST_ROUNDS = 5  # of finding that two names are one, and that their likes are too


def _names(document: Document, lines: Lines, network: Network | None, notation: Notation | None) -> tuple[tuple[str, ...], Names]:
    words = re.findall(r"[A-Za-z_]\w+", " ".join(f.text for f in document.fragments if f.kind in ("prose", "code")))
    macros = document_macros(document)
    texts = [with_macros_put_in(normalised(formula.text), macros) for formula in document.formulas()]
    found = discover(map(normalised, texts) if macros else texts, words)
    if network is not None:
        _declare(found, network, notation)
    return (*found.scalars, *found.indexed), replace(found.names(notation), macros=macros, respelled=normalised)


def _declare(found: NamesFound, network: Network, notation: Notation | None) -> None:
    """Let the names of a network be known, each of its kind."""
    for name, node in network.nodes.items():
        (found.indexed if node.indices else found.scalars)[name] = None
        (found.scalars if node.indices else found.indexed).pop(name, None)
        found.axes[name] = tuple(str(index.label) for index in node.indices)
    for index in network.declared_indices:
        found.indices[index] = None
        found.scalars.pop(index, None)
    for alias, name in notation.aliases.items() if notation else ():
        if name in network.nodes:
            found.scalars.pop(alias, None)


_PLAIN_T = re.compile(r"\^\s*\{?\s*T(?![A-Za-z])")
_EINSTEIN = re.compile(r"Einstein|爱因斯坦|愛因斯坦|summation convention|求和约定|求和約定", re.I)
_APART = re.compile(r"(?<![A-Za-z\\])([A-Za-z])\s*(?:\\neq?(?![A-Za-z])|\\not\s*=|≠|!=)\s*([A-Za-z])(?![A-Za-z])")


def _starting(
    document: Document, network: Network | None, loss: str | None, notation: Notation | None, rate: float | None
) -> Knowledge:
    """What is known before the first line."""
    found = environment_of(network, loss, notation, rate)
    found.apart = frozenset(map(frozenset, _APART.findall(document.text)))
    found.domains = domains_in(document.text)
    found.sums_unsaid = r"\sum" not in document.text or bool(_EINSTEIN.search(document.text))
    return found


def _with_functions(document: Document, reading: Reading, start: Knowledge) -> dict[str, str]:
    """Find which functions letters stand for that have no formula; return the reason for each."""
    statements = [(statement.order, chain) for statement in reading.statements for chain in statement.meanings]
    chains = [chain for _, chain in statements]
    letters = called_only(chains, start)
    why: dict[str, str] = {}
    known = dict(start.functions)
    for letter, function in called_by_name(document, letters).items():
        known[letter] = start.functions[function]
        why[letter] = f"is {IN_WORDS[function]}, as the text calls it"
    start.functions = known
    for order, chain in statements:
        told = told_by_slope(chain, start)
        if told is not None and told[0] in letters:
            start.functions = {**start.functions, told[0]: start.functions[told[1]]}
            start.telling |= {order}
            why[told[0]] = f"is {IN_WORDS[told[1]]}, as its slope says"
    return why


def _gathered(
    reading: Reading,
    lines: Lines,
    names: tuple[str, ...],
    network: Network | None,
    known: Knowledge,
    called: dict[str, str],
) -> Course:
    """The first reading: what the names of a document stand for. `known` is what is known before it."""
    fixed = frozenset(network.nodes if network is not None else ())
    chains = _meanings(reading)
    letter = find_rate(chains)
    begin = _copied(known)
    if known.loss is not None and known.rate is None:
        begin.rate = letter
    first = Course(begin, fixed=fixed)
    for statement in reading.statements:
        first.take(statement)
    code_definitions([line for line in lines if isinstance(line, CodeLine)], first.environment, names, first.stepped)
    told = _taken_out(first.environment, called)  # of one function two things are said: names may be one by either of them
    merged, analogous = _one_name_for_one_quantity(first.environment, chains, fixed, names)
    units = arguments_by_name(first.environment, chains) if network is None else {}
    first.environment.definitions.update(told)
    second = _beginning_again(known, first, letter, called.keys())
    _let_be_any(second, called_only(chains, replace(first.environment, functions=second.functions)))
    second.loss = known.loss or (find_loss(chains, first.environment) if letter is not None else None)
    course = first.again(second)
    course.begin_again()
    said = {
        **_said(merged, "is {}"),
        **_said(analogous, "is {}, like the others"),
        **_undefined(called, first.environment),
        **units,
    }
    course.assumed.update(said)
    return course


def _taken_out(known: Knowledge, names: Collection[str]) -> dict[str, Definition]:
    """Take the definitions of names out of what is known; return them."""
    return {name: known.definitions.pop(name) for name in names if name in known.definitions}


def _undefined(called: dict[str, str], known: Knowledge) -> dict[str, str]:
    return {name: why for name, why in called.items() if name not in known.definitions}


def _meanings(reading: Reading) -> list[Chain]:
    return [chain for statement in reading.statements for chain in statement.meanings]


def _let_be_any(known: Knowledge, names: frozenset[str]) -> None:
    """Let functions of which nothing is said be any smooth ones."""
    known.unsaid = names
    known.functions = {**known.functions, **{name: any_function(name) for name in names}}


def _said(names: dict[str, str], words: str) -> dict[str, str]:
    return {name: words.format(other) for name, other in names.items()}


def _one_name_for_one_quantity(
    environment: Knowledge, chains: Sequence[Formula], fixed: frozenset[str], names: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, str]]:
    """Merge names that are worth the same, and their likes, until nothing is found any more."""
    merged: dict[str, str] = {}
    analogous: dict[str, str] = {}
    for _ in range(MOST_ROUNDS):
        more = merge_names(environment, chains, fixed)
        merged.update(more)
        likes = by_analogy(environment, merged, names)
        analogous.update(likes)
        if not (more or likes):
            break
    return merged, analogous


def _beginning_again(known: Knowledge, first: Course, letter: str | None, called: Collection[str]) -> Knowledge:
    """Return what is known before the second reading: what was known at first, and the numbers that names were given first."""
    second = _copied(known)
    defined = {name for name in called if name in first.environment.definitions}
    second.functions = {name: function for name, function in second.functions.items() if name not in defined}
    if isinstance(known.rate, mpf) and letter is not None:
        second.given[(letter,)], second.rate = known.rate, letter
    second.normalised = {**second.normalised, **first.environment.normalised}
    second.aliases.update(first.environment.aliases)
    second.sizes.update(first.environment.sizes)
    second.given = {**first.begun(), **second.given}
    if second.rate is None:
        second.rate = letter
    return second


def _copied(known: Knowledge) -> Knowledge:
    """What is known, for a reading of its own that adds to it."""
    return replace(
        known,
        definitions=dict(known.definitions),
        given=dict(known.given),
        rounded=dict(known.rounded),
        printed=dict(known.printed),
        aliases=dict(known.aliases),
        sizes=dict(known.sizes),
        extents=dict(known.extents),
        shapes=dict(known.shapes),
        lengths=dict(known.lengths),
        elided=set(known.elided),
    )


def _judged(
    document: Document,
    reading: Reading,
    lines: Lines,
    names: tuple[str, ...],
    gathered: Course,
    network: Network | None,
    how: HowItIsRead,
    runs: CodeRuns,
) -> ProofreadReport:
    environment, assumed = gathered.environment, dict(gathered.assumed)
    course = gathered.once_more(environment, document.text)
    judgements: list[Judgement] = []
    transpose = "T" if how.t_transposes or _PLAIN_T.search(document.text) else r"\top"
    notation = Notation().override(names=dict(reading.spelled), transpose=transpose)
    mender = Mender(reading.statements, course, how, notation)
    for statement in reading.statements:
        found = course.take(statement)
        judgements += [_judgement(document, statement, *mender.mended(statement, pair, found)) for pair in found]
    judgements += [judgement for unread in reading.unread for judgement in _unread(document, unread)]
    numbers, labels = _numbers(document, lines, names, environment, runs)
    return ProofreadReport(
        document,
        tuple(sorted(judgements, key=lambda item: (item.start, item.span))),
        tuple(numbers),
        (*reading.findings, *labels),
        assumed,
        environment.loss,
        reading.formulas,
    )


def _judgement(document: Document, statement: Statement, pair: Pair, remedy: Remedy | None) -> Judgement:
    left, right, verdict = pair
    start = statement.fragment.start
    spans = [side.span for side in (left, right) if side.span is not None]
    span = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else (0, len(statement.fragment.text))
    line, column = document.place(start + span[0])
    return Judgement(start, span, line, column, left, right, statement.fragment.text, verdict, remedy)


def _unread(document: Document, unread: Unread) -> list[Judgement]:
    line, column = document.place(unread.fragment.start + unread.span[0])
    verdict = ClaimVerdict(ClaimStatus.UNDECIDED if unread.is_read else ClaimStatus.UNREAD, unread.reason)
    one = Judgement(unread.fragment.start, unread.span, line, column, None, None, unread.fragment.text, verdict)
    return [one] * unread.equals


# ---- printed numbers -----------------------------------------------------------------------------------------------


def _numbers(
    document: Document, lines: Lines, names: tuple[str, ...], environment: Knowledge, runs: CodeRuns
) -> tuple[list[PrintedNumber], list[Malformed]]:
    calculator = Calculator(lookup_in(environment, names))
    worth: dict[int, Values] = {}
    found, lines = _outputs(document, lines, runs)
    labels: list[Malformed] = []
    for item in lines:
        if isinstance(item, CodeLine):
            try:
                value = calculator.run(item)
            except NotArithmeticError:
                continue
            if value is not None:
                worth[item.start] = value
        elif (judged := _printed(document, item, worth, environment, runs)) is not None:
            found.append(judged)
            label = wrong_label(item.label, worth.get(item.of.start) if item.of else None, environment)
            if label is not None:
                line, column = document.place(item.start)
                labels.append(Malformed(item.start, line, column, *label, f"the value is that of {label[1]}"))
    return found, labels


def _outputs(document: Document, lines: Lines, runs: CodeRuns) -> tuple[list[PrintedNumber], Lines]:
    """Return the verdicts on what stands as the output of code that was run, and the lines besides."""
    found = [_as_run(document, *line) for line in printed_lines(document, runs)]
    judged = {item.line for item in found}
    return found, [item for item in lines if document.place(item.start)[0] not in judged]


def _as_run(document: Document, start: int, texts: tuple[str, ...], numbers: tuple[str, ...]) -> PrintedNumber:
    """Return the verdict on numbers beside what the code prints in their place."""
    line, column = document.place(start)
    wrong = [number for text, number in zip(texts, numbers, strict=True) if not matches(text, float(number))]
    if not wrong:
        return PrintedNumber(start, line, column, texts, ClaimStatus.EXAMPLE)
    return PrintedNumber(
        start, line, column, texts, ClaimStatus.DIFFERS, f"the code prints {', '.join(wrong[:3])}", ", ".join(wrong)
    )


def _ran(item: Printed, runs: CodeRuns) -> tuple[str, ...] | None:
    """Return what the code before printed numbers prints, where it prints as many."""
    ran = runs.numbers_at(item.of.start) if item.of else None
    return ran if ran is not None and len(ran) == len(item.texts) else None


def _printed(
    document: Document, item: Printed, worth: dict[int, Values], environment: Knowledge, runs: CodeRuns
) -> PrintedNumber | None:
    """Return the verdict on numbers printed behind code that has a value; None where nothing is known of them."""
    if (ran := _ran(item, runs)) is not None:
        return _as_run(document, item.start, item.texts, ran)
    value = worth.get(item.of.start) if item.of else None
    line, column = document.place(item.start)
    if value is None:
        return _listed(item, line, column, environment)
    values = value if isinstance(value, list) else [value]
    if len(values) != len(item.texts) or any(isinstance(value, list) for value in values):
        return _listed(item, line, column, environment)
    if all(matches(text, number) for text, number in zip(item.texts, values, strict=True)):
        return PrintedNumber(item.start, line, column, item.texts, ClaimStatus.EXAMPLE)
    if len(values) > 2 and (listed := _listed(item, line, column, environment)) is not None:
        return listed
    wrong = [repr(number) for text, number in zip(item.texts, values, strict=True) if not matches(text, number)]
    code = item.of.text.strip() if item.of else ""
    return PrintedNumber(
        item.start, line, column, item.texts, ClaimStatus.DIFFERS, f"{code} is {', '.join(wrong[:3])}", ", ".join(wrong)
    )


def _listed(item: Printed, line: int, column: int, environment: Knowledge) -> PrintedNumber | None:
    """A list that no code before it gives: explained, or left alone."""
    if len(item.texts) < 3 or item.label:
        return None
    reason = explain_list(item.texts, environment)
    return PrintedNumber(item.start, line, column, item.texts, ClaimStatus.EXAMPLE, reason) if reason else None
