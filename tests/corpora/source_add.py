"""`selfsown source add` as tests call it."""

from click.testing import CliRunner

from selfsown.corpora.commands.source import command


def add(*arguments: str) -> str:
    """What the command says; an error it raises is raised here."""
    return CliRunner().invoke(command, ["add", *arguments], catch_exceptions=False).output
