import json
import socket
import sys

import pytest

from fer_lib.cli import live
from fer_lib.cli.live import check_port, find_page, plan, resolve
from fer_lib.settings import sources


def test_plan_starts_voila_on_the_page_as_make_app_does(project_root) -> None:
    server = plan("localhost", 9000, {})
    assert server.command[:3] == [sys.executable, "-m", "voila"]
    assert server.command[3].endswith("04_live.ipynb")
    assert {"--Voila.ip=localhost", "--port=9000", "--Voila.port_retries=0", "--no-browser"} <= set(server.command)
    makefile = (project_root / "Makefile").read_text()
    assert all(option in makefile for option in ("--Voila.ip=", "--port=", "--Voila.port_retries=0", "--no-browser"))
    assert server.environment["JUPYTER_WIDGETS_ECHO"] == "0"
    assert "Voila" in json.loads((server.folder / "voila.json").read_text())


def test_plan_opens_the_browser_when_asked() -> None:
    assert "--no-browser" not in plan("localhost", 9000, {}, in_browser=True).command


def test_plan_of_an_installed_package_runs_beside_its_page(tmp_path, monkeypatch) -> None:
    (tmp_path / "04_live.ipynb").touch()
    monkeypatch.setattr(live, "INSTALLED", tmp_path)
    assert plan("localhost", 9000, {}).folder == tmp_path


def test_find_page_says_what_brings_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(live, "INSTALLED", tmp_path)
    monkeypatch.setattr(live, "PROJECT", tmp_path)
    with pytest.raises(FileNotFoundError, match="brings it"):
        find_page()


def test_resolve_hands_on_what_is_set_and_nothing_else(tmp_path, monkeypatch) -> None:
    (tmp_path / ".env").write_text("FER_MIRROR=false\n")
    monkeypatch.setattr(sources, "find_dotenv", lambda: tmp_path / ".env")
    monkeypatch.setenv("FER_MAX_FACES", "3")
    found = resolve({"smoothing_s": "0.5", "capture_width": "320"})
    assert found == {
        "FER_SMOOTHING_S": "0.5",
        "FER_CAPTURE_WIDTH": "320",
        "FER_MIRROR": "false",
        "FER_MAX_FACES": "3",
    }


def test_check_port_that_is_taken() -> None:
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ValueError, match="must be a free port of localhost"):
            check_port("localhost", port)
    check_port("localhost", port)
