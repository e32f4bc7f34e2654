// Status: state of the live view, its sentence, and the buttons enabled in it.

const COUNT_DEBOUNCE_MS = 600; // a changed number of faces is shown after this time

class Status {
  constructor(view) {
    this.view = view;
    [this.startButton, this.stopButton, this.reloadButton, this.line, this.throughputLine] = [
      ".fer-start", ".fer-stop", ".fer-reload", ".fer-status", ".fer-throughput",
    ].map((selector) => view.root.querySelector(selector));
    this.reloadButton.addEventListener("click", () => window.location.reload());
    this.startButton.addEventListener("click", () => view.start());
    this.stopButton.addEventListener("click", () => view.finish("stopped"));
  }

  get isOff() {
    return OFF_STATES.includes(this.state);
  }

  // Whether the kernel does not reply, with the camera on or already off.
  get isWithoutReply() {
    return this.state === "no-reply" || this.state === "offline";
  }

  set(state, detail = "", faces = 0) {
    const sentence = STATES[state].replace("{detail}", detail).replace("{faces}", faces).trim();
    if (this.line.textContent !== sentence) this.line.textContent = sentence;
    if (state === this.state) return;
    this.state = this.view.root.dataset.state = state;
    this.startButton.disabled = !this.isOff;
    this.stopButton.disabled = this.isOff;
    // In JupyterLab the notebook must be run again; reloading the page does not help.
    this.reloadButton.hidden = !(state === "kernel-ended" && document.body.dataset.voila);
    this.startButton.hidden = !this.reloadButton.hidden;
    this.view.enable(TOOL_STATES.includes(state));
    this.view.send({ type: "state", state, detail });
  }

  // Sets the state by the number of faces: debounced, or at once after a state without results.
  setFaceCount(faces, now) {
    if (faces !== this.faces) [this.faces, this.countedAt] = [faces, now];
    const isFirst = ["loading", "paused", "no-reply"].includes(this.state);
    if (isFirst || now - this.countedAt > COUNT_DEBOUNCE_MS) this.set(faces ? "running" : "no-face", "", faces);
  }

  // The kernel is late, but its timeout is not reached.
  markNoReply() {
    if (this.state === "running" || this.state === "no-face") this.set("no-reply");
  }

  showThroughput(measured) {
    if (!measured) return (this.throughputLine.textContent = "");
    const [rate, latency] = [Math.round(measured.results_per_s), Math.round(measured.frame_to_overlay_ms)];
    return (this.throughputLine.textContent = `${rate} ${rate === 1 ? "result" : "results"} per second · ${latency} ms latency`);
  }
}
