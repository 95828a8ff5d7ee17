"""DiffAug, quality control: nothing is trained on triplets and prose unless every expectation over them holds.

triplets, prose, ratings -> Data Docs. What must not be learnt from is looked for again, in every sentence.
"""

from __future__ import annotations

from selfsown import quality
from selfsown.diffaug.gate import suites as suites
from selfsown.diffaug.gate.frames import claim_frame, prose_frame, rating_frame, triplet_frame
from selfsown.products import read_product
from selfsown.stage import In, Metrics, Out, StageParams, stage


class GateParams(StageParams):
    """Section `diffaug.gate`: thresholds of each product."""

    triplets: suites.TripletLimits
    prose: suites.ProseLimits
    ratings: suites.RatingLimits


@stage(tracked=True)
def gate(params: GateParams, *, triplets: In, prose: In, ratings: In, report: Out) -> Metrics:
    """Check the three products.

    Raises:
        GateError: an expectation failed; `report` says which, and shows rows.
        ProductError: a product is unfinished or damaged.
    """
    rated = read_product(ratings).to_pandas()
    labelled = triplet_frame(read_product(triplets).to_pandas(), rated)
    frames = {
        "triplets": labelled,
        "claims": claim_frame(labelled),
        "prose": prose_frame(read_product(prose).to_pandas(), labelled, rated, int(params.prose.ngram)),
        "ratings": rating_frame(rated),
    }
    quality.check(
        frames,
        {
            "triplets": suites.triplets(params.triplets),
            "claims": suites.claims(params.triplets),
            "prose": suites.prose(params.prose),
            "ratings": suites.ratings(params.ratings),
        },
        report,
    )
    return {
        **{f"triplets_{split}": int(count) for split, count in labelled["split"].value_counts().items()},
        **{f"groups_{split}": int(count) for split, count in labelled.groupby("split")["group"].nunique().items()},
        **{f"ratings_{name}": int(count) for name, count in rated["set"].value_counts().items()},
        "prose": len(frames["prose"]),
        "entailed_share": float(frames["claims"]["entailed"].mean()),
    }
