import pytest

from export import Format, NotExportable, Source, UnknownFormat, write
from tests.export.models import EXAMPLES, LEVEL

FORMATS = {
    "txt": Format("text/plain", lambda source: f"{source.name} {source.number} ŷ", ("short",)),
    "bin": Format("application/octet-stream", lambda source: b"\x00"),
}


def source(form: str = "") -> Source:
    return Source("houses", 7, EXAMPLES["ensemble"].model, {}, form=form)


def test_a_format_writes_text_in_utf_8_or_bytes() -> None:
    assert write(source(), "txt", FORMATS) == "houses 7 ŷ".encode()
    assert write(source("short"), "txt", FORMATS) == "houses 7 ŷ".encode()
    assert write(source(), "bin", FORMATS) == b"\x00"


def test_an_unknown_format_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownFormat, match="'pdf' is no format; expected one of txt, bin"):
        write(source(), "pdf", FORMATS)


@pytest.mark.parametrize(("suffix", "why"), [("txt", "expected short"), ("bin", "it has only one")])
def test_an_unknown_form_is_refused(suffix: str, why: str) -> None:
    with pytest.raises(NotExportable, match=f"{suffix} has no form 'long'; {why}"):
        write(source("long"), suffix, FORMATS)


def test_a_source_has_the_graph_of_its_version() -> None:
    example = EXAMPLES["ensemble with error scale"]
    made = Source("houses", 7, example.model, {}, example.calibration, LEVEL)
    assert made.graph.outputs == ("y", "lower", "upper")
    assert made.graph is made.graph
