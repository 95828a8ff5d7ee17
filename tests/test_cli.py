"""The command line finds stages and pipelines' own commands by their files, and imports only what is asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from selfsown import cli
from selfsown.params import stage_names


def test_a_file_or_a_folder_is_a_command_and_help_shows_its_first_line_without_running_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = tmp_path / "toy" / "commands"
    (commands / "hum").mkdir(parents=True)
    source = '"""Sing {0} song.\n\nMore."""\nimport click\n@click.command()\ndef command():\n    click.echo("la")\n'
    (commands / "__init__.py").touch()
    (commands / "sing.py").write_text(source.format("a loud"))
    (commands / "hum" / "__init__.py").write_text(source.format("a quiet") + "raise SystemExit('imported')\n")
    (commands / "hum" / "notes.py").touch()
    monkeypatch.setattr(cli, "PACKAGE", tmp_path)
    assert sorted(cli.command_files()) == ["hum", "sing"]
    shown = CliRunner().invoke(cli.app, ["--help"], catch_exceptions=False).stdout
    lines = [line.split(maxsplit=1) for line in shown.splitlines() if line.startswith("  ")]
    assert ["sing", "Sing a loud song."] in lines and ["hum", "Sing a quiet song."] in lines


@pytest.mark.parametrize("name", cli.command_files())
def test_every_pipelines_command_loads_and_has_a_name_of_its_own(name: str) -> None:
    file = cli.command_files()[name]
    assert isinstance(cli.own_command(file), click.Command)
    assert (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0].endswith(".")
    assert name not in (*cli.app.commands, *stage_names())
    files = [*cli.PACKAGE.glob(f"*/commands/{name}.py"), *cli.PACKAGE.glob(f"*/commands/{name}/__init__.py")]
    assert files == [file], "two commands of one name"


def test_help_is_quick_and_no_pipeline_is_imported() -> None:
    code = (
        "import sys; from selfsown.cli import app; app(['--help'], standalone_mode=False);"
        "print('imported', *(name for name in sys.modules if name in ('torch', 'transformers', 'mlflow', 'numpy')"
        " or '.commands' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported"
    assert all(f"  {name} " in done.stdout for name in cli.command_files())
