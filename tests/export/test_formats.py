import pytest

from export import Format, NotExportable, Source, UnknownFormat, write
from export.graph import graph_of
from tests.export.models import EXAMPLES, LEVEL

FORMATS = {
    "txt": Format("text/plain", lambda source: f"{source.name} {source.number} ŷ", ("short",)),
    "few": Format("text/plain", lambda source: "", max_constants=100),
    "bin": Format("application/octet-stream", lambda source: b"\x00"),
}


def source(form: str = "") -> Source:
    return Source("houses", 7, EXAMPLES["ensemble"].model, {}, form=form)


def test_a_format_writes_text_in_utf_8_or_bytes() -> None:
    assert write(source(), "txt", FORMATS) == "houses 7 ŷ".encode()
    assert write(source("short"), "txt", FORMATS) == "houses 7 ŷ".encode()
    assert write(source(), "bin", FORMATS) == b"\x00"


def test_an_unknown_format_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownFormat, match="'pdf' is no format; expected one of txt, few, bin"):
        write(source(), "pdf", FORMATS)


@pytest.mark.parametrize(("suffix", "why"), [("txt", "expected short"), ("bin", "it has only one")])
def test_an_unknown_form_is_refused(suffix: str, why: str) -> None:
    with pytest.raises(NotExportable, match=f"{suffix} has no form 'long'; {why}"):
        write(source("long"), suffix, FORMATS)


def test_a_version_with_too_many_numbers_is_refused() -> None:
    count = source().graph.constants
    with pytest.raises(NotExportable, match=f"has {count:,} numbers; few can hold 100"):
        write(source(), "few", FORMATS)


def test_the_constants_of_a_graph_are_those_of_its_operations() -> None:
    graph = graph_of(EXAMPLES["network tanh"].model)
    scaling, layers = 2 * (3 + 1), 4 * 8 + 9 * 6 + 7
    assert graph.constants == scaling + layers


def test_a_source_has_the_graph_of_its_version() -> None:
    example = EXAMPLES["ensemble with error scale"]
    made = Source("houses", 7, example.model, {}, example.calibration, LEVEL)
    assert made.graph.outputs == ("y", "lower", "upper")
    assert made.graph is made.graph
