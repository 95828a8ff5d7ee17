"""The folder of a trained model, for the command that uses it: a registered version's, or one that the user names."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from selfsown import tracking
from selfsown.errors import UserError
from selfsown.tracking.models import CHAMPION

_OPTION = re.compile(r"--?(?:[A-Za-z][\w-]*(?:=.*)?)?", re.DOTALL)


class Asking(click.Command):
    """A command whose arguments are questions: one may begin with a minus, and is no option for that."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As any command; what begins with a minus and has not the form of an option is moved away from its edge."""
        asked = (arg.startswith("-") and not _OPTION.fullmatch(arg) for arg in args)
        return super().parse_args(ctx, [f" {arg}" if moved else arg for arg, moved in zip(args, asked, strict=True)])


def answer_for(refused: Iterable[str]) -> None:
    """What is said at the end of a command that some questions could not be put to.

    Raises:
        UserError: there are some.
    """
    if reasons := list(refused):
        raise UserError("\n".join(reasons))


def model_options(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that say which model a command uses: its arguments `model` (by default `name`), `alias`, `folder`."""
    there = click.Path(exists=True, file_okay=False, path_type=Path)
    model = click.option("--model", default=name, show_default=True, help="name of a registered model")
    alias = click.option("--alias", default=CHAMPION, show_default=True, help="of its version: champion or candidate")
    folder = click.option("--folder", type=there, help="a model's folder instead")
    return lambda function: model(alias(folder(function)))


@contextmanager
def model_folder(model: str, alias: str, folder: Path | None, *, marked_by: str) -> Iterator[Path]:
    """The folder that holds the file `marked_by` and the weights; a registered model's exists only inside the block.

    Raises:
        UserError: no version carries the alias, the tracking server is away, or the folder lacks either.
    """
    if folder is not None:
        yield _whole(folder, marked_by, str(folder))
        return
    with tempfile.TemporaryDirectory() as temporary:
        downloaded = tracking.download_model(model, alias, Path(temporary))
        found = min((path.parent for path in downloaded.rglob(marked_by)), default=downloaded)
        yield _whole(found, marked_by, f"{model} @{alias}")


def _whole(folder: Path, marked_by: str, said: str) -> Path:
    missing = [pattern for pattern in (marked_by, "*.safetensors") if not any(folder.glob(pattern))]
    if missing:
        raise UserError(f"{said}: no such model: {' and '.join(missing)} missing; give another --model or --folder")
    return folder
