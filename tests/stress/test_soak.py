"""What the soak calls good, and what it calls a fault; the soak itself takes hours."""

import pytest

from stress.soak import find_faults, is_good

GOOD = {"rate_kept": 0.96, "kernel_growth": 0.04, "server_growth": -0.1, "faults": 0}


@pytest.mark.parametrize("more", [{}, {"pictures": 0, "released": True, "tab_growth": 0.05}])
def test_is_good(more):
    assert is_good(GOOD | more)


@pytest.mark.parametrize(
    "bad", [{"rate_kept": 0.94}, {"server_growth": 0.06}, {"faults": 1}, {"pictures": 1}, {"released": False}]
)
def test_is_good_refuses_what_got_worse(bad):
    assert not is_good(GOOD | bad)


def test_find_faults_takes_each_line_once_and_no_visitor_who_leaves(tmp_path):
    (log := tmp_path / "log").write_text(
        "[I] Kernel started\n"
        "[E] Uncaught exception: Error in a handler\n"
        "Traceback (most recent call last):\n"
        "tornado.websocket.WebSocketClosedError\n",
        encoding="utf-8",
    )
    assert [line[:9] for line in find_faults(log)] == ["[E] Uncau", "Traceback"]
