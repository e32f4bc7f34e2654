"""Sources of settings and their precedence; validation and error messages."""

from pathlib import Path

import pytest

from fer_lib.settings import GROUPS, LiveSettings, Settings, TrainingSettings, VisionSettings, sources

find_dotenv = sources.find_dotenv


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, with the real search for `.env`."""
    monkeypatch.setattr(sources, "find_dotenv", find_dotenv)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load_error(group: type[Settings], **arguments: object) -> str:
    with pytest.raises(ValueError, match=r"must be|is not a known") as caught:
        group.load(**arguments)
    return str(caught.value)


@pytest.mark.parametrize("group", GROUPS)
def test_load_without_sources_gives_defaults(group):
    assert group.load() == group()
    assert set(group.sources().values()) == {"default"}


def test_load_training_defaults():
    loaded = TrainingSettings.load()
    assert (loaded.learning_rate, loaded.batch_size, loaded.num_epochs, loaded.dropout_rate) == (0.001, 32, 22, 0.4)
    assert (loaded.optimizer, loaded.lr_step_size, loaded.lr_gamma, loaded.image_size) == ("adamw", 7, 0.1, 256)


def test_load_precedence_of_sources(folder, monkeypatch):
    loaded = []
    for source in ("default", ".env", "environment", "parameter"):
        if source == ".env":
            (folder / ".env").write_text("NUM_EPOCHS=2\n")
        if source == "environment":
            monkeypatch.setenv("NUM_EPOCHS", "3")
        arguments = {"num_epochs": 4} if source == "parameter" else {}
        loaded.append(
            (TrainingSettings.load(**arguments).num_epochs, TrainingSettings.sources(**arguments)["num_epochs"])
        )
    assert loaded == [(22, "default"), (2, ".env"), (3, "environment"), (4, "parameter")]


def test_load_parameter_none_uses_the_environment(monkeypatch):
    monkeypatch.setenv("BATCH_SIZE", "8")
    assert TrainingSettings.load(batch_size=None).batch_size == 8
    assert TrainingSettings.sources(batch_size=None)["batch_size"] == "environment"


def test_load_ignores_empty_values(folder, monkeypatch):
    (folder / ".env").write_text("BATCH_SIZE=\nFER_WEIGHTS_DIR=\n")
    monkeypatch.setenv("NUM_EPOCHS", "")
    assert TrainingSettings.load() == TrainingSettings()
    assert VisionSettings.load().weights_dir is None


def test_load_names_are_case_insensitive(folder, monkeypatch):
    (folder / ".env").write_text("learning_rate=0.5\n")
    monkeypatch.setenv("fer_threads", "2")
    assert TrainingSettings.load().learning_rate == 0.5
    assert VisionSettings.load().threads == 2


def test_load_ignores_settings_of_other_groups(folder):
    (folder / ".env").write_text("NUM_EPOCHS=2\nFER_MIRROR=no\nFER_MIN_FACE_SIZE=40\n")
    assert VisionSettings.load() == VisionSettings(min_face_size=40)
    assert LiveSettings.load() == LiveSettings(mirror=False)


def test_load_ignores_unrelated_environment_variables(monkeypatch):
    monkeypatch.setenv("LEARNING_RATES", "0.1")
    assert TrainingSettings.load() == TrainingSettings()


def test_constructor_reads_no_sources(folder, monkeypatch):
    (folder / ".env").write_text("FER_THREADS=3\n")
    monkeypatch.setenv("FER_THREADS", "4")
    assert VisionSettings().threads == 1


def test_load_result_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        VisionSettings.load().threads = 2


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("optimzer", "optimizer"), ("epochs", "num_epochs"), ("LEARNING_RATE", "learning_rate"), ("Seed", "seed")],
)
def test_load_unknown_parameter_error_with_suggestion(name, suggestion):
    message = load_error(TrainingSettings, **{name: 1})
    assert message.startswith(f"`{name}` is not a known setting")
    assert f"did you mean `{suggestion}`?" in message


def test_load_unknown_parameter_without_similar_name_lists_all():
    message = load_error(LiveSettings, zzz=1)
    assert message.startswith("`zzz` is not a known setting")
    assert all(field in message for field in LiveSettings.model_fields)


def test_load_unknown_environment_variable_error(monkeypatch):
    monkeypatch.setenv("FER_MIN_FACESIZE", "40")
    assert "`FER_MIN_FACESIZE` is not a known environment variable" in load_error(VisionSettings)
    assert "did you mean `FER_MIN_FACE_SIZE`?" in load_error(LiveSettings)


def test_load_unknown_name_in_dotenv_error(folder):
    (folder / ".env").write_text("LEARNIG_RATE=0.1\n")
    assert "`LEARNIG_RATE` is not a known name in .env" in load_error(TrainingSettings)
    assert "did you mean `LEARNING_RATE`?" in load_error(TrainingSettings)


@pytest.mark.parametrize(
    ("group", "argument", "value", "beginning"),
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
def test_load_invalid_value_error_in_one_line(group, argument, value, beginning):
    message = load_error(group, **{argument: value})
    assert message.startswith(beginning)
    assert message.endswith(f"({group.model_fields[argument].description})")
    assert "\n" not in message


def test_load_invalid_value_error_names_the_source(folder, monkeypatch):
    (folder / ".env").write_text("OPTIMIZER=adamx\n")
    assert "but got 'adamx' from .env (" in load_error(TrainingSettings)
    monkeypatch.setenv("OPTIMIZER", "adamy")
    assert "but got 'adamy' from the environment (" in load_error(TrainingSettings)
    assert "but got 'adamz' (" in load_error(TrainingSettings, optimizer="adamz")


def test_load_two_invalid_values_error_names_both():
    message = load_error(TrainingSettings, batch_size=0, seed=-1)
    assert "`BATCH_SIZE` must" in message
    assert "; `SEED` must" in message


def test_load_dotenv_that_is_not_utf8_error_with_line_number(folder):
    (folder / ".env").write_bytes("# settings\n# größer\n".encode("latin-1"))
    message = load_error(TrainingSettings)
    assert message.startswith(f"line 2 of {folder / '.env'} must be UTF-8")


def test_load_malformed_line_in_dotenv_error_with_line_number(folder):
    (folder / ".env").write_text("# settings\nLEARNING_RATE: 0.1\n")
    assert (
        load_error(TrainingSettings) == f"line 2 of {folder / '.env'} must be NAME=value, but got 'LEARNING_RATE: 0.1'"
    )


@pytest.mark.parametrize("group", GROUPS)
def test_allowed_and_description_of_every_setting(group):
    for field, info in group.model_fields.items():
        assert group.allowed(field)
        assert info.description, field


def test_variable_shared_by_groups_has_one_definition():
    """Groups may share a variable if field, type and default are the same in both."""
    definitions = {}
    for group in GROUPS:
        for field, info in group.model_fields.items():
            definition = (field, info.annotation, info.default)
            assert definitions.setdefault(group.variable(field), definition) == definition


def test_find_dotenv_in_a_parent_folder(folder, monkeypatch):
    (folder / ".env").write_text("FER_THREADS=2\n")
    inside = folder / "notebooks" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert VisionSettings.load().threads == 2


def test_find_dotenv_stops_at_the_root_of_the_project(folder, monkeypatch):
    (folder / ".env").write_text("OTHER_PROJECT_SECRET=2\n")
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
def test_validate_value_rejects_invalid_values(value):
    with pytest.raises(ValueError, match=r"`FER_SMOOTHING_S` must be") as caught:
        VisionSettings.validate_value("smoothing_s", value)
    assert len(str(caught.value)) < 400


def test_validate_value_error_names_setting_and_range():
    with pytest.raises(ValueError, match="`FER_SMOOTHING_S` must be a number from 0 to 60, but got -1"):
        VisionSettings.validate_value("smoothing_s", -1)


def test_validate_value_reads_neither_the_environment_nor_a_file(folder, monkeypatch):
    (folder / ".env").write_text("FER_SMOOTHING_S=7\nFER_MISTAKE=1\n")
    monkeypatch.setenv("FER_SMOOTHING_S", "9")
    monkeypatch.setattr(sources, "find_dotenv", None)
    assert VisionSettings.validate_value("smoothing_s", 0.5) == 0.5
    assert VisionSettings.validate_value("smoothing_s", 1) == 1.0
