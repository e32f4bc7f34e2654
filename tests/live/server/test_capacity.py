"""The default visitor limit, from a computer's memory and from cgroup limits in a folder of the test."""

from pathlib import Path

import pytest

from fer_lib.live.server import capacity
from fer_lib.live.server.capacity import choose_visitor_limit, read_memory

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("memory", "count"), [(100_000_000, 1), (GB // 2, 1), (GB, 2), (2 * GB, 7), (8 * GB, 37), (64 * GB, 317)]
)
def test_choose_visitor_limit_from_memory(memory, count):
    assert choose_visitor_limit(None, memory) == count


@pytest.mark.parametrize("setting", [0, 1, 500])
def test_choose_visitor_limit_setting_wins(setting):
    assert choose_visitor_limit(setting, GB) == setting


def test_choose_visitor_limit_unknown_memory_means_no_limit():
    assert choose_visitor_limit(None, None) == 0


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a computer with 8 GB and without cgroups."""
    monkeypatch.setattr(capacity, "_read_physical", lambda: iter([8 * GB]))
    (tmp_path / "proc" / "self").mkdir(parents=True)
    return tmp_path


def limit(root: Path, lines: str, **limits: str) -> None:
    """Put the process into cgroups; `__` in a name stands for a folder's end."""
    (root / "proc/self/cgroup").write_text(lines)
    for name, text in limits.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(path.name.replace("_in_bytes", ".limit_in_bytes").replace("_max", ".max")).write_text(text)


@pytest.mark.parametrize(
    ("lines", "limits", "memory"),
    [
        ("0::/\n", {"memory_max": f"{GB}\n"}, GB),
        ("0::/user/app\n", {"user__app__memory_max": "max\n", "user__memory_max": f"{2 * GB}\n"}, 2 * GB),
        ("0::/user/app\n", {"user__app__memory_max": f"{GB}\n", "user__memory_max": f"{2 * GB}\n"}, GB),
        ("0::/\n", {"memory_max": f"{80 * GB}\n"}, 8 * GB),
        ("5:cpu:/x\n4:memory:/docker/a\n", {"memory__docker__a__memory_in_bytes": f"{GB}\n"}, GB),
        ("4:cpu,memory:/docker/a\n", {"memory__memory_in_bytes": f"{GB}\n"}, GB),
        ("4:memory:/\n", {"memory__memory_in_bytes": "9223372036854771712\n"}, 8 * GB),
        ("5:cpu:/x\n", {"x__memory_max": "1\n"}, 8 * GB),
        ("nonsense\n\n", {}, 8 * GB),
    ],
)
def test_read_memory_cgroup_limits(root, lines, limits, memory):
    limit(root, lines, **limits)
    assert read_memory(root) == memory


def test_read_memory_without_cgroups(root):
    assert read_memory(root) == 8 * GB


def test_read_memory_of_this_computer():
    assert (read_memory() or GB) > GB // 10


def test_read_memory_unknown(root, monkeypatch):
    monkeypatch.setattr(capacity, "_read_physical", lambda: iter([]))
    assert read_memory(root) is None
