"""Handlers, states and messages of the page's scripts in a browser, with a fake widget model and without a server."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.live.page.live_view import LiveView
from fer_lib.live.session.messages import KERNEL_MESSAGES, PAGE_MESSAGES
from fer_lib.live.session.states import OFF_STATES, STATES, TOOL_STATES
from fer_lib.settings import LiveSettings
from fer_lib.vision.media.overlay import rgb, text_color

pytestmark = pytest.mark.timeout(300)

PAGE = "http://localhost/"
FAKE_MODEL = """(options) => {
  window.sent = [];
  window.events = {};
  window.camera = document.createElement("canvas");
  window.camera.getContext("2d");
  window.stream = {
    comm_live: true,
    get: (name) => (name === "_model_name" ? "CameraStreamModel" : { video: {} }),
    set: () => {},
    captureStream: async () => window.camera.captureStream(30),
  };
  const model = {
    get: (name) => ({ options, stream: "IPY_MODEL_x" })[name],
    on: (name, handler) => (window.events[name] = handler),
    send: (message) => window.sent.push(message),
    widget_manager: { get_model: async () => window.stream },
  };
  window.view = new LiveView(model, document.body);
  window.receive = (message) => window.events["msg:custom"](message, []);
  window.replyWithFaces = (faces) => {
    const id = window.sent.findLast(({ type }) => type === "frame").id;
    window.receive({ type: "faces", id, faces, ms: {} });
  };
  window.face = { xyxy: [1, 2, 30, 40], track_id: 1, confidence: 1, label: "happy", probability: 1, probabilities: [0, 0, 0, 1, 0, 0, 0] };
  window.waitFor = async (condition) => {
    for (let i = 0; i < 400 && !condition(); i++) await new Promise((done) => setTimeout(done, 25));
  };
  window.startStream = async () => {
    await window.view.start();
    const context = window.camera.getContext("2d");
    window.drawing = setInterval(() => context.fillRect(0, 0, 5, 5), 30);
    await window.waitFor(() => window.sent.some(({ type }) => type === "frame"));
  };
  window.rejectWith = (name) => {
    window.stream.captureStream = async () => { throw new DOMException("no", name); };
    return window.view.start();
  };
}"""
# Script that leads to each state.
ROUTES = {
    "ready": "",
    "waiting": "stream.captureStream = () => new Promise(() => {}); view.start();",
    "opening": "view.start({ open: () => new Promise(() => {}), close: () => {} });",
    "loading": "await startStream();",
    "running": "await startStream(); replyWithFaces([face]);",
    "no-face": "await startStream(); replyWithFaces([]);",
    "no-reply": "await startStream(); replyWithFaces([]); view.status.markNoReply();",
    "paused": "await startStream(); view.pause(true);",
    "stopped": "await startStream(); receive({ type: 'stop' });",
    "refused": "await rejectWith('NotAllowedError');",
    "no-camera": "await rejectWith('NotFoundError');",
    "in-use": "await rejectWith('NotReadableError');",
    "failed": "await rejectWith('DataError');",
    "insecure": "Object.defineProperty(window, 'isSecureContext', { value: false }); await view.start();",
    "unreadable": "await view.start(openFile(new File(['x'], 'a.txt', { type: 'text/plain' })));",
    "disconnected": "await startStream(); view.media.getTracks()[0].dispatchEvent(new Event('ended'));",
    "kernel-ended": "events['comm:close']();",
    "offline": "view.connection.isUnreachable = true; await view.start();",
    "reconnected": "view.connection.isUnreachable = true; await view.start(); view.resume();",
    "broken": "await startStream(); receive({ type: 'broken', id: sent.findLast(({ type }) => type === 'frame').id, detail: 'x' });",
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_context().new_page()
    page.route(PAGE, lambda route: route.fulfill(body="<body></body>", content_type="text/html"))
    page.goto(PAGE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    script = LiveView._esm.replace("export default", "window.widget =")
    page.add_script_tag(content=f"(async () => {{ {script}\nObject.assign(window, {CONSTANTS}); }})();")
    page.evaluate(FAKE_MODEL, LiveSettings.load().model_dump() | {"smoothing_s": 0.25})
    yield page
    page.context.close()
    assert errors == []


CONSTANTS = "{ LiveView, openFile, LABEL_COLORS, LABEL_INKS, PAGE_MESSAGES, STATES }"


def run(page: Page, script: str) -> Any:
    """Run the body of an asynchronous function in the page."""
    return page.evaluate(f"async () => {{ {script} }}")


def test_handlers_cover_kernel_messages(page):
    assert set(run(page, "return Object.keys(view.handlers);")) == set(KERNEL_MESSAGES)


def test_send_unknown_kind(page):
    assert set(run(page, "return PAGE_MESSAGES;")) == set(PAGE_MESSAGES)
    script = "try { view.send({ type: 'unknown' }); } catch (error) { return error.name; }"
    assert run(page, script) == "TypeError"


def test_send_uses_every_kind(page):
    sent = run(
        page,
        """await startStream();
        replyWithFaces([face]);
        receive({ type: "recording", on: false, full: false, frames: 1, rows: 1, span_s: 1, more: 0,
                  total: { duration_s: 1, no_face_s: 0 }, faces: [] });
        const press = (selector) => view.root.querySelector(selector).click();
        view.diagnostics.panel.open = true;
        for (const selector of [".fer-record", ".fer-calibrate"]) press(selector);
        for (const button of view.root.querySelectorAll(".fer-summary button")) button.click();
        view.preferences.set("smoothing_s", 1);
        view.apply("smoothing_s");
        await waitFor(() => sent.some(({ type }) => type === "diagnose"));
        for (let i = 0; i < 100 && !sent.some(({ type }) => type === "stats"); i++) {
          replyWithFaces([face]);
          await new Promise((done) => setTimeout(done, 50));
        }
        view.finish("stopped");
        press(".fer-demo");
        return waitFor(() => sent.some(({ type }) => type === "demo")).then(() => sent);""",
    )
    fields: dict[str, set[str]] = {}
    for message in sent:
        fields.setdefault(message["type"], set()).update(message.keys() - {"type"})
    assert fields == {kind: set(names) for kind, names in PAGE_MESSAGES.items()}


def test_routes_cover_every_state():
    assert set(ROUTES) == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_set_state(page, state):
    shown = run(
        page,
        f"""{ROUTES[state]}
        await waitFor(() => view.status.state === "{state}");
        return {{
          state: view.root.dataset.state,
          sentence: view.status.line.textContent,
          last: sent.filter(({{ type }}) => type === "state").at(-1).state,
          canStart: !view.status.startButton.disabled,
          canRecord: !view.recordingPanel.button.disabled,
        }};""",
    )
    assert (shown["state"], shown["last"]) == (state, state)
    assert shown["sentence"].startswith(STATES[state].split("{")[0].strip())
    assert shown["canStart"] == (state in OFF_STATES)
    assert shown["canRecord"] == (state in TOOL_STATES)


def test_label_colors_and_inks_match_the_overlay(page):
    colors, inks = run(page, "return [LABEL_COLORS, LABEL_INKS];")
    assert colors == EMOTION_COLORS
    assert {label: rgb(inks[label]) for label in EMOTIONS} == {
        label: text_color(rgb(EMOTION_COLORS[label])) for label in EMOTIONS
    }
