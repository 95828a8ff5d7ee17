"""The model that imitates voices, out of a source: an XTTS-v2 as coqui publishes it.

Output: a folder that the `coqui` engine loads, its weights and audio tokenizer as safetensors. The source itself is
only read.
"""

from __future__ import annotations

from selfsown.files import whole_folder, write_json
from selfsown.sources import describe, fetch
from selfsown.speech_bt.xtts.audio_tokenizer import load_dvae, save_dvae
from selfsown.speech_bt.xtts.folder import SPEAKERS, load_xtts, save_xtts
from selfsown.stage import Metrics, Out, StageParams, stage


class TtsParams(StageParams):
    """Section `speech_bt.tts`: empty; the matrix names the source."""


@stage()
def tts(params: TtsParams, *, source: str, model: Out) -> Metrics:
    """Fetch and convert; returns the number of parameters of the language model.

    Raises:
        UserError: no XTTS-v2 in the source, or not all of it.
    """
    folder = fetch(source)
    network, said = load_xtts(folder), describe(source)
    dvae = load_dvae(folder)
    with whole_folder(model) as made:
        save_xtts(made, network, folder / SPEAKERS)
        save_dvae(made, dvae)
        write_json(made / "source.json", {"source": source, "version": said.version, "licence": said.licence})
    return {"parameters": sum(weight.numel() for weight in network.gpt.parameters())}
