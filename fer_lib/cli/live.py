"""`fer-lib live`: the live page, as `make app` serves it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fer_lib.cli.parsing import make_parser, split_settings
from fer_lib.settings.base import PREFIX, PROJECT, Settings
from fer_lib.settings.live import LiveSettings
from fer_lib.settings.remote import RemoteSettings
from fer_lib.settings.server import ServerSettings
from fer_lib.settings.vision import VisionSettings
from fer_lib.terminal import printable

ABOUT = """\
Serve the live page: open its address in a browser and allow the camera. Ctrl-C ends it. Browsers give the camera
only to localhost and to https pages, so put a server with https in front of it before you serve other computers."""
EXAMPLES = """\
fer-lib live
fer-lib live --port 9000 --open
fer-lib live MIN_FACE_SIZE=40 SMOOTHING_S=0.5
fer-lib live --ip 0.0.0.0 ALLOWED_HOSTS=faces.example.org"""
INSTALLED = Path(__file__).parent.parent / "live_page"
NOTEBOOK = "04_live.ipynb"


@dataclass(frozen=True)
class Server:
    """How to start the page: a command line, the folder it runs in, and its environment."""

    command: list[str]
    folder: Path
    environment: dict[str, str]


def main(words: list[str]) -> int:
    """Run the command and return the exit status.

    Raises:
        ValueError: if a setting is wrong or the port is taken.
        FileNotFoundError: if the page is not where it should be.
    """
    parser = make_parser("live", ABOUT, EXAMPLES, settings=True)
    parser.add_argument("words", nargs="*", metavar="NAME=value", help="settings")
    parser.add_argument("--port", type=int, default=8866, help="default: 8866")
    parser.add_argument("--ip", default="localhost", help="address to serve at (default: localhost)")
    parser.add_argument("--open", action="store_true", help="also open the page in the browser")
    given = parser.parse_intermixed_args(words)
    rest, settings = split_settings(given.words)
    if rest:
        parser.error(f"unexpected `{rest[0]}`")
    server = plan(given.ip, given.port, settings, given.open)
    check_port(given.ip, given.port)
    print(
        f"The live page opens at http://{printable(given.ip)}:{given.port} in a moment: go there and allow the camera.",
        end=" ",
    )
    print("Ctrl+C here ends it.", flush=True)
    return _serve(server)


def plan(ip: str, port: int, settings: dict[str, str], in_browser: bool = False) -> Server:
    """Return how to start the page.

    Settings are resolved here, where `.env` is, and handed on in the environment.

    Raises:
        ValueError: if a setting is wrong.
        FileNotFoundError: if the page is not where it should be.
    """
    notebook = find_page()
    command = [sys.executable, "-m", "voila", str(notebook), f"--Voila.ip={ip}", f"--port={port}"]
    command += ["--Voila.port_retries=0", *([] if in_browser else ["--no-browser"])]
    # Large values, such as frames, must not be sent back to the page that they came from.
    environment = {**os.environ, "JUPYTER_WIDGETS_ECHO": "0", **resolve(settings)}
    # Voila finds voila.json in the folder that it runs in.
    folder = notebook.parent if notebook.parent == INSTALLED else PROJECT
    return Server(command, folder, environment)


def resolve(settings: dict[str, str]) -> dict[str, str]:
    """Return what is set here, in `.env` or in the environment, as environment variables.

    Raises:
        ValueError: if a value or a name is wrong.
    """
    variables: dict[str, str] = {}
    groups: tuple[type[Settings], ...] = (VisionSettings, LiveSettings, RemoteSettings, ServerSettings)
    for name in settings:
        if not any(group.owns(name) for group in groups):
            known = {group.variable(field).removeprefix(PREFIX) for group in groups for field in group.model_fields}
            raise ValueError(
                f"`{name.upper()}` is not a setting of the live page; known are {', '.join(sorted(known))}"
            )
    for group in groups:
        ours = group.by_field({name: value for name, value in settings.items() if group.owns(name)})
        loaded, sources = group.load(**ours), group.sources(**ours)
        values = {name: getattr(loaded, name) for name in group.model_fields if sources[name] != "default"}
        variables |= {group.variable(name): _as_text(value) for name, value in values.items() if value is not None}
    return variables


def find_page() -> Path:
    """Return the notebook of the live page: inside the package when installed, beside it in a checkout.

    Raises:
        FileNotFoundError: if it is in neither place.
    """
    for path in (INSTALLED / NOTEBOOK, PROJECT / "notebooks" / NOTEBOOK):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"the live page {NOTEBOOK} must be in {INSTALLED} or in the project's folder, but is not; "
        "`pip install --force-reinstall .` in the project's folder brings it"
    )


def check_port(ip: str, port: int) -> None:
    """Make sure that nobody else serves there.

    Raises:
        ValueError: if the port can't be used.
    """
    try:
        socket.create_server((ip, port)).close()
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(
            f"`--port` must be a free port of {ip}, but got {port} ({why}); take another: fer-lib live --port 9000"
        ) from None


def _serve(server: Server) -> int:
    process = subprocess.Popen(server.command, cwd=server.folder, env=server.environment)  # noqa: S603 our own command
    try:
        return process.wait()
    except BaseException as stop:
        # Ctrl-C reached the server too; being ended by other means did not.
        process.terminate()
        process.wait()
        if isinstance(stop, KeyboardInterrupt):
            return 0
        raise


def _as_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value.resolve())
    return str(value).lower() if isinstance(value, bool) else str(value)
