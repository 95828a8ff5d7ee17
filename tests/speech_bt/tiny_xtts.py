"""An XTTS small enough for tests, random but not degenerate; its vocoder and speaker encoder alone are of full size."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Whitespace
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.layers.xtts.dvae import DiscreteVAE
from TTS.tts.models.xtts import Xtts

SPECIAL = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[cs]", "[en]"]
LETTERS = list("abcdefghijklmnopqrstuvwxyzáčďéěíňóřšťúůýž.,?!")
MERGES = [("n", "g"), ("o", "u"), ("n", "e"), ("t", "h")]
CODES = 64


def tiny_vocabulary() -> Tokenizer:
    """Laid out as XTTS-v2's: marks among the tokens of the model itself."""
    tokens = [*SPECIAL, *LETTERS, *map("".join, MERGES)]
    tokenizer = Tokenizer(BPE({token: index for index, token in enumerate(tokens)}, MERGES, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def write_tiny_xtts(folder: Path, *, text_tokens: int = 60) -> Path:
    """A folder as coqui publishes one: `model.pth`, `dvae.pth`, the speaker Ana."""
    torch.manual_seed(0)
    tokenizer = tiny_vocabulary()
    tokenizer.save(str(folder / "vocab.json"))
    config = XttsConfig(languages=["cs", "en"])
    for key, value in {
        "gpt_layers": 2,
        "gpt_n_model_channels": 64,
        "gpt_n_heads": 4,
        "gpt_max_audio_tokens": 48,
        "gpt_max_text_tokens": text_tokens,
        "gpt_number_text_tokens": tokenizer.get_vocab_size(),
        "gpt_start_text_token": 3,
        "gpt_stop_text_token": 0,
        "gpt_num_audio_tokens": CODES + 2,
        "gpt_start_audio_token": CODES,
        "gpt_stop_audio_token": CODES + 1,
        "gpt_use_perceiver_resampler": True,
        "decoder_input_dim": 64,
    }.items():
        setattr(config.model_args, key, value)
    model = Xtts(config)
    with torch.no_grad():  # fresh weights are so small that neither text nor voice would change a code
        for name, weights in model.gpt.named_parameters():
            if "c_attn" in name or "c_proj" in name or "c_fc" in name:
                weights.mul_(12)
        model.gpt.mel_head.bias[CODES + 1] -= 4  # and it would stop at once
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    config.save_json(str(folder / "config.json"))
    speaker = {"gpt_cond_latent": torch.randn(1, 32, 64), "speaker_embedding": torch.randn(1, 512, 1)}
    torch.save({"Ana": speaker}, folder / "speakers_xtts.pth")
    dvae = DiscreteVAE(
        channels=80, normalization=None, positional_dims=1, num_tokens=CODES, codebook_dim=8, hidden_dim=8,
        num_resnet_blocks=3, kernel_size=3, num_layers=2, use_transposed_convs=False,
    )  # fmt: skip
    with torch.no_grad():  # as far apart as what the encoder makes, so that sound decides the code
        dvae.codebook.embed.mul_(0.5)
    torch.save(dvae.state_dict(), folder / "dvae.pth")
    return folder
