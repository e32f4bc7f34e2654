"""Accessibility of the live page, checked by axe-core."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from harness.browser import LivePage

pytestmark = pytest.mark.timeout(900)


def find_violations(page: LivePage) -> list[str]:
    """Return the violations that axe-core finds, one line per rule with its elements."""
    violations = Axe().run(page.page).response["violations"]
    return [f"{one['impact']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in violations]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_accessibility_violations(browser, voila, scheme, width):
    page = LivePage(browser, voila, viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        page.wait_until_ready()
        assert find_violations(page) == []
        page.press("Start")
        page.wait_for_state("running")
        page.press("More")
        page.page.locator(".fer-diagnostics summary").click()
        page.page.locator(".fer-about summary").click()
        for name in ("Record", "Clip", "Calibrate …"):
            page.press(name)
        page.page.locator(".fer-mark-calibration").wait_for()
        assert find_violations(page) == []
        page.press("Record")
        page.page.locator(".fer-summary").wait_for()
        page.press("Stop")
        assert find_violations(page) == []
    finally:
        page.close()


def test_find_violations_button_without_name(page):
    page.page.evaluate("() => document.querySelector('.fer-start').replaceChildren()")
    assert any("Buttons must have discernible text" in line for line in find_violations(page))
