"""Requests are found in what a client sends, however it comes in parts."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders, ParseException
from hypothesis import given, settings
from hypothesis import strategies as st

from service.server.heads import Heads, Malformed
from service.server.incoming import MAX_HEAD_BYTES, Incoming, Message

MOST = 100
HEADS = Heads(Config(), ("127.0.0.1", 8000))


def incoming(*parts: bytes) -> Incoming:
    made = Incoming(HEADS, "10.0.0.1", MOST)
    for part in parts:
        made.feed(part)
    return made


def messages(made: Incoming) -> Iterable[Message]:
    while message := made.message():
        yield message


def request(body: bytes, sizes: list[int] | None, extra: str = "") -> bytes:
    """A request; `sizes`: its body in chunks of these sizes."""
    framing = f"Content-Length: {len(body)}" if sizes is None else "Transfer-Encoding: chunked"
    head = f"POST /predict HTTP/1.1\r\nHost: here\r\n{framing}\r\n{extra}\r\n".encode()
    if sizes is None:
        return head + body
    chunks, rest = [], body
    for size in sizes:
        part, rest = rest[:size], rest[size:]
        if part:
            chunks.append(b"%x;a=b\r\n%s\r\n" % (len(part), part))
    if rest:
        chunks.append(b"%X\r\n%s\r\n" % (len(rest), rest))
    return head + b"".join(chunks) + b"0\r\nX-Trailer: a\r\n\r\n"


bodies = st.binary(max_size=MOST)
requests = st.tuples(bodies, st.none() | st.lists(st.integers(1, 40), max_size=5))


@given(st.lists(requests, min_size=1, max_size=4), st.lists(st.integers(0, 1000), max_size=30))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_same_requests_are_found_wherever_the_bytes_are_cut(
    sent: list[tuple[bytes, list[int] | None]], cuts: list[int]
) -> None:
    stream = b"".join(request(*each) for each in sent)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    found: list[Message] = []
    made = incoming()
    for start, end in pairwise(places):
        made.feed(stream[start:end])
        found += messages(made)
    assert [each.body for each in found] == [body for body, _ in sent]
    assert not any(each.cut for each in found)
    assert len(made) == 0


@given(st.binary(max_size=300), st.sampled_from([b"", request(b"abc", None)[:-5], b"GET / HTTP/"]))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_bytes_are_requests_or_refused_or_waited_for(noise: bytes, before: bytes) -> None:
    made = incoming(before, noise)
    found: list[Message] = []
    try:
        found += messages(made)
    except ParseException:
        return
    assert sum(len(each.body) for each in found) + len(made) <= len(before) + len(noise)


SIZES = (b"5", b"05", b"5;a=b", b"+5", b"0x5", b" 5 ", b"0_5", b"5;\n", b'5;a="\r', b"-5")
LASTS = (b"0\r\n\r\n", b"0\r\na\nb: c\r\n\r\n", b"0\r\nHost: a\r\n\r\n")


@given(
    size=st.sampled_from(SIZES),
    end=st.sampled_from([b"\r\n", b"XX", b"\n\n"]),
    last=st.sampled_from(LASTS),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_chunks_are_taken_only_as_the_parser_has_them(size: bytes, end: bytes, last: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    made = incoming(head + size + b"\r\nhello" + end + last)
    well_formed = size in SIZES[:3] and end == b"\r\n" and last == LASTS[0]
    if well_formed:
        assert [each.body for each in messages(made)] == [b"hello"]
    else:
        with pytest.raises(ParseException):
            list(messages(made))


def test_a_head_says_what_wsgi_needs() -> None:
    (message,) = messages(incoming(request(b"{}", None, "X-Request-ID: a\r\n")))
    environ = message.head.environ
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["PATH_INFO"] == "/predict"
    assert environ["CONTENT_LENGTH"] == "2"
    assert environ["HTTP_X_REQUEST_ID"] == "a"
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("10.0.0.1", "8000")
    assert message.head.keeps_alive
    assert message.body == b"{}"


def test_a_remembered_head_is_not_another_clients() -> None:
    sent = request(b"{}", None)
    hosts = []
    for host in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        made = Incoming(HEADS, host, MOST)
        made.feed(sent)
        (message,) = messages(made)
        hosts.append(message.head.environ["REMOTE_ADDR"])
    assert hosts == ["10.0.0.1", "10.0.0.2", "10.0.0.1"]


@pytest.mark.parametrize(
    ("line", "keeps_alive"),
    [
        ("Connection: close", False),
        ("Connection: TE, Close", False),
        ("Connection: keep-alive\r\nConnection: close", False),
        ("Connection: keep-alive", True),
        ("Connection: TE, closet", True),
        ("X: y", True),
    ],
)
def test_a_client_says_whether_it_asks_again(line: str, keeps_alive: bool) -> None:
    (message,) = messages(incoming(request(b"", None, f"{line}\r\n")))
    assert message.head.keeps_alive == keeps_alive


@pytest.mark.parametrize("size", [MOST, MOST + 1, 10 * MOST])
def test_a_body_in_chunks_that_is_too_long_is_left_out(size: int) -> None:
    made = incoming(request(b"a" * size, [1] * size))
    message = made.message()
    assert message
    assert message.cut == (size > MOST)
    assert message.body == (b"" if message.cut else b"a" * size)
    assert message.length > MOST or not message.cut


def test_what_frames_chunks_is_not_kept() -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    made = incoming(head)
    for count in range(1, MOST + 1):
        made.feed(b"1;" + b"a" * 5_000 + b"\r\nb\r\n")
        assert made.message() is None
        assert len(made) == count
    made.feed(b"0\r\n\r\nGET")
    message = made.message()
    assert message
    assert (message.body, len(made)) == (b"b" * MOST, 3)


def test_an_answer_names_no_version_of_http_that_is_not_spoken() -> None:
    (message,) = messages(incoming(b"GET / HTTP/1.2\r\nHost: here\r\n\r\n"))
    assert message.head.request.version == (1, 1)


def test_a_chunk_that_is_announced_to_be_too_long_is_not_waited_for() -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    message = incoming(head + b"FFFFFFFFFFFFFFFF\r\n{}").message()
    assert message
    assert message.cut


def test_a_body_that_is_announced_to_be_too_long_is_not_waited_for() -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 101\r\n\r\n"
    (message,) = messages(incoming(head))
    assert message.cut
    assert message.body == b""


def test_who_expects_a_word_before_the_body_is_told_once_and_only_if_it_is_taken() -> None:
    def asking(length: int) -> Incoming:
        return incoming(
            b"POST / HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n"
            b"Content-Length: %d\r\n\r\n" % length
        )

    made = asking(2)
    assert made.message() is None
    assert [made.is_awaited() for _ in range(3)] == [True, False, False]
    made.feed(b"{}")
    (message,) = messages(made)
    assert message.body == b"{}"
    early = asking(2)
    early.feed(b"{")
    assert early.message() is None
    assert not early.is_awaited()
    assert asking(MOST + 1).message()


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"GET / HTTP/1.1\nHost: here\n\n", Malformed),
        (b"\n", Malformed),
        (b"\r\n\r\n", ParseException),
        (b"GET / HTTP/1.1\r\nHost: here\r\na\r\n\r\n", ParseException),
        (b"GET /\r\n\r\n", ParseException),
        (b"a" * (MAX_HEAD_BYTES + 1), LimitRequestHeaders),
    ],
)
def test_what_can_be_no_head_is_not_waited_for(sent: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        incoming(sent).message()


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n", b"-1\r\n", b"a" * 10_000, b"2\r\nabcd\r\n", b"0\r\n" + b"a" * (MAX_HEAD_BYTES + 2)],
)
def test_chunks_that_can_be_none_are_not_waited_for(chunks: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(ParseException):
        incoming(head + chunks).message()
