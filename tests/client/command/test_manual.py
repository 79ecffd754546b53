"""docs/command.md agrees with the command, and its examples are executed."""

import re
from collections.abc import Callable

import click
import pytest

from numnet.command.failures import CODES
from numnet.command.main import COMMANDS, numnet
from numnet.command.session import connection_options
from registry import Registry
from tests.client.command.conftest import Command
from tests.documents import ROOT, run_in_one_shell, sections
from tests.e2e.conftest import ADMIN_TOKEN, Service
from tests.service.trained_app import publish_trained

MANUAL = "docs/command.md"
TEXT = (ROOT / MANUAL).read_text()


def rows_below(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its names."""
    lines = TEXT[TEXT.index(heading) :].splitlines()[2:]
    ends = next((place for place, line in enumerate(lines) if not line.startswith("|")), None)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[:ends]]


def test_the_manual_lists_the_commands() -> None:
    listed = [(name, text) for name, (_, text) in COMMANDS.items()]
    described = [tuple(row) for row in rows_below("| command | |")]
    assert described == [(f"`numnet {name}`", text) for name, text in listed]


def test_the_manual_lists_the_exit_codes() -> None:
    described = [tuple(row) for row in rows_below("| exit code | |")]
    assert described == [(str(code), text) for code, text in CODES.items()]


def test_the_manual_lists_the_options_of_all_commands() -> None:
    described = set(re.findall(r"`(--[a-z-]+)`", str(rows_below("| option | variable | |"))))
    assert described == {option.opts[0] for option in connection_options()}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_that_begins_as_in_the_list(name: str) -> None:
    context = click.Context(numnet)
    command = numnet.get_command(context, name)
    assert command is not None
    assert command.name == name
    help_text = command.get_help(click.Context(command, info_name=name))
    assert "--json" in help_text or name == "completion"
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option.name


def test_the_options_that_the_manual_names_exist() -> None:
    context = click.Context(numnet)
    known = {"--help"}
    for name in COMMANDS:
        command = numnet.get_command(context, name)
        assert command is not None
        known |= {flag for parameter in command.params for flag in parameter.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) <= known


# "One row", "A table", "Train and release", "Tokens" and "Programs"
def test_the_examples(trained: Service, run_at: Callable[..., Command]) -> None:
    publish_trained(Registry.local(trained.models), 1, rows=400)
    command = run_at(trained.url)
    script = command.folder / "bin" / "numnet"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nexec "$PYTHON" -m numnet.command "$@"\n')
    script.chmod(0o755)
    (command.folder / "var").mkdir()
    (command.folder / "var" / "admin-token").write_text(ADMIN_TOKEN)
    environment = command.environment(PYTHON=command.arguments()[0])
    environment["PATH"] = f"{script.parent}:{environment['PATH']}"
    blocks = [
        code for found in sections(MANUAL).values() for language, code in found if language == "sh"
    ]
    one_row, table, training, *_, programs = run_in_one_shell(blocks, command.folder, environment)
    assert "predicts" in one_row
    assert "id,x1,x2,x3,x4,y_predicted,extrapolating" in table
    assert "version 1 promoted" in training
    assert "version 1 is current; before it was version 2" in training
    assert programs.splitlines()[-1] == "1"
