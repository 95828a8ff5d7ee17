"""Every profile's languages."""

import pytest
from tests.profiles import PROFILES, composed

from selfsown.text.written.alphabets import script_misfit


@pytest.mark.parametrize("profile", PROFILES)
def test_texts_of_every_language_can_be_judged(profile: str) -> None:
    config = composed(f"profile={profile}")
    for language in (*config["languages"], *config["corpora"]["speech"]["out_of_domain_languages"]):
        assert script_misfit("?", language) == "no letters: '?'"
