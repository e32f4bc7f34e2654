// Is everything in place? What the page, the camera and the kernel say of themselves, for a bug report.

class Doctor {
  constructor(root, view) {
    this.view = view;
    [this.panel, this.list, this.copyButton] = [".fer-doctor", ".fer-doctor dl", ".fer-copy"].map((selector) =>
      root.querySelector(selector));
    this.kernel = null;
    this.permission = "this browser does not say";
    this.panel.addEventListener("toggle", () => this.panel.open && this.examine());
    this.copyButton.addEventListener("click", () => this.copy());
  }

  async examine() {
    this.view.tell({ type: "examine" });
    this.show();
    try {
      this.permission = (await navigator.permissions.query({ name: "camera" })).state;
    } catch {
      // Some browsers do not know this question.
    }
    this.show();
  }

  take(checkup) {
    this.kernel = checkup;
    this.show();
  }

  // Only while somebody looks.
  show() {
    if (!this.panel.open) return;
    const rows = this.findings().map(([name, says]) => {
      const row = element("div", "");
      row.append(element("dt", "", name), element("dd", "", says));
      return row;
    });
    this.list.replaceChildren(...rows);
  }

  findings() {
    const { status: { sentences, state }, loop: { flight: { counts }, pace } } = this.view;
    const measured = pace.measure(performance.now());
    const stages = Object.entries(pace.stages()).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
    return [
      ["Secure page", window.isSecureContext ? "yes" : sentences.insecure],
      ["Camera's permission", this.permission],
      ["State", state],
      ["Picture", this.describePicture()],
      ["Results a second", measured ? measured.results_per_s.toFixed(1) : "none now"],
      ["Round trip", measured ? `${measured.round_trip_ms.toFixed(1)} ms` : "none now"],
      ["From frame to overlay", measured ? `${measured.frame_to_overlay_ms.toFixed(1)} ms` : "none now"],
      ["Stages in the kernel", stages.join(", ") || "none now"],
      ["Frames", `${counts.seen} seen, ${counts.answered} answered, ${counts.passed} passed over, ` +
        `${counts.skipped} skipped by the kernel, ${counts.lost} lost`],
      ...Object.entries(this.kernel?.weights ?? {}).map(([name, says]) => [`Weights ${name}`, says]),
      ["Versions", Object.entries(this.kernel?.versions ?? {}).map((pair) => pair.join(" ")).join(", ") || "asked the kernel …"],
      ["Browser", navigator.userAgent],
    ];
  }

  describePicture() {
    const { video, media } = this.view;
    if (!media) return "none now";
    const { frameRate, width, height } = media.getVideoTracks()[0]?.getSettings() ?? {};
    const rate = frameRate ? `, ${Math.round(frameRate)} frames a second` : "";
    return `${video.videoWidth || width} × ${video.videoHeight || height}${rate}`;
  }

  async copy() {
    const text = this.findings().map((pair) => pair.join(": ")).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      this.view.toast("Copied.");
    } catch {
      window.getSelection().selectAllChildren(this.list); // not allowed here: the visitor's own keys are
      this.view.toast("Selected: copy it with your keyboard.");
    }
  }
}
