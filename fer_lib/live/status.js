// The state of the live view, the sentence that says it, and which buttons make sense in it.

const OFF = new Set([
  "ready", "stopped", "refused", "no-camera", "in-use", "insecure", "disconnected", "unreadable", "kernel-gone",
  "offline", "back", "broken", "failed",
]);
const LIVE = new Set(["running", "no-face", "unheard", "paused"]);
const STEADY_MS = 600; // how long a number of faces must last before the status line tells it

class Status {
  constructor(view) {
    this.view = view;
    this.sentences = view.model.get("sentences");
    [this.startButton, this.stopButton, this.reloadButton, this.line, this.paceLine] = [
      ".fer-start", ".fer-stop", ".fer-reload", ".fer-status", ".fer-pace",
    ].map((selector) => view.root.querySelector(selector));
    this.reloadButton.addEventListener("click", () => window.location.reload());
    this.startButton.addEventListener("click", () => view.start());
    this.stopButton.addEventListener("click", () => view.finish("stopped"));
  }

  get isOff() {
    return OFF.has(this.state);
  }

  // Either while the camera is on, or after it had to be switched off.
  get isUnheard() {
    return this.state === "unheard" || this.state === "offline";
  }

  say(state, detail = "", faces = 0) {
    const sentence = this.sentences[state].replace("{detail}", detail).replace("{faces}", faces).trim();
    if (this.line.textContent !== sentence) this.line.textContent = sentence;
    if (state === this.state) return;
    this.state = this.view.root.dataset.state = state;
    this.startButton.disabled = !this.isOff;
    this.stopButton.disabled = this.isOff;
    // In JupyterLab the notebook must run again, and the page stays.
    this.reloadButton.hidden = !(state === "kernel-gone" && document.body.dataset.voila);
    this.startButton.hidden = !this.reloadButton.hidden;
    this.view.enable(LIVE.has(state));
    this.view.tell({ type: "state", state, detail });
  }

  // A number of faces is told when it has lasted, or at once when nothing was told before.
  count(faces, now) {
    if (faces !== this.faces) [this.faces, this.countedAt] = [faces, now];
    const first = ["loading", "paused", "unheard"].includes(this.state);
    if (first || now - this.countedAt > STEADY_MS) this.say(faces ? "running" : "no-face", "", faces);
  }

  // Nothing is heard of the kernel, and it is not given up yet.
  doubt() {
    if (this.state === "running" || this.state === "no-face") this.say("unheard");
  }

  showPace(pace) {
    if (!pace) return (this.paceLine.textContent = "");
    const [rate, late] = [Math.round(pace.results_per_s), Math.round(pace.frame_to_overlay_ms)];
    return (this.paceLine.textContent = `${rate} ${rate === 1 ? "result" : "results"} a second · ${late} ms behind`);
  }
}
