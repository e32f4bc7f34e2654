"""The form of the notebooks, and their execution on the synthetic sample."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from fer_lib.settings import TrainingSettings

ROOT = Path(__file__).resolve().parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LEARNING = [path for path in PATHS if not path.stem.startswith("04")]
FAST_SETTINGS = {
    "FER_TRAIN_DATA_DIR": str(ROOT / "data" / "sample"),
    "FER_EVALUATE_DATA_DIR": str(ROOT / "data" / "sample"),
    "NUM_EPOCHS": "1",
    "IMAGE_SIZE": "32",
    "BATCH_SIZE": "16",
    "FER_TRAIN_MAX_IMAGES": "14",
    "FER_EVALUATE_MAX_IMAGES": "14",
    "FER_EVALUATE_ROBUSTNESS_IMAGES": "14",
    "OMP_NUM_THREADS": "1",  # more threads are slower on a busy computer
}

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
every_learning_notebook = pytest.mark.parametrize("path", LEARNING, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def parameter_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", ())]


def find_definitions(source: str) -> list[str]:
    """Return the definitions of functions and classes in a code cell."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [f"{type(node).__name__} {node.name}" for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


def assigns_only_literals(source: str) -> bool:
    """Return whether a cell only assigns literals to names."""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign) or not all(isinstance(target, ast.Name) for target in node.targets):
            return False
        try:
            ast.literal_eval(node.value)
        except ValueError:
            return False
    return True


def is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def test_notebooks_exist():
    assert {"02_train", "04_live"} <= {path.stem for path in PATHS}


@every_notebook
def test_notebook_is_valid_and_stripped(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell.source for cell in code_cells(path) if cell.outputs or cell.execution_count is not None] == []


@every_notebook
def test_notebook_opens_with_title_question_time_and_requirements(path):
    opening = read(path).cells[0]
    assert opening.cell_type == "markdown"
    assert opening.source.startswith("# ")
    assert "?" in opening.source
    assert re.search(r"\b(seconds?|minutes?|hours?)\b", opening.source)
    assert re.search(r"\bneeds?\b", opening.source)


@every_notebook
def test_notebook_has_no_definitions(path):
    assert [name for cell in code_cells(path) for name in find_definitions(cell.source)] == []


@every_notebook
def test_notebook_imports_only_in_the_first_code_cell(path):
    first, *others = [ast.parse(cell.source).body for cell in code_cells(path)]
    assert first
    assert all(is_import(node) for node in first)
    assert not any(is_import(node) for body in others for node in body)


@every_notebook
def test_notebook_has_one_cell_of_literal_parameters(path):
    (cell,) = parameter_cells(path)
    assert assigns_only_literals(cell.source)
    assignments = [line for line in cell.source.splitlines() if re.match(r"\w+ =", line)]
    assert [line for line in assignments if "  # " not in line] == []


def test_notebook_02_lists_every_training_setting():
    (cell,) = parameter_cells(ROOT / "notebooks" / "02_train.ipynb")
    values = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body}
    assert values == dict.fromkeys(field.upper() for field in TrainingSettings.model_fields)


def test_notebook_04_has_at_most_six_cells():
    assert len(read(ROOT / "notebooks" / "04_live.ipynb").cells) <= 6


@every_learning_notebook
def test_notebook_ends_with_three_bullets_and_a_link_to_the_next(path):
    ending = read(path).cells[-1]
    assert ending.cell_type == "markdown"
    assert len(re.findall(r"^- ", ending.source, re.MULTILINE)) == 3
    assert re.search(r"\]\(\d\d_\w+\.ipynb\)", ending.source)


@every_notebook
def test_notebook_links_resolve(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.timeout(900)
@every_notebook
def test_notebook_runs(path, tmp_path):
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", path]
    environment = {**os.environ, **FAST_SETTINGS, "FER_TRAIN_RUNS_DIR": str(tmp_path / "runs")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:]
    assert f"{len(code_cells(path))} passed" in done.stdout


@pytest.mark.parametrize("source", ["def f():\n    pass", "class A:\n    pass", "if True:\n    def f(): ..."])
def test_find_definitions_of_functions_and_classes(source):
    assert len(find_definitions(source)) == 1


def test_find_definitions_ignores_lambda():
    assert find_definitions("sorted([], key=lambda x: x)") == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [("A = None  # x\nB = 'b'\nC = [1, 2.5]", True), ("A = 2 * 3", False), ("A = f()", False), ("print(1)", False)],
)
def test_assigns_only_literals(source, expected):
    assert assigns_only_literals(source) == expected
