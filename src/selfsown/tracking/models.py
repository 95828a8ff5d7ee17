"""Registered models: a Hugging Face folder becomes an MLflow model and a new version, `@candidate`.

A version carries: the folder (safetensors), serving code, signature, input example, its card as README, and tags
`digest` (DVC hash of the folder), `data.<product>` (DVC hash of each product it was trained on), `git.commit`, and
`contaminated` where that data is of a benchmark whose authors ask not to train on it; the parameters of its run are on
its logged model.

What an evaluation must log for `promote`: `log_evidence` with, per test item, the errors of the model, the errors of
the baseline (the untouched model) and the number of units (for WER: words of the reference). It becomes the artefact
`evidence/<model>-<digest>.json` of the evaluating run and these tags on the version whose `digest` is the folder's:
`evidence.metric`; `evidence.value`, `lo`, `hi` and `n` (sum of errors / sum of units, lower is better, 95 % bootstrap);
the same of `evidence.relative_reduction_...` against the baseline; `evidence.evaluation` (DVC hash of the evaluation
product), `evidence.run` and `evidence.artifact`.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfsown import disk
from selfsown.errors import UserError, first_line, without_password
from selfsown.tracking.active import active
from selfsown.tracking.lineage import contaminated, entity_key, git_tags, made_from, product
from selfsown.tracking.store import let_in, note, reached, refusal
from selfsown.tracking.uri import private

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

log = logging.getLogger(__name__)

CANDIDATE = "candidate"
CHAMPION = "champion"
BASELINE = "its baseline"
"""What `promote` calls the baseline of an evaluation that has no name for it."""

PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
REQUIREMENTS = ("mlflow", "numpy", "safetensors", "torch", "transformers")
PACKAGE_REQUIREMENTS = ("accelerate", "filelock", "psutil", "pyarrow", "pydantic-settings", "pyyaml", "tqdm")
"""What this package's own code needs beside them, where it is saved with a model."""


def signature(inputs: Any, outputs: Any) -> ModelSignature | None:
    """The signature of example inputs and outputs, for `log_model`; None, and no import of MLflow, without a run."""
    if active() is None:
        return None
    from mlflow.models import infer_signature

    return infer_signature(inputs, outputs)


def log_model(
    name: str,
    folder: Path,
    *,
    task: str,
    input_example: Any,
    card: str,
    inputs: Sequence[Path] | None = None,
    metrics: Mapping[str, float] | None = None,
    signature: ModelSignature | None = None,
    config: Mapping[str, Any] | None = None,
    loader: str | None = None,
    packages: Sequence[str] = (),
) -> str | None:
    """Register a Hugging Face folder as the next version of model `name`, which becomes `@candidate`.

    The same folder is registered once per run, so a resumed stage may call this again.

    Args:
        task: a `transformers` pipeline task, such as `automatic-speech-recognition`.
        input_example: for speech, float32 `[samples]` at 16 kHz; without a `signature` the example is run once.
        card: the model card, Markdown.
        inputs: what the model was trained on; by default what `dvc.lock` says its folder was made from.
        metrics: of the model; shown beside it.
        config: further arguments of the pipeline, such as `{"chunk_length_s": 30}`.
        loader: `module:function` of this package for a model that no pipeline knows: given the folder it returns what
            is called with the inputs. The package's sources are then saved with the model.
        packages: that the loader needs beside this package's own.

    Returns:
        The version, or None when no run is active.

    Raises:
        UserError: the folder has pickled weights or no safetensors.
    """
    run = active()
    if run is None:
        return None
    if found := [file.name for file in folder.rglob("*") if file.suffix in PICKLED]:
        raise UserError(f"{folder}: {', '.join(found)}: only safetensors weights are registered")
    if not list(folder.rglob("*.safetensors")):
        raise UserError(f"{folder}: no *.safetensors; save the model with save_pretrained")
    trained_on = made_from(folder) if inputs is None else [product(path) for path in inputs]
    tags = {
        "digest": product(folder).digest,
        **{f"data.{made.name}": made.digest for made in trained_on},
        **({"contaminated": ", ".join(names)} if (names := contaminated(folder)) else {}),
        **{key: value for key, value in git_tags().items() if key.startswith("git.")},
    }
    with tempfile.TemporaryDirectory(dir=private()) as temporary:  # /tmp may be too small for a model
        saved = Path(temporary, "model")
        served = {"task": task, **(config or {}), **({"loader": loader} if loader else {})}
        _save(saved, folder, served, input_example, signature, packages)
        (saved / "README.md").write_text(card)
        return run.do(
            lambda client, run_id: register(
                client, run_id, name, saved, tags, metrics or {}, model_type=task, card=card
            )
        )


def _save(
    saved: Path,
    folder: Path,
    config: dict[str, Any],
    input_example: Any,
    signature: ModelSignature | None,
    packages: Sequence[str],
) -> None:
    """An MLflow model in `saved`: `serve.py` and a copy of the folder; nothing pickled."""
    from mlflow import pyfunc

    pyfunc.save_model(
        str(saved),
        python_model=str(Path(__file__).with_name("serve.py")),
        artifacts={"model": str(folder)},
        model_config=config,
        input_example=input_example,
        signature=signature,
        code_paths=[str(Path(__file__).parents[1])] if "loader" in config else None,
        pip_requirements=[
            f"{package}=={importlib.metadata.version(package)}"
            for package in (*REQUIREMENTS, *(PACKAGE_REQUIREMENTS if "loader" in config else ()), *packages)
        ],
    )
    for cache in saved.rglob("__pycache__"):
        shutil.rmtree(cache)


def register(
    client: MlflowClient,
    run_id: str,
    name: str,
    saved: Path,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    *,
    model_type: str,
    card: str,
) -> str:
    """Upload an MLflow model as output of a run and make it `@candidate`; what is there already is not made twice."""
    from mlflow.entities import LoggedModelOutput, Metric
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    done = [made for made in versions(client, name) if made.run_id == run_id and made.tags["digest"] == tags["digest"]]
    if done:
        return str(done[0].version)
    run = client.get_run(run_id)
    output = f"{name}-{tags['digest'][:8]}"
    logged = next((m for m in models_of(client, run.info.experiment_id, run_id) if m.name == output), None)
    if logged is None:
        params = {key: value[:5000] for key, value in run.data.params.items()}
        logged = client.create_logged_model(
            run.info.experiment_id, output, run_id, {**tags, "registered_name": name}, params, model_type
        )
    description = Model.load(str(saved))
    description.run_id, description.model_id, description.model_uuid = run_id, logged.model_id, logged.model_id
    description.artifact_path = logged.artifact_location
    description.save(str(saved / "MLmodel"))
    client.log_model_artifacts(logged.model_id, str(saved))
    client.finalize_logged_model(logged.model_id, "READY")
    if logged.model_id not in [made.model_id for made in (run.outputs.model_outputs if run.outputs else [])]:
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    now = int(run.info.start_time)  # a fixed time, so that a repeated upload adds no second point
    points = [Metric(entity_key(key), float(value), now, 0, model_id=logged.model_id) for key, value in metrics.items()]
    client.log_batch(run_id, metrics=points)
    pipeline = client.get_experiment(run.info.experiment_id).name
    about = {"pipeline": pipeline, "task": model_type}
    try:
        client.create_registered_model(name, about, _description(name, pipeline))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        if not client.get_registered_model(name).description:  # of a time when it was given none
            client.update_registered_model(name, _description(name, pipeline))
            for key, value in about.items():
                client.set_registered_model_tag(name, key, value)
    made = client.create_model_version(
        name, logged.artifact_location, run_id, dict(tags), description=card, model_id=logged.model_id
    )  # not `models:/<id>`: a database store would look that up in the process-wide tracking URI
    client.set_registered_model_alias(name, CANDIDATE, made.version)
    return str(made.version)


def _description(name: str, pipeline: str) -> str:
    """Of all versions together; each has its card."""
    said = note(pipeline).partition("\n")[0]
    aliases = (
        f"A version is `@{CANDIDATE}` when it is registered, or chosen by its evaluation. `selfsown promote {name}` "
        f"makes it the `@{CHAMPION}`, which the commands use, if it is clearly better; its tags `promotion.*` and "
        "`evidence.*` say why."
    )
    return f"{said}\n\n{aliases}".strip()


@let_in()
def download_model(name: str, alias: str, into: Path) -> Path:
    """The files of the registered version that carries `alias`, copied to a folder in `into`.

    Raises:
        UserError: the store is away, no version carries the alias, or its files are gone.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    client = reached(f"{name} is registered there")
    uri = client.tracking_uri
    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        hint = f"`selfsown promote {name}` makes the candidate one" if alias == CHAMPION else "its evaluation makes one"
        raise UserError(f"{name}: no version is @{alias} in {without_password(uri)}; {hint}") from None
    try:
        return Path(download_artifacts(artifact_uri=version.source, dst_path=str(into), tracking_uri=uri))
    except (MlflowException, OSError) as error:
        if refusal(error) or disk.is_full(error):
            raise
        raise UserError(
            f"{name}: the files of version {version.version} (@{alias}) cannot be had from {version.source}: "
            f"{first_line(error)}; if its run was deleted for good, its evaluation registers another"
        ) from None


def models_of(client: MlflowClient, experiment_id: str, run_id: str) -> list[Any]:
    """The logged models a run made, finished or not, oldest first."""
    found = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'", max_results=1000)
    return sorted(found, key=lambda model: model.creation_timestamp)


def versions(client: MlflowClient, name: str) -> list[ModelVersion]:
    """All versions that `log_model` registered under a name, newest first."""
    found: list[ModelVersion] = []
    page = client.search_model_versions(f"name = '{name}'", max_results=1000)
    found.extend(page)
    while page.token:
        page = client.search_model_versions(f"name = '{name}'", max_results=1000, page_token=page.token)
        found.extend(page)
    ours = [version for version in found if "digest" in version.tags]
    return sorted(ours, key=lambda version: int(version.version), reverse=True)


def log_evidence(
    name: str,
    folder: Path,
    *,
    metric: str,
    evaluation: Path,
    ids: Sequence[str],
    errors: Sequence[float],
    baseline: Sequence[float],
    units: Sequence[float],
    baseline_name: str = BASELINE,
    candidate: bool = False,
    refused: str = "",
) -> None:
    """Log what `promote` needs about the registered version made from `folder`: per-item errors on a test set.

    Args:
        metric: name of sum(errors) / sum(units), lower is better: `wer`.
        evaluation: the product the items come from; versions are compared only on the same one.
        ids: of the items, unique.
        errors: per item, of this model; `baseline`: of what it must beat, such as the untouched model.
        units: per item, what both are divided by.
        baseline_name: what `promote` calls the baseline.
        candidate: make this version `@candidate`, for an evaluation that chose it among several.
        refused: why it is not promoted whatever its errors say, such as a training of which a step failed.
    """
    run = active()
    if run is None:
        return
    if len(set(ids)) != len(ids):
        raise ValueError("ids of evaluated items must be unique")
    items = {key: list(map(float, row)) for key, *row in zip(ids, errors, baseline, units, strict=True)}
    digest = product(folder).digest
    record = {
        "model": name,
        "digest": digest,
        "metric": metric,
        "evaluation": product(evaluation).digest,
        "baseline": baseline_name,
        "candidate": candidate,
        **({"refused": refused} if refused else {}),
        "items": items,
    }
    artifact = f"evidence/{name}-{digest[:8]}.json"
    run.do(lambda client, run_id: client.log_text(run_id, json.dumps(record), artifact))
    if not run.do(lambda client, run_id: attach_evidence(client, run_id, artifact, record)):
        log.warning(
            "tracking: %s: no registered version was made from %s here; `selfsown sync` looks again", name, folder
        )


def attach_evidence(client: MlflowClient, run_id: str, artifact: str, record: Mapping[str, Any]) -> bool:
    """Tag the newest version made from the evaluated folder with the result; false if there is none."""
    from selfsown.bootstrap import rate, relative_reduction

    name = record["model"]
    version = next((made for made in versions(client, name) if made.tags["digest"] == record["digest"]), None)
    if version is None:
        return False
    errors, baseline, units = np.array(list(record["items"].values())).T
    value, reduction = rate(errors, units), relative_reduction(errors, baseline)
    tags = {
        "evidence.metric": record["metric"],
        **{f"evidence.{name}": number for name, number in value._asdict().items()},
        **{f"evidence.relative_reduction_{name}": number for name, number in reduction._asdict().items()},
        "evidence.evaluation": record["evaluation"],
        "evidence.run": run_id,
        "evidence.artifact": artifact,
    }
    for key, text in tags.items():
        client.set_model_version_tag(name, version.version, key, str(text))
    if record["candidate"]:
        client.set_registered_model_alias(name, CANDIDATE, version.version)
    return True
