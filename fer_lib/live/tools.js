// The quiet row below the picture, and the choices behind "More".

const TOAST_MS = 4000;

class Tools {
  constructor(root, view, choices) {
    Object.assign(this, { root, view, choices });
    const find = (name) => root.querySelector(`.fer-${name}`);
    [this.stage, this.toastLine, this.snapshotButton, this.fullButton, this.moreButton, this.choicesPanel] = [
      "stage", "toast", "snapshot", "full", "more", "choices",
    ].map(find);
    this.snapshotButton.addEventListener("click", () => this.keepSnapshot());
    this.fullButton.hidden = !document.fullscreenEnabled;
    this.fullButton.addEventListener("click", () => this.stage.requestFullscreen().catch(() => {}));
    find("leave").addEventListener("click", () => document.exitFullscreen());
    this.moreButton.addEventListener("click", () => this.openMore(this.choicesPanel.hidden));
    for (const input of root.querySelectorAll("[data-choice]")) this.connect(input);
  }

  connect(input) {
    const name = input.dataset.choice;
    const isCheck = input.type === "checkbox";
    const show = () => {
      if (isCheck) return (input.checked = this.choices.get(name));
      const words = inWords(name, this.choices.get(name));
      input.setAttribute("aria-valuetext", words);
      return (input.nextElementSibling.textContent = words);
    };
    if (!isCheck) {
      [input.min, input.max] = this.choices.ranges[name];
      input.value = this.choices.get(name);
    }
    input.addEventListener("input", () => {
      this.choices.set(name, isCheck ? input.checked : Number(input.value));
      show();
      this.view.apply(name);
    });
    show();
  }

  openMore(isOpen) {
    this.choicesPanel.hidden = !isOpen;
    this.moreButton.setAttribute("aria-expanded", isOpen);
  }

  enable(isLive) {
    this.snapshotButton.disabled = !isLive;
  }

  async keepSnapshot() {
    if (!this.view.loop.grabber.ready) return;
    keepFile(await takeSnapshot(this.view.video, this.view.canvas, this.view.mirror), `face-${timeInName()}.png`);
    this.toast("Snapshot saved by your browser.");
  }

  toast(sentence) {
    clearTimeout(this.fading);
    this.toastLine.textContent = sentence;
    if (sentence) this.fading = setTimeout(() => this.toast(""), TOAST_MS);
  }
}

function inWords(name, value) {
  if (name === "uncertain_below") return value ? percent(value) : "never";
  return value ? `${value.toFixed(2)} s` : "off";
}
