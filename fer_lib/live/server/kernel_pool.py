"""Voila's pool of preheated kernels: which kernels have a visitor, and which are still unused."""

from __future__ import annotations

import asyncio
from typing import Any


def list_visited_kernels(manager: Any) -> set[str]:
    """Return the ids of the kernels that have a visitor, which are those outside the pools.

    Args:
        manager: Voila's kernel manager; it has pools only with `VoilaConfiguration.preheat_kernel`.
    """
    done = [task for task in _list_tasks(manager) if task.done() and not task.cancelled() and not task.exception()]
    return set(manager.list_kernel_ids()) - {task.result()["kernel_id"] for task in done}


async def wait_for_pools(manager: Any) -> None:
    """Wait for kernels that are being started for the pools: until then they count as kernels of visitors."""
    pending = [task for task in _list_tasks(manager) if not task.done()]
    if pending:
        await asyncio.wait(pending)


def _list_tasks(manager: Any) -> list[asyncio.Task[Any]]:
    return [task for pool in getattr(manager, "_pools", {}).values() for task in pool]
