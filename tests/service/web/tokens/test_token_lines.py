"""The lines of the file of tokens: what they allow, and mistakes in them."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import SettingsError
from service.web.tokens.grant import RIGHTS
from service.web.tokens.token_lines import MAX_BYTES, check_tokens, parse_grants
from tests.documents import run, sections
from tests.service.web.tokens.token_files import line

TOKEN = "a-t0ken-that-is-long"
DIGEST = hashlib.sha256(TOKEN.encode()).digest()
PATH = Path("tokens")


def mistake(content: bytes) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_grants(content, PATH)
    return str(caught.value)


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        ("read", {"read"}),
        ("observe", {"observe"}),
        ("read,observe", {"read", "observe"}),
        ("admin", set(RIGHTS)),
        ("admin,read", set(RIGHTS)),
    ],
)
def test_rights_are_those_of_the_line_and_admin_has_all(rights: str, allowed: set[str]) -> None:
    [grant] = parse_grants(line(TOKEN, rights, "pump").encode(), PATH).values()
    for right in RIGHTS:
        assert grant.allows(right, "pump") == (right in allowed)
        assert not grant.allows(right, "valve")
        assert not grant.allows(right, None)


@pytest.mark.parametrize(
    ("models", "allowed", "refused"),
    [
        ("pump", ["pump"], ["pump-1", "Pump", "pum", "", "*", "pump\n"]),
        ("pump,valve", ["pump", "valve"], ["pump,valve", "numnet"]),
        ("pump-*", ["pump-", "pump-12"], ["pump", "xpump-1", "*"]),
        ("pump-?,valve", ["pump-1", "valve"], ["pump-12", "pump-"]),
        ("*", ["pump", "7", "", "*", "a\nb"], []),
        ("?", ["a"], ["ab"]),
    ],
)
def test_models_are_names_and_patterns(models: str, allowed: list[str], refused: list[str]) -> None:
    [grant] = parse_grants(line(TOKEN, "read", models).encode(), PATH).values()
    assert all(grant.allows("read", each) for each in allowed)
    assert not any(grant.allows("read", each) for each in refused)
    assert grant.allows("read", None) == (models == "*")


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_comments_blank_lines_and_any_white_space_are_allowed(ending: str) -> None:
    digest = DIGEST.hex().upper()
    lines = ["# of the plant é", "", f"\t{digest}   read\tpump  # the dashboard", "   "]
    grants = parse_grants(ending.join(lines).encode() if ending else lines[2].encode(), PATH)
    assert [*grants] == [DIGEST]


def test_byte_order_mark_is_no_part_of_the_first_line() -> None:
    content = b"\xef\xbb\xbf" + line(TOKEN, "read", "pump").encode()
    assert [*parse_grants(content, PATH)] == [DIGEST]


def test_line_that_the_documents_make_is_accepted(tmp_path: Path) -> None:
    [(_, block)] = sections("docs/operations.md")["Tokens for some models"]
    (tmp_path / "var").mkdir()
    printed = run(f"{block}\nprintf %s $PUMP_TOKEN", tmp_path, dict(os.environ))
    content = (tmp_path / "var" / "tokens").read_bytes()
    [(digest, grant)] = parse_grants(content, PATH).items()
    assert digest == hashlib.sha256(printed.encode()).digest()
    assert [name for name in ("pump", "spare-1", "valve") if grant.allows("read", name)] == [
        *("pump", "spare-1")
    ]


def test_file_with_a_comment_alone_allows_no_token() -> None:
    assert parse_grants(b"# nobody\n", PATH) == {}


THREE = "expected three fields, without spaces after commas: the SHA-256 of a token, rights, models"
NAMES = "expected names of models separated by commas"
RIGHTS_EXPECTED = "expected rights separated by commas: read, observe, admin"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TOKEN, f"{THREE}; found 1"),
        (f"{DIGEST.hex()} read", f"{THREE}; found 2"),
        (f"{DIGEST.hex()}  -  read pump", f"{THREE}; found 4"),
        (f"{DIGEST.hex()} read, observe pump", f"{THREE}; found 4"),
        (f"{TOKEN} read pump", "expected the SHA-256 of a token as 64 hexadecimal digits"),
        (f"{DIGEST.hex()}0 read pump", "expected the SHA-256 of a token as 64 hexadecimal digits"),
        (f"{hashlib.sha256().hexdigest()} read pump", "expected the SHA-256 of a token; this is"),
        (f"{DIGEST.hex()} write pump", RIGHTS_EXPECTED),
        (f"{DIGEST.hex()} read,,admin pump", RIGHTS_EXPECTED),
        (f"{DIGEST.hex()} Read pump", RIGHTS_EXPECTED),
        (f"{DIGEST.hex()} pump read", RIGHTS_EXPECTED),
        (f"{DIGEST.hex()} read pump,", NAMES),
        (f"{DIGEST.hex()} read 7", NAMES),
        (f"{DIGEST.hex()} read stats", NAMES),
        (f"{DIGEST.hex()} read pump/1", NAMES),
        (f"{DIGEST.hex()} read [ab]*", NAMES),
        (f"{DIGEST.hex()} read pump-*\0", NAMES),
        (f"{DIGEST.hex()} read {'a' * 65}", NAMES),
        (f"{DIGEST.hex()} read {'*' * 65}", NAMES),
    ],
)
def test_mistake_is_named_with_its_line_and_without_its_text(text: str, expected: str) -> None:
    content = f"# first\n{line('another-t0ken-of-tests', 'read', '*')}{text}\n".encode()
    found = mistake(content)
    assert found.startswith(f"NUMNET_TOKENS_FILE=tokens, line 3: {expected}")
    assert TOKEN not in found
    assert DIGEST.hex() not in found


def test_token_that_is_there_twice_is_refused() -> None:
    content = line(TOKEN, "read", "pump") + "\n" + line(TOKEN, "admin", "valve")
    assert mistake(content.encode()) == (
        "NUMNET_TOKENS_FILE=tokens, line 3: expected each token once; line 1 has this one"
    )


@pytest.mark.parametrize("content", [b"", b"\n \r\n"])
def test_empty_file_is_refused(content: bytes) -> None:
    assert mistake(content) == (
        "NUMNET_TOKENS_FILE=tokens: expected a token or a comment; the file is empty"
    )


@given(st.binary(max_size=200))
def test_any_other_content_is_refused_or_allows_nothing(content: bytes) -> None:
    try:
        grants = parse_grants(content, PATH)
    except SettingsError:
        return
    assert grants == {}


def put_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda path: None, "No such file or directory"),
        (Path.mkdir, "Is a directory"),
        (put_pipe, "it is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is not a regular file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path.write_bytes(b"#" * (MAX_BYTES + 1)), "expected at most 1,048,576 bytes"),
    ],
)
def test_file_that_cannot_be_read_is_refused(put: object, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    assert callable(put)
    put(path)
    with pytest.raises(SettingsError) as caught:
        check_tokens(path)
    assert str(caught.value) == f"NUMNET_TOKENS_FILE={path}: {reason}"


def test_longest_file_is_read(tmp_path: Path) -> None:
    content = line(TOKEN, "read", "pump")
    (tmp_path / "tokens").write_text(content + "#" * (MAX_BYTES - len(content)))
    check_tokens(tmp_path / "tokens")
