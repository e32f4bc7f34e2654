"""The Content-Security-Policy in the browser: what it blocks. That the page works under it, all other tests show."""

import pytest

pytestmark = pytest.mark.timeout(600)

BLOCKED = """
  () => new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
    setTimeout(() => ACTION);
  })
"""
ACTIONS = {
    "fetch('http://192.0.2.1/').catch(() => {})": "connect-src",
    "new WebSocket('ws://192.0.2.1/')": "connect-src",
    "navigator.sendBeacon('http://192.0.2.1/', 'x')": "connect-src",
    "new Image().src = 'http://192.0.2.1/x.png'": "img-src",
    "import('http://192.0.2.1/x.js').catch(() => {})": "script-src-elem",
    "eval('1')": "script-src",
}


def test_policy_blocks_other_hosts_and_code_from_text(live):
    assert live.page.evaluate("fetch('/voila/static/voila.js').then((answer) => answer.status)") == 200
    assert live.console_errors == []
    found = {action: live.page.evaluate(BLOCKED.replace("ACTION", action)) for action in ACTIONS}
    assert found == ACTIONS
