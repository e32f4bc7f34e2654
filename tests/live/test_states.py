import re

from fer_lib.live.live_view import LiveView
from fer_lib.live.states import STATES


def test_states_are_sentences():
    for state, sentence in STATES.items():
        assert re.fullmatch(r"[a-z-]+", state)
        assert re.fullmatch(r"[A-Z].*[.…}]", sentence)


def test_states_cover_what_the_page_can_say():
    script = LiveView._esm
    off = re.search(r"const OFF = new Set\(\[(.*?)\]\)", script, re.DOTALL)
    refusals = re.search(r"const CAMERA_ERRORS = \{(.*?)\}", script, re.DOTALL)
    assert off is not None
    assert refusals is not None
    said = re.findall(r'"([a-z-]+)"', off[1] + refusals[1])
    said += re.findall(r'(?:say|finish|Refusal)\("([a-z-]+)"', script)
    said += re.findall(r'\? "([a-z-]+)" : "([a-z-]+)", ""', script)[0]
    assert set(said) == set(STATES)
