"""Say which of the two made-up languages words are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from selfsown.checkpoint import model_folder, model_options
from selfsown.toy.languages.classifier import CONFIG, Classifier


@click.command()
@click.argument("words", nargs=-1, required=True)
@model_options("selfsown-toy")
def command(words: tuple[str, ...], model: str, alias: str, folder: Path | None) -> None:
    """Say which of the two made-up languages each of WORDS is of."""
    with model_folder(model, alias, folder, marked_by=CONFIG) as found:
        classifier = Classifier.load(found)
    for word, language in zip(words, classifier.languages(words), strict=True):
        click.echo(f"{word}: {language}")


def serve(folder: str) -> Any:
    """What a registered model does with a batch of words: their languages."""
    classifier = Classifier.load(Path(folder))
    return lambda words: classifier.languages(np.ravel(words).astype(str).tolist())
