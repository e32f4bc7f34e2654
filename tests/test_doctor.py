import shutil

import pytest

from fer_lib import doctor
from fer_lib.doctor import (
    as_dict,
    check_camera,
    check_extensions,
    check_installation,
    check_versions,
    check_weights,
    time_stages,
)
from fer_lib.settings import VisionSettings


def by_name(results):
    return {result.name: result for result in results}


def test_check_installation_passes_here() -> None:
    results = check_installation()
    assert as_dict(results)["ok"], [result for result in results if result.ok is False]
    assert {result.topic for result in results} == {"versions", "weights", "extensions", "camera", "timing"}
    assert all(result.message.endswith(" ms") for result in results if result.topic == "timing")


def test_check_versions_names_the_command_that_installs_a_missing_package(monkeypatch) -> None:
    monkeypatch.setattr(doctor, "find_version", lambda name: None)
    found = by_name(check_versions())
    assert found["voila"].ok is False
    assert "`pip install voila`" in found["voila"].message
    assert found["av"].ok is None
    assert "`pip install av`" in found["av"].message


def test_check_weights_damaged_or_missing(tmp_path, project_root) -> None:
    for path in (project_root / "weights").glob("mtcnn_*"):
        shutil.copy(path, tmp_path)
    with (tmp_path / "mtcnn_rnet.onnx").open("ab") as stream:
        stream.write(b"!")
    found = by_name(check_weights(VisionSettings(weights_dir=tmp_path)))
    assert {name: one.ok for name, one in found.items()} == {
        "mtcnn_pnet": True,
        "mtcnn_rnet": False,
        "mtcnn_onet": True,
        "emotion": False,
    }
    assert "damaged" in found["mtcnn_rnet"].message


def test_check_extensions_names_the_command_that_installs_them(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path.joinpath(*parts))])
    found = check_extensions()
    assert [one.ok for one in found] == [False] * 4
    assert "`pip install --force-reinstall ipywebrtc`" in by_name(found)["jupyter-webrtc"].message


@pytest.mark.parametrize("system", ["linux", "darwin", "win32", "other"])
def test_check_camera_explains_secure_pages_everywhere(monkeypatch, system) -> None:
    monkeypatch.setattr(doctor.sys, "platform", system)
    first, *_ = check_camera()
    assert "localhost" in first.message
    assert "https" in first.message


def test_time_stages_without_weights(tmp_path) -> None:
    (one,) = time_stages(VisionSettings(weights_dir=tmp_path))
    assert one.ok is False
    assert "can't be loaded" in one.message
