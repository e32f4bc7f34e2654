// Status: state of the live view, its sentence, and the buttons enabled in it.

const COUNT_STEADY_MS = 600; // a number of faces is shown when it has lasted for so long

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

  // Whether replies of the kernel are missing, with the camera on or already off.
  get isWaitingForKernel() {
    return this.state === "unheard" || this.state === "offline";
  }

  set(state, detail = "", faces = 0) {
    const sentence = STATES[state].replace("{detail}", detail).replace("{faces}", faces).trim();
    if (this.line.textContent !== sentence) this.line.textContent = sentence;
    if (state === this.state) return;
    this.state = this.view.root.dataset.state = state;
    this.startButton.disabled = !this.isOff;
    this.stopButton.disabled = this.isOff;
    // In JupyterLab the notebook must run again, and the page stays.
    this.reloadButton.hidden = !(state === "kernel-gone" && document.body.dataset.voila);
    this.startButton.hidden = !this.reloadButton.hidden;
    this.view.enable(TOOL_STATES.includes(state));
    this.view.send({ type: "state", state, detail });
  }

  // Sets the state by the number of faces, debounced, or at once after a state without faces.
  count(faces, now) {
    if (faces !== this.faces) [this.faces, this.countedAt] = [faces, now];
    const first = ["loading", "paused", "unheard"].includes(this.state);
    if (first || now - this.countedAt > COUNT_STEADY_MS) this.set(faces ? "running" : "no-face", "", faces);
  }

  // Replies are late, but the timeout of the kernel is not reached.
  markUnheard() {
    if (this.state === "running" || this.state === "no-face") this.set("unheard");
  }

  showThroughput(measured) {
    if (!measured) return (this.throughputLine.textContent = "");
    const [rate, latency] = [Math.round(measured.results_per_s), Math.round(measured.frame_to_overlay_ms)];
    return (this.throughputLine.textContent = `${rate} ${rate === 1 ? "result" : "results"} per second · ${latency} ms latency`);
  }
}
