"""Command line of the service.

python -m fer_lib.service --port 8000
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_lib.settings.service import ServiceSettings
from fer_lib.terminal import ArgumentParser, prepare_streams, printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; return 0, or 2 after printing one sentence about an error."""
    parser = ArgumentParser(prog="python -m fer_lib.service", description="Detect and classify faces over HTTP.")
    for field in ("host", "port", "processes", "threads"):
        parser.add_argument(f"--{field}", help=ServiceSettings.model_fields[field].description)
    try:
        settings = ServiceSettings.load(**vars(parser.parse_args(arguments)))
        from fer_lib.service.serving import serve

        serve(settings)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"fer_lib.service: {printable(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main())
