import shutil

import pytest

from fer_lib import doctor
from fer_lib.doctor import as_dict, check_camera, check_extensions, check_versions, check_weights, examine, time_stages
from fer_lib.settings import VisionSettings


def by_name(findings):
    return {one.name: one for one in findings}


def test_examine_finds_this_environment_well() -> None:
    findings = examine()
    assert as_dict(findings)["ok"], [one for one in findings if one.ok is False]
    assert {one.about for one in findings} == {"versions", "weights", "extensions", "camera", "timing"}
    assert all(one.says.endswith(" ms") for one in findings if one.about == "timing")


def test_check_versions_says_what_installs_what_is_missing(monkeypatch) -> None:
    monkeypatch.setattr(doctor, "find_version", lambda name: None)
    found = by_name(check_versions())
    assert (found["voila"].ok, found["voila"].says) == (False, "missing; `pip install voila`")
    assert found["av"].ok is None
    assert found["av"].says == "not installed, needed for videos from the shell: `pip install av`"


def test_check_weights_sees_damage_and_absence(tmp_path, project_root) -> None:
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
    assert "the file is damaged" in found["mtcnn_rnet"].says


def test_check_extensions_says_what_brings_them(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path.joinpath(*parts))])
    found = check_extensions()
    assert [one.ok for one in found] == [False] * 4
    assert by_name(found)["jupyter-webrtc"].says.endswith("`pip install --force-reinstall ipywebrtc` brings it")


@pytest.mark.parametrize("system", ["linux", "darwin", "win32", "other"])
def test_check_camera_explains_secure_pages_everywhere(monkeypatch, system) -> None:
    monkeypatch.setattr(doctor.sys, "platform", system)
    first, *_ = check_camera()
    assert "localhost" in first.says
    assert "https" in first.says


def test_time_stages_without_networks_says_why(tmp_path) -> None:
    (one,) = time_stages(VisionSettings(weights_dir=tmp_path))
    assert one.ok is False
    assert "can't be loaded" in one.says
