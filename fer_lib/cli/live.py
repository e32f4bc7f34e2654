"""`fer-lib live`: serve the live page with Voila. The Makefile, the container and the benchmarks start it from here."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_lib.command_line import CommandParser
from fer_lib.settings.base import PROJECT, Settings
from fer_lib.settings.live import LiveSettings
from fer_lib.settings.remote import RemoteSettings
from fer_lib.settings.server import ServerSettings
from fer_lib.settings.vision import VisionSettings
from fer_lib.terminal import printable

ABOUT = """\
Serve the live page: open its address in a browser and allow the camera. Ctrl-C stops the server. Browsers give the
camera only to localhost and to https pages: serve other computers through a proxy with https. Options with a dot, such
as --Voila.token=TEXT, and everything after `--` are passed on to Voila."""
EXAMPLES = """\
fer-lib live
fer-lib live --port 9000 --open
fer-lib live MIN_FACE_SIZE=40 SMOOTHING_S=0.5
fer-lib live --ip 0.0.0.0 --allowed-hosts faces.example.org"""
INSTALLED = Path(__file__).parent.parent / "live_page"
NOTEBOOK = "04_live.ipynb"
PORT = 8866
GROUPS: dict[str, type[Settings]] = {
    "settings of the page": LiveSettings,
    "settings of its server": ServerSettings,
    "settings of a remote inference service": RemoteSettings,
    "settings of detection, tracking and classification": VisionSettings,
}
# The options of a group whose fields are ambiguous without it.
OPTION_PREFIXES: dict[type[Settings], str] = {RemoteSettings: "remote_"}


@dataclass(frozen=True)
class Server:
    """How to start the server of the live page: its command line, working folder and environment."""

    command: list[str]
    folder: Path
    environment: dict[str, str]


def main(words: list[str], prog: str = "fer-lib live") -> int:
    """Run the command and return the exit status.

    Raises:
        ValueError: if a setting is wrong or the port can't be used.
        FileNotFoundError: if the notebook of the page is missing.
    """
    parser = CommandParser(prog, ABOUT, EXAMPLES)
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help=f"port to listen on (default: {PORT})")
    parser.add_argument("--ip", default="localhost", help="address to listen on (default: localhost)")
    parser.add_argument("--open", action="store_true", help="also open the page in the browser")
    for title, group in GROUPS.items():
        parser.add_settings(group, title, prefix=OPTION_PREFIXES.get(group, ""))
    ours, for_voila = split_words(words)
    arguments, given = parser.parse_words(ours)
    server = plan_server(arguments.ip, arguments.port, given, arguments.open, for_voila)
    check_port(arguments.ip, arguments.port)
    host = "localhost" if arguments.ip in ("", "0.0.0.0", "::") else printable(arguments.ip)  # noqa: S104 compared only
    print(f"The live page opens at http://{host}:{arguments.port} in a moment: go there and allow the camera.", end=" ")
    print("Ctrl+C here stops it.", flush=True)
    return run_server(server)


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words for `fer-lib live`, and those for Voila: `--Class.trait=value`, and everything after `--`."""
    end = list(words).index("--") if "--" in words else len(words)
    for_voila = [word for word in words[:end] if re.match(r"--\w+\.", word)]
    return [word for word in words[:end] if word not in for_voila], [*for_voila, *words[end + 1 :]]


def plan_server(
    ip: str, port: int, settings: dict[str, str], in_browser: bool = False, for_voila: Sequence[str] = ()
) -> Server:
    """Return how to start the server.

    Settings are resolved here, where `.env` is found, and passed on in the environment.

    Raises:
        ValueError: if a setting is wrong.
        FileNotFoundError: if the notebook of the page is missing.
    """
    notebook = find_page()
    command = voila_command(notebook, port, ip, in_browser, for_voila)
    # Without echo, large values such as frames are not sent back to the page that they came from.
    environment = {**os.environ, "JUPYTER_WIDGETS_ECHO": "0", **resolve(settings)}
    # Voila reads voila.json from its working folder.
    folder = notebook.parent if notebook.parent == INSTALLED else PROJECT
    return Server(command, folder, environment)


def voila_command(
    notebook: Path, port: int, ip: str = "localhost", in_browser: bool = False, options: Sequence[str] = ()
) -> list[str]:
    """Return the command line of Voila that serves `notebook` at exactly this port."""
    command = [sys.executable, "-m", "voila", str(notebook), f"--Voila.ip={ip}", f"--port={port}"]
    return [*command, "--Voila.port_retries=0", *([] if in_browser else ["--no-browser"]), *options]


def resolve(settings: dict[str, str]) -> dict[str, str]:
    """Return the settings from the command line, the environment and `.env` as environment variables.

    Raises:
        ValueError: if a value or a name is wrong.
    """
    variables: dict[str, str] = {}
    for group in GROUPS.values():
        given = group.by_field({name: value for name, value in settings.items() if group.owns(name)})
        loaded, sources = group.load(**given), group.sources(**given)
        values = {name: getattr(loaded, name) for name in group.model_fields if sources[name] != "default"}
        variables |= {
            group.variable(name): _variable_text(value) for name, value in values.items() if value is not None
        }
    return variables


def find_page() -> Path:
    """Return the notebook of the live page: inside the package when installed, beside it in a checkout.

    Raises:
        FileNotFoundError: if it is in neither folder.
    """
    for path in (INSTALLED / NOTEBOOK, PROJECT / "notebooks" / NOTEBOOK):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"the notebook {NOTEBOOK} of the live page must be in {INSTALLED} or in the project's folder, but is in neither; "
        "`pip install --force-reinstall .` in the project's folder installs it"
    )


def check_port(ip: str, port: int) -> None:
    """Check that the port is free.

    Raises:
        ValueError: if the port can't be used.
    """
    try:
        socket.create_server((ip, port)).close()
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"`PORT` must be a free port of {ip}, but got {port} ({reason}); use another one, such as PORT=9000"
        ) from None


def run_server(server: Server) -> int:
    """Run the server in the place of this process; on Windows, where that is not possible, as its child."""
    if os.name != "nt":
        os.chdir(server.folder)
        os.execve(server.command[0], server.command, server.environment)  # noqa: S606 our own command
    process = subprocess.Popen(server.command, cwd=server.folder, env=server.environment)  # noqa: S603 our own command
    try:
        return process.wait()
    except BaseException as stop:
        # Ctrl-C reaches the child too; other ways to end this process do not.
        process.terminate()
        process.wait()
        if isinstance(stop, KeyboardInterrupt):
            return 0
        raise


def _variable_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value.resolve())
    return str(value).lower() if isinstance(value, bool) else str(value)
