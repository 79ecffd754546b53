"""What the command does on a terminal only: colours, progress bars, completion."""

from collections.abc import Callable

import pytest

from registry import Registry
from tests.client.command.conftest import Command
from tests.e2e.conftest import StartService
from tests.service.small_models import serve, small_model

ESCAPE = b"\x1b["


def test_colours_are_for_terminals(numnet: Command) -> None:
    code, written = numnet.on_terminal("models")
    assert code == 0
    assert ESCAPE in written
    assert ESCAPE.decode() not in numnet("models").out


@pytest.mark.parametrize("command", ["models", "show", "status"])
def test_no_color_is_respected(numnet: Command, command: str) -> None:
    code, written = numnet.on_terminal(command, NO_COLOR="1")
    assert code == 0
    assert ESCAPE not in written


def test_errors_are_red_on_a_terminal(numnet: Command) -> None:
    assert ESCAPE in numnet.on_terminal("show", "9")[1]
    assert ESCAPE not in numnet.on_terminal("show", "9", NO_COLOR="1")[1]


def rows(numnet: Command, count: int) -> None:
    (numnet.folder / "rows.csv").write_text("x1,x2,x3,x4\n" + "0.1,0.2,0.3,0.4\n" * count)


def test_a_table_has_a_progress_bar_on_a_terminal(numnet: Command) -> None:
    rows(numnet, 200_000)
    code, written = numnet.on_terminal("predict", "rows.csv", "-o", "out.csv")
    assert code == 0
    assert "━".encode() in written
    assert b"200,000 rows by version 2 in " in written
    assert numnet("predict", "rows.csv", "-o", "out.csv").err == ""


def test_a_plot_is_not_wider_than_the_terminal(numnet: Command) -> None:
    code, written = numnet.on_terminal("show", "--plot", COLUMNS="40", NO_COLOR="1")
    assert code == 0
    assert b"the version has nothing to draw" in written


def completions(numnet: Command, *words: str) -> list[str]:
    """Return what a shell gets for the last word."""
    ended = numnet(
        _NUMNET_COMPLETE="bash_complete",
        COMP_WORDS=" ".join(["numnet", *words]),
        COMP_CWORD=str(len(words)),
    )
    return [line.partition(",")[2] for line in ended.out.splitlines() if line]


def test_commands_options_versions_and_features_are_completed(numnet: Command) -> None:
    assert completions(numnet, "pro") == ["promote"]
    assert "--interval" in completions(numnet, "predict", "--int")
    assert completions(numnet, "show", "") == ["2", "1"]
    assert completions(numnet, "predict", "x") == ["x1=", "x2=", "x3=", "x4="]
    assert completions(numnet, "export", "1", "re") == ["report"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "example.org"])
def test_completion_without_a_service_is_silent(numnet: Command, url: str) -> None:
    numnet.variables["NUMNET_URL"] = url
    assert completions(numnet, "show", "") == []


def test_completion_has_the_token_of_the_command(
    start_service: StartService, registry: Registry, run_at: Callable[..., Command]
) -> None:
    serve(registry, small_model())
    token = "a-token-for-readers"
    service = start_service(settings={"NUMNET_READ_TOKEN": token})
    numnet = run_at(service.url, NUMNET_TOKEN=token)
    assert completions(numnet, "predict", "x1") == ["x1="]
    numnet.variables["NUMNET_TOKEN"] = "a-wrong-token-of-readers"
    assert completions(numnet, "show", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(numnet: Command, shell: str) -> None:
    ended = numnet("completion", shell)
    assert ended.code == 0
    assert f"_NUMNET_COMPLETE={shell}_complete" in ended.out
    assert ended.err == ""
