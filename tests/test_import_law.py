"""The import law: a room imports only from rooms below it, siblings never meet, heavy guests stay in their room."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FLOORS = (
    {"labels", "telemetry"},
    {"boxes", "settings", "drafts", "hosts", "packages", "pictures", "rate_limit", "terminal"},
    {"command_line", "metrics", "weights", "crops", "faces", "neutral_offset"},
    {"plots", "recording"},
    {"vision", "training"},
    {"service", "evaluate", "doctor"},
    {"live"},
    {"cli"},
    {"__main__"},
)
# The one pair on the same floor that may meet: the card of the weights holds the crop.
ALLOWED = {("weights", "crops")}
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Who may live where: guests by name, and the rooms or modules that may import them.
HOMES = (
    ("torch torchvision facenet_pytorch accelerate torchsampler safetensors onnx onnxscript", ("training",)),
    ("ipywidgets anywidget ipywebrtc jupyter_server voila websocket", ("live",)),
    ("fastapi fastapi_offline uvicorn starlette prometheus_client prometheus_fastapi_instrumentator ray", ("service",)),
    ("onnxruntime", ("vision", "training.export")),
    ("cv2", ("vision", "pictures", "crops", "training.data", "training.drawing", "evaluate.robustness")),
    ("matplotlib", ("plots",)),
    ("sklearn", ("metrics",)),
    ("pandas", ("recording",)),
    ("av", ("vision",)),
    ("papermill", ("training.notebook",)),
    ("skimage", ()),
)
HOMES_OF = {guest: homes for guests, homes in HOMES for guest in guests.split()}
TOO_HEAVY = ("torch", "torchvision", "matplotlib", "pandas", "sklearn", "scipy", "skimage", "av")


def violations(package: Path) -> list[str]:
    """Return every breach of the law in the package folder `package`, one sentence each."""
    broken = []
    for path in sorted(package.rglob("*.py")):
        module = module_name(path, package)
        if not module:  # the front door may look into the house
            continue
        if module.split(".")[0] not in FLOOR_OF:
            broken.append(f"{module} belongs to no room")
            continue
        for imported in imports(path, package):
            broken += [sentence] if (sentence := judge(module, imported, package.name)) else []
    return broken


def judge(module: str, imported: str, package: str) -> str | None:
    """Say what is wrong with `module` (without the package's name) importing `imported`, or `None`."""
    top, _, inner = imported.partition(".")
    if top != package:
        homes = HOMES_OF.get(top)
        at_home = homes is None or any(module == home or module.startswith(f"{home}.") for home in homes)
        return None if at_home else f"{module} imports {top}, which lives elsewhere"
    here, there = module.split(".")[0], inner.split(".")[0]
    if there not in FLOOR_OF:
        return f"{module} imports the front door or an unknown room: {imported}"
    if here == there or (here, there) in ALLOWED or FLOOR_OF[there] < FLOOR_OF[here]:
        return None
    return f"{module} imports {imported}, which is not below it"


def imports(path: Path, package: Path) -> Iterator[str]:
    """Yield the full name of everything that a file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _from_import(node, path, package)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))


def _from_import(node: ast.ImportFrom, path: Path, package: Path) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        folders = path.relative_to(package.parent).parts[: -node.level]
        base = ".".join([*folders, *filter(None, [node.module])])
    if base.split(".")[0] != package.name:
        yield base
        return
    folder = package.parent.joinpath(*base.split("."))
    for alias in node.names:
        is_module = (folder / f"{alias.name}.py").is_file() or (folder / alias.name).is_dir()
        yield f"{base}.{alias.name}" if is_module else base


def module_name(path: Path, package: Path) -> str:
    """Return `vision.detection` for `fer_lib/vision/detection.py`, and nothing for the front door."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def circle(package: Path) -> list[str] | None:
    """Return modules that import each other in a circle, or `None`."""
    graph = {
        f"{package.name}.{module_name(path, package)}": set(imports(path, package)) for path in package.rglob("*.py")
    }
    try:
        graphlib.TopologicalSorter(
            {name: {one for one in used if one in graph} for name, used in graph.items()}
        ).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def make_house(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "fer_lib"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


def test_package_keeps_the_law(project_root):
    assert violations(project_root / "fer_lib") == []


def test_package_has_no_import_circle(project_root):
    assert circle(project_root / "fer_lib") is None


def test_every_room_of_the_package_is_looked_at(project_root):
    package = project_root / "fer_lib"
    found = {module_name(path, package).split(".")[0] for path in package.rglob("*.py")}
    assert found >= {"labels", "settings", "boxes", "faces", "crops", "weights", "vision", "training", "live"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("labels.py", "from fer_lib.boxes import clip_boxes"),
        ("boxes.py", "import fer_lib.settings"),
        ("crops.py", "from fer_lib import weights"),
        ("crops.py", "from fer_lib import EMOTIONS"),
        ("crops.py", "import fer_lib"),
        ("faces.py", "from . import crops"),
        ("vision/detection.py", "from ..training import model"),
        ("vision/detection.py", "from fer_lib.training.export import export_onnx"),
        ("vision/detection.py", "def f():\n    from fer_lib.live import session"),
        ("service/app.py", "from fer_lib.evaluate import evaluate"),
        ("vision/recognition.py", "import torch.nn"),
        ("vision/recognition.py", "def f():\n    import torch"),
        ("vision/recognition.py", "import importlib\nt = importlib.import_module('torch')"),
        ("vision/overlay.py", "from matplotlib import pyplot"),
        ("training/loop.py", "import onnxruntime"),
        ("training/model.py", "import cv2"),
        ("vision/pipeline.py", "import ipywidgets"),
        ("live/panel.py", "import cv2"),
        ("evaluate.py", "import onnxruntime"),
        ("boxes.py", "import pandas"),
        ("helpers.py", ""),
    ],
)
def test_violations_sees_a_breach(tmp_path, file, text):
    house = {"__init__.py": "", "crops.py": "", "weights.py": "", "training/model.py": "", "live/session.py": ""}
    assert len(violations(make_house(tmp_path, {**house, file: text}))) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("__init__.py", "from fer_lib.live import Session"),
        ("weights.py", "from fer_lib.crops import CropSpec"),
        ("faces.py", "from fer_lib.boxes import as_boxes\nfrom fer_lib.labels import EMOTIONS"),
        ("vision/detection.py", "import cv2\nimport onnxruntime\nfrom fer_lib import weights\nfrom . import tracking"),
        ("vision/tracking.py", "import numpy\nfrom fer_lib.vision.smoothing import Smoother"),
        ("training/export.py", "import torch\nimport onnxruntime"),
        ("training/data.py", "import cv2"),
        ("live/panel.py", "import ipywidgets\nfrom fer_lib.vision import load_pipeline"),
        ("cli.py", "def photo():\n    from fer_lib.vision import load_pipeline"),
    ],
)
def test_violations_lets_the_lawful_pass(tmp_path, file, text):
    house = {"__init__.py": "", "weights.py": "", "vision/tracking.py": "", "vision/__init__.py": ""}
    assert violations(make_house(tmp_path, {**house, file: text})) == []


def test_circle_sees_one(tmp_path):
    package = make_house(
        tmp_path,
        {"vision/a.py": "from fer_lib.vision import b", "vision/b.py": "def f():\n    from fer_lib.vision.a import x"},
    )
    assert set(circle(package)) == {"fer_lib.vision.a", "fer_lib.vision.b"}


@pytest.mark.parametrize("room", ["fer_lib", "fer_lib.recording", "fer_lib.vision", "fer_lib.live"])
def test_importing_a_light_room_brings_in_nothing_heavy(room, project_root):
    script = f"""
import importlib, pkgutil, sys
room = importlib.import_module({room!r})
if {room!r} != "fer_lib":
    for module in pkgutil.walk_packages(room.__path__, {room!r} + "."):
        importlib.import_module(module.name)
print(sorted(set({TOO_HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=project_root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
