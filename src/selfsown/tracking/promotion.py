"""`promote`: the candidate becomes the champion only if it is better on the same test items, beyond the noise.

What it reads is written by `models.log_evidence`; what it decides stays on the version as tags `promotion.decision`
(promoted, forced, refused), `promotion.reason`, `promotion.date`, `promotion.commit` and `promotion.previous`.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from selfsown.errors import UserError, without_password
from selfsown.tracking.lineage import git_tags
from selfsown.tracking.models import BASELINE, CANDIDATE, CHAMPION
from selfsown.tracking.state import reap
from selfsown.tracking.store import let_in, reached

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Decision:
    """What the evidence says about a model's candidate.

    Attributes:
        version: of the candidate.
        champion: the champion's version before the decision.
        decision: `allowed` where it was only asked for; `champion` where the candidate is it already.
    """

    model: str
    version: str
    champion: str | None
    decision: Literal["allowed", "promoted", "forced", "refused", "champion"]
    reason: str

    def __str__(self) -> str:
        kept = "; it stays @candidate" if self.decision == "refused" else ""
        return f"{self.model}: version {self.version} {self.decision}: {self.reason}{kept}"


class PromotionRefused(UserError):
    """The evidence says no; the message says why, and so do the tags of the version."""

    exit_code = 3

    def __init__(self, decision: Decision) -> None:
        super().__init__(str(decision))
        self.decision = decision


@let_in()
def judge(model: str) -> Decision:
    """What `promote` would decide; nothing is changed.

    Raises:
        UserError: the store is away, or there is no such model or candidate.
    """
    return _decide(reached("promotion needs the store in MLFLOW_TRACKING_URI"), model)


@let_in()
def promote(model: str, force: bool = False) -> Decision:
    """Move `@champion` to the version that is `@candidate`, if it earns it.

    Always: the paired 95 % bootstrap interval of the relative reduction against the baseline lies above zero. Against a
    champion also: both were evaluated on the same product and items, and the interval of rate(candidate) -
    rate(champion) lies below zero. The rate is sum(errors) / sum(units): any model whose evaluation calls
    `log_evidence`. An evaluation may refuse a model whatever its rate. What is refused stays the candidate.

    Args:
        force: move the alias whatever the evidence says; its reason is recorded all the same.

    Raises:
        PromotionRefused: the evidence says no; no alias was moved.
        UserError: the store is away, or there is no such model or candidate.
    """
    client = reached("promotion needs the store in MLFLOW_TRACKING_URI")
    reap()
    made = _decide(client, model)
    if made.decision == "champion":
        return made
    if made.decision == "allowed":
        made = replace(made, decision="promoted")
    elif force:
        made = replace(made, decision="forced")
    tags = {
        "decision": made.decision,
        "reason": made.reason,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git_tags().get("git.commit", "unknown"),
        "previous": made.champion or "none",
    }
    for key, value in tags.items():
        client.set_model_version_tag(model, made.version, f"promotion.{key}", value)
    if made.decision == "refused":
        raise PromotionRefused(made)
    if made.champion is not None:
        client.set_model_version_tag(model, made.champion, "promotion.replaced_by", made.version)
    client.set_registered_model_alias(model, CHAMPION, made.version)
    return made


def _decide(client: MlflowClient, model: str) -> Decision:
    """`allowed`, `refused` or `champion`."""
    candidate, champion = _holder(client, model, CANDIDATE), _holder(client, model, CHAMPION)
    if candidate is None:
        uri = without_password(client.tracking_uri)
        raise UserError(f"{model}: no version is @candidate in {uri}; a tracked training stage registers one")
    version, previous = str(candidate.version), str(champion.version) if champion else None
    if version == previous:
        return Decision(model, version, previous, "champion", "it is the champion already")
    passed, reason = _judge(client, candidate, champion)
    return Decision(model, version, previous, "allowed" if passed else "refused", reason)


def _holder(client: MlflowClient, model: str, alias: str) -> ModelVersion | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(model, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _judge(client: MlflowClient, candidate: ModelVersion, champion: ModelVersion | None) -> tuple[bool, str]:
    """The decision and its reason in words."""
    from selfsown.bootstrap import rate, rate_difference, relative_reduction

    new = _evidence(client, candidate)
    if new is None:
        return False, "it has not been evaluated, or the run that did was deleted: run the evaluation stage"
    if reason := new.get("refused"):
        return False, reason
    ids = sorted(new["items"])
    errors, baseline, units = np.array([new["items"][key] for key in ids]).T
    metric = new["metric"]
    gain = relative_reduction(errors, baseline)
    verdict = "better than" if gain.lo > 0 else "not clearly better than"
    against_baseline = (
        f"{verdict} {new.get('baseline', BASELINE)}: {metric} {rate(errors, units).value:.4f} against "
        f"{rate(baseline, units).value:.4f}, relative reduction {gain.value:.1%} "
        f"[{gain.lo:.1%}, {gain.hi:.1%}] over {gain.n} items"
    )
    if champion is None or gain.lo <= 0:
        return gain.lo > 0, against_baseline
    old = _evidence(client, champion)
    if old is None:
        return False, f"champion {champion.version} has no evidence, so there is nothing to compare with"
    if (metric, new["evaluation"]) != (old["metric"], old["evaluation"]) or old["items"].keys() != new["items"].keys():
        return False, (
            f"not evaluated on the same data: {metric} on {new['evaluation'][:8]} against {old['metric']} on "
            f"{old['evaluation'][:8]} for champion {champion.version}; evaluate both on one test set"
        )
    champion_errors, _, champion_units = np.array([old["items"][key] for key in ids]).T
    if not np.array_equal(units, champion_units):
        return False, f"the same items count other units for champion {champion.version}: the normaliser changed"
    change = rate_difference(errors, champion_errors, units)
    verdict = "better than" if change.hi < 0 else "not clearly better than"
    return change.hi < 0, (
        f"{verdict} champion {champion.version}: {metric} {rate(errors, units).value:.4f} against "
        f"{rate(champion_errors, units).value:.4f}, difference {change.value:+.4f} "
        f"[{change.lo:+.4f}, {change.hi:+.4f}] over {change.n} paired items; {against_baseline}"
    )


def _evidence(client: MlflowClient, version: ModelVersion) -> dict[str, Any] | None:
    """The per-item record an evaluation left for a version; None without one, or where its run was deleted for good."""
    from mlflow.exceptions import MlflowException

    if "evidence.run" not in version.tags:
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = client.download_artifacts(version.tags["evidence.run"], version.tags["evidence.artifact"], folder)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        record: dict[str, Any] = json.loads(Path(path).read_bytes())
    return record
