"""The Voila template `fer`: installed, and without resources of other hosts."""

from pathlib import Path

from jupyter_core.paths import jupyter_path

from fer_lib.live.page.live_view import FOLDER

TEMPLATE = FOLDER.parent / "template"


def read_all(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()
    }


def test_template_is_installed_unchanged():
    folders = [folder for folder in map(Path, jupyter_path("voila", "templates", "fer")) if folder.is_dir()]
    assert folders, "the template `fer` must be in one of Jupyter's data folders; run `pip install -e .`"
    assert read_all(folders[0]) == read_all(TEMPLATE), (
        "the installed template differs from the package's; run `pip install -e .` again"
    )


def test_template_loads_nothing_from_other_hosts():
    assert {"index.html.j2", "static/page.css"} <= read_all(TEMPLATE).keys()
    assert not any("//" in text.replace("<!--", "") for text in read_all(TEMPLATE).values())
