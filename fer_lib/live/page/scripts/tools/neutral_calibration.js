// Neutral calibration: the kernel estimates an offset from some seconds of a neutral face. Off by default.

class NeutralCalibration {
  constructor(view) {
    this.view = view;
    [this.button, this.forgetButton, this.mark, this.sign, this.resultLine] = [
      ".fer-calibrate", ".fer-forget-calibration", ".fer-mark-calibration", ".fer-calibrated", ".fer-calibration-result",
    ].map((selector) => view.root.querySelector(selector));
    this.isRunning = false;
    this.button.addEventListener("click", () => view.send({ type: "calibrate", on: true }));
    this.forgetButton.addEventListener("click", () => view.send({ type: "calibrate", on: false }));
    this.show({ running: false, on: false });
  }

  // Shows the state sent by the kernel; returns a sentence for the visitor, or "".
  update(state) {
    const [wasRunning, wasOn] = [this.isRunning, this.isOn];
    this.show(state);
    this.resultLine.textContent = state.detail; // on a phone the toast may be out of view
    if (state.detail) return state.detail;
    if (state.running) return wasRunning ? "" : "Look at the camera, alone and with a neutral face, until the countdown ends.";
    return wasOn && !state.on ? "The calibration was deleted." : wasRunning ? "Calibration was stopped." : "";
  }

  // The calibration was in the kernel's memory only.
  discard() {
    this.show({ running: false, on: false });
    this.resultLine.textContent = "";
  }

  show({ running, on, left_s: left = 0 }) {
    [this.isRunning, this.isOn] = [running, on];
    this.mark.hidden = !running;
    this.mark.textContent = `Neutral face ${Math.ceil(left)} s`;
    this.sign.hidden = !on;
    this.forgetButton.disabled = !on && !running;
    this.forgetButton.textContent = running ? `Stop · ${Math.ceil(left)} s` : "Delete calibration";
    this.enable(this.isLive);
  }

  enable(isLive) {
    this.isLive = isLive;
    if (!isLive && this.isRunning) return this.show({ running: false, on: this.isOn }); // the kernel cancels it as well
    this.button.disabled = !isLive || this.isRunning;
  }
}
