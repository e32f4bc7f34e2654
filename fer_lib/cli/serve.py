"""`fer-lib serve`: the same pipeline over HTTP."""

from __future__ import annotations

from fer_lib.cli.parsing import make_parser, split_settings
from fer_lib.packages import require
from fer_lib.settings.service import ServiceSettings

ABOUT = """\
Answer pictures over HTTP: POST /infer, POST /infer/batch, a WebSocket at /stream; /docs describes everything. Ctrl-C
ends it."""
EXAMPLES = """\
fer-lib serve
fer-lib serve PORT=9000 THREADS=2
curl -F file=@party.jpg -F model_type=faces http://localhost:8000/infer"""


def main(words: list[str]) -> int:
    """Run the command and return the exit status.

    Raises:
        ValueError: if a setting is wrong.
        FileNotFoundError: if weights are missing.
        ModuleNotFoundError: if a package is missing, with the command that installs it.
    """
    parser = make_parser("serve", ABOUT, EXAMPLES, settings=True)
    parser.add_argument("words", nargs="*", metavar="NAME=value", help="settings, FER_SERVICE_… in .env.example")
    rest, given = split_settings(parser.parse_args(words).words)
    if rest:
        parser.error(f"unexpected `{rest[0]}`")
    settings = ServiceSettings.load(**ServiceSettings.by_field(given))
    require("this", "service", fastapi="fastapi", uvicorn="uvicorn")
    from fer_lib.service.serving import serve

    serve(settings)
    return 0
