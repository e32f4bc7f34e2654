import json

from fer_lib.live.session.diagnostics import collect_diagnostics
from fer_lib.settings import VisionSettings


def test_collect_diagnostics_versions_and_weights():
    reply = collect_diagnostics(None)
    assert {"python", "numpy", "onnxruntime", "ipywebrtc"} <= reply["versions"].keys()
    assert all("SHA-256" in text for text in reply["weights"].values())
    json.dumps(reply)


def test_collect_diagnostics_missing_weights_without_path(tmp_path):
    reply = collect_diagnostics(VisionSettings.load(weights_dir=tmp_path))
    assert set(reply["weights"].values()) == {"missing"}
    assert str(tmp_path) not in json.dumps(reply)
