"""Serve the pipeline over HTTP.

    fer-lib serve --port 8000

`fer-lib serve` and `python -m fer_lib.service` are the same command.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_lib.command_line import CommandParser, run_command
from fer_lib.optional_packages import require
from fer_lib.settings.service import ServiceSettings
from fer_lib.terminal import prepare_streams

ABOUT = """\
Serve the pipeline over HTTP: POST /infer, POST /infer/batch, WebSocket /stream; /docs describes the API. Ctrl-C stops
the server."""
EXAMPLES = """\
fer-lib serve
fer-lib serve --port 9000 --threads 2
fer-lib serve PORT=9000 THREADS=2
curl -F file=@party.jpg -F model_type=faces http://localhost:8000/infer"""


def main(words: Sequence[str] | None = None, prog: str = "python -m fer_lib.service") -> int:
    """Run the command, which is called `prog` in help and errors, and return the exit status."""
    parser = CommandParser(prog, ABOUT, EXAMPLES)
    parser.add_settings(ServiceSettings, "settings of the service")
    _, arguments = parser.parse_words(words)
    return run_command(prog, lambda: _serve(arguments))


def _serve(arguments: dict[str, str]) -> int:
    settings = ServiceSettings.load(**arguments)
    require("the service", "service", fastapi="fastapi", uvicorn="uvicorn")
    from fer_lib.service.serving import serve

    serve(settings)
    return 0


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main())
