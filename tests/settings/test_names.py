"""Names of settings: environment variables with and without prefix, `NAME=value` words, retired names."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_lib.settings import (
    GROUPS,
    EvaluationSettings,
    LiveSettings,
    RemoteSettings,
    ServiceSettings,
    TrainingSettings,
    VisionSettings,
    names,
    sources,
)
from fer_lib.settings.retired import RETIRED, Retired
from fer_lib.settings.training import UNPREFIXED

find_dotenv = sources.find_dotenv


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, with the real search for `.env` and no warning logged before."""
    monkeypatch.setattr(sources, "find_dotenv", find_dotenv)
    monkeypatch.chdir(tmp_path)
    names._log_once.cache_clear()
    return tmp_path


@pytest.fixture
def retired(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replace the retired names of the training settings by invented ones."""
    entries = {
        "FER_TRAIN_OLD_RATE": Retired("learning_rate"),
        "FER_TRAIN_OLD_PERCENT": Retired("dropout_rate", factor=0.01),
        "FER_TRAIN_GONE": Retired(default=0.0),
    }
    monkeypatch.setitem(RETIRED, "TrainingSettings", entries)
    names._retired.cache_clear()
    yield
    names._retired.cache_clear()


def test_variable_unprefixed_training_settings():
    fields = TrainingSettings.model_fields
    assert tuple(fields)[:8] == UNPREFIXED
    assert [TrainingSettings.variable(field) for field in UNPREFIXED] == [field.upper() for field in UNPREFIXED]
    assert {TrainingSettings.variable(field) for field in list(fields)[8:]} == {
        f"FER_TRAIN_{field.upper()}" for field in list(fields)[8:]
    }
    assert EvaluationSettings.variable("split") == "FER_EVALUATE_SPLIT"


@pytest.mark.parametrize("source", ["environment", ".env"])
def test_load_prefixed_names_of_training_and_evaluation(folder, monkeypatch, caplog, source):
    values = {"FER_TRAIN_SEED": "3", "FER_TRAIN_BATCH_SIZE": "8", "FER_EVALUATE_SPLIT": "train"}
    if source == ".env":
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    else:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
    assert (TrainingSettings.load().seed, TrainingSettings.load().batch_size) == (3, 8)
    assert EvaluationSettings.load().split == "train"
    assert TrainingSettings.sources()["seed"] == source
    assert caplog.messages == []


def test_load_prefers_the_prefixed_name_to_the_bare_one(monkeypatch, caplog):
    monkeypatch.setenv("SEED", "1")
    monkeypatch.setenv("FER_TRAIN_SEED", "2")
    assert TrainingSettings.load().seed == 2
    assert caplog.messages == []


def test_load_prefers_the_bare_name_of_the_environment_to_the_prefixed_one_of_dotenv(folder, monkeypatch):
    (folder / ".env").write_text("FER_TRAIN_SEED=2\n")
    monkeypatch.setenv("SEED", "1")
    assert TrainingSettings.load().seed == 1


def test_load_warns_once_about_bare_names(monkeypatch, caplog):
    monkeypatch.setenv("SEED", "1")
    monkeypatch.setenv("DEVICE", "cpu")
    monkeypatch.setenv("NUM_EPOCHS", "2")  # a field without prefix
    loaded = [TrainingSettings.load() for _ in range(2)]
    assert [(one.seed, one.device, one.num_epochs) for one in loaded] == [(1, "cpu", 2)] * 2
    (line,) = caplog.messages
    assert {"`SEED`", "`DEVICE`", "`FER_TRAIN_SEED`", "`FER_TRAIN_DEVICE`"} <= set(line.replace(",", "").split())
    assert "NUM_EPOCHS" not in line
    assert caplog.records[0].levelno == logging.WARNING


def test_load_bare_names_as_arguments_without_warning(caplog):
    assert TrainingSettings.load(seed=4).seed == 4
    assert caplog.messages == []


def test_load_bare_names_of_other_groups_are_ignored(monkeypatch):
    monkeypatch.setenv("THREADS", "7")
    monkeypatch.setenv("PORT", "9")
    assert VisionSettings.load().threads == 1
    assert ServiceSettings.load().port == 8000


def test_load_error_names_the_field_or_the_variable(monkeypatch):
    with pytest.raises(ValueError, match="`SEED` must be a whole number of at least 0, but got -1"):
        TrainingSettings.load(seed=-1)
    monkeypatch.setenv("FER_TRAIN_SEED", "-2")
    with pytest.raises(ValueError, match=r"`FER_TRAIN_SEED` must be .* but got '-2' from the environment"):
        TrainingSettings.load()


def test_load_unknown_prefixed_name_error(monkeypatch):
    monkeypatch.setenv("FER_TRAIN_SEDE", "1")
    with pytest.raises(ValueError, match="did you mean `FER_TRAIN_SEED`"):
        VisionSettings.load()


@pytest.mark.parametrize("name", ["FER_TRAIN_SEED", "TRAIN_SEED", "SEED", "seed"])
def test_by_field_accepts_every_form_of_a_name(name):
    assert TrainingSettings.by_field({name: "1"}) == {"seed": "1"}
    assert TrainingSettings.owns(name)


def test_by_field_service_and_live():
    assert ServiceSettings.by_field({"SERVICE_PORT": 1, "THREADS": 2}) == {"port": 1, "threads": 2}
    assert RemoteSettings.by_field({"REMOTE_URL": "http://a"}) == {"url": "http://a"}
    assert LiveSettings.by_field({"FER_NONE": 1}) == {"fer_none": 1}
    assert not LiveSettings.owns("FER_NONE")


@pytest.mark.parametrize(
    ("group", "old", "value", "field", "expected"),
    [
        (RemoteSettings, "FER_SERVICE_URL", "http://a:1", "url", "http://a:1"),
        (RemoteSettings, "FER_SERVICE_TIMEOUT_S", "3", "timeout_s", 3),
        (RemoteSettings, "FER_SERVICE_RETRY_S", "4", "retry_s", 4),
        (ServiceSettings, "FER_SERVICE_MAX_UPLOAD_BYTES", "2500000", "max_upload_bytes", 2_500_000),
        (ServiceSettings, "FER_SERVICE_MAX_WAITING_BYTES", "5000000", "max_waiting_mb", 5),
        (EvaluationSettings, "UNCERTAIN_BELOW", "0.7", "coverage_threshold", 0.7),
        (VisionSettings, "FER_TRACK_PATIENCE_S", "1.5", "track_timeout_s", 1.5),  # words: allow
    ],
)
@pytest.mark.parametrize("source", ["environment", ".env", "word"])
def test_load_renamed_name_with_one_warning(folder, monkeypatch, caplog, group, old, value, field, expected, source):
    words = {old: value} if source == "word" else {}
    if source == "environment":
        monkeypatch.setenv(old, value)
    if source == ".env":
        (folder / ".env").write_text(f"{old}={value}\n")
    assert group.owns(old)
    assert [getattr(group.load(**group.by_field(words)), field) for _ in range(2)] == [expected] * 2
    (line,) = caplog.messages
    assert old.lower() in line.lower()
    assert "FER_" in line
    assert "\n" not in line


def test_load_prefers_the_current_name_to_the_retired_one(monkeypatch, caplog):
    monkeypatch.setenv("FER_SERVICE_URL", "http://old")
    monkeypatch.setenv("FER_REMOTE_URL", "http://new")
    assert RemoteSettings.load().url == "http://new"


def test_load_renamed_invalid_value_error(monkeypatch):
    monkeypatch.setenv("FER_SERVICE_MAX_UPLOAD_BYTES", "much")
    with pytest.raises(ValueError, match=r"`FER_SERVICE_MAX_UPLOAD_MB` must be a number .* but got 'much'"):
        ServiceSettings.load()


@pytest.mark.parametrize("source", ["environment", "bare", ".env", "word", "field"])
@pytest.mark.usefixtures("retired")
def test_load_removed_setting_with_one_warning(folder, monkeypatch, caplog, source):
    words = {"word": {"GONE": "1"}, "field": {"gone": 1}}.get(source, {})
    if source in ("environment", "bare"):
        monkeypatch.setenv("GONE" if source == "bare" else "FER_TRAIN_GONE", "1")
    if source == ".env":
        (folder / ".env").write_text("FER_TRAIN_GONE=1\n")
    assert [TrainingSettings.load(**TrainingSettings.by_field(words)) for _ in range(2)] == [TrainingSettings()] * 2
    (line,) = caplog.messages
    assert "GONE` was removed" in line


@pytest.mark.usefixtures("retired")
def test_current_renames_converts_and_drops(caplog):
    recorded = {"old_rate": 0.5, "old_percent": 20, "gone": 0.0, "seed": 3}
    assert TrainingSettings.current(recorded) == {"learning_rate": 0.5, "dropout_rate": pytest.approx(0.2), "seed": 3}
    assert [("OLD_RATE" in line, "OLD_PERCENT" in line) for line in caplog.messages] == [(True, False), (False, True)]


def test_current_keeps_current_names(caplog):
    values = TrainingSettings().model_dump()
    assert TrainingSettings.current(values) == values
    assert caplog.messages == []


def test_retired_groups_and_replacements_exist():
    groups = {group.__name__: group for group in GROUPS}
    assert RETIRED.keys() <= groups.keys()
    for name, entries in RETIRED.items():
        for old, entry in entries.items():
            assert old == old.upper()
            assert entry.replacement is None or entry.replacement in groups[name].model_fields
