"""The command line: `selfsown <pipeline>.<stage> --in ... --out ...`, and the few commands around the stages.

A stage's options come from its function's signature: one per keyword-only argument, `--metrics` for the metrics
file. A pipeline's own command is `command` in `<pipeline>/commands/<name>.py`, or in `<name>/__init__.py` where it has
a folder. Only the module of what is asked for is imported.
"""

from __future__ import annotations

import ast
import gc
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from selfsown import disk
from selfsown.settings import settings

PACKAGE = Path(__file__).parent


class StageGroup(click.Group):
    """A group whose stages and pipelines' commands are made when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The fixed commands, then the pipelines' own, then every stage."""
        from selfsown.params import stage_names

        return [*super().list_commands(ctx), *command_files(), *stage_names()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A fixed command, a pipeline's own, or the stage of that name."""
        if (command := super().get_command(ctx, name)) is not None:
            return command
        if file := command_files().get(name):
            return own_command(file)
        from selfsown.params import stage_names

        return stage_command(name) if name in stage_names() else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """`--help` imports no stage and no pipeline's command: its line is the first of the module's docstring."""
        from selfsown.params import stage_names

        lines = {name: self.commands[name].get_short_help_str(limit=100) for name in super().list_commands(ctx)}
        for name, file in command_files().items():
            lines[name] = (ast.get_docstring(ast.parse(file.read_bytes())) or "").partition("\n")[0]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))
        with formatter.section("Stages (run by `dvc repro`)"):
            formatter.write_dl([(name, "") for name in stage_names()])


def command_files() -> dict[str, Path]:
    """The file of every pipeline's own command, by the command's name."""
    files = [*PACKAGE.glob("*/commands/[!_]*.py"), *PACKAGE.glob("*/commands/*/__init__.py")]
    return {file.parent.name if file.stem == "__init__" else file.stem: file for file in sorted(files)}


def own_command(file: Path) -> click.Command:
    """Import a pipeline's own command; why without the garbage collector is said in `load_stage`."""
    module = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    gc.disable()
    try:
        command: click.Command = importlib.import_module(module).command
    finally:
        gc.enable()
    gc.freeze()
    return command


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


@app.command()
@click.argument("profile", required=False)
@click.option("--peak", type=float, help="TFLOP/s of your device at best, in the precision it trains in")
@click.option("--mfu", type=float, help="the share of the peak that training makes")
def plan(profile: str | None, peak: float | None, mfu: float | None) -> None:
    """What the stages of PROFILE (default: params.yaml) take: tokens, FLOPs, hours, disk, downloads. Runs nothing."""
    from selfsown.plan.report import plan as planned

    click.echo(planned(profile, None if peak is None else peak * 1e12, mfu), nl=False)


@app.command()
@click.argument("model")
@click.option("--check", is_flag=True, help="only say what would be decided")
@click.option("--force", is_flag=True, help="move the alias although the evidence says no; the reason is recorded")
@click.option("--json", "as_json", is_flag=True, help="the decision as JSON")
def promote(model: str, check: bool, force: bool, as_json: bool) -> None:
    """Make MODEL's @candidate the @champion, if it beats its baseline and the champion on the same evaluation data.

    Ends with status 3 where the evidence says no, with 1 where there is none to ask.
    """
    from selfsown.tracking import PromotionRefused, judge
    from selfsown.tracking import promote as promote_model

    if check and force:
        raise click.UsageError("--check changes nothing, so there is nothing to --force")
    try:
        decision = judge(model) if check else promote_model(model, force=force)
    except PromotionRefused as refused:
        decision = refused.decision
    click.echo(json.dumps(asdict(decision)) if as_json else str(decision))
    if decision.decision == "refused":
        sys.exit(PromotionRefused.exit_code)


@app.command()
@click.argument("revision", default="main")
def compare(revision: str) -> None:
    """What changed since REVISION (default main), in Markdown: figures, candidates, minutes per stage, curves."""
    from selfsown.compare import comparison

    click.echo(comparison(revision), nl=False)


@app.command()
@click.option("--days", default=7, show_default=True, help="unfinished work that changed in so many days stays")
@click.option("--yes", is_flag=True, help="do not ask")
def clean(days: int, yes: bool) -> None:
    """Free what can be made again: old downloads, abandoned work, uploaded records. Shows it first."""
    from selfsown.clean import leftovers

    found = leftovers(days)
    for one in found:
        click.echo(str(one))
    if not found:
        click.echo("nothing to free")
    elif yes or click.confirm(f"Free {disk.in_words(sum(one.size for one in found))}?"):
        for one in found:
            one.remove()


@app.group()
def study() -> None:
    """Several seeds of a pipeline as one result; `make study` calls both."""


FILE = click.Path(dir_okay=False, path_type=Path)


@study.command()
@click.argument("pipeline")
@click.argument("out", type=FILE)
def keep(pipeline: str, out: Path) -> None:
    """Keep what PIPELINE's evaluation counted here as one seed, OUT, and beside it what made it."""
    from selfsown.study import keep as keep_seed

    keep_seed(pipeline, out)


@study.command()
@click.argument("pipeline")
@click.argument("out", type=FILE)
@click.argument("seeds", nargs=-1, required=True, type=FILE)
def merge(pipeline: str, out: Path, seeds: tuple[Path, ...]) -> None:
    """Make one result OUT of SEEDS, the files that `keep` wrote."""
    from selfsown.study import merge as merge_seeds

    merge_seeds(pipeline, out, seeds)
    click.echo(f"{out}: {len(seeds)} seed{'s' if len(seeds) > 1 else ''}")


@app.command()
@click.argument("pipeline")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="in place of reports/tables")
def table(pipeline: str, folder: Path | None) -> None:
    """The figures of PIPELINE's paper with ours beside, as Markdown, CSV and LaTeX."""
    from selfsown.project import root
    from selfsown.report.table import write_table

    click.echo(write_table(pipeline, folder or root() / "reports/tables"), nl=False)


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
        with disk.writing(Path(), "what is written"):
            app(prog_name="selfsown")
    except UserError as error:
        if traceback:
            raise
        click.secho(f"selfsown: {error}", fg="red", err=True)
        sys.exit(1)
