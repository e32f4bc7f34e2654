// Toolbar below the video, and the preferences behind "More".

const TOAST_MS = 4000;

class Toolbar {
  constructor(root, view, preferences) {
    Object.assign(this, { root, view, preferences });
    const find = (name) => root.querySelector(`.fer-${name}`);
    [this.stage, this.toastLine, this.snapshotButton, this.fullButton, this.moreButton, this.preferencesPanel] = [
      "stage", "toast", "snapshot", "full", "more", "preferences",
    ].map(find);
    this.snapshotButton.addEventListener("click", () => this.saveSnapshot());
    this.fullButton.hidden = !document.fullscreenEnabled;
    this.fullButton.addEventListener("click", () => this.stage.requestFullscreen().catch(() => {}));
    find("exit-full").addEventListener("click", () => document.exitFullscreen());
    this.moreButton.addEventListener("click", () => this.setMore(this.preferencesPanel.hidden));
    for (const input of root.querySelectorAll("[data-preference]")) this.connect(input);
  }

  connect(input) {
    const name = input.dataset.preference;
    const isCheck = input.type === "checkbox";
    const show = () => {
      if (isCheck) return (input.checked = this.preferences.get(name));
      const words = formatValue(name, this.preferences.get(name));
      input.setAttribute("aria-valuetext", words);
      return (input.nextElementSibling.textContent = words);
    };
    if (!isCheck) {
      [input.min, input.max] = this.preferences.ranges[name];
      input.value = this.preferences.get(name);
    }
    input.addEventListener("input", () => {
      this.preferences.set(name, isCheck ? input.checked : Number(input.value));
      show();
      this.view.apply(name);
    });
    show();
  }

  setMore(isOpen) {
    this.preferencesPanel.hidden = !isOpen;
    this.moreButton.setAttribute("aria-expanded", isOpen);
  }

  enable(isLive) {
    this.snapshotButton.disabled = !isLive;
  }

  async saveSnapshot() {
    if (!this.view.loop.encoder.ready) return;
    downloadFile(await renderSnapshot(this.view.video, this.view.canvas, this.view.mirror), `face-${fileTimestamp()}.png`);
    this.toast("Snapshot saved by your browser.");
  }

  toast(sentence) {
    clearTimeout(this.fading);
    this.toastLine.textContent = sentence;
    if (sentence) this.fading = setTimeout(() => this.toast(""), TOAST_MS);
  }
}

function formatValue(name, value) {
  if (name === "uncertain_below") return value ? percent(value) : "never";
  return value ? `${value.toFixed(2)} s` : "off";
}
