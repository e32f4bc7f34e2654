// Neutral calibration: the kernel estimates an offset from some seconds of a neutral face. Off by default.

class NeutralCalibration {
  constructor(view) {
    this.view = view;
    [this.button, this.deleteButton, this.mark, this.badge, this.resultLine] = [
      ".fer-calibrate", ".fer-delete-calibration", ".fer-mark-calibration", ".fer-calibrated", ".fer-calibration-result",
    ].map((selector) => view.root.querySelector(selector));
    this.isRunning = false;
    this.button.addEventListener("click", () => view.send({ type: "calibrate", on: true }));
    this.deleteButton.addEventListener("click", () => view.send({ type: "calibrate", on: false }));
    this.show({ running: false, on: false });
  }

  // Shows the state sent by the kernel; returns a sentence for the visitor, or "".
  update(state) {
    const [wasRunning, wasOn] = [this.isRunning, this.isOn];
    this.show(state);
    this.resultLine.textContent = state.detail; // on a phone the toast may be outside of the screen
    if (state.detail) return state.detail;
    if (state.running) return wasRunning ? "" : "Face the camera with a neutral expression, with nobody else in view, until the countdown ends.";
    return wasOn && !state.on ? "The calibration was deleted." : wasRunning ? "The calibration was stopped." : "";
  }

  // Clears the display after the end of the kernel, which held the calibration in memory.
  discard() {
    this.show({ running: false, on: false });
    this.resultLine.textContent = "";
  }

  show({ running, on, left_s: left = 0 }) {
    [this.isRunning, this.isOn] = [running, on];
    this.mark.hidden = !running;
    this.mark.textContent = `Neutral face ${Math.ceil(left)} s`;
    this.badge.hidden = !on;
    this.deleteButton.disabled = !on && !running;
    this.deleteButton.textContent = running ? `Stop · ${Math.ceil(left)} s` : "Delete calibration";
    this.enable(this.isLive);
  }

  enable(isLive) {
    this.isLive = isLive;
    if (!isLive && this.isRunning) return this.show({ running: false, on: this.isOn }); // the kernel cancels it as well
    this.button.disabled = !isLive || this.isRunning;
  }
}
