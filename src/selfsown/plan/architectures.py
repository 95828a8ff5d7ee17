"""Floating-point operations of the models that are trained here, from their shapes alone: nothing is loaded or built.

A weight and token cost two operations in a forward pass; attention costs four for each token, token it may see and
unit of width (its causal half is not taken off, as in lit-gpt's count). A backward pass is twice the forward one.
Norms, biases, activations and the tables that are looked up count as nothing: a FLOP counter agrees within 2 %.
"""

from __future__ import annotations

from dataclasses import dataclass

TRAINED = 3
"""Passes of a trained part: one forward, two backward."""

PASSED = 2
"""Passes of frozen weights with something to train before them: they need no gradient, what they multiply does."""


@dataclass(frozen=True)
class Layers:
    """A stack of Transformer layers; `inner` is the width of the feed-forward part, `key_value` of keys and values."""

    count: int
    width: int
    inner: int
    gated: bool = False
    key_value: int | None = None

    @property
    def weights(self) -> int:
        """That a token is multiplied with, attention to an encoder aside."""
        attention = 2 * self.width**2 + 2 * self.width * (self.key_value or self.width)
        return self.count * (attention + (3 if self.gated else 2) * self.width * self.inner)

    @property
    def crossing_weights(self) -> int:
        """Of the attention to an encoder's states: half of them meet the decoder's tokens, half the encoder's."""
        return self.count * 4 * self.width**2

    def forward(self, tokens: float, context: float | None = None) -> float:
        """Of a sequence of `tokens`, each of which sees `context` (None: the sequence)."""
        seen = tokens if context is None else context
        return 2.0 * self.weights * tokens + 4.0 * self.count * self.width * tokens * seen

    def passed(self, tokens: float, context: float | None = None) -> float:
        """Of a forward and backward pass, frozen: attention multiplies what all needs a gradient."""
        weighed = 2.0 * self.weights * tokens
        return PASSED * weighed + TRAINED * (self.forward(tokens, context) - weighed)

    def crossing(self, tokens: float, encoded: float) -> float:
        """Of `tokens` that look at `encoded` states."""
        looked = 4.0 * self.count * self.width * tokens * encoded
        return float(self.crossing_weights) * (tokens + encoded) + looked


@dataclass(frozen=True)
class Encoder:
    """Layers over a table of tokens, without a head."""

    layers: Layers
    vocabulary: int

    @property
    def parameters(self) -> int:
        """All weights but norms and biases."""
        return self.layers.weights + self.vocabulary * self.layers.width

    def forward(self, tokens: float, context: float | None = None) -> float:
        """Of a sequence of `tokens`."""
        return self.layers.forward(tokens, context)


@dataclass(frozen=True)
class CausalLM:
    """Layers, a table of tokens, and a head that is the same table where `tied`."""

    layers: Layers
    vocabulary: int
    tied: bool = False

    @property
    def parameters(self) -> int:
        """All weights but norms and biases."""
        return self.layers.weights + (1 if self.tied else 2) * self.vocabulary * self.layers.width

    def forward(self, tokens: float, context: float | None = None) -> float:
        """Of a sequence of `tokens`."""
        return self.layers.forward(tokens, context) + 2.0 * self.vocabulary * self.layers.width * tokens


@dataclass(frozen=True)
class EncoderDecoder:
    """Two stacks and a head."""

    encoder: Layers
    decoder: Layers
    vocabulary: int
    tied: bool = True

    @property
    def parameters(self) -> int:
        """All weights but norms and biases."""
        own = self.encoder.weights + self.decoder.weights + self.decoder.crossing_weights
        return own + (1 if self.tied else 2) * self.vocabulary * self.decoder.width

    def encode(self, tokens: float) -> float:
        """Of the encoder, a forward pass."""
        return self.encoder.forward(tokens)

    def head(self, tokens: float) -> float:
        """Of the decoder's head."""
        return 2.0 * self.vocabulary * self.decoder.width * tokens

    def decode(self, tokens: float, encoded: float) -> float:
        """Of the decoder with its head, `encoded` states before it."""
        return self.decoder.forward(tokens) + self.decoder.crossing(tokens, encoded) + self.head(tokens)


@dataclass(frozen=True)
class Whisper(EncoderDecoder):
    """Two convolutions over mel frames, 100 a second, the second of which halves them."""

    mels: int = 80

    @property
    def parameters(self) -> int:
        """As above, with the convolutions."""
        return super().parameters + 3 * self.encoder.width * (self.mels + self.encoder.width)

    def convolve(self, seconds: float) -> tuple[float, float]:
        """Of each convolution."""
        width = self.encoder.width
        return 6.0 * width * 100 * seconds * self.mels, 6.0 * width * 50 * seconds * width

    def transcribe(self, seconds: float, tokens: float) -> float:
        """Of a window and what is written of it, token by token."""
        frames = 50 * seconds
        return sum(self.convolve(seconds)) + self.encode(frames) + self.decode(tokens, frames)

    def train(self, seconds: float, tokens: float, layers: int) -> float:
        """Of a window and what is to be written of it, forward and backward.

        The encoder's top `layers` train, its convolutions where that is all of them, and the decoder but for its table
        of tokens, which is the head.
        """
        frames, trained = 50 * seconds, min(layers, self.encoder.count) / self.encoder.count
        first, second = self.convolve(seconds)
        convolutions = 2 * first + TRAINED * second if trained == 1 else first + second
        encoder = self.encode(frames) * (TRAINED * trained + 1 - trained)
        unneeded = 0.0 if trained else self.decoder.crossing_weights * frames  # gradients of what nothing trains before
        head = self.head(tokens)
        return convolutions + encoder + TRAINED * (self.decode(tokens, frames) - head) - unneeded + PASSED * head
