"""Making files: the suffix chooses, nothing is overwritten, variants are different, reproducible and worth computing."""

from __future__ import annotations

import numpy as np
import pytest

from symbackprop import numeric
from symbackprop.errors import InternalError, UserError
from symbackprop.writeup import make
from symbackprop.writeup.make import handout, handouts, rendered
from symbackprop.writeup.numbers.variants import variant_values
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.formats import FORMATS
from symbackprop.writeup.student.leaks import check_no_leak
from tests.writeup.support import document

ONLY_LOSS = HandoutOptions(parts=frozenset({"loss"}))


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_the_suffix_chooses_the_format(suffix, tmp_path):
    made = handout(document("tanh_neuron"), tmp_path / f"page{suffix}", ONLY_LOSS)
    assert made.files[0].stat().st_size > 200


def test_an_existing_file_stays_unless_forced(tmp_path):
    target = tmp_path / "page.md"
    target.write_text("mine")
    with pytest.raises(UserError, match="exists; give another name, or --force"):
        handout(document("tanh_neuron"), target, ONLY_LOSS)
    assert target.read_text() == "mine"
    handout(document("tanh_neuron"), target, ONLY_LOSS, force=True)
    assert target.read_text() != "mine"


def test_a_figure_beside_a_page_is_not_replaced_either(tmp_path):
    options = HandoutOptions(parts=frozenset({"diagram"}))
    page, figure = sorted(handout(document("tanh_neuron"), tmp_path / "page.md", options).files, key=lambda file: file.suffix)
    page.unlink()
    figure.write_text("mine")
    with pytest.raises(UserError, match=r"\.svg exists; give another name, or --force"):
        handout(document("tanh_neuron"), page, options)
    assert not page.exists()
    assert figure.read_text() == "mine"


def test_no_variant_is_written_where_one_of_them_exists(tmp_path):
    (tmp_path / "x-key-3.md").write_text("mine")
    with pytest.raises(UserError, match=r"x-key-3\.md exists"):
        handouts(document("tanh_neuron"), tmp_path / "x.md", ONLY_LOSS, variants=3, audiences=("student", "key"))
    assert [file.name for file in tmp_path.iterdir()] == ["x-key-3.md"]


@pytest.mark.parametrize(
    ("name", "message"), [("page.htm", r"\.html"), ("page", "no ending"), ("page.docx", "expected a file ending in one of")]
)
def test_an_unknown_suffix_is_named_with_the_known_ones(name, message, tmp_path):
    with pytest.raises(UserError, match=message):
        handout(document("tanh_neuron"), tmp_path / name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"audience": "techer"}, "Did you mean teacher"), ({"blanks": "all"}, "expected one of none, numbers"),
        ({"level": "ful"}, "Did you mean full"), ({"lang": "de"}, "expected one of en, zh"), ({"decimals": 0}, "1 to 15"),
        ({"learning_rate": -1.0}, "positive"), ({"parts": frozenset({"diagrams"})}, "Did you mean diagram"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_clear_line(options, message):
    with pytest.raises(UserError, match=message):
        HandoutOptions(**options)


def test_a_misspelt_option_is_named_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean level"):
        HandoutOptions().override(levels="full")


def test_an_unknown_weight_is_reported(tmp_path):
    with pytest.raises(UserError, match="w77"):
        rendered(document("two_three_two"), ".md", HandoutOptions(weights=("w77",)))


def test_variants_are_named_by_seed_and_audience(tmp_path):
    made = list(handouts(document("tanh_neuron"), tmp_path / "x.md", ONLY_LOSS, variants=3, audiences=("student", "key")))
    assert [entry.files[0].name for entry in made] == [
        "x-student-1.md", "x-key-1.md", "x-student-2.md", "x-key-2.md", "x-student-3.md", "x-key-3.md",
    ]  # fmt: skip
    keys = [entry.files[0].read_text() for entry in made if "key" in entry.files[0].name]
    assert len(set(keys)) == 3


MORE = ("two_two_one", "tanh_neuron", "mlp_softmax")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two_three_two", "linear_regression", *(pytest.param(n, marks=pytest.mark.slow) for n in MORE)])
def test_variants_are_reproducible_and_worth_computing(name):
    derivation = document(name)
    seen = []
    for seed in range(1, 6):
        values = variant_values(derivation, HandoutOptions(seed=seed))
        again = variant_values(derivation, HandoutOptions(seed=seed))
        assert all(np.array_equal(values[key], again[key]) for key in values)
        seen.append(repr(values))
        found = numeric.evaluate(derivation, values)
        for parameter in derivation.wrt:
            slope = np.max(
                np.abs(found[str(getattr(derivation.adjoints[parameter].symbol, "label", derivation.adjoints[parameter].symbol))])
            )
            assert 1e-3 < slope < 1e4, (seed, parameter)
    assert len(set(seen)) == 5


def test_a_variant_keeps_out_of_saturation():
    derivation = document("two_three_two")
    for seed in range(1, 9):
        found = numeric.evaluate(derivation, variant_values(derivation, HandoutOptions(seed=seed)))
        outs = [found[f"out_{unit}"] for unit in ("h1", "h2", "h3", "o1", "o2")]
        assert sum(0.05 < out < 0.95 for out in outs) == 5


def test_a_network_without_values_cannot_be_varied():
    from symbackprop.api import derive
    from symbackprop.network import Network

    net = Network("bare")
    x, w = net.inputs("x"), net.parameters("w")
    derivation = derive(net, net.define("E", (x * w - 1) ** 2))
    with pytest.raises(UserError, match="no value for x"):
        rendered(derivation, ".md", HandoutOptions(seed=1))
    with pytest.raises(UserError, match="no value for"):
        rendered(derivation, ".md", HandoutOptions())


@pytest.mark.slow
@pytest.mark.parametrize("suffix", list(FORMATS))
def test_a_students_file_that_would_show_an_answer_is_not_made(suffix, monkeypatch):
    monkeypatch.setattr(make, "redact", lambda complete, options: complete)  # nothing taken away
    rendered(document("tanh_neuron"), suffix, HandoutOptions())
    with pytest.raises(InternalError, match="would show an answer"):
        rendered(document("tanh_neuron"), suffix, HandoutOptions(audience="student"))


def test_a_given_number_that_begins_like_an_answer_may_stand():
    check_no_leak("0.9129 0.35", {"912934": "0.912934"}, given={"9129"})
    with pytest.raises(InternalError):
        check_no_leak("0.9129 0.91293", {"912934": "0.912934"}, given={"9129"})


@pytest.mark.parametrize("path", ["", ".", "pages/"])
def test_a_path_without_a_file_name_is_refused_in_words(path):
    with pytest.raises(UserError, match="no ending"):
        handouts(document("tanh_neuron"), path, ONLY_LOSS, variants=2)


def test_a_weight_named_twice_is_worked_once_and_an_input_is_not_updated():
    derivation = document("tanh_neuron")
    text = rendered(derivation, ".md", HandoutOptions(weights=("x1", "x1"), parts=frozenset({"chain", "update"})))[""].decode()
    assert text.count("## Gradient of") == 1
    assert "x_1^+" not in text
    assert "w_1^+" in text
