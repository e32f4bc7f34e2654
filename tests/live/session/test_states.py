import re

from fer_lib.live.session.states import OFF_STATES, OPENING_STATES, STATES, STREAMING_STATES, TOOL_STATES


def test_states_have_sentences():
    for state, sentence in STATES.items():
        assert re.fullmatch(r"[a-z-]+", state)
        assert re.fullmatch(r"[A-Z].*[.…}]", sentence)


def test_states_are_off_opening_or_streaming():
    assert sorted([*OFF_STATES, *OPENING_STATES, *STREAMING_STATES]) == sorted(STATES)
    assert TOOL_STATES < STREAMING_STATES
