"""A terminal gets no control character from a service, a version's file or a table."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from numnet.command.commands.job_progress import _Bar
from numnet.command.printing import note, print_facts, print_json, print_table, say
from numnet.records import Job
from tests.client.command.conftest import Command
from tests.client.hostile_server import hostile_server, response

HOSTILE = "\x1b]0;title\x07\x9b2J\u202eevil\r\n[/] [red]"
HIDDEN = "\x1b\x07\x9b\u202e\r"


@pytest.mark.parametrize(
    "write",
    [
        say,
        note,
        lambda text: print_table([text], [[text]]),
        lambda text: print_facts({"fact": [text]}),
        lambda text: print_json({text: text}),
    ],
    ids=["a line", "a note", "a table", "facts", "JSON"],
)
def test_control_characters_are_not_written(
    write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write(HOSTILE)
    captured = capsys.readouterr()
    written = captured.out + captured.err
    assert "evil" in written
    assert not set(HIDDEN) & set(written)


def test_json_keeps_every_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({HOSTILE: "größe\xa0大"})
    written = capsys.readouterr().out
    assert json.loads(written) == {HOSTILE: "größe\xa0大"}
    assert "größe\xa0大" in written


def test_blanks_of_any_width_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    say("1\u2009000\xa0m")
    assert capsys.readouterr().out == "1\u2009000\xa0m\n"


def test_errors_of_a_service_have_no_control_characters(run_at: Callable[..., Command]) -> None:
    document = json.dumps({"title": "Not found", "detail": HOSTILE}).encode()
    answer = response("404 Not Found", document, "Content-Type: application/problem+json")
    with hostile_server([answer]) as server:
        ended = run_at(server.url)("show", "1")
    assert ended.code == 1
    assert "evil" in ended.err
    assert not set(HIDDEN) & set(ended.err)


def test_a_progress_bar_takes_no_text_for_markup() -> None:
    document: dict[str, Any] = {"id": "1", "state": "running", "model": "m", "by": "x"}
    bar = _Bar()
    bar(Job.of({**document, "phase": "fit[/]", "note": HOSTILE}))
    console = Console(file=io.StringIO(), width=200)
    console.print(bar._bar.get_renderable())
    bar.close()
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert "fit[/]" in written
    assert "[/] [red]" in written
    assert not set(HIDDEN) & set(written)
