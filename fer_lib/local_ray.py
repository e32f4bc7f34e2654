"""Local Ray cluster: bound to the loopback address, with token authentication, without a dashboard."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

# Ray reads these at import. The first variable applies to Linux too, despite its name: with "0", the default on Windows
# and macOS, Ray binds its some ten ports to 127.0.0.1 instead of all addresses, except one per replica of Ray Serve. That
# one is protected by the token only (available since Ray 2.52, the default since 2.60).
LOCAL_RAY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


def restrict_local_ray() -> None:
    """Restrict a local Ray cluster to this machine and this user; call it before `ray` is imported.

    The token is kept in the environment of this process and its children only. Nothing is changed if `RAY_ADDRESS`
    names a cluster, whose machines must reach each other; variables set by the user are kept.
    """
    if os.environ.get("RAY_ADDRESS"):
        return
    for name, value in LOCAL_RAY.items():
        os.environ.setdefault(name, value)
    if not os.environ.get("RAY_AUTH_TOKEN_PATH"):
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def connect_ray() -> Iterator[None]:
    """Connect to the cluster of `RAY_ADDRESS`, or start a local one and shut it down at exit; reuse an open connection."""
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
