"""A point of a sweep: Whisper trains as the arm `mixed` does, but for one thing.

That is the synthetic speech (another quality), how many minutes of it there are, or the share of real speech. All else
is as in `train`, and so are its parameters. A sweep's points differ in one of the three.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import write_product
from selfsown.speech_bt.sampling import drawn
from selfsown.speech_bt.train import TrainParams, train
from selfsown.stage import In, Metrics, Out, stage


class TrainSweptParams(TrainParams):
    """Those of `train`."""

    section: ClassVar[str] = "train"


@stage(tracked=True, distributed=True)
def train_swept(
    params: TrainSweptParams,
    *,
    minutes: str,
    share: str,
    untouched: In,
    speech: In,
    synthetic: In,
    accepted: In,
    model: Out,
    identity: Identity,
) -> Metrics:
    """Train with so many `minutes` of synthetic speech of each language, and a `share` of real speech.

    Raises:
        UserError: there is less synthetic speech, or a share that is none.
    """
    if not 0 < float(share) < 1:
        raise UserError(
            f"params.yaml: speech_bt.matrix.swept: share {share} is not allowed: between 0 and 1, without them"
        )
    table = read_product(accepted)
    with TemporaryDirectory() as folder:
        chosen = Path(folder) / "accepted"
        kept = within(synthetic, table, params, float(minutes))
        rows = table.filter(pc.field("id").isin(pa.array(kept, pa.string())))
        source = read_card(accepted)
        card = CardInfo(name=source.name, seed=params.data_seed, **source.credits)
        write_product(chosen, [rows], schema=rows.schema, card=card)
        return train(
            params.model_copy(update={"real_share": float(share)}),
            arm="mixed",
            untouched=untouched,
            speech=speech,
            synthetic=synthetic,
            accepted=chosen,
            model=model,
            identity=identity,
        )


def within(synthetic: Path, accepted: pa.Table, params: TrainParams, minutes: float) -> list[str]:
    """Of each language accepted utterances of together so many minutes: drawn by `data_seed` from all voices.

    Fewer minutes are the beginning of more.

    Raises:
        UserError: a language has less.
    """
    table = read_product(synthetic, ["id", "language", "speaker", "duration"])
    table = table.filter(pc.field("id").isin(accepted["id"].to_pylist()))
    kept: list[str] = []
    for language in params.languages:
        rows = {row["id"]: row for row in table.filter(pc.field("language") == language).to_pylist()}
        order = drawn({name: row["speaker"] for name, row in rows.items()}, len(rows), params.data_seed)
        ends = np.cumsum([rows[name]["duration"] for name in order]) / 60
        if not len(ends) or ends[-1] < minutes:
            raise UserError(
                f"{synthetic}: {ends[-1] if len(ends) else 0:.1f} minutes in {language} are accepted, and a point of "
                f"speech_bt.matrix.swept asks for {minutes:g}: ask for less, or let "
                "speech_bt.synthesize.sentences have more"
            )
        kept += order[: int(np.searchsorted(ends, minutes)) + 1]
    return kept
