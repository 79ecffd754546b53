"""Headers of NumPy array files, as other programs write them, and hostile ones."""

import contextlib
import io
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy

from registry.npy_header import NpyHeader, read_npy_header


def saved(array: Any, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    npy.write_array(file, array, version)
    return file.getvalue()


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "|u1", "<i8", "<U7"])
def test_header_is_read_as_numpy_wrote_it(
    dtype: str, order: Literal["C", "F"], version: tuple[int, int]
) -> None:
    array = np.ones((3, 4), dtype, order=order)
    content = saved(array, version)
    header = read_npy_header(content)
    assert header == NpyHeader((3, 4), np.dtype(dtype), order, len(content) - array.nbytes)
    assert header.data_bytes == array.nbytes


def with_header(text: str, data_bytes: int = 64) -> bytes:
    return npy.magic(1, 0) + len(text).to_bytes(2, "little") + text.encode() + bytes(data_bytes)


@pytest.mark.parametrize(
    "text",
    [
        "{'shape':(2,4),'fortran_order':False,'descr':'<f8'}",
        '{"descr": "<f8", "fortran_order": False, "shape": (2, 4)}\n',
    ],
)
def test_header_of_another_program_is_read(text: str) -> None:
    header = read_npy_header(with_header(text))
    assert (header.shape, header.dtype, header.order) == ((2, 4), np.dtype("<f8"), "C")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        saved(np.ones(3))[:40],
        b"PK\x03\x04" + bytes(200),
        *map(
            with_header,
            [
                "",
                "[]",
                "{'descr': '<f8', 'fortran_order': False}",
                "{'descr': '<f8', 'fortran_order': False, 'shape': None}",
                "{'descr': '<f8', 'fortran_order': False, 'shape': ('2',)}",
                "{'descr': '<f8', 'fortran_order': 1, 'shape': (1,)}",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1L,)}",  # Python 2
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}1",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)",
                "{'descr': '<nothing>', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': (), 'fortran_order': False, 'shape': (1,)}",
                "{'descr': ('<f8',), 'fortran_order': False, 'shape': (1,)}",
                "{'descr': [('a',)], 'fortran_order': False, 'shape': (1,)}",
                "{'descr': 7, 'fortran_order': False, 'shape': (1,)}",
                f"{{'descr': {'(' * 90 + ')' * 90}, 'fortran_order': False, 'shape': (1,)}}",
                "(" * 9000,
                "-" * 9000 + "1",
                "__import__('os').abort()",
            ],
        ),
    ],
    ids=lambda content: repr(content[:30]),
)
def test_unreadable_header_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^its header is not one of version 1 or 2$"):
        read_npy_header(content)


@pytest.mark.parametrize(
    "shape", ["(-1,)", "(True,)", "(201,)", "(0, 2**70)", f"(0x{'f' * 5000},)"]
)
def test_length_beyond_the_size_of_the_file_is_refused(shape: str) -> None:
    shape = shape.replace("2**70", str(2**70))
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"
    with pytest.raises(ValueError, match=r"^its shape declares more data than it has$"):
        read_npy_header(with_header(text))


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["<f8", "<U1", "O"]),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(descr=st.just("<f8") | LITERALS, shape=st.lists(st.integers()).map(tuple) | LITERALS)
def test_any_type_and_shape_is_read_or_refused(descr: object, shape: object) -> None:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}}}"
    with contextlib.suppress(ValueError):
        assert read_npy_header(with_header(text)).shape == shape


@given(st.binary(max_size=80))
def test_random_header_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^its "):
        read_npy_header(npy.magic(1, 0) + b"\x46\0" + text)
