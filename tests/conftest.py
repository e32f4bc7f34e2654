"""What every test stands on: no personal settings, and one place that finds the browser."""

import builtins
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fer_lib.local_ray import restrict_local_ray
from fer_lib.settings import GROUPS, names, sources

ROOT = Path(__file__).resolve().parent.parent
restrict_local_ray()  # before a test module imports Ray


@pytest.fixture(autouse=True)
def _no_personal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the environment's knobs and the checkout's `.env`, so that every test meets the defaults."""
    known = names.known_variables(GROUPS)
    for name in list(os.environ):
        if name.upper() in known or name.upper().startswith(names.PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setattr(sources, "find_dotenv", lambda: None)


@pytest.fixture
def hide_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Hide a module, as if its package were not installed: `hide_module("pandas")`."""
    real = builtins.__import__

    def hide(hidden: str) -> None:
        def refuse(name: str, *rest: Any) -> Any:
            if name == hidden:
                raise ModuleNotFoundError(name)
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", refuse)

    return hide


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="module")
def small_ray() -> Iterator[None]:
    """A local Ray cluster with three CPUs."""
    ray = pytest.importorskip("ray")
    environment = {"env_vars": {"PYTHONPATH": str(ROOT), "FER_SERVICE_THREADS": "1"}}
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, runtime_env=environment)
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium or Chrome; `CHROMIUM` names another one.

    Without a browser these tests are skipped at home, and fail in CI, where nothing may be skipped.
    """
    from harness.browser import find_chromium

    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium found: install it (Debian: apt install chromium) or name its path in CHROMIUM")
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a graphics card can try, where there is none: those tests are deselected, not skipped."""
    for_a_card = [item for item in items if item.get_closest_marker("card")]
    if for_a_card and not _has_card():
        config.hook.pytest_deselected(items=for_a_card)
        items[:] = [item for item in items if item not in for_a_card]


def _has_card() -> bool:
    import torch

    return torch.cuda.is_available()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run in CI when a test was skipped: what CI passes must have been tried."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
