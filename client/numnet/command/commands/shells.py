"""`numnet completion`."""

import click

HOW = {
    "bash": 'eval "$(numnet completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(numnet completion zsh)" in ~/.zshrc',
    "fish": "numnet completion fish > ~/.config/fish/completions/numnet.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(HOW)))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the completion of commands, options, features and versions for a shell.

    \b
    bash:  eval "$(numnet completion bash)" in ~/.bashrc
    zsh:   eval "$(numnet completion zsh)" in ~/.zshrc
    fish:  numnet completion fish > ~/.config/fish/completions/numnet.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click has no completion for {shell}")
    click.echo(found(context.find_root().command, {}, "numnet", "_NUMNET_COMPLETE").source())
