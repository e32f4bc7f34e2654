"""Fixtures of all tests: default settings, the project folder, the browser, and selection by hardware."""

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
    """Remove settings from the environment and ignore `.env`, so that tests use the defaults."""
    known = names.known_variables(GROUPS)
    for name in list(os.environ):
        if name.upper() in known or name.upper().startswith(names.PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setattr(sources, "find_dotenv", lambda: None)


@pytest.fixture
def hide_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make imports of a module fail, as if its package were not installed: `hide_module("pandas")`."""
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
    """The path of Chromium or Chrome, by default the one in the environment variable `CHROMIUM`.

    Without a browser, the tests are skipped, which fails the run in CI.
    """
    from harness.browser import find_chromium

    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium found: install it (Debian: apt install chromium) or name its path in CHROMIUM")
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests that need a GPU if there is none; they do not count as skipped."""
    gpu_tests = [item for item in items if item.get_closest_marker("card")]
    if gpu_tests and not _has_gpu():
        config.hook.pytest_deselected(items=gpu_tests)
        items[:] = [item for item in items if item not in gpu_tests]


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run in CI if a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
