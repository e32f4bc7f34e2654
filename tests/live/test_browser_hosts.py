"""End-to-end tests of the servers that host the page: Voila with other settings, Jupyter Server and JupyterLab."""

import json
from urllib.error import HTTPError
from urllib.request import urlopen

import cv2
import numpy as np
import pytest

from fer_lib.boxes import iou
from fer_lib.labels import EMOTIONS
from harness.browser import TIMEOUT_S, LivePage, open_browser
from harness.servers import NOTEBOOK, ROOT, serve_jupyter, serve_voila
from harness.synthetic_camera import draw_frame, face_box

pytestmark = pytest.mark.timeout(900)


def assert_recognizes_a_face(page: LivePage) -> None:
    page.press("Start")
    page.wait_for_state("running")
    page.wait_for_results(5)
    (face,) = page.faces
    assert face["label"] in EMOTIONS
    assert page.external_urls == []


def test_image_as_source(playwright, chromium, tmp_path):
    image = tmp_path / "portrait.png"
    cv2.imwrite(str(image), cv2.cvtColor(draw_frame(0), cv2.COLOR_RGB2BGR))
    notebook = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))
    (parameters,) = (cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", []))
    parameters["source"] = [*parameters["source"], f"\nsource = {str(image)!r}"]
    path = tmp_path / "live.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with serve_voila(path) as url, open_browser(playwright, chromium) as browser:
        page = LivePage(browser, url)
        page.wait_until_ready()
        assert_recognizes_a_face(page)
        (face,) = page.faces
        assert iou(np.array([face["xyxy"]], np.float32), face_box(0)[None]).item() >= 0.5


def test_invalid_setting_is_reported_in_the_log_only(playwright, chromium, tmp_path):
    environment, log = {"FER_TARGET_RATE": "500"}, tmp_path / "log"
    with serve_voila(environment=environment, log=log) as url, open_browser(playwright, chromium) as browser:
        page = LivePage(browser, url)
        alert = page.page.get_by_role("alert")
        alert.wait_for(timeout=TIMEOUT_S * 1000)
        assert "The page can't be opened" in alert.inner_text()
        assert not any(word in page.page.content() for word in ("Traceback", "TARGET_RATE", "site-packages"))
        assert "`FER_TARGET_RATE` must be a number from 1 to 120" in log.read_text()


@pytest.mark.parametrize("path", ["04_live.ipynb", "image.png", "../README.md"])
def test_other_files_are_not_served(voila, path):
    with pytest.raises(HTTPError, match=r"40[34]"):
        urlopen(f"{voila}voila/files/{path}")


def test_voila_in_jupyter_server(browser):
    with serve_jupyter("server") as url:
        page = LivePage(browser, f"{url}voila/render/{NOTEBOOK}")
        try:
            page.wait_until_ready()
            assert_recognizes_a_face(page)
            assert page.console_errors == []
        finally:
            page.close()


def test_jupyterlab(browser):
    with serve_jupyter("lab") as url:
        page = LivePage(browser, f"{url}lab/tree/{NOTEBOOK}", viewport={"width": 1400, "height": 1600})
        try:
            page.run_all_cells()
            page.wait_until_ready()
            assert_recognizes_a_face(page)
            page.press("Stop")
            assert page.live_tracks() == 0
        finally:
            page.close()
