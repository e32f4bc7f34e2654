"""Ray on this machine: bound to the loopback address, with a token, without a dashboard."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

# Ray reads these while it is imported. The first one's name speaks of Windows and macOS, where "0" is the default; on
# Linux Ray would otherwise bind some ten ports to all addresses. With "0" they are bound to 127.0.0.1, except one for
# each replica of Ray Serve, which therefore depends on the token (the default since Ray 2.60, known since 2.52).
LOCAL_RAY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


def restrict_local_ray() -> None:
    """Restrict a Ray that this process starts to this machine and this user; call it before `ray` is imported.

    The token lives in the environment of this process and its children only. Nothing is changed when `RAY_ADDRESS`
    names a cluster, whose machines must reach each other; a variable that the user has set stays.
    """
    if os.environ.get("RAY_ADDRESS"):
        return
    for name, value in LOCAL_RAY.items():
        os.environ.setdefault(name, value)
    if not os.environ.get("RAY_AUTH_TOKEN_PATH"):
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def connect_ray() -> Iterator[None]:
    """Start a Ray on this machine and end it at exit, or use the cluster of `RAY_ADDRESS`, or this process's own Ray."""
    restrict_local_ray()
    import ray

    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS") or "local"
    ray.init(address, log_to_driver=False, include_dashboard=False)
    try:
        yield
    finally:
        ray.shutdown()
