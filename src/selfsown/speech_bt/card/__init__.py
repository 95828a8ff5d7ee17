"""The card of a trained Whisper: languages, what it was trained on, its error rates, what it forgot."""

from __future__ import annotations

from collections.abc import Sequence

from selfsown.evaluation import Row
from selfsown.speech_bt.whisper.scoring import UNTOUCHED
from selfsown.text.scoring import error_rate

TRAINED_ON = {
    "real": "a little real speech",
    "synthetic": "synthetic speech",
    "mixed": "a little real and more synthetic speech",
    "other_text": "a little real speech and synthetic speech of other texts",
}

RATES = {"wer": "Word error rate", "cer": "Character error rate", "mer": "Error rate, by character without spaces"}


def card(arm: str, languages: Sequence[str], measured: Sequence[Row], alpha: float | None) -> str:
    """Markdown, from the title on, before the table of all figures.

    Args:
        languages: codes of those it was trained for.
        measured: rows of all arms.
        alpha: the share of the trained weights, the rest being the untouched model's; None where all are trained.
    """
    trained = TRAINED_ON.get(arm, "real and synthetic speech")
    weights = ""
    if alpha is not None:
        weights = f" Its weights are {alpha:g} x trained + {1 - alpha:g} x untouched, as the dev set chose."
    rate = error_rate(languages)
    found = {(row.measure, row.arm, row.part): row for row in measured}
    parts = dict.fromkeys(row.part for row in measured if row.arm == arm and row.measure == "ood_cer")
    headlines = [  # every part has a CER, and before it the rate that its languages are judged by
        next(found[name, arm, part] for name in ("ood_mer", "ood_wer", "ood_cer") if (name, arm, part) in found)
        for part in parts
    ]
    forgotten = [
        f"| {row.part or 'all'} | {row.n} | {RATES[row.measure.removeprefix('ood_')]} | "
        f"{_rate(found.get((row.measure, UNTOUCHED, row.part)))} | {_rate(row)} |"
        for row in headlines
    ]
    return "\n".join(
        [
            f"# Whisper for speech in {', '.join(languages)}",
            "",
            f"Fine-tuned on {trained} (Speech Back-Translation, arXiv 2505.16972).{weights} It stays a stock",
            "`WhisperForConditionalGeneration`; windows shorter than 30 s are cheaper and were used in training.",
            "",
            f"- Languages: {', '.join(languages)}",
            f"- {RATES[rate]} on held-out speech of its domain: {_rate(found.get((rate, arm, '')))};",
            f"  of the untouched model: {_rate(found.get((rate, UNTOUCHED, '')))}",
            "",
            "## What it forgot",
            "",
            *(
                [
                    "On speech that nothing was trained for:",
                    "",
                    "| language | utterances | rate | untouched | this model |",
                    "|---|---|---|---|---|",
                    *forgotten,
                ]
                if forgotten
                else ["Not measured: other languages and domains were not tested. Expect it to be worse at them."]
            ),
        ]
    )


def _rate(row: Row | None) -> str:
    """A share in percent with its interval."""
    if row is None:
        return "not measured"
    interval = "" if row.lo is None or row.hi is None else f" (95 % interval {100 * row.lo:.1f} to {100 * row.hi:.1f})"
    return f"{100 * row.value:.1f} %{interval}"
