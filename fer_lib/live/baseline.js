// The visitor's baseline: some seconds of a face at rest, and what it shows by itself is taken off. Off by default.

class Baseline {
  constructor(view) {
    this.view = view;
    [this.button, this.forgetButton, this.mark, this.sign] = [".fer-calibrate", ".fer-unbase", ".fer-mark-rest", ".fer-based"]
      .map((selector) => view.root.querySelector(selector));
    this.isRunning = false;
    this.button.addEventListener("click", () => view.tell({ type: "baseline", on: true }));
    this.forgetButton.addEventListener("click", () => view.tell({ type: "baseline", on: false }));
    this.show({ running: false, on: false });
  }

  // Takes what the kernel says; returns a sentence for the visitor.
  take(said) {
    const [wasRunning, wasOn] = [this.isRunning, this.isOn];
    this.show(said);
    if (said.detail) return said.detail;
    if (said.running) return wasRunning ? "" : "Look at the camera, alone and at ease, until the count is over.";
    return wasOn && !said.on ? "The baseline is forgotten." : wasRunning ? "Calibration was stopped." : "";
  }

  show({ running, on, left_s: left = 0 }) {
    [this.isRunning, this.isOn] = [running, on];
    this.mark.hidden = !running;
    const text = `At rest ${Math.ceil(left)} s`;
    if (this.mark.textContent !== text) this.mark.textContent = text;
    this.sign.hidden = !on;
    this.forgetButton.disabled = !on && !running;
    this.forgetButton.textContent = running ? "Stop calibrating" : "Forget baseline";
    this.enable(this.isLive);
  }

  enable(isLive) {
    this.isLive = isLive;
    this.button.disabled = !isLive || this.isRunning;
  }
}
