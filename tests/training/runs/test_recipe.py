"""A recipe repeats a run, or several that build on each other, and goes on where it was left."""

import json
from unittest.mock import patch

import pytest

from fer_lib.dataset.synthetic import write_sample
from fer_lib.settings import TrainingSettings
from fer_lib.training import notebook
from fer_lib.training.learning import loop
from fer_lib.training.learning.learner import resolve_initial_weights
from fer_lib.training.plan import group_number
from fer_lib.training.runs.recipe import read_recipe, read_steps
from fer_lib.training.runs.run import RETIRED, Run, find_finished, find_run, open_run

pytestmark = pytest.mark.usefixtures("narrow_resnet")

SMALL = {"architecture": "resnet18-wide", "image_size": 32, "batch_size": 16, "num_epochs": 1, "max_images": 35}


@pytest.fixture
def kitchen(tmp_path):
    """A folder with pictures, an empty folder for runs, and a recipe: a run, and one that goes on from it and learns from it."""
    write_sample(tmp_path / "images", size=32)
    write_step(tmp_path / "recipe" / "1-first", initial_weights="none")
    write_step(tmp_path / "recipe" / "2-taught", initial_weights="1-first", teachers="1-first")
    (tmp_path / "runs").mkdir()
    return tmp_path


def write_step(folder, **settings):
    folder.mkdir(parents=True)
    settings = {**SMALL, **settings, "run_name": "of-old", "device": "cuda"}  # neither is repeated
    (folder / "settings.json").write_text(json.dumps({"settings": settings}))


def follow(kitchen, train):
    given = {"data_dir": kitchen / "images", "runs_dir": kitchen / "runs", "device": "cpu"}
    with patch.object(notebook, "train_notebook", train):
        return notebook.follow_recipe(kitchen / "recipe", given)


def train_here(parameters):
    return loop.train(TrainingSettings.load(**parameters))


def test_read_steps_of_one_run_have_no_name(kitchen):
    (step,) = read_steps(kitchen / "recipe" / "1-first")
    assert step == read_recipe(kitchen / "recipe" / "1-first") == {**SMALL, "initial_weights": "none"}


def test_read_recipe_leaves_out_retired_settings_at_their_defaults(tmp_path):
    write_step(tmp_path / "old", initial_weights="none", **RETIRED)
    assert read_recipe(tmp_path / "old") == {**SMALL, "initial_weights": "none"}


def test_read_recipe_with_a_changed_retired_setting_is_refused(tmp_path):
    write_step(tmp_path / "old", **{**RETIRED, "frozen_stages": 3})
    with pytest.raises(ValueError, match=r"`FROZEN_STAGES` in .*settings\.json must be 0, .* but is 3"):
        read_recipe(tmp_path / "old")


def test_find_finished_run_of_an_earlier_version_with_the_same_settings(tmp_path):
    settings = TrainingSettings.load(runs_dir=tmp_path)
    run = open_run(settings)
    run.network.with_suffix(".json").write_text("{}")
    for changed, found in (({}, run), ({"early_stopping": 5}, None), ({"seed": 7}, None), ({"device": "cuda"}, run)):
        record = {**settings.model_dump(mode="json"), **RETIRED, **changed}
        run.record.write_text(json.dumps({"settings": record}))
        assert find_finished(settings) == found


def test_read_steps_of_no_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`--recipe` must be the folder of a run, or of several, but"):
        read_steps(tmp_path)


def test_read_steps_are_in_the_order_of_their_numbers(kitchen):
    write_step(kitchen / "recipe" / "10-last", initial_weights="2-taught")
    names = [step["run_name"] for step in read_steps(kitchen / "recipe")]
    assert names == ["1-first", "2-taught", "10-last"]


def test_follow_recipe_each_run_builds_on_those_before(kitchen):
    last = follow(kitchen, train_here)
    first = find_run("1-first", kitchen / "runs")
    assert sorted(folder.name[16:] for folder in (kitchen / "runs").iterdir()) == ["1-first", "2-taught"]
    assert last.is_finished
    settings = TrainingSettings.load(initial_weights="1-first", runs_dir=kitchen / "runs")
    assert resolve_initial_weights(settings) == str(first.best)


def test_follow_recipe_goes_on_after_what_is_finished(kitchen):
    def fail_at_the_second(parameters):
        if parameters["run_name"] == "2-taught":
            raise RuntimeError("the lamp went out")
        return train_here(parameters)

    with pytest.raises(RuntimeError, match="the lamp went out"):
        follow(kitchen, fail_at_the_second)
    trained = []
    follow(kitchen, lambda parameters: trained.append(parameters["run_name"]))
    assert trained == ["2-taught"]


def test_follow_recipe_a_file_that_a_later_run_starts_from_is_missed_before_the_first(kitchen):
    faces = kitchen / "faces.json"
    write_step(kitchen / "recipe" / "3-faces", initial_weights=str(faces))
    write_step(kitchen / "recipe" / "4-last", initial_weights="3-faces")
    trained = []
    with pytest.raises(FileNotFoundError, match=r"faces\.json must be there before the first run, for 3-faces starts"):
        follow(kitchen, lambda parameters: trained.append(parameters["run_name"]))
    assert trained == []
    faces.touch()
    follow(kitchen, lambda parameters: trained.append(parameters["run_name"]))
    assert trained == ["1-first", "2-taught", "3-faces", "4-last"]


def test_find_run_of_several_of_one_name_is_the_last_that_kept_a_network(tmp_path):
    for name in ("20260101-000000-b0", "20260102-000000-b0", "20260103-000000-b0", "20260104-000000-not-b0"):
        (tmp_path / name).mkdir()
        if "0103" not in name:
            Run(tmp_path / name).best.touch()
    assert find_run("b0", tmp_path) == Run(tmp_path / "20260102-000000-b0")
    assert find_run("none-such", tmp_path) is None


@pytest.mark.parametrize("folder", ["shipped", "plan"])
def test_read_steps_of_our_recipes_name_only_runs_before(project_root, folder):
    fetched = "data/face_recognition_model-weights_manifest.json"  # as data/README.md says
    before = {"none", "lite0", "lite2", fetched, "data/soft_targets.npz", "weights/emotion.onnx"}
    steps = read_steps(project_root / "weights" / folder)
    assert steps
    for step in steps:
        settings = TrainingSettings.load(**step)
        assert {settings.initial_weights, *(settings.teachers or "none").split(",")} <= before
        before.add(settings.run_name)


def test_plan_fits_into_twelve_minutes(project_root):
    limits = {}
    for step in read_steps(project_root / "weights" / "plan"):
        group = group_number(step)
        limits[group] = max(limits.get(group, 0), TrainingSettings.load(**step).time_limit_s)
    assert all(limits.values())
    assert sum(limits.values()) <= 12 * 60
