"""A plan runs steps of one number side by side, stops at its limit and continues where it was stopped."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from fer_lib.training import plan


@pytest.fixture
def started(monkeypatch):
    """Replace trainings by short programs; the list of what was started, with the time of each."""
    started = []

    def start(step):
        started.append((step["run_name"], time.monotonic()))
        return subprocess.Popen([sys.executable, "-c", step["program"]])

    monkeypatch.setattr(plan, "_start", start)
    monkeypatch.setattr(plan, "find_finished", lambda settings: None)
    monkeypatch.setattr(plan.TrainingSettings, "load", lambda **step: step)
    return started


def make_steps(**programs):
    return [{"run_name": name.replace("_", "-"), "program": program} for name, program in programs.items()]


def names(started):
    return [name for name, _ in started]


def test_group_number_is_what_the_name_begins_with():
    assert [plan.group_number({"run_name": name}) for name in ("1a-x", "1b-y", "10-z", "z")] == ["1", "1", "10", ""]


def test_follow_plan_runs_a_group_side_by_side_and_the_next_after_it(started):
    steps = make_steps(**{"1a": "import time; time.sleep(0.6)", "1b": "import time; time.sleep(0.6)", "2": ""})
    assert plan.follow_plan(steps, float("inf")) == 0
    first, second, third = (at_s for _, at_s in started)
    assert names(started) == ["1a", "1b", "2"]
    assert second - first < 0.5
    assert third - first >= 0.6


def test_follow_plan_a_failed_step_ends_it(started, capsys):
    assert plan.follow_plan(make_steps(**{"1a": "raise SystemExit(2)", "1b": "", "2": ""}), float("inf")) == 2
    assert names(started) == ["1a", "1b"]
    assert "1a failed" in capsys.readouterr().err


def test_follow_plan_stops_at_its_limit(started, capsys):
    steps = make_steps(**{"1a": "import time; time.sleep(60)", "1b": "", "2": ""})
    start_s = time.monotonic()
    assert plan.follow_plan(steps, start_s + 0.5) == 3
    assert time.monotonic() - start_s < plan.STOP_S
    assert names(started) == ["1a", "1b"]
    assert "1a was stopped by the time limit" in capsys.readouterr().err


def test_follow_plan_skips_what_is_finished(started, monkeypatch):
    monkeypatch.setattr(plan, "find_finished", lambda step: step if step["run_name"].startswith("1") else None)
    assert plan.follow_plan(make_steps(**{"1a": "", "1b": "", "2": ""}), float("inf")) == 0
    assert names(started) == ["2"]


def test_main_of_no_plan_is_refused(tmp_path, capsys):
    assert plan.main([str(tmp_path)]) == 2
    assert "holds no settings.json" in capsys.readouterr().err


def test_start_gives_the_settings_of_a_step(tmp_path):
    """A child process gets the settings as words, so that a wrong one is refused by name."""
    (tmp_path / "1-one").mkdir()
    (tmp_path / "1-one" / "settings.json").write_text(json.dumps({"settings": {"num_epochs": 1}}))
    child = plan._start({"run_name": "1-one", "num_epochs": 1, "data_dir": tmp_path / "nowhere", "teachers": None})
    assert child.wait(60) == 2


PLAN_OF_A_SLEEP = """
import subprocess, sys, time
from fer_lib.training import plan
def start(step):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    return child
plan._start = start
plan.exit_on_sigterm()
plan.run_side_by_side([{"run_name": "1-sleep"}], float("inf"))
"""


def test_exit_on_sigterm_stops_the_steps():
    process = subprocess.Popen([sys.executable, "-c", PLAN_OF_A_SLEEP], stdout=subprocess.PIPE, text=True)
    step = int(process.stdout.readline())
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    process.stdout.close()
    with pytest.raises(ProcessLookupError):
        os.kill(step, 0)
