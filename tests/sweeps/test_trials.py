"""A plan becomes trainings: every combination, or draws, each with a name of its own."""

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


def draw(**sources):
    return [trial.chosen for trial in list_trials(Plan(name="r", random=sources))]


def test_grid_is_every_combination(tmp_path):
    trials = list_trials(read_plan(write(tmp_path, GRID)))
    assert [trial.chosen for trial in trials] == [
        {"learning_rate": 0.001, "optimizer": "adamw"},
        {"learning_rate": 0.001, "optimizer": "sgd"},
        {"learning_rate": 0.0003, "optimizer": "adamw"},
        {"learning_rate": 0.0003, "optimizer": "sgd"},
    ]
    assert len({trial.run_name for trial in trials}) == 4
    assert all(trial.run_name.startswith("rates-") for trial in trials)


def test_trials_carry_all_settings_for_any_computer(tmp_path):
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


def test_names_stay_when_asked_again_and_change_with_what_is_learned(monkeypatch):
    def name(**settings):
        return list_trials(Plan(name="a", settings=settings, grid={"seed": [1]}))[0].run_name

    assert name() == name() == name(num_epochs=22) == name(runs_dir="elsewhere") == name(processes=2)
    assert name() != name(num_epochs=2)
    assert name() != name(data_dir="data/sample")
    before = name()
    monkeypatch.setenv("BATCH_SIZE", "8")
    assert name() != before


def test_equal_trials_are_one():
    assert len(list_trials(Plan(name="a", grid={"seed": [1, 1, 2]}))) == 2


def test_random_draws_stay_in_their_bounds_and_are_the_same_again():
    sources = {
        "learning_rate": {"log": [0.0001, 0.01]},
        "dropout_rate": {"between": [0.2, 0.6]},
        "image_size": {"between": [48, 64]},
        "optimizer": {"of": ["adamw", "sgd"]},
    }
    drawn = draw(runs=40, seed=3, **sources)
    assert len(drawn) == 40
    assert drawn == draw(runs=40, seed=3, **sources) != draw(runs=40, seed=4, **sources)
    assert all(0.0001 <= one["learning_rate"] <= 0.01 for one in drawn)
    assert 10 <= sum(one["learning_rate"] < 0.001 for one in drawn) <= 30
    assert all(0.2 <= one["dropout_rate"] <= 0.6 for one in drawn)
    assert all(type(one["image_size"]) is int and 48 <= one["image_size"] <= 64 for one in drawn)
    assert {one["optimizer"] for one in drawn} == {"adamw", "sgd"}


def test_find_finished_wants_the_card_and_the_settings(tmp_path):
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
        ("", "is not one that can be run"),
        ("name: a\ngrid: [", "must be YAML"),
        ("name: a b\ngrid: {seed: [1]}", "`name`"),
        ("name: a\ngird: {seed: [1]}", "`gird`: Extra inputs"),
        ("name: a", "either a `grid` or `random`"),
        ("name: a\ngrid: {seed: [1]}\nrandom: {runs: 1, seed: 2}", "either a `grid` or `random`"),
        ("name: a\ngrid: {sead: [1]}", "did you mean `seed`?"),
        ("name: a\ngrid: {optimizer: [adamx]}", "`OPTIMIZER` must be"),
        ("name: a\ngrid: {run_name: [b]}", "`run_name` must be left to the sweep"),
        ("name: a\nrandom: {runs: 2}", "`random` must have"),
        ("name: a\nrandom: {runs: many, momentum: {of: [1, 2]}}", "`random` must have"),
        ("name: a\nrandom: {runs: 2, dropout_rate: {log: [0, 1]}}", "`random.dropout_rate` must be"),
        ("name: a\nrandom: {runs: 2, dropout_rate: 0.5}", "`random.dropout_rate` must be"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_sentence(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=r".") as caught:
        list_trials(read_plan(write(tmp_path, text)))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_plan_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.yaml"):
        read_plan(tmp_path / "nothing.yaml")
