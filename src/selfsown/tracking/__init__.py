"""MLflow: a run per tracked stage, its lineage, registered models, promotion, and the record for an absent server.

    with tracking.run("some_pipeline.train@arm", experiment="some_pipeline", params=..., inputs=..., fingerprint=...):
        tracking.log_metrics({"loss": 0.7}, step=10)
        tracking.log_model("some-model", folder, task="automatic-speech-recognition", ...)

MLflow is imported when a run starts, not before: importing it takes seconds.
"""

from selfsown.tracking.active import run
from selfsown.tracking.lineage import contaminated
from selfsown.tracking.log import log_artifact, log_bytes, log_metrics
from selfsown.tracking.models import download_model, log_evidence, log_model, signature
from selfsown.tracking.promotion import PromotionRefused, judge, promote
from selfsown.tracking.state import reap
from selfsown.tracking.store import why_away
from selfsown.tracking.upload import sync
from selfsown.tracking.uri import tracking_uri

__all__ = [
    "PromotionRefused", "contaminated", "download_model", "judge", "log_artifact", "log_bytes", "log_evidence",
    "log_metrics", "log_model", "promote", "reap", "run", "signature", "sync", "tracking_uri", "why_away"
]  # fmt: skip
