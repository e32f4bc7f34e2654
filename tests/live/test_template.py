from pathlib import Path

from jupyter_core.paths import jupyter_path

from fer_lib.live.page.live_view import FOLDER

TEMPLATE = FOLDER / "template"


def read_all(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()
    }


def test_template_is_installed_as_it_is_here():
    places = [Path(place) for place in jupyter_path("voila", "templates", "fer") if Path(place).is_dir()]
    assert places, "Voila does not find the template `fer`; `pip install -e .` installs it"
    assert read_all(places[0]) == read_all(TEMPLATE), (
        "the installed template is an old one; run `pip install -e .` again"
    )


def test_template_loads_nothing_from_elsewhere():
    assert not any("//" in text.replace("<!--", "") for text in read_all(TEMPLATE).values())
