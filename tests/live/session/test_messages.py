import pytest

from fer_lib.live.session.messages import is_number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, True),
        (0.5, True),
        (-3, True),
        (True, False),
        ("1", False),
        (None, False),
        (float("nan"), False),
        (1e400, False),
        (10**400, False),
        (-(10**400), False),
        (10**300, True),
    ],
)
def test_is_number(value, expected):
    assert is_number(value) is expected
