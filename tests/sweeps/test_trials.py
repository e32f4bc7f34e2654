"""Sweep plans: grid search, random search, names of trials, and invalid plans."""

import json

import pytest

from fer_lib.settings import TrainingSettings
from fer_lib.sweeps.trials import Plan, list_trials, read_plan

GRID = """
name: rates
settings: {num_epochs: 1, data_dir: data/sample}
grid:
  learning_rate: [0.001, 0.0003]
  optimizer: [adamw, sgd]
"""


def write(folder, text):
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def sample(**spec):
    return [trial.varied for trial in list_trials(Plan(name="r", random=spec))]


def test_list_trials_grid(tmp_path):
    trials = list_trials(read_plan(write(tmp_path, GRID)))
    assert [trial.varied for trial in trials] == [
        {"learning_rate": 0.001, "optimizer": "adamw"},
        {"learning_rate": 0.001, "optimizer": "sgd"},
        {"learning_rate": 0.0003, "optimizer": "adamw"},
        {"learning_rate": 0.0003, "optimizer": "sgd"},
    ]
    assert len({trial.run_name for trial in trials}) == 4
    assert all(trial.run_name.startswith("rates-") for trial in trials)


def test_list_trials_settings_are_complete_with_absolute_paths(tmp_path):
    (trial, *_) = list_trials(read_plan(write(tmp_path, GRID)))
    assert set(trial.settings) == set(TrainingSettings.model_fields)
    assert trial.settings["num_epochs"] == 1
    assert trial.settings["resume"] == "auto"
    assert trial.settings["run_name"] == trial.run_name
    assert trial.settings["data_dir"].startswith("/")
    assert trial.settings["runs_dir"].startswith("/")
    loaded = TrainingSettings.load(**trial.settings)
    assert loaded.learning_rate == 0.001
    json.dumps(trial.settings)


def test_run_name_depends_on_learned_settings_only(monkeypatch):
    def name(**settings):
        return list_trials(Plan(name="a", settings=settings, grid={"seed": [1]}))[0].run_name

    assert name() == name() == name(num_epochs=22) == name(runs_dir="elsewhere") == name(processes=2)
    assert name() != name(num_epochs=2)
    assert name() != name(data_dir="data/sample")
    before = name()
    monkeypatch.setenv("BATCH_SIZE", "8")
    assert name() != before


def test_list_trials_without_repetitions():
    assert len(list_trials(Plan(name="a", grid={"seed": [1, 1, 2]}))) == 2


def test_list_trials_random_within_bounds_and_reproducible():
    distributions = {
        "learning_rate": {"log": [0.0001, 0.01]},
        "dropout_rate": {"between": [0.2, 0.6]},
        "image_size": {"between": [48, 64]},
        "optimizer": {"of": ["adamw", "sgd"]},
    }
    trials = sample(runs=40, seed=3, **distributions)
    assert len(trials) == 40
    assert trials == sample(runs=40, seed=3, **distributions) != sample(runs=40, seed=4, **distributions)
    assert all(0.0001 <= one["learning_rate"] <= 0.01 for one in trials)
    assert 10 <= sum(one["learning_rate"] < 0.001 for one in trials) <= 30
    assert all(0.2 <= one["dropout_rate"] <= 0.6 for one in trials)
    assert all(type(one["image_size"]) is int and 48 <= one["image_size"] <= 64 for one in trials)
    assert {one["optimizer"] for one in trials} == {"adamw", "sgd"}


def test_find_finished_needs_a_model_card_and_equal_settings(tmp_path):
    (trial,) = list_trials(Plan(name="a", settings={"runs_dir": str(tmp_path)}, grid={"seed": [1]}))
    assert trial.find_finished() is None
    folder = tmp_path / f"20260101-000000-{trial.run_name}"
    folder.mkdir()
    assert trial.find_finished() is None
    (folder / "emotion.json").write_text("{}")
    assert trial.find_finished() is None
    for seed, found in ((2, None), (1, folder)):
        (folder / "settings.json").write_text(json.dumps({"settings": {**trial.settings, "seed": seed}}))
        assert trial.find_finished() == found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must have valid keys and values, but got `plan`"),
        ("name: a\ngrid: [", "must be valid YAML"),
        ("name: a b\ngrid: {seed: [1]}", "`name`"),
        ("name: a\ngird: {seed: [1]}", "`gird`: Extra inputs"),
        ("name: a", "either `grid` or `random`"),
        ("name: a\ngrid: {seed: [1]}\nrandom: {runs: 1, seed: 2}", "either `grid` or `random`"),
        ("name: a\ngrid: {sead: [1]}", "did you mean `seed`?"),
        ("name: a\ngrid: {optimizer: [adamx]}", "`OPTIMIZER` must be"),
        ("name: a\ngrid: {run_name: [b]}", "`run_name` must not be in the plan"),
        ("name: a\nrandom: {runs: 2}", "`random` must have"),
        ("name: a\nrandom: {runs: many, momentum: {of: [1, 2]}}", "`random` must have"),
        ("name: a\nrandom: {runs: 2, dropout_rate: {log: [0, 1]}}", "`random.dropout_rate` must be"),
        ("name: a\nrandom: {runs: 2, dropout_rate: 0.5}", "`random.dropout_rate` must be"),
    ],
)
def test_list_trials_invalid_plan(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=r".") as caught:
        list_trials(read_plan(write(tmp_path, text)))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_plan_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must be a YAML file, .*nothing\.yaml"):
        read_plan(tmp_path / "nothing.yaml")
