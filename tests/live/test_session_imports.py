import subprocess
import sys
from pathlib import Path

from fer_lib.live import session

MODULES = sorted(path.stem for path in Path(session.__file__).parent.glob("*.py") if path.stem != "__init__")
FORBIDDEN = (
    "ipywidgets",
    "anywidget",
    "ipywebrtc",
    "jupyter_server",
    "voila",
    "tornado",
    "fastapi",
    "starlette",
    "uvicorn",
)


def test_session_modules_are_found():
    assert {"session", "remote", "limited_socket", "message_history"} <= set(MODULES)


def test_session_modules_import_neither_widgets_nor_a_server(project_root):
    script = f"""
import importlib, sys
for name in {MODULES!r}:
    importlib.import_module(f"fer_lib.live.session.{{name}}")
print(sorted(set({FORBIDDEN!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=project_root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
