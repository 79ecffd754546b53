"""The options that every command has, and the client that they make."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from numnet.client import DEFAULT_URL, Client
from numnet.command.failures import NotReady
from numnet.command.tokens import find_token

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_SECONDS = 120.0


@dataclass
class Session:
    """The options of one command.

    Attributes
    ----------
    url : of the service
    given_token : by an option or a variable; None if neither is there
    model : the name of a model; None for the default one
    json : whether the output is for programs
    is_admin : whether the command changes something, and may use the token of a local installation
    """

    url: str
    given_token: str | None
    model: str | None
    timeout: float
    json: bool
    is_admin: bool

    @cached_property
    def client(self) -> Client:
        """The client, with the token that is found."""
        token = self.given_token or find_token(self.url, local=self.is_admin)
        try:
            return Client(self.url, token=token, model=self.model, timeout=self.timeout)
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    def version(self, given: str | None) -> str:
        """Return a version, by default the current one.

        Raises
        ------
        NumnetError, NotReady
        """
        if given is not None and given != "current":
            return given
        status = self.client.status()
        if status.version is None:
            raise NotReady(status.reason)
        return status.version


def connected(*, admin: bool = False) -> Callable[[F], Callable[..., Any]]:
    """Add the options of the connection to a command, which gets a `Session`.

    Parameters
    ----------
    admin : whether the command needs the admin token
    """

    def decorate(function: F) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(
            *,
            url: str | None,
            token: str | None,
            token_file: Path | None,
            model: str | None,
            timeout: float,
            is_json: bool,
            **others: Any,
        ) -> Any:
            given = _read(token_file) if token_file else token
            address = (url or DEFAULT_URL).rstrip("/")
            return function(Session(address, given, model, timeout, is_json, admin), **others)

        for option in reversed(_OPTIONS):
            wrapped = option(wrapped)
        return wrapped

    return decorate


def connection_options() -> list[click.Option]:
    """Return the options that `connected` adds."""

    @connected()
    def nothing(session: Session) -> None:
        """Do nothing: only the options are of use."""

    parameters = click.command()(nothing).params
    return [each for each in parameters if isinstance(each, click.Option)]


def _read(file: Path) -> str:
    try:
        token = file.read_text().strip()
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is no text; expected a token") from None
    if not token:
        raise click.UsageError(f"{file} is empty; expected a token")
    return token


def complete_version(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the versions that begin with a text; none if the service does not answer at once."""
    try:
        versions = client_of_completion(context).versions()
    except Exception:  # a shell shows what a completion prints among the user's words
        return []
    return [each.version for each in versions if each.version.startswith(incomplete)]


def client_of_completion(context: click.Context) -> Client:
    """Return a client with the options before the word that is completed.

    Raises
    ------
    ValueError
    """
    options = context.params
    url = options.get("url") or DEFAULT_URL
    file = options.get("token_file")
    token = (_read(file) if file else options.get("token")) or find_token(url, local=False)
    return Client(url, token=token, model=options.get("model"), timeout=1.0, retries=0)


_OPTIONS = (
    click.option(
        "--url", envvar="NUMNET_URL", metavar="URL", help=f"The service.  [default: {DEFAULT_URL}]"
    ),
    click.option(
        "--token",
        envvar="NUMNET_TOKEN",
        metavar="TOKEN",
        help="The token. Other users of this machine can see it here; rather use NUMNET_TOKEN or "
        "--token-file.",
    ),
    click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file with the token.",
    ),
    click.option(
        "--model", "-m", metavar="NAME", help="The model.  [default: the service's default model]"
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0.0, min_open=True),
        default=DEFAULT_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="How long a request may take.",
    ),
    click.option("--json", "is_json", is_flag=True, help="Write JSON for programs."),
)
