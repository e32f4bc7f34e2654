"""Requests that the Content-Security-Policy blocks in the browser."""

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


def test_policy_blocks_other_hosts_and_eval(live):
    assert live.page.evaluate("fetch('/voila/static/voila.js').then((response) => response.status)") == 200
    assert live.console_errors == []
    blocked = {action: live.page.evaluate(BLOCKED.replace("ACTION", action)) for action in ACTIONS}
    assert blocked == ACTIONS
