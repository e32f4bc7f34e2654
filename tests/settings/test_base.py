"""Sources of a value, their precedence, and errors of wrong values."""

from pathlib import Path

import pytest

from fer_lib.settings import GROUPS, LiveSettings, Settings, TrainingSettings, VisionSettings, sources

find_dotenv = sources.find_dotenv


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with the real search for `.env`."""
    monkeypatch.setattr(sources, "find_dotenv", find_dotenv)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(group: type[Settings], **arguments: object) -> str:
    with pytest.raises(ValueError, match=r"must be|is not") as caught:
        group.load(**arguments)
    return str(caught.value)


@pytest.mark.parametrize("group", GROUPS)
def test_load_without_anything_gives_the_defaults(group):
    assert group.load() == group()
    assert set(group.sources().values()) == {"default"}


def test_load_training_defaults_are_the_usual_ones():
    loaded = TrainingSettings.load()
    assert (loaded.learning_rate, loaded.batch_size, loaded.num_epochs, loaded.dropout_rate) == (0.001, 32, 22, 0.4)
    assert (loaded.optimizer, loaded.lr_step_size, loaded.lr_gamma, loaded.image_size) == ("adamw", 7, 0.1, 256)


def test_load_prefers_parameter_to_environment_to_dotenv_to_default(folder, monkeypatch):
    places = []
    for place in ("default", ".env", "environment", "parameter"):
        if place == ".env":
            (folder / ".env").write_text("NUM_EPOCHS=2\n")
        if place == "environment":
            monkeypatch.setenv("NUM_EPOCHS", "3")
        arguments = {"num_epochs": 4} if place == "parameter" else {}
        places.append(
            (TrainingSettings.load(**arguments).num_epochs, TrainingSettings.sources(**arguments)["num_epochs"])
        )
    assert places == [(22, "default"), (2, ".env"), (3, "environment"), (4, "parameter")]


def test_load_parameter_none_uses_the_environment(monkeypatch):
    monkeypatch.setenv("BATCH_SIZE", "8")
    assert TrainingSettings.load(batch_size=None).batch_size == 8
    assert TrainingSettings.sources(batch_size=None)["batch_size"] == "environment"


def test_load_empty_values_count_as_absent(folder, monkeypatch):
    (folder / ".env").write_text("BATCH_SIZE=\nFER_WEIGHTS_DIR=\n")
    monkeypatch.setenv("NUM_EPOCHS", "")
    assert TrainingSettings.load() == TrainingSettings()
    assert VisionSettings.load().weights_dir is None


def test_load_names_in_any_case(folder, monkeypatch):
    (folder / ".env").write_text("learning_rate=0.5\n")
    monkeypatch.setenv("fer_threads", "2")
    assert TrainingSettings.load().learning_rate == 0.5
    assert VisionSettings.load().threads == 2


def test_load_group_ignores_the_other_groups_names(folder):
    (folder / ".env").write_text("NUM_EPOCHS=2\nFER_MIRROR=no\nFER_MIN_FACE_SIZE=40\n")
    assert VisionSettings.load() == VisionSettings(min_face_size=40)
    assert LiveSettings.load() == LiveSettings(mirror=False)


def test_load_ignores_foreign_environment_variables(monkeypatch):
    monkeypatch.setenv("LEARNING_RATES", "0.1")
    assert TrainingSettings.load() == TrainingSettings()


def test_load_reads_nothing_but_what_load_was_asked_for(folder, monkeypatch):
    (folder / ".env").write_text("FER_THREADS=3\n")
    monkeypatch.setenv("FER_THREADS", "4")
    assert VisionSettings().threads == 1


def test_load_result_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        VisionSettings.load().threads = 2


@pytest.mark.parametrize(
    ("name", "meant"),
    [("optimzer", "optimizer"), ("epochs", "num_epochs"), ("LEARNING_RATE", "learning_rate"), ("Seed", "seed")],
)
def test_load_unknown_parameter_is_refused_with_a_suggestion(name, meant):
    assert refusal(TrainingSettings, **{name: 1}) == (
        f"`{name}` is not a setting that this project knows; did you mean `{meant}`?"
    )


def test_load_unknown_parameter_without_a_likeness_lists_what_is_known():
    sentence = refusal(LiveSettings, zzz=1)
    assert sentence.startswith("`zzz` is not a setting")
    assert all(field in sentence for field in LiveSettings.model_fields)


def test_load_unknown_environment_variable_is_refused(monkeypatch):
    monkeypatch.setenv("FER_MIN_FACESIZE", "40")
    assert "`FER_MIN_FACESIZE` is not an environment variable" in refusal(VisionSettings)
    assert "did you mean `FER_MIN_FACE_SIZE`?" in refusal(LiveSettings)


def test_load_unknown_name_in_dotenv_is_refused(folder):
    (folder / ".env").write_text("LEARNIG_RATE=0.1\n")
    assert "`LEARNIG_RATE` is not a name in .env" in refusal(TrainingSettings)
    assert "did you mean `LEARNING_RATE`?" in refusal(TrainingSettings)


@pytest.mark.parametrize(
    ("group", "argument", "value", "sentence"),
    [
        (TrainingSettings, "optimizer", "adamx", "`OPTIMIZER` must be 'adamw', 'adam' or 'sgd', but got 'adamx'"),
        (TrainingSettings, "num_epochs", "many", "`NUM_EPOCHS` must be a whole number from 1 to 10000, but got 'many'"),
        (TrainingSettings, "num_epochs", 2.5, "`NUM_EPOCHS` must be a whole number from 1 to 10000, but got 2.5"),
        (TrainingSettings, "image_size", 5, "`IMAGE_SIZE` must be a whole number from 32 to 1024, but got 5"),
        (TrainingSettings, "dropout_rate", 1, "`DROPOUT_RATE` must be a number of at least 0 and below 1, but got 1"),
        (TrainingSettings, "learning_rate", float("nan"), "`LEARNING_RATE` must be a number above 0 and at most 10"),
        (TrainingSettings, "lr_step_size", 0, "`LR_STEP_SIZE` must be a whole number of at least 1, but got 0"),
        (TrainingSettings, "run_name", "a b", "`RUN_NAME` must be text matching ^[A-Za-z0-9._-]+$, but got 'a b'"),
        (TrainingSettings, "max_images", "all", "`MAX_IMAGES` must be a whole number of at least 1, but got 'all'"),
        (TrainingSettings, "data_dir", 5, "`DATA_DIR` must be a path, but got 5"),
        (LiveSettings, "mirror", "perhaps", "`FER_MIRROR` must be true or false, but got 'perhaps'"),
        (VisionSettings, "threads", "two", "`FER_THREADS` must be a whole number from 1 to 64, but got 'two'"),
    ],
)
def test_load_wrong_value_is_refused_in_one_sentence(group, argument, value, sentence):
    message = refusal(group, **{argument: value})
    assert message.startswith(sentence)
    assert message.endswith(f"({group.model_fields[argument].description})")
    assert "\n" not in message


def test_load_wrong_value_names_its_source(folder, monkeypatch):
    (folder / ".env").write_text("OPTIMIZER=adamx\n")
    assert "but got 'adamx' from .env (" in refusal(TrainingSettings)
    monkeypatch.setenv("OPTIMIZER", "adamy")
    assert "but got 'adamy' from the environment (" in refusal(TrainingSettings)
    assert "but got 'adamz' (" in refusal(TrainingSettings, optimizer="adamz")


def test_load_two_wrong_values_are_both_named():
    message = refusal(TrainingSettings, batch_size=0, seed=-1)
    assert "`BATCH_SIZE` must" in message
    assert "; `SEED` must" in message


def test_load_malformed_line_in_dotenv_is_refused_with_its_place(folder):
    (folder / ".env").write_text("# settings\nLEARNING_RATE: 0.1\n")
    assert refusal(TrainingSettings) == f"line 2 of {folder / '.env'} must be NAME=value, but got 'LEARNING_RATE: 0.1'"


@pytest.mark.parametrize("group", GROUPS)
def test_allowed_describes_every_setting(group):
    for field, info in group.model_fields.items():
        assert group.allowed(field)
        assert info.description, field


def test_variable_names_mean_one_thing():
    """Groups may share a variable, such as DATA_DIR, if it is the same setting in both."""
    meanings = {}
    for group in GROUPS:
        for field, info in group.model_fields.items():
            meaning = (field, info.annotation, info.default)
            assert meanings.setdefault(group.variable(field), meaning) == meaning


def test_find_dotenv_looks_upwards(folder, monkeypatch):
    (folder / ".env").write_text("FER_THREADS=2\n")
    inside = folder / "notebooks" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert VisionSettings.load().threads == 2


def test_find_dotenv_stops_at_the_root_of_the_project(folder, monkeypatch):
    (folder / ".env").write_text("SOMEBODY_ELSES_SECRET=2\n")
    project = folder / "project"
    (project / "notebooks").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    monkeypatch.chdir(project / "notebooks")
    assert VisionSettings.load() == VisionSettings()


def test_find_dotenv_prefers_the_nearest(folder, monkeypatch):
    (folder / ".env").write_text("FER_THREADS=2\n")
    (folder / "near").mkdir()
    (folder / "near" / ".env").write_text("FER_THREADS=3\n")
    monkeypatch.chdir(folder / "near")
    assert VisionSettings.load().threads == 3


@pytest.mark.parametrize("group", GROUPS)
def test_validate_value_accepts_every_default(group):
    for field, default in group.load():
        assert group.validate_value(field, default) == default


@pytest.mark.parametrize("value", [-0.1, 60.1, float("nan"), float("inf"), "x", None, [1], 10**400])
def test_validate_value_refuses_what_load_refuses(value):
    with pytest.raises(ValueError, match=r".") as caught:
        VisionSettings.validate_value("smoothing_s", value)
    assert len(str(caught.value)) < 400


def test_validate_value_names_the_setting_and_what_is_allowed():
    with pytest.raises(ValueError, match="`FER_SMOOTHING_S` must be a number from 0 to 60, but got -1"):
        VisionSettings.validate_value("smoothing_s", -1)


def test_validate_value_reads_neither_the_environment_nor_a_file(folder, monkeypatch):
    (folder / ".env").write_text("FER_SMOOTHING_S=7\nFER_MISTAKE=1\n")
    monkeypatch.setenv("FER_SMOOTHING_S", "9")
    monkeypatch.setattr(sources, "find_dotenv", None)
    assert VisionSettings.validate_value("smoothing_s", 0.5) == 0.5
    assert VisionSettings.validate_value("smoothing_s", 1) == 1.0
