"""A version's file: the same bits come back, and nothing else is taken for one."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy
from numpy.typing import NDArray

from network import ACTIVATIONS, MAX_LAYERS, Array, Calibration, Model
from registry import Version, VersionRefused, model_file
from registry.model_file import decode, encode
from tests.registry.models import make_model

Members = dict[str, NDArray[Any]]
Change = Callable[[Members], None]

LAYERS = [(1, 1), (2, 3, 1), (4, 32, 16, 1), (3, 8, 8, 8, 8, 2), (7, 5, 3)]


def golden_rows(model: Model) -> Array:
    return np.random.default_rng(1).uniform(-2, 2, (3, len(model.features)))


FILE = encode(
    3, make_model((2, 3, 1)), {"seed": 7, "history": [1.0, 0.5]}, golden_rows(make_model((2, 1)))
)


# What comes back


def assert_same(version: Version, model: Model) -> None:
    """The same names, shapes and bits."""
    loaded = version.model
    assert loaded.architecture == model.architecture
    assert (loaded.features, loaded.targets) == (model.features, model.targets)
    for name in ("theta", "feature_range"):
        assert getattr(loaded, name).tobytes() == getattr(model, name).tobytes()
    for name in ("feature_scaling", "target_scaling"):
        for part in ("shift", "scale"):
            got, want = (getattr(getattr(one, name), part) for one in (loaded, model))
            assert got.tobytes() == want.tobytes()
    X = np.random.default_rng(2).normal(0, 3, (17, len(model.features)))
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_a_model_comes_back_with_the_same_bits(layers: tuple[int, ...], activation: str) -> None:
    model = make_model(layers, activation)
    content = encode(3, model, {"seed": 7}, golden_rows(model))
    version = decode(content)
    assert_same(version, model)
    assert version.number == 3
    assert version.sha256 == sha256(content).hexdigest()
    assert version.card == {
        "seed": 7,
        "version": 3,
        "features": list(model.features),
        "targets": list(model.targets),
        "layers": list(layers),
        "activation": activation,
    }


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True).map(tuple)


@settings(deadline=None, derandomize=True)
@given(names=NAMES, card=st.dictionaries(st.text(), JSON, max_size=4))
def test_any_names_and_any_card_come_back(names: tuple[str, ...], card: dict[str, Any]) -> None:
    base = make_model((2, 1))
    model = Model(base.architecture, base.theta, base.feature_scaling, base.target_scaling,
                  names, ("y",), base.feature_range)  # fmt: skip
    version = decode(encode(3, model, card, golden_rows(model)))
    assert_same(version, model)
    described = {
        "version": 3,
        "features": list(names),
        "targets": ["y"],
        "layers": [2, 1],
        "activation": "tanh",
    }
    assert version.card == card | described


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [1, 2, 9])
def test_golden_rows_may_lie_in_memory_in_any_order(rows: int, order: Any) -> None:
    model = make_model((4, 8, 3))
    golden = np.asarray(np.random.default_rng(1).normal(size=(rows, 4)), order=order)
    assert_same(decode(encode(3, model, {}, golden)), model)


def test_the_deepest_model_comes_back() -> None:
    model = make_model((2, *[1] * MAX_LAYERS))
    assert_same(decode(encode(3, model, {}, golden_rows(model))), model)


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("rows", [1, 500])
def test_residual_scores_come_back_with_the_same_bits(rows: int, targets: int) -> None:
    model = make_model((4, 8, targets))
    errors = np.random.default_rng(3).normal(size=(rows, targets))
    calibration = Calibration.of(errors, np.zeros_like(errors))
    loaded = decode(encode(3, model, {}, golden_rows(model), calibration)).calibration
    assert loaded is not None
    assert loaded.scores.tobytes() == calibration.scores.tobytes()


def test_a_file_without_residual_scores_is_taken() -> None:
    assert decode(FILE).calibration is None


def test_scores_of_another_model_are_not_published() -> None:
    model = make_model((2, 3, 1))
    with pytest.raises(VersionRefused, match="residual_scores has 2 columns; expected 1"):
        decode(encode(3, model, {}, golden_rows(model), Calibration(np.ones((5, 2)))))


def test_a_file_is_plain_arrays_to_numpy() -> None:
    with np.load(io.BytesIO(FILE), allow_pickle=False) as archive:
        assert set(archive) == {
            *("format", "weights_0", "bias_0", "weights_1", "bias_1"),
            *("feature_shift", "feature_scale", "target_shift", "target_scale", "feature_range"),
            *("golden_inputs", "golden_outputs", "card", "checksum"),
        }
        assert archive["format"] == "numnet/1"
        assert archive["weights_0"].shape == (2, 3)
        assert archive["bias_0"].shape == (3,)
        assert json.loads(archive["card"].tobytes().decode())["history"] == [1.0, 0.5]


def test_a_model_without_finite_golden_predictions_is_not_encoded() -> None:
    model = make_model((2, 3, 1), "identity")
    model = replace(model, theta=100.0 * model.theta)
    with pytest.raises(VersionRefused, match="predictions for its golden rows are not finite"):
        encode(3, model, {}, np.full((2, 2), 1.7e308) * [[1, -1], [-1, 1]])


# What is refused: files with a right checksum


def members_of(content: bytes) -> Members:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return dict(archive)


def file_of(members: Members) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **members)
    return file.getvalue()


def forged(change: Change) -> bytes:
    """A file changed by somebody who knows how to make the checksum come out."""
    members = members_of(FILE)
    change(members)
    members["checksum"] = np.array(model_file._checksum(members))
    return file_of(members)


def put(name: str, value: Any, dtype: Any = None) -> Change:
    return lambda members: members.update({name: np.array(value, dtype)})


def cast(name: str, dtype: Any) -> Change:
    return lambda members: members.update({name: members[name].astype(dtype)})


def drop(*names: str) -> Change:
    def change(members: Members) -> None:
        for name in names:
            del members[name]

    return change


def set_item(name: str, value: float) -> Change:
    """One number of an array."""

    def change(members: Members) -> None:
        members[name].flat[-1] = value

    return change


def add(name: str, amount: float) -> Change:
    return lambda members: members.update({name: members[name] + amount})


def card(content: bytes) -> Change:
    return put("card", np.frombuffer(content, dtype=np.uint8))


def card_with(**changes: Any) -> Change:
    def change(members: Members) -> None:
        described = json.loads(members["card"].tobytes()) | changes
        card(json.dumps(described).encode())(members)

    return change


FORGERIES: dict[str, tuple[Change, str]] = {
    # format
    "no format": (drop("format"), "the file has no format"),
    "a later format": (put("format", "numnet/2"), "format 'numnet/2'; expected 'numnet/1'"),
    "a long format": (put("format", "n" * 200), f"format '{'n' * 40}'; expected 'numnet/1'"),
    "a number as format": (put("format", 1.0), "the file has no format"),
    "a list of formats": (put("format", ["numnet/1"]), "the file has no format"),
    "a format that is no text": (
        lambda members: members.update(format=np.frombuffer(b"\xff" * 32, "<U8").reshape(())),
        "format",
    ),
    # layers
    "no layers": (drop("weights_0", "bias_0", "weights_1", "bias_1"), "the file has no layers"),
    "no first layer": (drop("weights_0", "bias_0"), "layer 0 of 1 lacks its weights or its bias"),
    "no last layer": (
        drop("weights_1", "bias_1"),
        r"the card says layers \[2, 3, 1\]; the weights \[2, 3\]",
    ),
    "no weights": (drop("weights_1"), "a member that does not belong: 'bias_1'"),
    "no bias": (drop("bias_1"), "layer 1 of 2 lacks its weights or its bias"),
    "a further bias": (put("bias_2", [0.0]), "a member that does not belong: 'bias_2'"),
    "a further layer": (
        lambda members: members.update(weights_2=np.ones((1, 1)), bias_2=np.ones(1)),
        r"the card says layers \[2, 3, 1\]; the weights \[2, 3, 1, 1\]",
    ),
    "a gap between layers": (
        lambda members: members.update(weights_3=np.ones((1, 1)), bias_3=np.ones(1)),
        "layer 2 of 3 lacks its weights or its bias",
    ),
    "a layer that is not numbered": (
        lambda members: members.update(weights_x=np.ones((1, 1))),
        "layer 2 of 3 lacks its weights or its bias",
    ),
    "a further member": (put("virus", [0.0]), "a member that does not belong: 'virus'"),
    # shapes
    "layers that do not chain": (
        put("weights_1", np.ones((4, 1))),
        "layer 1 takes 4 inputs, but layer 0 gives 3 outputs",
    ),
    "a bias of another length": (
        put("bias_0", np.ones(4)),
        r"layer 0 has weights \(2, 3\) and bias \(4,\), which do not fit",
    ),
    "a bias in a column": (put("bias_0", np.ones((3, 1))), "which do not fit"),
    "weights in a row": (put("weights_0", np.ones(6)), "which do not fit"),
    "weights in a cube": (put("weights_0", np.ones((2, 3, 1))), "which do not fit"),
    "weights without rows": (put("weights_0", np.ones((0, 3))), "."),
    "weights with more inputs": (
        put("weights_0", np.ones((3, 3))),
        r"the card says layers \[2, 3, 1\]; the weights \[3, 3, 1\]",
    ),
    "a shift too many": (put("feature_shift", [0.0] * 3), "shift and scale must be vectors of one"),
    "features scaled by three": (
        lambda members: members.update(feature_shift=np.zeros(3), feature_scale=np.ones(3)),
        r"feature_scaling has shape \(3,\); expected \(2,\)",
    ),
    "a scaling without columns": (put("target_scale", 1.0), "shift and scale must be vectors"),
    "a range of three": (put("feature_range", np.ones((2, 3))), r"feature_range has shape \(2, "),
    # numbers
    "a weight that is NaN": (set_item("weights_0", np.nan), "weights_0 holds numbers that are not"),
    "an infinite weight": (set_item("weights_1", np.inf), "weights_1 holds numbers that are not"),
    "an infinite bias": (set_item("bias_1", -np.inf), "bias_1 holds numbers that are not finite"),
    "a NaN in the golden rows": (set_item("golden_inputs", np.nan), "golden_inputs holds numbers"),
    "a NaN in the scaling": (set_item("feature_shift", np.nan), "feature_shift holds numbers that"),
    "an infinite range": (set_item("feature_range", np.inf), "feature_range holds numbers that"),
    "a range upside down": (set_item("feature_range", -2.0), "a least value above the greatest"),
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
    "a feature too many": (card_with(features=["a", "b", "c"]), r"features has shape \(3,\)"),
    "features of one name": (card_with(features=["a", "a"]), "names must differ from each other"),
    "no target": (card_with(targets=[]), r"targets has shape \(0,\); expected \(1,\)"),
    "a card without a version": (card_with(version=None), "the card's version is None; expected a"),
    "version 0": (card_with(version=0), "the card's version is 0; expected a number from 1"),
    "a version that is text": (card_with(version="3" * 99), f"version is {'3' * 40}; expected"),
    "a card of other layers": (
        card_with(layers=[2, 4, 1]),
        r"the card says layers \[2, 4, 1\]; the weights \[2, 3, 1\]",
    ),
    "a card without layers": (card_with(layers=None), "the card says layers None; the weights"),
    "no such activation": (card_with(activation="evil"), "unknown activation 'evil'; expected one"),
    "no activation": (card_with(activation=None), "unknown activation 'None'; expected one of"),
    # golden rows
    "another weight": (add("weights_0", 1e-6), "the golden rows do not come out: they differ by "),
    "another bias": (add("bias_1", 1e-6), "the golden rows do not come out: they differ by "),
    "another shift": (add("feature_shift", 1e-6), "the golden rows do not come out: they differ"),
    "another target scale": (add("target_scale", 1e-6), "the golden rows do not come out"),
    "another activation": (card_with(activation="relu"), "the golden rows do not come out"),
    "other golden inputs": (add("golden_inputs", 1e-6), "the golden rows do not come out"),
    "one other golden output": (
        set_item("golden_outputs", 0.0),
        r"do not come out: they differ by \d\.\de-\d\d of the target's scale, 1e-09 is allowed",
    ),
    "huge weights": (put("weights_0", np.full((2, 3), 1e308)), "the golden rows do not come out"),
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
    "a score that is NaN": (put("residual_scores", [[np.nan]]), "residual_scores holds numbers"),
    "an infinite score": (put("residual_scores", [[np.inf]]), "residual_scores holds numbers that"),
    "scores in disorder": (put("residual_scores", [[2.0], [1.0]]), "scores must ascend"),
    "no scores": (put("residual_scores", np.ones((0, 1))), r"scores have shape \(0, 1\); expected"),
    "scores in a line": (put("residual_scores", [1.0]), r"scores have shape \(1,\); expected \(n"),
    "scores of two targets": (put("residual_scores", [[1.0, 1.0]]), "has 2 columns; expected 1"),
    "whole scores": (put("residual_scores", [[1]], np.uint8), "has type uint8; expected float64"),
} | {
    f"no {name}": (drop(name), f"the file has no {name}")
    for name in model_file.NAMED_MEMBERS
    if name != "format"
}  # fmt: skip


def test_a_forged_file_without_changes_is_taken() -> None:
    assert_same(decode(forged(lambda members: None)), make_model((2, 3, 1)))


def test_golden_rows_may_differ_in_the_last_bits() -> None:
    decode(forged(add("golden_outputs", 1e-12)))


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize(("change", "message"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_file_is_refused(change: Change, message: str) -> None:
    with pytest.raises(VersionRefused, match=message):
        decode(forged(change))


def test_a_file_without_its_checksum_is_refused() -> None:
    members = members_of(FILE)
    del members["checksum"]
    with pytest.raises(VersionRefused, match=r"^the file has no checksum$"):
        decode(file_of(members))


@pytest.mark.parametrize("name", sorted(members_of(FILE).keys() - {"checksum", "format"}))
def test_a_member_changed_without_the_checksum_is_refused(name: str) -> None:
    members = members_of(FILE)
    changed = np.frombuffer(bytearray(members[name].tobytes()), np.uint8).copy()
    changed[0] ^= 1
    members[name] = changed.view(members[name].dtype).reshape(members[name].shape)
    with pytest.raises(VersionRefused, match=r"^the checksum differs: the file was changed after"):
        decode(file_of(members))


@pytest.mark.parametrize("name", ["weights_0", "feature_shift"])
def test_a_shape_changed_without_the_checksum_is_refused(name: str) -> None:
    members = members_of(FILE)
    members[name] = members[name].reshape(-1, 1)
    with pytest.raises(VersionRefused, match=r"^the checksum differs: the file was changed after"):
        decode(file_of(members))


# What is refused: damage


@pytest.mark.parametrize("part", range(8))
def test_a_truncated_file_is_refused(part: int) -> None:
    for length in range(part, len(FILE), 8 * 3):
        with pytest.raises(VersionRefused, match="damaged or cut short"):
            decode(FILE[:length])


@pytest.mark.parametrize("part", range(8))
def test_no_changed_byte_changes_what_is_loaded(part: int) -> None:
    for position in range(part, len(FILE), 8 * 2):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(FILE)
            damaged[position] ^= flip
            try:
                version = decode(bytes(damaged))
            except VersionRefused:
                continue
            assert version.card == decode(FILE).card
            assert_same(version, make_model((2, 3, 1)))


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=2000))
def test_random_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(VersionRefused):
        decode(content)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_a_file_with_random_changes_is_refused_or_the_same(data: st.DataObject) -> None:
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
    assert_same(version, make_model((2, 3, 1)))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 1000, b"PK\x05\x06", FILE[:-1], b"x1,x2,y\n1,2,3\n", pickle.dumps([1, 2, 3])],
    ids=["empty", "zeros", "only a signature", "all but a byte", "a table", "a pickle"],
)
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(VersionRefused, match=r"^the file is damaged or cut short: "):
        decode(content)


def test_an_empty_archive_is_refused() -> None:
    with pytest.raises(VersionRefused, match=r"^the file has no format$"):
        decode(file_of({}))


# What is refused: archives made to hurt the reader


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    proof = tmp_path / "unpickled"
    objects = np.empty(1, dtype=object)
    objects[0] = Payload(proof)
    whole_file = io.BytesIO()
    np.save(whole_file, objects, allow_pickle=True)
    for content in (
        forged(put("weights_0", objects)),
        forged(put("card", objects)),
        zipped({"format": pickle.dumps(Payload(proof))}),
        whole_file.getvalue(),
        pickle.dumps(Payload(proof)),
    ):
        with pytest.raises(VersionRefused):
            decode(content)
        assert not proof.exists()
    np.load(io.BytesIO(whole_file.getvalue()), allow_pickle=True)
    assert proof.exists()  # the payload would have worked


def entries_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def zipped(entries: dict[str, bytes], *more: tuple[str, bytes], compression: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that stands in the archive twice
        for name, content in (*entries.items(), *more):
            archive.writestr(name, content)
    return file.getvalue()


def header(text: str, data: bytes = b"") -> bytes:
    """A `.npy` file with any text where its type and shape stand."""
    return npy.magic(1, 0) + struct.pack("<H", len(text)) + text.encode() + data


def described(descr: object, shape: object, fortran: object = False) -> str:
    """What NumPy writes there."""
    return f"{{'descr': {descr!r}, 'fortran_order': {fortran!r}, 'shape': {shape!r}, }} \n"


def with_entry(entry: bytes) -> bytes:
    return zipped(entries_of(FILE) | {"weights_0.npy": entry})


def in_directory(field: int, value: int, width: str = "<L", entry: int = 0) -> bytes:
    """The file, with one field of one entry of its central directory overwritten."""
    start = -1
    for _ in range(entry + 1):
        start = FILE.index(b"PK\x01\x02", start + 1)
    damaged = bytearray(FILE)
    struct.pack_into(width, damaged, start + field, value)
    return bytes(damaged)


def far_away() -> bytes:
    """An archive whose only member claims to start after 2⁶⁴ − 1 bytes."""
    entry = zipfile.ZipInfo("format.npy")
    entry.extra = struct.pack("<HHQ", 0x9999, 8, 2**64 - 1)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry, b"")
    damaged = bytearray(file.getvalue().replace(b"\x99\x99", b"\x01\x00"))  # ZIP64's field
    struct.pack_into("<L", damaged, damaged.index(b"PK\x01\x02") + OFFSET, 0xFFFFFFFF)
    return bytes(damaged)


FLAGS, METHOD, BYTES, OFFSET = 8, 10, 24, 42
SHAPE = "is not a .npy file: its shape declares more data than it has$"
ARCHIVES: dict[str, tuple[bytes, str]] = {
    "compressed members": (
        zipped(entries_of(FILE), compression=zipfile.ZIP_DEFLATED),
        r"^'format\.npy' is compressed; expected stored members$",
    ),
    "members compressed another way": (
        in_directory(METHOD, 99, "<H"),
        r"^'format\.npy' is compressed; expected stored members$",
    ),
    "a zip bomb": (
        zipped({"format.npy": bytes(20_000_000)}, compression=zipfile.ZIP_DEFLATED),
        r"^'format\.npy' is compressed; expected stored members$",
    ),
    "a member larger than the file": (
        in_directory(BYTES, 200_000_000),
        r"^the members declare 200,00\d,\d{3} bytes; the file has \d,\d{3}$",
    ),
    "members larger than the file together": (
        in_directory(BYTES, len(FILE) - 100),
        r"^the members declare \d+,\d{3} bytes; the file has \d,\d{3}$",
    ),
    "members on top of each other": (in_directory(OFFSET, 0, entry=3), "damaged or cut short: "),
    "a member that starts nowhere": (in_directory(OFFSET, 2**31), "damaged or cut short: "),
    "a member that starts beyond 64 bits": (far_away(), "damaged or cut short: "),
    "an encrypted member": (in_directory(FLAGS, 1, "<H"), "damaged or cut short: .*encrypted"),
    "a patched member": (in_directory(FLAGS, 32, "<H"), "damaged or cut short: .*patched"),
    "a name that is no text": (
        zipped({"é.npy": b""}).replace("é".encode(), b"\xff\xff"),
        "damaged or cut short: ",
    ),
    "a member twice": (
        zipped(entries_of(FILE), ("card.npy", entries_of(FILE)["card.npy"])),
        "^'card' stands in the file twice$",
    ),
    "a member twice, by another name": (
        zipped(entries_of(FILE), ("card", entries_of(FILE)["card.npy"])),
        "^'card' stands in the file twice$",
    ),
    "too many members": (
        zipped({f"weights_{index}.npy": b"" for index in range(300)}),
        f"^the file has 300 members; the limit is {model_file.MAX_MEMBERS}$",
    ),
    "an archive of something else": (zipped({"word/document.xml": b"<xml/>"}), "'word/document"),
    "a long name": (zipped({"n" * 10_000: b""}), f"^'{'n' * 40}' is not a .npy file: "),
    "an array with bytes to spare": (
        with_entry(entries_of(FILE)["weights_0.npy"] + b"\0"),
        r"^'weights_0' declares shape \(2, 3\) of float64; its 49 bytes are not that$",
    ),
} | {
    f"a header: {name}": (with_entry(header(text, data)), f"^'weights_0' {message}")
    for name, text, data, message in [
        ("huge", described("<f8", (2**29,)), b"", SHAPE),
        ("huge in two", described("<f8", (2**29, 2**29)), bytes(8), SHAPE),
        ("zero", described("<f8", (0, 3)), bytes(8), r"declares shape \(0, 3\) of float64; "),
        ("huge text", described("<U268435456", (1,)), b"", "has type '<U268435456'; expect"),
        ("wide text", described("<U1000", (1,)), bytes(4000), "has type '<U1000'; expected plain"),
        ("text of no width", described("<U0", (1,)), b"", "has type '<U0'; expected plain"),
        ("huge, of no width", described("<U0", (2**29,)), b"", SHAPE),
        ("fields", described([("a", "<f8")], (1,)), bytes(8), r"has type '\|V8'; expected plain"),
        ("a huge number", described("<f8", (0, 2**70)), b"", SHAPE),
        (
            "a hexadecimal number",
            described("<f8", (1,)).replace("1", f"0x{'f' * 5000}"),
            b"",
            SHAPE,
        ),
        ("a negative length", described("<f8", (-1, -1)), bytes(8), SHAPE),
        ("a shape that is true", described("<f8", (True,)), bytes(8), SHAPE),
        *(
            (name, text, b"", "is not a .npy file: its header is not one of version 1 or 2$")
            for name, text in {
                "no type": described("<nothing>", (1,)),
                "an empty type": described((), (1,)),
                "half a type": described(("<f8",), (1,)),
                "fields, no types": described([("a",)], (1,)),
                "a number as type": described(7, (1,)),
                "no shape": described("<f8", None),
                "a shape of text": described("<f8", ("2",)),
                "a number as order": described("<f8", (1,), 1),
                "a list": "[]",
                "nothing": "",
                "a call": "__import__('os').abort()",
                "brackets": "(" * 9000,
                "signs": "-" * 9000 + "1",
                "nested brackets": described("<f8", (1,)).replace("1", "(" * 90 + ")" * 90),
                "from Python 2": described("<f8", (1,)).replace("1", "1L"),
                "something behind it": described("<f8", (1,)) + "1",
                "no end": described("<f8", (1,))[:-4],
            }.items()
        ),
    ]
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_hostile_archive_is_refused_without_memory(content: bytes, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(VersionRefused, match=message):
            decode(content)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_member_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(3, make_model((4, 32, 16, 1)), {}, golden_rows(make_model((4, 1))))
    monkeypatch.setattr(model_file, "MAX_MEMBER_BYTES", 4000)
    with pytest.raises(
        VersionRefused, match=r"^'weights_1' declares 4,224 bytes; the limit is 4,0"
    ):
        decode(content)


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["<f8", "<U1", "O"]),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@settings(deadline=None, derandomize=True)
@given(descr=st.just("<f8") | LITERALS, shape=st.lists(st.integers()).map(tuple) | LITERALS)
def test_an_array_with_any_header_is_refused(descr: object, shape: object) -> None:
    with pytest.raises(VersionRefused):
        decode(zipped({"format.npy": header(described(descr, shape), bytes(8))}))
