"""What an encoder is given, position by position, and what it makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.diffaug.tiny_encoders import TEMPLATE, Kind, write_encoder
from torch import Tensor

from selfsown.diffaug.embedding.description import EmbeddingParams, PrefixParams
from selfsown.diffaug.embedding.encoder import SentenceEncoder
from selfsown.diffaug.embedding.folder import new_encoder
from selfsown.diffaug.embedding.prefix import Role
from selfsown.diffaug.embedding.template import tokenise
from selfsown.errors import UserError

pytestmark = pytest.mark.usefixtures("plainly")

KINDS: tuple[Kind, ...] = ("bert", "roberta")
PREFIX = PrefixParams(length=4, hidden=16, dropout=0.0)
MASKED = EmbeddingParams(pooling="mask", template=TEMPLATE, max_tokens=12)
BEFORE, AFTER = 5, 5  # [CLS] this sentence of " ... " means [MASK] . [SEP]
MASK_AFTER = 2  # tokens of the template between the sentence and [MASK]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, plainly: None) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("encoders")
    return {kind: write_encoder(root / kind, kind) for kind in KINDS}


def encoder(folder: Path, params: EmbeddingParams = MASKED, prefix: PrefixParams | None = PREFIX) -> SentenceEncoder:
    torch.manual_seed(1)
    made = new_encoder(folder, params, prefix)[0].eval()
    if made.prefix is not None:
        torch.nn.init.normal_(made.prefix.embedding.weight, std=3)
    return made


def given(
    made: SentenceEncoder, sentences: list[list[int]], roles: list[int] | None, *, denoise: bool
) -> list[dict[str, Any]]:
    """What the encoder under it is called with, and `shown`: which places of the prefix stand before each row."""
    calls: list[dict[str, Any]] = []
    assert made.prefix is not None
    with torch.no_grad():
        all_keys = made.prefix(1, None).layers[0].keys[0].transpose(0, 1)  # [length, heads, width]

    def note(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        keys = kwargs["past_key_values"].layers[0].keys.transpose(1, 2)  # before the call lets them grow
        same = (keys[:, :, None] == all_keys).flatten(3).all(dim=3)
        assert (same.sum(dim=2) == 1).all()
        calls.append({**kwargs, "shown": same.long().argmax(dim=2).tolist()})

    handle = made.lm.register_forward_pre_hook(note, with_kwargs=True)
    with torch.no_grad():
        made(**made.template.lay(sentences), roles=None if roles is None else torch.tensor(roles), denoise=denoise)
    handle.remove()
    return calls


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("late", [0, 3])
@pytest.mark.parametrize("roles", [[Role.ANCHOR, Role.PARTNER, Role.PARTNER], None], ids=["halves", "all"])
def test_prefix_masks_and_positions_one_by_one(
    kind: Kind, late: int, roles: list[Role] | None, folders: dict[str, Path]
) -> None:
    made = encoder(folders[kind], MASKED.model_copy(update={"denoise_late": late}))
    first = 0 if kind == "bert" else 1
    rows, noise = given(made, [[20, 21, 22], [30], [31]], roles, denoise=True)
    shown = [[0, 1], [2, 3], [2, 3]] if roles else 3 * [[0, 1, 2, 3]]
    before_it, around = len(shown[0]) * [1], 5 * [1]
    assert rows["shown"] == shown
    assert rows["attention_mask"].tolist() == [
        [*before_it, *around, 1, 1, 1, *around],
        [*before_it, *around, 1, *around, 0, 0],
        [*before_it, *around, 1, *around, 0, 0],
    ]
    assert rows["position_ids"].tolist() == [[place + first for place in range(13)]]
    before, after = made.template.before, made.template.after
    assert rows["input_ids"].tolist() == [
        [*before, 20, 21, 22, *after], [*before, 30, *after, 0, 0], [*before, 31, *after, 0, 0]
    ]  # fmt: skip
    assert noise["attention_mask"].all() and noise["attention_mask"].shape[1] == len(before_it) + 10
    told = {
        (tuple(part), tuple(places), tuple(ids))
        for part, places, ids in zip(
            noise["shown"], noise["position_ids"].tolist(), noise["input_ids"].tolist(), strict=True
        )
    }
    assert told == {
        (
            tuple(part),
            tuple(place + first for place in [*range(5), *range(5 + n + late, 10 + n + late)]),
            (*before, *after),
        )
        for n, part in zip((3, 1, 1), shown, strict=True)
    }


def direct(made: SentenceEncoder, ids: list[int], places: list[int], keys: slice) -> Tensor:
    """States of one row `[tokens, width]`, with only these keys of the prefix there at all."""
    from transformers import DynamicCache

    assert made.prefix is not None
    cache = DynamicCache([(layer[0][:, :, keys], layer[1][:, :, keys]) for layer in made.prefix(1, None)])
    shown = len(range(PREFIX.length)[keys])
    with torch.no_grad():
        return made.lm(
            input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, shown + len(ids), dtype=torch.long),
            position_ids=torch.tensor([places]), past_key_values=cache,
        ).last_hidden_state[0]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("denoise", [False, True])
@pytest.mark.parametrize("roles", [[Role.ANCHOR, Role.PARTNER, Role.ANCHOR], None], ids=["halves", "all"])
def test_rows_of_a_batch_are_as_each_alone_with_its_part_of_the_prefix(
    kind: Kind, denoise: bool, roles: list[Role] | None, folders: dict[str, Path]
) -> None:
    made = encoder(folders[kind])
    sentences = [[20, 21, 22, 23], [30], [24, 25]]
    rows = made.template.lay(sentences)
    with torch.no_grad():
        given_roles = None if roles is None else torch.tensor(roles)
        vectors = made(**rows, roles=given_roles, denoise=denoise)
        looked_up = made(**rows, roles=given_roles, words=made.look_up([rows["input_ids"]])[0], denoise=denoise)
    assert torch.equal(vectors, looked_up)
    first = 0 if kind == "bert" else 1
    for vector, ids, role in zip(vectors, sentences, roles or [None] * 3, strict=True):
        keys = {Role.ANCHOR: slice(0, 2), Role.PARTNER: slice(2, 4), None: slice(0, 4)}[role]
        n, size = len(ids), BEFORE + AFTER
        row = [*made.template.before, *ids, *made.template.after]
        wanted = direct(made, row, [first + place for place in range(n + size)], keys)[BEFORE + n + MASK_AFTER]
        if denoise:
            places = [first + place for place in [*range(BEFORE), *range(BEFORE + n, size + n)]]
            empty = [*made.template.before, *made.template.after]
            wanted = wanted - direct(made, empty, places, keys)[BEFORE + MASK_AFTER]
        assert torch.allclose(vector, wanted, atol=2e-5)


def test_means_are_over_the_sentences_own_tokens(folders: dict[str, Path]) -> None:
    for template in (None, TEMPLATE):
        params = EmbeddingParams(pooling="mean", template=template, max_tokens=12)
        made = encoder(folders["bert"], params, None)
        tokens = made.template.lay([[20, 21, 22]])["input_ids"]
        states = made.lm(input_ids=tokens).last_hidden_state[0]
        wanted = states.mean(0) if template is None else states[BEFORE : BEFORE + 3].mean(0)
        assert torch.allclose(made.embed([[20, 21, 22], [20] * 12], 2)[0], wanted, atol=1e-5)


def test_a_sentence_is_cut_and_what_looks_special_in_it_is_text(folders: dict[str, Path]) -> None:
    made, tokenizer = new_encoder(folders["bert"], MASKED, None)
    made.eval()
    plain, masked, long = tokenise(tokenizer, ["w1 w2", "w1 [MASK] w2 [SEP]", "w3 " * 10_000])
    assert tokenizer.mask_token_id not in masked and tokenizer.sep_token_id not in masked and len(plain) == 2
    assert len(long) == 10_000
    assert torch.equal(made.embed([long], 1), made.embed([long[:12]], 1))
    assert tokenizer("[MASK]", add_special_tokens=False)["input_ids"] == [tokenizer.mask_token_id]


def test_the_order_and_size_of_batches_do_not_matter(folders: dict[str, Path]) -> None:
    made = encoder(folders["bert"], MASKED.model_copy(update={"denoise": "always"}))
    sentences = [[20 + place] * (1 + place * 5 % 12) for place in range(9)]
    assert torch.allclose(made.embed(sentences, 9), made.embed(sentences, 2), atol=1e-5)
    assert made.embed([], 2).shape == (0, 32)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"template": "no place for it {mask}"}, "once"),
        ({"template": "{sentence} without a mask"}, "mask"),
        ({"pooling": "mean", "denoise": "always"}, "denoise"),
    ],
)
def test_an_embedding_that_does_not_fit_itself_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        EmbeddingParams.model_validate({**MASKED.model_dump(), **wrong})


def test_an_encoder_that_does_not_do_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="more than the 64"):
        new_encoder(folders["bert"], MASKED.model_copy(update={"max_tokens": 60}), None)
    with pytest.raises(UserError, match=r"no tokenizer\.json"):
        new_encoder(tmp_path, MASKED, None)
