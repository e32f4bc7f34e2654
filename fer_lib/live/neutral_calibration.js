// The visitor's baseline: some seconds of a face at rest, and what it shows by itself is taken off. Off by default.

class Baseline {
  constructor(view) {
    this.view = view;
    [this.button, this.forgetButton, this.mark, this.sign, this.saidLine] = [
      ".fer-calibrate", ".fer-unbase", ".fer-mark-rest", ".fer-based", ".fer-rest-said",
    ].map((selector) => view.root.querySelector(selector));
    this.isRunning = false;
    this.button.addEventListener("click", () => view.tell({ type: "baseline", on: true }));
    this.forgetButton.addEventListener("click", () => view.tell({ type: "baseline", on: false }));
    this.show({ running: false, on: false });
  }

  // Takes what the kernel says; returns a sentence for the visitor.
  take(said) {
    const [wasRunning, wasOn] = [this.isRunning, this.isOn];
    this.show(said);
    this.saidLine.textContent = said.detail; // on a phone the picture with the toast may be out of sight
    if (said.detail) return said.detail;
    if (said.running) return wasRunning ? "" : "Look at the camera, alone and at ease, until the count is over.";
    return wasOn && !said.on ? "The baseline is forgotten." : wasRunning ? "Calibration was stopped." : "";
  }

  // The baseline was in the kernel's memory, and nowhere else.
  lose() {
    this.show({ running: false, on: false });
    this.saidLine.textContent = "";
  }

  show({ running, on, left_s: left = 0 }) {
    [this.isRunning, this.isOn] = [running, on];
    this.mark.hidden = !running;
    this.mark.textContent = `At rest ${Math.ceil(left)} s`;
    this.sign.hidden = !on;
    this.forgetButton.disabled = !on && !running;
    this.forgetButton.textContent = running ? `Stop · ${Math.ceil(left)} s` : "Forget baseline";
    this.enable(this.isLive);
  }

  enable(isLive) {
    this.isLive = isLive;
    if (!isLive && this.isRunning) return this.show({ running: false, on: this.isOn }); // the kernel gives it up, too
    this.button.disabled = !isLive || this.isRunning;
  }
}
