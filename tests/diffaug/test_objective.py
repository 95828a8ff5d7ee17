"""The losses of both stages against the paper's formulas in float64, sentence by sentence; passes; gradients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.diffaug.tiny_encoders import TEMPLATE, write_encoder
from transformers import DynamicCache

from selfsown.diffaug.embedding.description import EmbeddingParams, PrefixParams
from selfsown.diffaug.embedding.folder import new_encoder
from selfsown.diffaug.training.batches import Collator, Item
from selfsown.diffaug.training.objective import Heads, Objective

pytestmark = pytest.mark.usefixtures("plainly")

PREFIX = PrefixParams(length=4, hidden=16, dropout=0.0)
MASK = EmbeddingParams(pooling="mask", template=TEMPLATE, max_tokens=12, denoise="always")
MEAN = EmbeddingParams(pooling="mean", template=None, max_tokens=12)
SENTENCES = [[20 + place % 9] * (1 + place * 5 % 11) + [30 + place] for place in range(12)]
TRIPLETS = list(zip(SENTENCES[:4], SENTENCES[4:8], SENTENCES[8:], strict=True))
SUPERVISED = [Item(contrasted=each) for each in TRIPLETS]
STAGE_1 = [Item(nli=each) for each in TRIPLETS]
SEMI = [
    Item((a, a), each if place % 2 else ()) for place, (a, each) in enumerate(zip(SENTENCES, 3 * TRIPLETS, strict=True))
]
SETTINGS = {"stage 1": STAGE_1, "supervised": SUPERVISED, "semi_supervised": SEMI}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, plainly: None) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


def objective(
    folder: Path, params: EmbeddingParams = MASK, prefix: PrefixParams | None = PREFIX, **how: Any
) -> Objective:
    """In float64, without dropout."""
    torch.manual_seed(2)
    encoder, _ = new_encoder(folder, params, prefix)
    if encoder.prefix is not None:
        torch.nn.init.normal_(encoder.prefix.embedding.weight, std=3)
    heads = Heads(encoder.width, mlp=True)
    assert heads.classifier is not None
    torch.nn.init.normal_(heads.classifier.weight)
    denoise = params.denoise == "always"
    return Objective(encoder, heads, temperature=0.05, nli_weight=0.3, denoise=denoise, **how).double().eval()


def vector(made: Objective, ids: Sequence[int], half: int) -> NDArray[np.float64]:
    """One sentence before one half of the prefix, through the MLP; written anew from the formulas."""
    encoder = made.encoder
    before, after = encoder.template.before, encoder.template.after
    n, size = len(ids), len(before) + len(after)

    def states(row: list[int], places: list[int]) -> NDArray[np.float64]:
        cache = None
        if (prefix := encoder.prefix) is not None:
            hidden = np.tanh(
                prefix.embedding.weight.detach().numpy() @ weight(prefix.project[0]) + bias(prefix.project[0])
            )
            flat = hidden @ weight(prefix.project[2]) + bias(prefix.project[2])  # [length, layers * 2 * width]
            shown = flat[:2] if half == 0 else flat[2:]
            parts = torch.from_numpy(shown.reshape(2, 2, 2, 2, 16).transpose(1, 2, 3, 0, 4).copy())
            cache = DynamicCache([(keys[None], values[None]) for keys, values in parts])
        with torch.no_grad():
            return encoder.lm(
                input_ids=torch.tensor([row]), position_ids=torch.tensor([places]), past_key_values=cache
            ).last_hidden_state[0].numpy()  # fmt: skip

    told = states([*before, *ids, *after], list(range(size + n)))
    if encoder.params.pooling == "mean":
        pooled = told.mean(axis=0)
    else:
        empty = states([*before, *after], [*range(len(before)), *range(len(before) + n, size + n)])
        pooled = told[len(before) + n + 2] - empty[len(before) + 2]
    linear = made.heads.mlp[0]  # type: ignore[index]
    return np.tanh(pooled @ weight(linear) + bias(linear))


def weight(linear: Any) -> NDArray[np.float64]:
    return linear.weight.detach().numpy().T


def bias(linear: Any) -> NDArray[np.float64]:
    return linear.bias.detach().numpy()


def cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))


def reference(made: Objective, items: Sequence[Item]) -> float:
    """The paper's formulas, by loops."""
    rows = [[vector(made, each, min(place, 1)) for place, each in enumerate(item.contrasted)] for item in items]
    loss = 0.0
    for anchor, *partners in filter(None, rows):
        total = sum(np.exp(cosine(anchor, other) / 0.05) for row in rows for other in row[1:])
        loss += -np.log(np.exp(cosine(anchor, partners[0]) / 0.05) / total) / len(rows)
    told = [[vector(made, each, min(place, 1)) for place, each in enumerate(item.nli)] for item in items if item.nli]
    for premise, *claims in told:
        for claim, label in zip(claims, (1, 0), strict=True):
            features = np.concatenate([premise, claim, abs(premise - claim)])
            logits = features @ weight(made.heads.classifier) + bias(made.heads.classifier)
            loss += 0.3 * (np.log(np.exp(logits).sum()) - logits[label]) / (2 * len(told))
    return float(loss)


@pytest.mark.parametrize("params", [MASK, MEAN], ids=["mask", "mean"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_losses_are_those_of_the_formulas(setting: str, params: EmbeddingParams, folder: Path) -> None:
    made = objective(folder, params)
    loss = made(**Collator(made.encoder.template, 5)(SETTINGS[setting]))["loss"]
    assert loss.item() == pytest.approx(reference(made, SETTINGS[setting]), abs=1e-6)


def test_simcse_is_the_same_without_a_prefix(folder: Path) -> None:
    made = objective(folder, MEAN, None)
    loss = made(**Collator(made.encoder.template, None)(SUPERVISED))["loss"]
    assert loss.item() == pytest.approx(reference(made, SUPERVISED), abs=1e-6)


def gradients(made: Objective, items: Sequence[Item], pass_rows: int | None) -> tuple[float, torch.Tensor]:
    made.zero_grad()
    loss = made(**Collator(made.encoder.template, pass_rows)(items))["loss"]
    loss.backward()
    found = [torch.zeros_like(w) if w.grad is None else w.grad for w in made.parameters()]
    return loss.item(), torch.cat([each.flatten() for each in found])


@pytest.mark.parametrize("setting", SETTINGS)
def test_passes_of_any_size_done_again_or_not_have_one_loss_and_one_gradient(setting: str, folder: Path) -> None:
    items = SETTINGS[setting]
    loss, gradient = gradients(objective(folder), items, None)
    assert gradient.abs().max() > 1e-3
    for pass_rows, recompute in ((None, True), (1, True), (5, True), (5, False)):
        again, other = gradients(objective(folder, recompute=recompute), items, pass_rows)
        assert again == pytest.approx(loss, abs=1e-9)
        assert torch.allclose(gradient, other, atol=1e-9)


def test_a_pass_that_is_done_again_has_the_same_dropout(folder: Path) -> None:
    found = []
    for recompute in (False, True):
        made = objective(folder, prefix=PREFIX.model_copy(update={"dropout": 0.3}), recompute=recompute).train()
        torch.manual_seed(3)
        found.append(gradients(made, SUPERVISED, 5))
    (loss, gradient), (again, other) = found
    made.eval()
    assert loss == again != pytest.approx(gradients(made, SUPERVISED, 5)[0], abs=1e-3)
    assert torch.allclose(gradient, other, atol=1e-9)
