"""Run one fuzz target with libFuzzer: each input path for untrusted bytes is a function of bytes.

    python -m stress.fuzz_targets images CORPUS [libFuzzer options]

A target accepts a result or a documented error; any other exception is a finding and ends the process. `stress.fuzz`
runs all targets.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris

from stress.file_targets import make_folder_target, make_photo_target, make_videos_target
from stress.image_targets import FuzzTarget, make_headers_target, make_images_target, make_pipeline_target
from stress.message_targets import make_comms_target, make_messages_target, make_wire_format_target
from stress.service_targets import make_hosts_target, make_service_target

TARGETS: dict[str, Callable[[], FuzzTarget]] = {
    "headers": make_headers_target,
    "images": make_images_target,
    "pipeline": make_pipeline_target,
    "messages": make_messages_target,
    "wire_format": make_wire_format_target,
    "comms": make_comms_target,
    "service": make_service_target,
    "folder": make_folder_target,
    "photo": make_photo_target,
    "videos": make_videos_target,
    "hosts": make_hosts_target,
}


def main() -> None:
    """Fuzz one target until libFuzzer ends the process."""
    target = TARGETS[sys.argv[1]]()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
