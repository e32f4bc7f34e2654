"""What axe-core, the usual checker of accessibility, says of the page: nothing."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from harness.browser import LivePage

pytestmark = pytest.mark.timeout(900)


def find_faults(page: LivePage) -> list[str]:
    """Return what axe-core complains of, one line a rule with the elements it means."""
    found = Axe().run(page.page).response["violations"]
    return [f"{one['impact']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_fault_of_accessibility(browser, voila, scheme, width):
    page = LivePage(browser, voila, viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        page.wait_until_ready()
        assert find_faults(page) == []
        page.press("Start")
        page.wait_for_state("running")
        page.press("More")
        page.page.locator(".fer-diagnostics summary").click()
        page.page.locator(".fer-about summary").click()
        for word in ("Record", "Film", "Calibrate …"):
            page.press(word)
        page.page.locator(".fer-mark-calibration").wait_for()
        assert find_faults(page) == []
        page.press("Record")
        page.page.locator(".fer-summary").wait_for()
        page.press("Stop")
        assert find_faults(page) == []
    finally:
        page.close()


def test_the_checker_finds_a_fault(page):
    page.page.evaluate("() => document.querySelector('.fer-start').replaceChildren()")
    assert any("Buttons must have discernible text" in fault for fault in find_faults(page))
