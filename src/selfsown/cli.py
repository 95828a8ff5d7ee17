"""The command line: `selfsown <pipeline>.<stage> --in ... --out ...`, and the few commands around the stages.

A stage's options come from its function's signature: one per keyword-only argument, `--metrics` for the metrics
file. Only the module of the stage asked for is imported.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import click

from selfsown.settings import settings


class StageGroup(click.Group):
    """A group whose stage commands are made when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The fixed commands, then every stage."""
        from selfsown.params import stage_names

        return [*super().list_commands(ctx), *stage_names()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A fixed command, or the stage of that name."""
        if (command := super().get_command(ctx, name)) is not None:
            return command
        from selfsown.params import stage_names

        return stage_command(name) if name in stage_names() else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """`--help` imports no stage."""
        from selfsown.params import stage_names

        with formatter.section("Commands"):
            commands = super().list_commands(ctx)
            formatter.write_dl([(name, self.commands[name].get_short_help_str()) for name in commands])
        with formatter.section("Stages (run by `dvc repro`)"):
            formatter.write_dl([(name, "") for name in stage_names()])


def stage_command(name: str) -> click.Command:
    """The command of one stage, built from its signature."""
    from selfsown.stage import load_stage, run_stage

    declared = load_stage(name)
    options: list[click.Parameter] = []
    for argument, parameter in declared.arguments.items():
        is_path = argument in (*declared.inputs, *declared.outputs)
        options.append(
            click.Option(
                [f"--{argument.replace('_', '-')}"],
                type=click.Path(path_type=Path) if is_path else str,
                # not also default=None: to click that is a default, and nothing is required any more
                **({"required": True} if parameter.default is parameter.empty else {"default": parameter.default}),
            )
        )
    options.append(click.Option(["--metrics"], type=click.Path(path_type=Path), help="write the metrics here as JSON"))

    def run(metrics: Path | None, **arguments: Any) -> None:
        run_stage(declared, arguments, metrics)
        gc.freeze()  # what was imported since `load_stage` is not looked through at exit either

    return click.Command(name, params=options, callback=run, help=declared.function.__doc__)


@click.group(cls=StageGroup)
def app() -> None:
    """Small models that learn from data made at home."""


@app.command()
def doctor() -> None:
    """What this machine has, and which profiles it can run."""
    from selfsown.doctor import report

    click.echo(report())


@app.group()
def source() -> None:
    """Sources of raw data."""


@source.command("add")
@click.argument("name")
@click.argument("origin")
@click.option("--keep", multiple=True, help="glob of files to take of a hub repository; may be given several times")
def source_add(name: str, origin: str, keep: tuple[str, ...]) -> None:
    """Register ORIGIN as source NAME, pinned by its digests.

    ORIGIN is a folder of your own audio, or a model or data set of a hub: hub:OWNER/NAME, hub:datasets/OWNER/NAME, with
    @REVISION for another than its main branch.
    """
    from selfsown.sources import register_folder, register_hub

    click.echo(register_hub(origin, name, keep) if origin.startswith("hub:") else register_folder(Path(origin), name))


@source.command("fetch")
@click.argument("names", nargs=-1, required=True)
def source_fetch(names: tuple[str, ...]) -> None:
    """Download and verify sources by NAME, for instance to fill a mirror."""
    from selfsown.sources import fetch

    for name in names:
        click.echo(f"{name}: {fetch(name)}")


@app.command()
@click.argument("model")
@click.option("--force", is_flag=True, help="move the alias although the gate says no; the reason is still recorded")
def promote(model: str, force: bool) -> None:
    """Make MODEL's @candidate the @champion, if it beats the champion on the same evaluation data."""
    from selfsown.tracking import promote as promote_model

    click.echo(promote_model(model, force=force))


@app.command()
@click.argument("pipeline")
@click.argument("product", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def keep(pipeline: str, product: Path, out: Path) -> None:
    """Keep the errors on each test item, from the PRODUCT that PIPELINE's evaluation reads, as one seed of a study."""
    import importlib

    from selfsown import study
    from selfsown.params import read_yaml

    evaluate = importlib.import_module(f"selfsown.{pipeline}.evaluate")
    study.keep(out, evaluate.per_item(product, read_yaml(Path("params.yaml"))))


@app.command()
@click.argument("pipeline")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def fold(pipeline: str, out: Path, runs: tuple[Path, ...]) -> None:
    """Make one result OUT of the RUNS of several seeds: the files that `keep` wrote."""
    import importlib

    from selfsown.params import read_yaml
    from selfsown.shards import write_json

    parameters = read_yaml(Path("params.yaml"))
    folded = importlib.import_module(f"selfsown.{pipeline}.evaluate").fold(runs, parameters)
    shared = ("profile", "data_seed", "languages", "corpora", pipeline)
    write_json(out, {**folded, "parameters": {key: parameters[key] for key in shared}})
    click.echo(f"{out}: {len(runs)} seed{'s' if len(runs) > 1 else ''}")


@app.command()
@click.argument("questions", nargs=-1, required=True)
@click.option("--model", default="selfsown-msat-dag", show_default=True, help="a registered solver")
@click.option("--alias", default="champion", show_default=True)
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a solver's folder instead"
)
def solve(questions: tuple[str, ...], model: str, alias: str, folder: Path | None) -> None:
    """Answer math word problems: the answer, the equation and its steps."""
    from selfsown.msat.solver import Solver

    solver = Solver.load(folder) if folder else Solver.registered(model, alias)
    for solution in solver.solve(questions):
        click.echo(solution)


@app.command()
def sync() -> None:
    """Upload the runs that were recorded while the tracking server was away."""
    from selfsown.tracking import sync as sync_runs

    click.echo(sync_runs())


def main() -> None:
    """Run a command; an error the user can mend is one readable message, not a traceback."""
    from selfsown.errors import UserError

    traceback = False
    try:
        traceback = settings().traceback
        app(prog_name="selfsown")
    except UserError as error:
        if traceback:
            raise
        click.secho(f"selfsown: {error}", fg="red", err=True)
        sys.exit(1)
