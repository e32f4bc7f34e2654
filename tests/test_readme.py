"""Files, commands and settings in the README exist, and its code runs."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from clips import make_walk, write_video

from fer_lib.cli.main import COMMANDS
from fer_lib.settings import GROUPS


@pytest.fixture(scope="module")
def readme(project_root: Path) -> str:
    return (project_root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def makefile(project_root: Path) -> str:
    return (project_root / "Makefile").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Return the command lines of a text: those in bash blocks and those in inline code."""
    lines = [line.split("#")[0].strip() for block in blocks(text, "bash") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*filter(None, lines), *re.findall(r"`([^`\n]+)`", prose)]


def tree(text: str) -> dict[str, str]:
    """Return the paths of the project tree, relative to the root, with their captions."""
    (block,) = re.findall(r"^## Project tree\n\n((?:    .*\n)+)", text, re.MULTILINE)
    found: dict[str, str] = {}
    for line in block.splitlines():
        name, _, caption = line.strip().partition(" ")
        parent = "fer_lib/" if line.startswith("      ") else ""
        found[parent + name] = caption.strip()
    return found


def test_opening_has_a_sentence_a_badge_an_image_and_two_commands(readme):
    opening = readme.partition("\n## ")[0]
    title, sentence, *_ = opening.split("\n\n")
    assert title.startswith("# ")
    assert sentence.count(".") == 1
    assert "mybinder.org" in opening
    assert "![" in opening.replace("[![", "")
    assert [line.split("#")[0].split() for line in blocks(opening, "bash")[0].splitlines()] == [
        ["make", "app"],
        ["make", "test"],
    ]


DEPLOYMENT_PAGES = ("service", "docker", "binder", "many-visitors", "many-machines")


@pytest.mark.parametrize("name", DEPLOYMENT_PAGES)
def test_deployment_page_names_existing_commands_files_and_settings(project_root, readme, name):
    text = (project_root / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert f"docs/{name}.md" in readme
    assert blocks(text, "bash")
    lines = commands(text)
    modules = {module for line in lines for module in re.findall(r"python -m ((?:fer_lib|benchmarks)[\w.]*)", line)}
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
    words = {word for line in lines for word in re.findall(r"^fer-lib ([a-z]+)", line)}
    assert words <= set(COMMANDS)
    files = {path for line in lines for path in re.findall(r"\b(?:deploy|docs|binder)/[\w.-]+", line)}
    assert [path for path in files if not (project_root / path).exists()] == []
    known = {group.variable(field) for group in GROUPS for field in group.model_fields}
    assert {name for name in re.findall(r"\bFER_[A-Z_]*[A-Z]\b", text) if f"{name}_" not in text} <= known


def test_make_targets_exist(readme, makefile):
    targets = {target for command in commands(readme) for target in re.findall(r"\bmake ([a-z]+)", command)}
    assert targets >= {"app", "test", "lab", "train", "bench"}
    assert [target for target in targets if not re.search(rf"^{target}:.*## ", makefile, re.MULTILINE)] == []


def test_modules_of_commands_exist(readme):
    modules = {name for command in commands(readme) for name in re.findall(r"python -m ([\w.]+)", command)}
    assert modules >= {"benchmarks.pipeline", "benchmarks.live"}
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_commands_of_fer_lib_exist(readme):
    words = {word for command in commands(readme) for word in re.findall(r"^fer-lib ([a-z]+)", command)}
    assert {"photo", "video", "live", "doctor"} <= words <= set(COMMANDS)


def test_settings_exist(readme, project_root):
    known = {
        name for group in GROUPS for field in group.model_fields for name in (field.upper(), group.variable(field))
    }
    variables = {name for command in commands(readme) for name in re.findall(r"\b([A-Z_]+)=", command)}
    assert variables - {"PORT", "IP", "ARGS", "RECIPE"} <= known
    assert variables & known
    cells = json.loads((project_root / "notebooks" / "02_train.ipynb").read_text())["cells"]
    (cell,) = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    parameters = set(re.findall(r"^([A-Z_]+) =", "".join(cell["source"]), re.MULTILINE))
    passed = {name for command in commands(readme) for name in re.findall(r"-p ([A-Z_]+)", command)}
    assert passed
    assert passed <= parameters


def test_port_is_the_default_of_the_makefile(readme, makefile):
    port = re.search(r"^PORT \?= (\d+)", makefile, re.MULTILINE)[1]
    assert f"http://localhost:{port}" in readme


def test_tree_paths_exist_and_have_captions(readme, project_root):
    paths = tree(readme)
    assert len(paths) > 20
    assert [path for path in paths if not (project_root / path).exists()] == []
    assert [path for path, caption in paths.items() if not caption] == []
    assert [path for path in paths if path.endswith("/") != (project_root / path).is_dir()] == []


def test_tree_is_complete(readme, project_root):
    listed = subprocess.run(["git", "ls-files"], cwd=project_root, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [Path(line) for line in listed.stdout.splitlines()]
    folders = {f"{path.parts[0]}/" for path in paths if len(path.parts) > 1}
    inside = {f"fer_lib/{path.parts[1]}" + "/" * (len(path.parts) > 2) for path in paths if path.parts[0] == "fer_lib"}
    assert (folders | inside) - {"fer_lib/__init__.py"} - set(tree(readme)) == set()


def test_links_to_files_resolve(readme, project_root):
    targets = re.findall(r"\]\(([^)#]+)\)", readme)
    files = [target for target in targets if "://" not in target]
    assert "docs/page.png" in files
    assert [target for target in files if not (project_root / target).exists()] == []


@pytest.mark.parametrize("folder", ["data", "deploy", "docs", "weights"])
def test_links_of_other_pages_resolve(project_root, folder):
    pages = list((project_root / folder).glob("*.md"))
    assert pages
    for page in pages:
        targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
        files = [target for target in targets if "://" not in target]
        assert [target for target in files if not (project_root / folder / target).exists()] == []


def test_binder_link_opens_the_live_notebook(readme, project_root):
    link = re.search(r"https://mybinder\.org/v2/gh/([\w-]+/[\w-]+)/HEAD\?urlpath=([\w%.]+)", readme)
    page = link[2].replace("%2F", "/")
    assert page.startswith("voila/render/")
    assert (project_root / page.removeprefix("voila/render/")).is_file()


def test_python_blocks_run(readme, project_root):
    found = blocks(readme, "python")
    assert found
    for block in found:
        command = [sys.executable, "-c", block]
        done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "torch" not in block


def test_video_block_writes_video_and_table(readme, project_root, tmp_path):
    write_video(tmp_path / "talk.mp4", make_walk(5))
    (block,) = blocks(readme, "py")
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(project_root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:3] == ["seen_s", "angry", "disgust"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk-faces.mp4", "talk.csv", "talk.mp4"]


def test_python_block_detects_the_face_of_the_screenshot(readme, project_root):
    """The screenshot of the page contains one face."""
    done = subprocess.run(
        [sys.executable, "-c", blocks(readme, "python")[0]],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.match(r"\['(angry|disgust|fear|happy|neutral|sad|surprise)'\] \[0?\.\d+\] \[\[", done.stdout)
