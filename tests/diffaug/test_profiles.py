"""What the profiles train."""

import pytest
from tests.profiles import PROFILES, composed


@pytest.mark.parametrize("profile", PROFILES)
def test_no_arm_is_trained_twice(profile: str) -> None:
    config = composed(f"profile={profile}")["diffaug"]
    prefixes = {**dict.fromkeys(config["matrix"]["plain"]), **config["matrix"]["prefixed"]}
    arms = [(config["contrast"]["arms"][name], prefix) for name, prefix in prefixes.items()]
    assert not [arm for arm in arms if arms.count(arm) > 1]


def test_the_papers_semi_supervised_arm_has_one_name() -> None:
    """`null` takes the other away, which `gpu` has beside the supervised one."""
    gpu, paper = (composed(f"profile={profile}")["diffaug"]["matrix"]["prefixed"] for profile in ("gpu", "paper"))
    assert set(gpu) - set(paper) == {"diffaug_semi"} and None not in paper.values()
