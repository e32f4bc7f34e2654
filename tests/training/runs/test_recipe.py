"""Test recipes: reproduction of one run or several dependent ones, resuming, missing initial weights."""

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
def project(tmp_path):
    """A folder with images, an empty folder of runs, and a recipe of two steps; the first is teacher and start of the second."""
    write_sample(tmp_path / "images", size=32)
    write_step(tmp_path / "recipe" / "1-first", initial_weights="none")
    write_step(tmp_path / "recipe" / "2-student", initial_weights="1-first", teachers="1-first")
    (tmp_path / "runs").mkdir()
    return tmp_path


def write_step(folder, **settings):
    folder.mkdir(parents=True)
    settings = {**SMALL, **settings, "run_name": "old-name", "device": "cuda"}  # both are ignored
    (folder / "settings.json").write_text(json.dumps({"settings": settings}))


def follow(project, train):
    given = {"data_dir": project / "images", "runs_dir": project / "runs", "device": "cpu"}
    with patch.object(notebook, "train_notebook", train):
        return notebook.follow_recipe(project / "recipe", given)


def train_here(parameters):
    return loop.train(TrainingSettings.load(**parameters))


def test_read_steps_single_run_has_no_name(project):
    (step,) = read_steps(project / "recipe" / "1-first")
    assert step == read_recipe(project / "recipe" / "1-first") == {**SMALL, "initial_weights": "none"}


def test_read_recipe_omits_retired_settings_at_defaults(tmp_path):
    write_step(tmp_path / "old", initial_weights="none", **RETIRED)
    assert read_recipe(tmp_path / "old") == {**SMALL, "initial_weights": "none"}


def test_read_recipe_refuses_changed_retired_setting(tmp_path):
    write_step(tmp_path / "old", **{**RETIRED, "frozen_stages": 3})
    with pytest.raises(ValueError, match=r"`FROZEN_STAGES` in .*settings\.json must be 0 .*, but got 3"):
        read_recipe(tmp_path / "old")


def test_find_finished_accepts_records_of_earlier_versions(tmp_path):
    settings = TrainingSettings.load(runs_dir=tmp_path)
    run = open_run(settings)
    run.network.with_suffix(".json").write_text("{}")
    for changed, found in (({}, run), ({"early_stopping": 5}, None), ({"seed": 7}, None), ({"device": "cuda"}, run)):
        record = {**settings.model_dump(mode="json"), **RETIRED, **changed}
        run.record.write_text(json.dumps({"settings": record}))
        assert find_finished(settings) == found


def test_read_steps_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`--recipe` must be the folder of a run, or of several, but"):
        read_steps(tmp_path)


def test_read_steps_natural_order(project):
    write_step(project / "recipe" / "10-last", initial_weights="2-student")
    names = [step["run_name"] for step in read_steps(project / "recipe")]
    assert names == ["1-first", "2-student", "10-last"]


def test_follow_recipe_uses_earlier_runs(project):
    last = follow(project, train_here)
    first = find_run("1-first", project / "runs")
    assert sorted(folder.name[16:] for folder in (project / "runs").iterdir()) == ["1-first", "2-student"]
    assert last.is_finished
    settings = TrainingSettings.load(initial_weights="1-first", runs_dir=project / "runs")
    assert resolve_initial_weights(settings) == str(first.best)


def test_follow_recipe_skips_finished_steps(project):
    def fail_at_the_second(parameters):
        if parameters["run_name"] == "2-student":
            raise RuntimeError("interrupted by the test")
        return train_here(parameters)

    with pytest.raises(RuntimeError, match="interrupted by the test"):
        follow(project, fail_at_the_second)
    trained = []
    follow(project, lambda parameters: trained.append(parameters["run_name"]))
    assert trained == ["2-student"]


def test_follow_recipe_checks_initial_weights_before_the_first_step(project):
    faces = project / "faces.json"
    write_step(project / "recipe" / "3-faces", initial_weights=str(faces))
    write_step(project / "recipe" / "4-last", initial_weights="3-faces")
    trained = []
    with pytest.raises(
        FileNotFoundError, match=r"`INITIAL_WEIGHTS` of 3-faces must be an existing file, but got .*faces\.json"
    ):
        follow(project, lambda parameters: trained.append(parameters["run_name"]))
    assert trained == []
    faces.touch()
    follow(project, lambda parameters: trained.append(parameters["run_name"]))
    assert trained == ["1-first", "2-student", "3-faces", "4-last"]


def test_find_run_returns_the_last_with_a_saved_network(tmp_path):
    for name in ("20260101-000000-b0", "20260102-000000-b0", "20260103-000000-b0", "20260104-000000-not-b0"):
        (tmp_path / name).mkdir()
        if "0103" not in name:
            Run(tmp_path / name).best.touch()
    assert find_run("b0", tmp_path) == Run(tmp_path / "20260102-000000-b0")
    assert find_run("missing", tmp_path) is None


@pytest.mark.parametrize("folder", ["shipped", "plan"])
def test_read_steps_shipped_recipes_refer_to_earlier_steps(project_root, folder):
    downloaded = "data/face_recognition_model-weights_manifest.json"  # see data/README.md
    before = {"none", "lite0", "lite2", downloaded, "data/soft_targets.npz", "weights/emotion.onnx"}
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
