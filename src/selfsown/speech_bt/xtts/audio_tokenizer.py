"""The audio tokenizer of an XTTS: a discrete VAE over log-mel frames, which is never trained here."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from TTS.tts.layers.xtts.dvae import DiscreteVAE

from selfsown.errors import UserError

RATE = 22_050
"""Hz, of all that XTTS hears."""

DVAE, COQUI_DVAE = "dvae.safetensors", "dvae.pth"
"""Its file as the stage `tts` writes it, and as coqui does."""


def dvae_file(tts: Path) -> Path:
    """The file of a model's audio tokenizer.

    Raises:
        UserError: the folder has none.
    """
    found = next((tts / name for name in (DVAE, COQUI_DVAE) if (tts / name).is_file()), None)
    if found is None:
        raise UserError(f"{tts}: no {DVAE} or {COQUI_DVAE} there; keep {COQUI_DVAE} when you pin the model's source")
    return found


def load_dvae(tts: Path) -> DiscreteVAE:
    """The audio tokenizer of XTTS-v2: log-mels `[1, 80, frames]` -> codes `[1, frames / 4]`; as wide as in the file."""
    file = dvae_file(tts)
    if file.suffix == ".safetensors":
        weights = load_file(file)
    else:
        weights = torch.load(file, map_location="cpu", weights_only=True)
    hidden, mels, kernel = weights["encoder.0.0.weight"].shape
    width, tokens = weights["codebook.embed"].shape
    dvae = DiscreteVAE(
        channels=mels, normalization=None, positional_dims=1, num_tokens=tokens, codebook_dim=width,
        hidden_dim=hidden, num_resnet_blocks=3, kernel_size=kernel, num_layers=2, use_transposed_convs=False,
    )  # fmt: skip
    missing = dvae.load_state_dict(weights, strict=False).missing_keys
    if wanted := [name for name in missing if name.startswith(("encoder.", "codebook."))]:
        raise UserError(f"{file}: not the audio tokenizer of XTTS-v2: it lacks {', '.join(wanted[:3])}")
    return dvae.eval()


def save_dvae(folder: Path, dvae: DiscreteVAE) -> None:
    """Write its file into `folder`."""
    save_file({name: weight.contiguous() for name, weight in dvae.state_dict().items()}, folder / DVAE)
