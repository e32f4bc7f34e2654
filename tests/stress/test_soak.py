"""Criteria and log search of the soak test; the soak test itself takes hours."""

import pytest

from stress.soak import find_errors, is_passed

RESULT = {"rate_kept": 0.96, "kernel_growth": 0.04, "server_growth": -0.1, "errors": 0}


@pytest.mark.parametrize("more", [{}, {"images": 0, "released": True, "tab_growth": 0.05}])
def test_is_passed(more):
    assert is_passed(RESULT | more)


@pytest.mark.parametrize(
    "worse", [{"rate_kept": 0.94}, {"server_growth": 0.06}, {"errors": 1}, {"images": 1}, {"released": False}]
)
def test_is_passed_fails_for_worse_values(worse):
    assert not is_passed(RESULT | worse)


def test_find_errors_returns_each_line_once_without_disconnections(tmp_path):
    (log := tmp_path / "log").write_text(
        "[I] Kernel started\n"
        "[E] Uncaught exception: Error in a handler\n"
        "Traceback (most recent call last):\n"
        "tornado.websocket.WebSocketClosedError\n",
        encoding="utf-8",
    )
    assert [line[:9] for line in find_errors(log)] == ["[E] Uncau", "Traceback"]
