"""Verification of a version's file: forged and damaged files are refused."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import VersionRefused
from registry.model_file import decode
from registry.model_file.members import ENCODING, REQUIRED
from registry.model_file.network_members import SCALING
from tests.registry.samples import (
    FILE,
    MODEL,
    Change,
    add,
    assert_same,
    card,
    card_with,
    cast,
    drop,
    file_of,
    forged,
    members_of,
    put,
    set_item,
)

# Forged: with a matching checksum

FORGERIES: dict[str, tuple[Change, str]] = {
    # format
    "no format": (drop("format"), "the file has no format"),
    "a later format": (
        put("format", "numnet/3"),
        "format 'numnet/3'; expected 'numnet/1' or 'numnet/2'",
    ),
    "a long format": (put("format", "n" * 200), f"format '{'n' * 40}'; expected 'numnet/1'"),
    "a number as format": (put("format", 1.0), "the file has no format"),
    "a list of formats": (put("format", ["numnet/1"]), "the file has no format"),
    "a format that is no text": (
        lambda members: members.update(format=np.frombuffer(b"\xff" * 32, "<U8").reshape(())),
        "format",
    ),
    # layers
    "no layers": (drop("weights_0", "bias_0", "weights_1", "bias_1"), "the file has no layers"),
    "no first layer": (drop("weights_0", "bias_0"), "layer 0 of 1 has no weights or no bias"),
    "no last layer": (
        drop("weights_1", "bias_1"),
        r"the card has layers \[2, 3, 1\]; the weights have \[2, 3\]",
    ),
    "no weights": (drop("weights_1"), "an unknown member: 'bias_1'"),
    "no bias": (drop("bias_1"), "layer 1 of 2 has no weights or no bias"),
    "a further bias": (put("bias_2", [0.0]), "an unknown member: 'bias_2'"),
    "a further layer": (
        lambda members: members.update(weights_2=np.ones((1, 1)), bias_2=np.ones(1)),
        r"the card has layers \[2, 3, 1\]; the weights have \[2, 3, 1, 1\]",
    ),
    "a gap between layers": (
        lambda members: members.update(weights_3=np.ones((1, 1)), bias_3=np.ones(1)),
        "layer 2 of 3 has no weights or no bias",
    ),
    "a layer that is not numbered": (
        lambda members: members.update(weights_x=np.ones((1, 1))),
        "layer 2 of 3 has no weights or no bias",
    ),
    "a further member": (put("virus", [0.0]), "an unknown member: 'virus'"),
    # shapes
    "layers that do not chain": (
        put("weights_1", np.ones((4, 1))),
        "layer 1 has 4 inputs, but layer 0 has 3 outputs",
    ),
    "a bias of another length": (
        put("bias_0", np.ones(4)),
        r"layer 0 has weights \(2, 3\) and bias \(4,\); expected \(inputs, outputs\) and",
    ),
    "a bias in a column": (put("bias_0", np.ones((3, 1))), r"expected \(inputs, outputs\) and"),
    "weights in a row": (put("weights_0", np.ones(6)), r"expected \(inputs, outputs\) and"),
    "weights in a cube": (put("weights_0", np.ones((2, 3, 1))), r"expected \(inputs, outp"),
    "weights without rows": (put("weights_0", np.ones((0, 3))), "."),
    "weights with more inputs": (
        put("weights_0", np.ones((3, 3))),
        r"the card has layers \[2, 3, 1\]; the weights have \[3, 3, 1\]",
    ),
    "a shift too many": (put("feature_shift", [0.0] * 3), "shift and scale must be vectors of the"),
    "features scaled by three": (
        lambda members: members.update(feature_shift=np.zeros(3), feature_scale=np.ones(3)),
        r"feature_scaling has shape \(3,\); expected \(2,\)",
    ),
    "a scaling without columns": (put("target_scale", 1.0), "shift and scale must be vectors"),
    "a range of three": (put("feature_range", np.ones((2, 3))), r"feature_range has shape \(2, "),
    # numbers
    "a weight that is NaN": (set_item("weights_0", np.nan), "weights_0 has numbers that are not"),
    "an infinite weight": (set_item("weights_1", np.inf), "weights_1 has numbers that are not"),
    "an infinite bias": (set_item("bias_1", -np.inf), "bias_1 has numbers that are not finite"),
    "a NaN in the golden rows": (set_item("golden_inputs", np.nan), "golden_inputs has numbers"),
    "a NaN in the scaling": (set_item("feature_shift", np.nan), "feature_shift has numbers that"),
    "an infinite range": (set_item("feature_range", np.inf), "feature_range has numbers that"),
    "a range upside down": (set_item("feature_range", -2.0), "a minimum above its maximum"),
    "a scale of zero": (set_item("target_scale", 0.0), "every scale must be above 0"),
    "a negative scale": (set_item("feature_scale", -1.0), "every scale must be above 0"),
    # types
    "single precision": (cast("weights_0", np.float32), "weights_0 has type float32; expected fl"),
    "the other byte order": (cast("bias_0", ">f8"), "'bias_0' has type '>f8'; expected plain"),
    "whole numbers": (cast("feature_range", np.int64), "'feature_range' has type '<i8'; expected"),
    "unsigned numbers": (cast("feature_shift", np.uint8), "feature_shift has type uint8; expected"),
    "complex numbers": (cast("weights_1", "c16"), "'weights_1' has type '<c16'; expected"),
    "text as weights": (cast("weights_0", "U8"), "weights_0 has type <U8; expected float64"),
    "bytes as card": (put("card", b"{}"), r"'card' has type '\|S2'; expected plain numbers"),
    "a record": (put("bias_1", [(1.0,)], [("b", "f8")]), "'bias_1' has type .*; expected plain"),
    "objects": (put("weights_0", [None]), r"'weights_0' has type '\|O'; expected plain numbers"),
    "objects in a record": (put("bias_1", [(None,)], [("b", "O")]), "'bias_1' has type .*; expect"),
    # card
    "a card cut short": (card(b'{"features": ["x1"'), "the card is not a JSON document: "),
    "an empty card": (card(b""), "the card is not a JSON document: "),
    "a card that is not UTF-8": (card(b'{"features": "\xff"}'), "the card is not a JSON document"),
    "NaN in the card": (card_with(seed=float("nan")), "the card is not a JSON document: "),
    "half a character in the card": (card(b'{"a": "\\ud800"}'), "the card is not a JSON document"),
    "a card too deep to show": (
        card(b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}"),
        "the card is not a JSON document: ",
    ),
    "a deep card": (card(b"[" * 100_000), "the card is not a JSON document: "),
    "a list as card": (card(b"[]"), "the card is not a JSON object"),
    "a card without features": (card(b"{}"), "the card's features are not a list of names"),
    "numbers as features": (card_with(features=[1, 2]), "the card's features are not a list of na"),
    "targets in one text": (card_with(targets="y1"), "the card's targets are not a list of names"),
    "a feature too many": (
        card_with(features=["a", "b", "c"], columns=None),
        r"features has shape \(3,\)",
    ),
    "features of one name": (
        card_with(features=["a", "a"], columns=None),
        "names must be different",
    ),
    "a feature without a name": (
        card_with(features=["", "b"], columns=None),
        "the card's features have an empty name",
    ),
    "a target without a name": (card_with(targets=[""]), "the card's targets have an empty name"),
    "a unit that is a control character": (
        card_with(columns=[{"name": "x1", "unit": "\0"}, {"name": "x2"}]),
        r"column 'x1' has '\\x00' as its unit",
    ),
    "columns in one text": (card_with(columns="x1"), "the card's columns are not a list"),
    "a column without a kind that exists": (
        card_with(columns=[{"name": "x1", "kind": "text"}]),
        "column 'x1' has the unknown kind 'text'",
    ),
    "columns of other names": (
        card_with(columns=[{"name": "x1"}, {"name": "b"}]),
        "the card's columns have other names than its features",
    ),
    "an encoding without scales": (
        lambda members: members.update(
            input_column=np.arange(2.0), input_operation=np.zeros(2), input_shift=np.zeros(2),
            input_mean=np.zeros(2),
        ),
        "the file has no input_scale",
    ),
    "an encoding of other inputs": (
        lambda members: members.update(dict.fromkeys(ENCODING, np.ones(1))),
        r"encoding has shape \(1,\); expected \(2,\)",
    ),
    "no target": (card_with(targets=[]), r"targets has shape \(0,\); expected \(1,\)"),
    "a card without a version": (card_with(version=None), "the card's version is None; expected a"),
    "version 0": (card_with(version=0), "the card's version is 0; expected a number from 1"),
    "a version that is text": (card_with(version="3" * 99), f"version is {'3' * 40}; expected"),
    "a card of other layers": (
        card_with(layers=[2, 4, 1]),
        r"the card has layers \[2, 4, 1\]; the weights have \[2, 3, 1\]",
    ),
    "a card without layers": (card_with(layers=None), "the card has layers None; the weights have"),
    "no such activation": (card_with(activation="evil"), "unknown activation 'evil'; expected one"),
    "no activation": (card_with(activation=None), "unknown activation 'None'; expected one of"),
    # golden rows
    "another weight": (add("weights_0", 1e-6), "self-test failed: predictions for the golden"),
    "another bias": (add("bias_1", 1e-6), "self-test failed: predictions for the golden"),
    "another shift": (add("feature_shift", 1e-6), "self-test failed: predictions for the golden"),
    "another target scale": (add("target_scale", 1e-6), "self-test failed: predictions"),
    "another activation": (card_with(activation="relu"), "self-test failed: predictions"),
    "other golden inputs": (add("golden_inputs", 1e-6), "self-test failed: predictions"),
    "one other golden output": (
        set_item("golden_outputs", 0.0),
        r"differ by \d\.\de-\d\d of the target's scale; 1e-09 is allowed",
    ),
    "huge weights": (put("weights_0", np.full((2, 3), 1e308)), "self-test failed: predictions"),
    "a golden output too few": (
        lambda members: members.update(golden_outputs=members["golden_outputs"][:2]),
        r"golden outputs have shape \(2, 1\); expected \(3, 1\)",
    ),
    "golden rows of another width": (
        put("golden_inputs", np.ones((3, 3))),
        "3 columns; the model expects 2 columns: x1, x2",
    ),
    "golden rows in a line": (put("golden_inputs", np.ones(6)), r"has shape \(6,\); the model"),
    "no golden rows": (
        lambda members: members.update(
            golden_inputs=np.ones((0, 2)), golden_outputs=np.ones((0, 1))
        ),
        "the file has no golden rows",
    ),
    # residual scores
    "scores below zero": (put("residual_scores", [[-1.0], [1.0]]), "scores must be 0 or more"),
    "a score that is NaN": (put("residual_scores", [[np.nan]]), "residual_scores has numbers"),
    "an infinite score": (put("residual_scores", [[np.inf]]), "residual_scores has numbers that"),
    "scores in disorder": (put("residual_scores", [[2.0], [1.0]]), "scores must ascend"),
    "no scores": (put("residual_scores", np.ones((0, 1))), r"scores have shape \(0, 1\); expected"),
    "scores in a line": (put("residual_scores", [1.0]), r"scores have shape \(1,\); expected \(n"),
    "scores of two targets": (put("residual_scores", [[1.0, 1.0]]), "has 2 columns; expected 1"),
    "whole scores": (put("residual_scores", [[1]], np.uint8), "has type uint8; expected float64"),
} | {
    f"no {name}": (drop(name), f"the file has no {name}")
    for name in (*REQUIRED, *SCALING)
    if name != "format"
}  # fmt: skip


def test_unchanged_file_is_accepted() -> None:
    assert_same(decode(forged(lambda members: None)), MODEL)


def test_golden_outputs_may_differ_within_the_tolerance() -> None:
    decode(forged(add("golden_outputs", 1e-12)))


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize(("change", "message"), FORGERIES.values(), ids=FORGERIES)
def test_forged_file_is_refused(change: Change, message: str) -> None:
    with pytest.raises(VersionRefused, match=message):
        decode(forged(change))


def test_file_without_checksum_is_refused() -> None:
    members = members_of(FILE)
    del members["checksum"]
    with pytest.raises(VersionRefused, match=r"^the file has no checksum$"):
        decode(file_of(members))


@pytest.mark.parametrize("name", sorted(members_of(FILE).keys() - {"checksum", "format"}))
def test_member_changed_without_the_checksum_is_refused(name: str) -> None:
    members = members_of(FILE)
    changed = np.frombuffer(bytearray(members[name].tobytes()), np.uint8).copy()
    changed[0] ^= 1
    members[name] = changed.view(members[name].dtype).reshape(members[name].shape)
    with pytest.raises(VersionRefused, match=r"^the checksum differs: the file was changed after"):
        decode(file_of(members))


@pytest.mark.parametrize("name", ["weights_0", "feature_shift"])
def test_shape_changed_without_the_checksum_is_refused(name: str) -> None:
    members = members_of(FILE)
    members[name] = members[name].reshape(-1, 1)
    with pytest.raises(VersionRefused, match=r"^the checksum differs: the file was changed after"):
        decode(file_of(members))


# Damaged


@pytest.mark.parametrize("part", range(8))
def test_truncated_file_is_refused(part: int) -> None:
    for length in range(part, len(FILE), 8 * 3):
        with pytest.raises(VersionRefused, match="damaged or cut short"):
            decode(FILE[:length])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_changed_byte_is_refused_or_changes_nothing(part: int) -> None:
    for position in range(5 * part, len(FILE), 41):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(FILE)
            damaged[position] ^= flip
            try:
                version = decode(bytes(damaged))
            except VersionRefused:
                continue
            assert version.card == decode(FILE).card
            assert_same(version, MODEL)


@given(st.binary(max_size=2000))
def test_random_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(VersionRefused):
        decode(content)


@given(st.data())
def test_random_changes_are_refused_or_change_nothing(data: st.DataObject) -> None:
    damaged = bytearray(FILE)
    spots = st.integers(0, len(FILE) - 1)
    for position in data.draw(st.lists(spots, min_size=1, max_size=6)):
        damaged[position] = data.draw(st.integers(0, 255))
    start, end = sorted(data.draw(st.tuples(spots, spots)))
    if data.draw(st.booleans()):
        del damaged[start:end]
    try:
        version = decode(bytes(damaged))
    except VersionRefused:
        return
    assert_same(version, MODEL)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 1000, b"PK\x05\x06", FILE[:-1], b"x1,x2,y\n1,2,3\n", pickle.dumps([1, 2, 3])],
    ids=["empty", "zeros", "only a signature", "all but a byte", "a table", "a pickle"],
)
def test_content_that_is_not_an_archive_is_refused(content: bytes) -> None:
    with pytest.raises(VersionRefused, match=r"^the file is damaged or cut short: "):
        decode(content)


def test_empty_archive_is_refused() -> None:
    with pytest.raises(VersionRefused, match=r"^the file has no format$"):
        decode(file_of({}))
