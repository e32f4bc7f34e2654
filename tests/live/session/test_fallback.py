from fer_lib.live.session import fallback
from fer_lib.live.session.fallback import REMOTE_NOTICE, UNENCRYPTED_NOTICE, FallbackPipeline
from fer_lib.settings import RemoteSettings, VisionSettings


def test_notice_and_log_of_an_unencrypted_connection(monkeypatch, caplog):
    monkeypatch.setattr(fallback, "RemoteStream", lambda settings: None)
    local = FallbackPipeline(VisionSettings(), RemoteSettings(url="http://localhost:8000"), lambda _: None)
    assert (local.notice, caplog.text) == (REMOTE_NOTICE, "")
    other = FallbackPipeline(VisionSettings(), RemoteSettings(url="http://10.0.0.5:8000"), lambda _: None)
    assert other.notice == UNENCRYPTED_NOTICE
    assert "http://10.0.0.5:8000 without encryption" in caplog.text
