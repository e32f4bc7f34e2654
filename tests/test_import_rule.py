"""The import rule: a unit imports only from units below it, siblings never meet, heavy libraries are confined."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# From bottom to top. A unit is a module or package of fer_lib; the parts of `live` are units of their own.
LEVELS = (
    {"labels", "telemetry"},
    {
        "settings",
        "boxes",
        "images",
        "atomic_write",
        "optional_packages",
        "hosts",
        "rate_limit",
        "terminal",
        "local_ray",
    },
    {"weights", "crops", "faces", "metrics", "neutral_offset", "command_line"},
    {"dataset", "plots", "recording"},
    {"training", "vision"},
    {"service", "sweeps", "evaluate", "doctor"},
    {"live.session", "live.server"},
    {"live.page"},
    {"live"},
    {"cli"},
    {"__main__"},
)
# The one pair on the same level that may meet: the card of the weights holds the crop.
ALLOWED = {("weights", "crops")}
# A pair that the levels would allow: an evaluation must not need torch.
FORBIDDEN = {("evaluate", "training")}
LEVEL_OF = {unit: number for number, units in enumerate(LEVELS) for unit in units}
PARTS = {unit for unit in LEVEL_OF if "." in unit}
# Libraries, and the packages or modules that may import them.
CONFINED = (
    ("torch torchvision facenet_pytorch accelerate torchsampler safetensors onnx onnxscript", ("training",)),
    ("ipywidgets anywidget ipywebrtc", ("live.page",)),
    ("jupyter_server jupyter_client voila tornado zmq", ("live.server",)),
    ("websocket", ("live.session",)),
    ("fastapi fastapi_offline uvicorn starlette prometheus_client prometheus_fastapi_instrumentator", ("service",)),
    ("ray", ("service", "sweeps", "local_ray")),
    ("onnxruntime", ("vision", "training.export")),
    ("cv2", ("vision", "images", "crops", "dataset.image_folders", "dataset.synthetic", "evaluate.robustness")),
    ("matplotlib", ("plots",)),
    ("sklearn", ("metrics",)),
    ("pandas", ("recording",)),
    ("av", ("vision.media",)),
    ("papermill", ("training.notebook",)),
    ("skimage", ()),
)
ALLOWED_IN = {library: places for libraries, places in CONFINED for library in libraries.split()}
TOO_HEAVY = ("torch", "torchvision", "matplotlib", "pandas", "sklearn", "scipy", "skimage", "av")
LARGEST_FOLDER = 18


def violations(package: Path) -> list[str]:
    """Return every breach of the rule in the package folder `package`, one sentence each."""
    found = []
    for path in sorted(package.rglob("*.py")):
        module = module_name(path, package)
        if not module:  # the package root re-exports from everywhere
            continue
        if unit_of(module) not in LEVEL_OF:
            found.append(f"{module} belongs to no unit")
            continue
        for imported in imports(path, package):
            found += [sentence] if (sentence := explain_breach(module, imported, package.name)) else []
    return found


def explain_breach(module: str, imported: str, package: str) -> str | None:
    """Return why `module` (without the package's name) may not import `imported`, or `None` if it may."""
    top, _, inner = imported.partition(".")
    if top != package:
        places = ALLOWED_IN.get(top)
        allowed = places is None or any(module == place or module.startswith(f"{place}.") for place in places)
        return None if allowed else f"{module} imports {top}, which is confined to {', '.join(places) or 'nothing'}"
    here, there = unit_of(module), unit_of(inner)
    if there not in LEVEL_OF:
        return f"{module} imports the package root or an unknown unit: {imported}"
    is_below = LEVEL_OF[there] < LEVEL_OF[here] and (here, there) not in FORBIDDEN
    if here == there or (here, there) in ALLOWED or is_below:
        return None
    return f"{module} imports {imported}, which is not below it or forbidden"


def unit_of(module: str) -> str:
    """Return the unit of a module: `vision` for `vision.pipeline`, `live.page` for `live.page.panel`."""
    parts = module.split(".")
    return pair if (pair := ".".join(parts[:2])) in PARTS else parts[0]


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
    """Return `vision.pipeline` for `fer_lib/vision/pipeline.py`, and nothing for the package root."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def find_cycle(package: Path) -> list[str] | None:
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


def make_package(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "fer_lib"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


def test_package_keeps_the_import_rule(project_root):
    assert violations(project_root / "fer_lib") == []


def test_package_has_no_import_cycle(project_root):
    assert find_cycle(project_root / "fer_lib") is None


def test_every_unit_exists(project_root):
    package = project_root / "fer_lib"
    assert {unit_of(name) for path in package.rglob("*.py") if (name := module_name(path, package))} == set(LEVEL_OF)


def test_no_folder_is_overfull(project_root):
    folders = {path.parent for path in (project_root / "fer_lib").rglob("*.py")}
    sizes = {str(folder.relative_to(project_root)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: size for name, size in sizes.items() if size > LARGEST_FOLDER} == {}


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
        ("vision/detection.py", "def f():\n    from fer_lib.live.session import session"),
        ("service/app.py", "from fer_lib.evaluate import evaluate"),
        ("evaluate/report.py", "from fer_lib.training import model"),
        ("dataset/votes.py", "import torch"),
        ("live/session/session.py", "import ipywidgets"),
        ("live/session/session.py", "import tornado.web"),
        ("live/session/session.py", "from fer_lib.live.page import panel"),
        ("live/server/admission.py", "from fer_lib.live.session import session"),
        ("live/server/admission.py", "from fer_lib.live.page import panel"),
        ("live/server/admission.py", "import ipywidgets"),
        ("live/page/panel.py", "from fer_lib import live"),
        ("live/page/panel.py", "import cv2"),
        ("vision/recognition.py", "import torch.nn"),
        ("vision/recognition.py", "def f():\n    import torch"),
        ("vision/recognition.py", "import importlib\nt = importlib.import_module('torch')"),
        ("vision/overlay.py", "from matplotlib import pyplot"),
        ("training/loop.py", "import onnxruntime"),
        ("training/model.py", "import cv2"),
        ("vision/pipeline.py", "import ipywidgets"),
        ("evaluate.py", "import onnxruntime"),
        ("boxes.py", "import pandas"),
        ("helpers.py", ""),
    ],
)
def test_violations_finds_a_breach(tmp_path, file, text):
    others = {"__init__.py": "", "crops.py": "", "weights.py": "", "training/model.py": ""}
    parts = {"live/__init__.py": "", "live/session/session.py": "", "live/page/panel.py": ""}
    assert len(violations(make_package(tmp_path, {**others, **parts, file: text}))) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("__init__.py", "from fer_lib.live import Session"),
        ("weights.py", "from fer_lib.crops import CropSpec"),
        ("faces.py", "from fer_lib.boxes import as_boxes\nfrom fer_lib.labels import EMOTIONS"),
        ("vision/detection.py", "import cv2\nimport onnxruntime\nfrom fer_lib import weights\nfrom . import tracking"),
        ("vision/tracking.py", "import numpy\nfrom fer_lib.vision.smoothing import Smoother"),
        ("training/export/onnx_export.py", "import torch\nimport onnxruntime"),
        ("dataset/image_folders.py", "import cv2"),
        ("evaluate/report.py", "from fer_lib.dataset import votes"),
        ("live/page/panel.py", "import ipywidgets\nfrom fer_lib.vision import load_pipeline"),
        ("live/page/panel.py", "from fer_lib.live.session import session"),
        ("cli/photo.py", "def photo():\n    from fer_lib.vision import load_pipeline"),
    ],
)
def test_violations_accepts_a_lawful_import(tmp_path, file, text):
    others = {"__init__.py": "", "weights.py": "", "vision/tracking.py": "", "vision/__init__.py": ""}
    assert violations(make_package(tmp_path, {**others, file: text})) == []


def test_find_cycle_finds_one(tmp_path):
    package = make_package(
        tmp_path,
        {"vision/a.py": "from fer_lib.vision import b", "vision/b.py": "def f():\n    from fer_lib.vision.a import x"},
    )
    assert set(find_cycle(package)) == {"fer_lib.vision.a", "fer_lib.vision.b"}


@pytest.mark.parametrize("unit", ["fer_lib", "fer_lib.recording", "fer_lib.vision", "fer_lib.live"])
def test_importing_a_light_unit_loads_nothing_heavy(unit, project_root):
    script = f"""
import importlib, pkgutil, sys
unit = importlib.import_module({unit!r})
if {unit!r} != "fer_lib":
    for module in pkgutil.walk_packages(unit.__path__, {unit!r} + "."):
        importlib.import_module(module.name)
print(sorted(set({TOO_HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=project_root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
