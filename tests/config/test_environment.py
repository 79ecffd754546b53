"""Environment variables, and the files that they name."""

from pathlib import Path

import pytest

from config.environment import SettingsError, read_variables

NAMES = ("NUMNET_TOKEN", "NUMNET_PORT", "NUMNET_HOST")


def test_only_variables_with_a_value_and_the_prefix_are_read() -> None:
    environ = {"NUMNET_PORT": "81", "NUMNET_HOST": "", "PATH": "/bin", "PORT": "82"}
    assert read_variables(NAMES, environ) == {"NUMNET_PORT": "81"}


@pytest.mark.parametrize("variable", ["NUMNET_PROT", "NUMNET_port", "NUMNET_", "NUMNET__CORES"])
def test_unknown_variable_is_logged_and_ignored(
    variable: str, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"NUMNET_PORT": "80", variable: "tcp://10.0.0.1:80"}
    assert read_variables(NAMES, environ) == {"NUMNET_PORT": "80"}
    assert caplog.messages == [
        f"{variable} is not a setting; the settings are NUMNET_TOKEN, NUMNET_PORT, NUMNET_HOST"
    ]


@pytest.mark.parametrize("content", ["a-token", "a-token\n", "a-token\r\n"])
def test_value_is_read_from_the_file_that_a_variable_names(content: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(content)
    environ = {"NUMNET_TOKEN_FILE": str(tmp_path / "token"), "NUMNET_HOST_FILE": ""}
    assert read_variables(NAMES, environ) == {"NUMNET_TOKEN": "a-token"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xff", "the file is not text"),
    ],
)
def test_file_without_a_value_is_refused(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_variables(NAMES, {"NUMNET_TOKEN_FILE": str(path)})
    assert str(caught.value) == f"NUMNET_TOKEN_FILE={path}: {reason}"


def test_path_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^NUMNET_TOKEN_FILE=a\0b: "):
        read_variables(NAMES, {"NUMNET_TOKEN_FILE": "a\0b"})


def test_setting_whose_name_ends_in_file_is_a_path_itself(tmp_path: Path) -> None:
    names = ("NUMNET_TOKENS_FILE", *NAMES)
    environ = {"NUMNET_TOKENS_FILE": "/state/tokens"}
    assert read_variables(names, environ) == environ
    (tmp_path / "path").write_text("/state/tokens\n")
    in_file = {"NUMNET_TOKENS_FILE_FILE": str(tmp_path / "path")}
    assert read_variables(names, in_file) == environ
    with pytest.raises(SettingsError, match="NUMNET_TOKENS_FILE and NUMNET_TOKENS_FILE_FILE are"):
        read_variables(names, environ | in_file)


def test_tokens_without_file_are_no_setting(caplog: pytest.LogCaptureFixture) -> None:
    assert read_variables(("NUMNET_TOKENS_FILE",), {"NUMNET_TOKENS": "a"}) == {}
    assert caplog.messages == [
        "NUMNET_TOKENS is not a setting; the settings are NUMNET_TOKENS_FILE"
    ]


@pytest.mark.parametrize("suffixes", [("", "_FILE"), ("_FILE", "")])
def test_value_and_file_exclude_each_other(suffixes: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    environ = {f"NUMNET_TOKEN{suffix}": str(tmp_path / "secret") for suffix in suffixes}
    with pytest.raises(SettingsError) as caught:
        read_variables(NAMES, environ)
    assert str(caught.value) == "NUMNET_TOKEN and NUMNET_TOKEN_FILE are both set: expected one"


def test_variables_of_the_client_are_not_settings(caplog: pytest.LogCaptureFixture) -> None:
    assert read_variables(["NUMNET_PORT"], {"NUMNET_URL": "http://a", "NUMNET_TOKEN": "t"}) == {}
    assert not caplog.records
