"""Disable the telemetry of dependencies.

`import fer_lib` calls this before any of them is imported: it is the one exception to the rule that importing reads
and changes no environment. ONNX Runtime creates a device id and a database of events in the home folder while it is
imported and uploads them seconds later, so its own function `disable_telemetry_events` is too late. Child
processes (kernels, papermill, Ray, training processes) inherit the variables.
"""

from __future__ import annotations

from collections.abc import MutableMapping

# Each is the dependency's own documented variable. docs/security.md lists the dependencies that need none.
TELEMETRY_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime: device id, events, upload to Microsoft
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray: usage statistics, once an hour
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, which accelerate installs: versions, with each download
}


def disable_telemetry(environment: MutableMapping[str, str]) -> None:
    """Set the variables of `TELEMETRY_OFF` that are unset or empty; other values are set by the user and kept."""
    for name, value in TELEMETRY_OFF.items():
        if not environment.get(name):
            environment[name] = value
