import json
import os
import re
import socket
import subprocess
import sys

import pytest

from fer_lib.cli import live
from fer_lib.cli.live import check_port, find_page, main, plan_server, resolve, split_words
from fer_lib.settings import sources


def test_plan_server_runs_voila_with_the_notebook() -> None:
    server = plan_server("localhost", 9000, {})
    assert server.command[:3] == [sys.executable, "-m", "voila"]
    assert server.command[3].endswith("04_live.ipynb")
    assert {"--Voila.ip=localhost", "--port=9000", "--Voila.port_retries=0", "--no-browser"} <= set(server.command)
    assert server.environment["JUPYTER_WIDGETS_ECHO"] == "0"
    assert "Voila" in json.loads((server.folder / "voila.json").read_text())


def test_makefile_and_container_use_fer_lib_live(project_root) -> None:
    makefile = (project_root / "Makefile").read_text()
    assert "fer_lib live --ip=$(IP) --port=$(PORT)" in makefile
    assert re.search(r"^PORT \?= (\d+)", makefile, re.MULTILINE)[1] == str(live.PORT)
    assert "exec fer-lib live --ip 0.0.0.0" in (project_root / "deploy" / "start").read_text()
    names = ("Makefile", "deploy/start", "harness/servers.py")
    assert [name for name in names if "Voila.port_retries" in (project_root / name).read_text()] == []


@pytest.mark.parametrize(
    ("words", "ours", "for_voila"),
    [
        ([], [], []),
        (["--port", "9000", "--Voila.token=secret"], ["--port", "9000"], ["--Voila.token=secret"]),
        (["PORT=1", "--", "--debug", "--port=2"], ["PORT=1"], ["--debug", "--port=2"]),
        (["--A.b=1", "SMOOTHING_S=0.5", "--", "--C.d=2"], ["SMOOTHING_S=0.5"], ["--A.b=1", "--C.d=2"]),
    ],
)
def test_split_words_separates_options_of_voila(words, ours, for_voila) -> None:
    assert split_words(words) == (ours, for_voila)


@pytest.mark.parametrize("words", [["--port", "{port}", "--ip", "127.0.0.1"], ["PORT={port}", "IP=127.0.0.1"]])
def test_main_starts_the_planned_server(monkeypatch, capsys, words) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    started = []
    monkeypatch.setattr(live, "run_server", lambda server: started.append(server) or 0)
    words = [word.format(port=port) for word in words]
    assert main([*words, "--min-face-size", "40", "MIRROR=false", "--Voila.token=secret"]) == 0
    assert {"--Voila.ip=127.0.0.1", f"--port={port}", "--Voila.token=secret"} <= set(started[0].command)
    assert started[0].environment["FER_MIN_FACE_SIZE"] == "40"
    assert started[0].environment["FER_MIRROR"] == "false"
    assert f"http://127.0.0.1:{port}" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot replace a process")
def test_run_server_replaces_the_process(tmp_path, project_root) -> None:
    program = "import os; print(os.getpid(), os.getcwd(), os.environ['A'])"
    script = f"""
import os, sys
from pathlib import Path
from fer_lib.cli.live import Server, run_server
print(os.getpid(), flush=True)
run_server(Server([sys.executable, "-c", {program!r}], Path({str(tmp_path)!r}), {{"A": "b"}}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=project_root, capture_output=True, text=True, check=True)
    before, after, *rest = done.stdout.split()
    assert after == before
    assert rest == [str(tmp_path), "b"]


def test_plan_server_opens_the_browser() -> None:
    assert "--no-browser" not in plan_server("localhost", 9000, {}, in_browser=True).command


def test_plan_server_installed_package_runs_in_the_folder_of_the_notebook(tmp_path, monkeypatch) -> None:
    (tmp_path / "04_live.ipynb").touch()
    monkeypatch.setattr(live, "INSTALLED", tmp_path)
    assert plan_server("localhost", 9000, {}).folder == tmp_path


def test_find_page_missing_names_the_install_command(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(live, "INSTALLED", tmp_path)
    monkeypatch.setattr(live, "PROJECT", tmp_path)
    with pytest.raises(FileNotFoundError, match="pip install"):
        find_page()


def test_resolve_returns_only_settings_that_were_given(tmp_path, monkeypatch) -> None:
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


def test_check_port_in_use() -> None:
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ValueError, match="`PORT` must be a free port of localhost"):
            check_port("localhost", port)
    check_port("localhost", port)
