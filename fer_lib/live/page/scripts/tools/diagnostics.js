// Diagnostics of page, camera and kernel, to copy into a bug report.

class Diagnostics {
  constructor(root, view) {
    this.view = view;
    [this.panel, this.list, this.copyButton] = [".fer-diagnostics", ".fer-diagnostics dl", ".fer-copy"].map((selector) =>
      root.querySelector(selector));
    this.kernel = null;
    this.permission = "not available in this browser";
    this.panel.addEventListener("toggle", () => this.panel.open && this.run());
    this.copyButton.addEventListener("click", () => this.copy());
  }

  async run() {
    this.view.send({ type: "diagnose" });
    this.show();
    try {
      this.permission = (await navigator.permissions.query({ name: "camera" })).state;
    } catch {
      // Some browsers do not support this query.
    }
    this.show();
  }

  update(diagnostics) {
    this.kernel = diagnostics;
    this.show();
  }

  // Updates the list while it is open.
  show() {
    if (!this.panel.open) return;
    const rows = this.collect().map(([name, text]) => {
      const row = element("div", "");
      row.append(element("dt", "", name), element("dd", "", text));
      return row;
    });
    this.list.replaceChildren(...rows);
  }

  collect() {
    const { status: { state }, loop: { inFlight: { counts }, throughput } } = this.view;
    const measured = throughput.measure(performance.now());
    const stages = Object.entries(throughput.stages()).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
    return [
      ["Secure page", window.isSecureContext ? "yes" : STATES.insecure],
      ["Camera permission", this.permission],
      ["State", state],
      ["Video", this.describeVideo()],
      ["Results per second", measured ? measured.results_per_s.toFixed(1) : "none"],
      ["Round trip", measured ? `${measured.round_trip_ms.toFixed(1)} ms` : "none"],
      ["Frame to overlay", measured ? `${measured.frame_to_overlay_ms.toFixed(1)} ms` : "none"],
      ["Stages in the kernel", stages.join(", ") || "none"],
      ["Frames", `${counts.seen} captured, ${counts.processed} processed, ${counts.dropped} dropped, ` +
        `${counts.skipped} skipped by the kernel, ${counts.lost} lost`],
      ...Object.entries(this.kernel?.weights ?? {}).map(([name, text]) => [`Weights ${name}`, text]),
      ["Versions", Object.entries(this.kernel?.versions ?? {}).map((pair) => pair.join(" ")).join(", ") || "waiting for the kernel …"],
      ["Browser", navigator.userAgent],
    ];
  }

  describeVideo() {
    const { video, media } = this.view;
    if (!media) return "none";
    const { frameRate, width, height } = media.getVideoTracks()[0]?.getSettings() ?? {};
    const rate = frameRate ? `, ${Math.round(frameRate)} frames per second` : "";
    return `${video.videoWidth || width} × ${video.videoHeight || height}${rate}`;
  }

  async copy() {
    const text = this.collect().map((pair) => pair.join(": ")).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      this.view.toast("Copied.");
    } catch {
      window.getSelection().selectAllChildren(this.list); // writing to the clipboard is not allowed here
      this.view.toast("Selected: copy it with your keyboard.");
    }
  }
}
