"""XTTS with batched generation and cached voices (paper, section on synthesis speed).

Upstream generates one sentence at a time, the paper's code a batch by one voice. Here the autoregressive part, nearly
all of the time, runs on a batch of texts, each with its own voice before it, padded on the right, with the padding
masked; the vocoder runs clip by clip. Positions in XTTS are counted within text and audio, so padding between the two
moves nothing: greedy decoding gives the same codes as alone. The states that codes are chosen from are what the vocoder
plays; upstream works them out a second time, from the codes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from TTS.tts.layers.xtts.gpt import GPT
from TTS.tts.models.xtts import Xtts

from selfsown.audio import Samples, decode
from selfsown.device import compute_dtype
from selfsown.products import read_product
from selfsown.shards.seeds import shard_seed
from selfsown.speech_bt.engines.protocol import EngineError, Failure
from selfsown.speech_bt.engines.voices import CoquiVoice
from selfsown.speech_bt.xtts.spelling import check_rules, encode, language_code

# Of the paper's code: seconds of the prompt that condition the voice, in chunks.
_PROMPT_SECONDS, _CHUNK_SECONDS = 16, 4

Latents = tuple[torch.Tensor, torch.Tensor]
"""Of a voice: what the language model is conditioned on `[1, prompt, channels]`, and the vocoder `[1, speaker, 1]`."""


class XttsEngine:
    """An `Engine` of `CoquiVoice`; prompts are seed utterances of the product `speech`."""

    def __init__(self, model: Xtts, speech: Path | None) -> None:
        self._model = model
        self._speech = speech
        self.sample_rate: int = model.args.output_sample_rate
        self._latents = lru_cache(maxsize=1024)(self._condition)

    def synthesize(self, sentences: Sequence[str], voice: CoquiVoice, seed: int = 0) -> list[Samples | Failure]:
        """See `Engine`; sampling draws for a whole batch, so a sentence's audio depends on its batch."""
        return self.synthesize_mixed(sentences, [voice] * len(sentences), seed)

    def synthesize_mixed(
        self, sentences: Sequence[str], voices: Sequence[CoquiVoice], seed: int = 0
    ) -> list[Samples | Failure]:
        """See `MixingEngine`; sentences of like length stand in a batch, whoever speaks them."""
        check_rules({voice.language for voice in voices if voice.language})
        results: dict[int, Samples | Failure] = {}
        tokens: dict[int, list[int]] = {}
        for index, (sentence, voice) in enumerate(zip(sentences, voices, strict=True)):
            encoded = self._encode(sentence, voice)
            if isinstance(encoded, Failure):
                results[index] = encoded
            else:
                tokens[index] = encoded
        # All latents before the first batch: a voice that does not exist is told before any work.
        latents = {index: self._latents(voices[index].prompt, voices[index].speaker) for index in tokens}
        cuda = [self._model.device] if self._model.device.type == "cuda" else []
        with torch.random.fork_rng(cuda), torch.inference_mode():
            for number, batch in enumerate(batches(tokens, voices)):
                torch.manual_seed(shard_seed(seed, number))
                prefix = torch.cat([latents[index][0] for index in batch])
                codes, hidden = self._generate([tokens[index] for index in batch], prefix, voices[batch[0]])
                for index, row, states in zip(batch, codes, hidden, strict=True):
                    results[index] = self._vocode(states[None, : len(row)], latents[index][1])
        return [results[index] for index in range(len(sentences))]

    def _encode(self, sentence: str, voice: CoquiVoice) -> list[int] | Failure:
        language = voice.language
        if language is None or language_code(language) not in self._model.config.languages:
            known = ", ".join(self._model.config.languages)
            raise EngineError(f"coqui: {voice.model} speaks no language {language!r}; it speaks {known}")
        if not any(character.isalnum() for character in sentence):
            return Failure("nothing to say")
        tokens = encode(self._model.tokenizer, sentence, language)
        if len(tokens) >= (limit := self._model.args.gpt_max_text_tokens):
            return Failure(f"longer than the {limit} tokens of XTTS")
        return tokens

    def _condition(self, prompt: str | None, speaker: str | None) -> Latents:
        model = self._model
        if (prompt is None) == (speaker is None):
            raise EngineError("coqui: an XTTS voice needs either a speaker or a prompt")
        if speaker is not None:
            known = model.speaker_manager.speakers if model.speaker_manager else {}
            if speaker not in known:
                raise EngineError(f"coqui: no speaker {speaker!r}; the model has {', '.join(known) or 'none'}")
            latent, embedding = known[speaker].values()
            return latent.to(model.device), embedding.to(model.device)
        samples, rate = self._prompt(str(prompt))
        audio = torch.from_numpy(samples)[None]
        try:
            latent = model.get_gpt_cond_latents(audio, rate, length=_PROMPT_SECONDS, chunk_length=_CHUNK_SECONDS)
        except RuntimeError as error:  # too short
            raise EngineError(f"coqui: utterance {prompt!r} is no prompt: {error}") from None
        return latent, model.get_speaker_embedding(audio, rate)

    def _prompt(self, utterance: str) -> tuple[Samples, int]:
        """Only seed speech: a voice of the test set would leak into training."""
        if self._speech is None:
            raise EngineError(f"coqui: prompt {utterance!r} needs the speech product, and none was given")
        found = self._seed_speech.filter(pc.field("id") == utterance)
        if not len(found):
            raise EngineError(f"coqui: {self._speech} has no utterance {utterance!r} in its split seed")
        return decode(found["audio"][0].as_py()["bytes"], utterance)

    @cached_property
    def _seed_speech(self) -> pa.Table:
        table = read_product(Path(str(self._speech)), columns=["id", "split", "audio"])
        return table.filter(pc.field("split") == "seed")

    @cached_property
    def _generator(self) -> GPT:
        """The language model in the precision of decoding: under autocast every step would cast all weights again."""
        dtype = compute_dtype()
        if dtype == torch.float32:
            return self._model.gpt
        made = copy.deepcopy(self._model.gpt).to(dtype)
        # In place of upstream's positions, which are none: zeros in fp32, whatever the weights are.
        made.gpt.wpe = lambda positions: torch.zeros(1, dtype=dtype, device=positions.device)
        return made

    def _generate(
        self, tokens: list[list[int]], prefix: torch.Tensor, voice: CoquiVoice
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Audio codes of each text, its stop code included, and the states that they were chosen from.

        Args:
            tokens: of the texts.
            prefix: of their voices, `[texts, prompt, channels]`.

        Returns:
            Codes `[n]`, and `[texts, longest, channels]`, of which a text's first n are what the vocoder plays.
        """
        gpt, device = self._generator, self._model.device
        width = max(map(len, tokens))
        text = torch.full((len(tokens), width), gpt.stop_text_token, device=device)
        for row, ids in zip(text, tokens, strict=True):
            row[: len(ids)] = torch.tensor(ids)
        # [prompt | start, text, stop, padding of further stops | start of audio]
        inputs = gpt.compute_embeddings(prefix.to(gpt.mel_head.weight.dtype), text)
        mask = torch.ones_like(inputs)
        for row, ids in zip(mask, tokens, strict=True):
            row[prefix.shape[1] + len(ids) + 2 : -1] = 0
        states: list[torch.Tensor] = []
        hook = gpt.gpt.register_forward_hook(
            lambda _module, _inputs, made: states.append(made.last_hidden_state[:, -1])
        )
        try:
            generated = gpt.gpt_inference.generate(
                inputs,
                attention_mask=mask,
                bos_token_id=gpt.start_audio_token,
                pad_token_id=gpt.stop_audio_token,
                eos_token_id=gpt.stop_audio_token,
                max_length=self._model.gpt.max_gen_mel_tokens + inputs.shape[1],
                do_sample=True,
                temperature=voice.temperature,
                top_k=voice.top_k,
                top_p=voice.top_p,
                repetition_penalty=voice.repetition_penalty,
            )[:, inputs.shape[1] :]
        finally:
            hook.remove()
        ends = [torch.nonzero(row == gpt.stop_audio_token).flatten()[:1].tolist() for row in generated]
        codes = [row[: end[0] + 1] if end else row for row, end in zip(generated, ends, strict=True)]
        return codes, gpt.final_norm(torch.stack(states, dim=1)).float()

    def _vocode(self, states: torch.Tensor, embedding: torch.Tensor) -> Samples | Failure:
        """The sound of one text's states `[1, codes, channels]`, in the voice of a speaker's embedding."""
        if states.shape[1] < 2:
            return Failure("XTTS stopped at once")
        samples: Samples = self._model.hifigan_decoder(states, g=embedding).cpu().numpy().reshape(-1)
        return samples if np.isfinite(samples).all() else Failure("XTTS made samples that are not finite")


def batches(tokens: Mapping[int, Sequence[int]], voices: Sequence[CoquiVoice]) -> list[list[int]]:
    """Indices of sentences, batch by batch, longest first: as many as their voices' `batch_tokens` allow.

    What a batch holds is counted with its padding. Voices that are sampled in different manners never share one.
    """
    made: list[list[int]] = []
    for index in sorted(tokens, key=lambda index: (voices[index].sampling, -len(tokens[index]), index)):
        same = made and voices[made[-1][0]].sampling == voices[index].sampling
        if not same or (len(made[-1]) + 1) * len(tokens[made[-1][0]]) > voices[index].batch_tokens:
            made.append([])
        made[-1].append(index)
    return made
