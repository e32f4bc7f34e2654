"""Test training plans: parallel groups, time limit, failures, finished steps."""

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
    """Replace trainings by short programs; return the list of started steps with their start times."""
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


def test_group_number_is_the_prefix_of_the_name():
    assert [plan.group_number({"run_name": name}) for name in ("1a-x", "1b-y", "10-z", "z")] == ["1", "1", "10", ""]


def test_follow_plan_runs_groups_in_order_and_their_steps_in_parallel(started):
    steps = make_steps(**{"1a": "import time; time.sleep(0.6)", "1b": "import time; time.sleep(0.6)", "2": ""})
    assert plan.follow_plan(steps, float("inf")) == 0
    first, second, third = (at_s for _, at_s in started)
    assert names(started) == ["1a", "1b", "2"]
    assert second - first < 0.5
    assert third - first >= 0.6


def test_follow_plan_stops_after_a_failed_step(started, capsys):
    assert plan.follow_plan(make_steps(**{"1a": "raise SystemExit(2)", "1b": "", "2": ""}), float("inf")) == 2
    assert names(started) == ["1a", "1b"]
    assert "1a failed" in capsys.readouterr().err


def test_follow_plan_stops_at_the_time_limit(started, capsys):
    steps = make_steps(**{"1a": "import time; time.sleep(60)", "1b": "", "2": ""})
    start_s = time.monotonic()
    assert plan.follow_plan(steps, start_s + 0.5) == 3
    assert time.monotonic() - start_s < plan.STOP_S
    assert names(started) == ["1a", "1b"]
    assert "1a was stopped by the time limit" in capsys.readouterr().err


def test_follow_plan_skips_finished_steps(started, monkeypatch):
    monkeypatch.setattr(plan, "find_finished", lambda step: step if step["run_name"].startswith("1") else None)
    assert plan.follow_plan(make_steps(**{"1a": "", "1b": "", "2": ""}), float("inf")) == 0
    assert names(started) == ["2"]


def test_main_folder_without_a_plan(tmp_path, capsys):
    assert plan.main([str(tmp_path)]) == 2
    assert "has no settings.json" in capsys.readouterr().err


def test_start_passes_the_settings_of_a_step(tmp_path):
    """The subprocess gets the settings as arguments; it exits with 2 for the missing data folder."""
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
plan.run_in_parallel([{"run_name": "1-sleep"}], float("inf"))
"""


def test_exit_on_sigterm_stops_the_steps():
    process = subprocess.Popen([sys.executable, "-c", PLAN_OF_A_SLEEP], stdout=subprocess.PIPE, text=True)
    step = int(process.stdout.readline())
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    process.stdout.close()
    with pytest.raises(ProcessLookupError):
        os.kill(step, 0)
