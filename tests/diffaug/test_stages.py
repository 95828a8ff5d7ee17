"""Both stages as DVC runs them: what they learn and leave alone, how they go on after a kill, what they refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.diffaug.tiny_encoders import contrast_params, prefix_params, triplet, write_prose, write_rows, write_world
from tests.plainly import kill_at_checkpoints

from selfsown.diffaug.contrast import contrast
from selfsown.diffaug.embedding.description import EmbeddingParams
from selfsown.diffaug.embedding.folder import load_encoder
from selfsown.diffaug.encoder import EncoderParams, encoder
from selfsown.diffaug.prefix import prefix
from selfsown.diffaug.training import dev
from selfsown.errors import UserError
from selfsown.stage import Metrics

pytestmark = pytest.mark.usefixtures("plainly")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, plainly: None) -> Path:
    """A folder with `encoder`, `triplets`, `prose`, and `prefix` after stage 1."""
    root = write_world(tmp_path_factory.mktemp("world"))
    stage_1(root, root / "prefix")
    return root


def stage_1(world: Path, model: Path, name: str = "main", **changes: Any) -> Metrics:
    given = {"encoder": world / "encoder", "triplets": world / "triplets"}
    return prefix(prefix_params(**changes), name=name, model=model, **given)


def stage_2(world: Path, model: Path, arm: str, **changes: Any) -> Metrics:
    given = {name: world / name for name in ("encoder", "triplets", "prose")}
    start = {"prefix": world / "prefix"} if arm in ("diffaug", "semi") else {}
    return contrast(contrast_params(**changes), arm=arm, model=model, **given, **start)


def weights(folder: Path, pattern: str = "*.safetensors") -> torch.Tensor:
    files = [load_file(path) for path in sorted(folder.glob(pattern))]
    return torch.cat([file[name].flatten() for file in files for name in sorted(file)])


def test_stage_1_learns_what_follows_with_the_encoder_frozen(world: Path, tmp_path: Path) -> None:
    before = weights(world / "encoder")
    figures = stage_1(
        world,
        tmp_path / "prefix",
        arguments={"max_steps": 40, "eval_steps": 20, "save_steps": 20, "learning_rate": 3e-2},
    )
    assert figures["dev_accuracy"] > 0.9 and figures["chance"] == 0.5 and figures["triplets"] == 40
    assert figures["dev_lo"] <= figures["dev_accuracy"] <= figures["dev_hi"]
    said = json.loads((tmp_path / "prefix/accuracy.json").read_text())
    assert said["accuracy"] == figures["dev_accuracy"] and said["triplets"] == 5
    history = json.loads((tmp_path / "prefix/training.json").read_text())
    assert [point["step"] for point in history] == [20, 40]
    assert not torch.equal(weights(tmp_path / "prefix", "prefix.*"), weights(world / "prefix", "prefix.*"))
    drawn, learnt = (load_file(folder / "heads.safetensors") for folder in (world / "prefix", tmp_path / "prefix"))
    assert torch.equal(drawn["mlp.0.weight"], learnt["mlp.0.weight"]), "it is drawn by seed and learns in stage 2"
    assert not torch.equal(drawn["classifier.weight"], learnt["classifier.weight"])
    assert torch.equal(before, weights(world / "encoder"))
    assert sorted(path.name for path in (tmp_path / "prefix").iterdir()) == [
        "accuracy.json", "embedding.json", "heads.safetensors", "prefix.safetensors", "training.json"
    ]  # fmt: skip


@pytest.mark.parametrize("arm", ["simcse", "diffaug", "semi", "alone"])
def test_stage_2_leaves_a_whole_encoder_of_its_best_step(arm: str, world: Path, tmp_path: Path) -> None:
    figures = stage_2(world, tmp_path / arm, arm)
    made, _ = load_encoder(tmp_path / arm)
    assert (made.prefix is not None) == (arm in ("diffaug", "semi"))
    history = json.loads((tmp_path / arm / "training.json").read_text())
    assert figures["best_dev_auc"] == max(point["dev_auc"] for point in history) and len(history) == 2
    assert figures["triplets"] == {"semi": 20, "alone": 0}.get(arm, 40)
    assert not (tmp_path / arm / ".work").exists()
    before, _ = load_encoder_of(world)
    moved = [not torch.equal(a, b) for a, b in zip(before.parameters(), made.lm.parameters(), strict=True)]
    assert all(moved[1:]), "everything learns"
    if made.prefix is not None:
        assert not torch.equal(weights(tmp_path / arm, "prefix.*"), weights(world / "prefix", "prefix.*"))


def load_encoder_of(world: Path) -> tuple[Any, None]:
    from transformers import AutoModel

    return AutoModel.from_pretrained(world / "encoder", add_pooling_layer=False), None


def test_the_best_step_is_kept(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, seen = iter([0.9, 0.7]), []

    def measured(network: Any, *args: Any) -> float:
        seen.append(torch.cat([weight.flatten().clone() for weight in network.lm.parameters()]))
        return next(said)

    monkeypatch.setattr("selfsown.diffaug.contrast.nli_auc", measured)
    stage_2(world, tmp_path / "arm", "simcse")
    kept = torch.cat([weight.flatten() for weight in load_encoder(tmp_path / "arm")[0].lm.parameters()])
    assert torch.equal(kept, seen[0]) and not torch.equal(kept, seen[1])


@pytest.mark.parametrize("arm", ["prefix", "semi"])
def test_a_killed_training_ends_in_the_same_weights(
    arm: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(folder: Path) -> None:
        stage_1(world, folder) if arm == "prefix" else stage_2(world, folder, arm)

    trained(tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at_checkpoints(patch)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                trained(tmp_path / "killed")
    trained(tmp_path / "killed")
    assert torch.equal(weights(tmp_path / "whole"), weights(tmp_path / "killed"))
    assert (tmp_path / "whole/training.json").read_text() == (tmp_path / "killed/training.json").read_text()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arguments": {"per_device_train_batch_size": 21}}, "20 groups .* batch of 21"),
        ({"arguments": {"no_such": 1}}, r"diffaug\.contrast\.arguments"),
        ({"arguments": {"save_steps": 4}}, "save_steps must be"),
    ],
)
def test_arguments_that_cannot_be(changes: dict[str, Any], said: str, world: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        stage_2(world, tmp_path / "arm", "simcse", **changes)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"gradient_accumulation_steps": 2}, "contrasted as a whole"),
        ({"max_steps": None}, "max_steps must be there"),
    ],
)
def test_parameters_that_do_not_fit_each_other(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        contrast_params(arguments=arguments)


def test_bad_data_and_names_are_said(world: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(world, other)
    rows = [triplet(place) for place in range(20)] + [triplet(place, "dev") for place in range(4)]
    write_rows(other / "triplets", [{**row, "contradiction": " "} if row["id"] == "train3" else row for row in rows])
    with pytest.raises(UserError, match="'train3': no contradiction"):
        stage_2(other, tmp_path / "arm", "diffaug")
    write_rows(other / "triplets", [row for row in rows if row["split"] == "train"])
    with pytest.raises(UserError, match="no triplet on the split dev"):
        stage_1(other, tmp_path / "arm")
    write_rows(other / "triplets", [*rows[:20], triplet(0, "dev")])
    with pytest.raises(UserError, match="one group alone"):
        stage_1(other, tmp_path / "arm")
    with pytest.raises(UserError, match="'none' is missing"):
        stage_1(world, tmp_path / "arm", "none")
    with pytest.raises(UserError, match="nli_batch: 9"):
        stage_2(world, tmp_path / "arm", "semi", nli_batch=9)
    (other / "prefix/heads.safetensors").unlink()
    shutil.copytree(world / "triplets", other / "triplets", dirs_exist_ok=True)
    with pytest.raises(UserError, match=r"heads\.safetensors"):
        stage_2(other, tmp_path / "arm", "diffaug")


def test_auc_counts_ties_half() -> None:
    import numpy as np

    assert dev.auc(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == 0.875


def test_the_encoder_is_the_sources_files(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = tmp_path / "fetched" / "a" / "model"
    shutil.copytree(world / "encoder", fetched)
    (fetched / "weights.bin").write_bytes(b"pickled")
    monkeypatch.setattr("selfsown.sources.model.fetch", lambda name: tmp_path / "fetched")
    kind = type("Said", (), {"version": "1", "licence": "MIT", "citation": "us"})
    monkeypatch.setattr("selfsown.diffaug.encoder.describe", lambda name: kind)
    how = EmbeddingParams(pooling="mean", template=None, max_tokens=12)
    made = {name: tmp_path / f"untouched_{name}" for name in ("mean", "template")}
    encoder(EncoderParams(mean=how, template=how), source="made", model=tmp_path / "encoder", **made)
    assert (tmp_path / "encoder/model.safetensors").read_bytes() == (fetched / "model.safetensors").read_bytes()
    assert json.loads((tmp_path / "encoder/source.json").read_text())["licence"] == "MIT"
    assert not (tmp_path / "encoder/weights.bin").exists()
    assert load_encoder(made["template"])[0].params == how
    assert "untouched_mean" in (made["mean"] / "README.md").read_text()
    (fetched / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"no tokenizer\.json"):
        encoder(EncoderParams(mean=how, template=how), source="made", model=tmp_path / "encoder", **made)


def test_prose_is_asked_for_only_where_it_is_learnt(world: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(world, other)
    write_prose(other / "prose", 4)
    assert stage_2(other, tmp_path / "supervised", "simcse")["best_dev_auc"] > 0
    with pytest.raises(UserError, match=r"4 groups .* batch of 8"):
        stage_2(other, tmp_path / "alone", "alone")
