"""The entry point: finds the command, and turns errors into a line and an exit code.

A command's module is imported when it is used, so that one prediction does not wait for the others.
"""

import contextlib
import importlib
import io
import os
import sys
from typing import Any, NoReturn

import click

from numnet.command.failures import CODES, Failure, Refused, failure_of
from numnet.command.printing import print_json, printable
from numnet.version import VERSION

# module and function of each command, in the order of --help, with its first line
COMMANDS = {
    "predict": ("predict", "Predict one row, or the rows of a table."),
    "status": ("service", "Show what is served, and how good it is."),
    "models": ("versions", "List the models and the versions of one."),
    "show": ("versions", "Show a version: data, training, metrics; with --plot also pictures."),
    "train": ("training", "Upload a table and train a version with it."),
    "retrain": ("training", "Train a version with data that the service has."),
    "jobs": ("training", "List the newest retraining jobs, or show one."),
    "cancel": ("training", "Cancel a retraining job."),
    "promote": ("versions", "Make a version current."),
    "rollback": ("versions", "Make the previous version current again."),
    "export": ("exports", "Take a version away as ONNX, C, JavaScript, JSON, SQL, npz or report."),
    "open": ("service", "Open the dashboard in a browser."),
    "token": ("service", "Print the admin token, or store one for a service."),
    "completion": ("shells", "Print the shell's completion of this command."),
}


class Commands(click.Group):
    """The group of all commands, each of which is imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of --help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None if there is none with this name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"numnet.command.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. click would take these errors for its own."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise click.exceptions.Exit(141) from None
        except EOFError as error:
            raise Refused("the compressed file is malformed or cut short") from error
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in CODES.items()])


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The manual is docs/command.md.",
)
@click.version_option(VERSION, message="numnet %(version)s")
def numnet() -> None:
    """Predict with a numnet service, retrain it, and take its models away.

    The service is http://127.0.0.1:8000, or that of --url or NUMNET_URL.
    """


def main() -> NoReturn:
    """Run the command of `sys.argv`, and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may have few characters
    color = False if os.environ.get("NO_COLOR") else None
    try:
        code = numnet.main(prog_name="numnet", standalone_mode=False, color=color) or 0
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        _exit_now(130)
    except click.UsageError as error:
        error.show()
        code = error.exit_code
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        _report(failure, color)
        code = failure.code
    # Threads with a request in flight must not delay the end.
    _exit_now(code)


def _report(failure: Failure, color: bool | None) -> None:
    """Write an error in one line, and with `--json` also as JSON."""
    click.secho(f"error: {printable(failure.message)}", fg="red", err=True, color=color)
    if "--json" in sys.argv:
        with contextlib.suppress(BrokenPipeError):
            document: dict[str, Any] = {"error": failure.message, "exit_code": failure.code}
            print_json({**document, **failure.details})


def _exit_now(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
