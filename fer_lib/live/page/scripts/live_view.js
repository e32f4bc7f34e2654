// Live view: starts and stops streams, exchanges messages with the kernel and connects the parts of the page.
//
// live_view.py joins all scripts into one module.
//
// For tests and benchmarks, the root element has `data-state`, `data-results` and `data-faces`, and dispatches an event
// `fer-faces` for every result.

const TICK_MS = 250;
const STATS_INTERVAL_MS = 1000; // between two `stats` messages

class LiveView {
  static owners = new WeakMap(); // a widget that is displayed twice streams in one view only

  constructor(model, el) {
    this.model = model;
    this.options = model.get("options");
    this.root = document.createElement("div");
    this.root.className = "fer-live";
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "Live view");
    this.root.dataset.lmSuppressShortcuts = "true"; // JupyterLab must not handle keys pressed here
    renderLayout(this.root, this.options.calibration_s);
    [this.video, this.canvas] = ["video", ".fer-overlay"].map((selector) => this.root.querySelector(selector));
    this.video.muted = true; // the attribute has no effect when set through innerHTML
    this.camera = this.source = new IpywebrtcSource(model);
    this.preferences = new Preferences(this.options);
    this.loop = new FrameLoop(this);
    this.connection = new KernelConnection(this);
    this.resultsView = new ResultsView(this);
    this.status = new Status(this);
    this.recordingPanel = new RecordingPanel(this.root, (message) => this.send(message));
    this.videoClip = new VideoClip(this);
    this.calibration = new NeutralCalibration(this);
    this.diagnostics = new Diagnostics(this.root, this);
    this.toolbar = new Toolbar(this.root, this, this.preferences);
    this.sourcePicker = new SourcePicker(this.root, this);
    this.cameraList = new CameraList(this.root, this);
    this.handlers = this.createHandlers();
    this.run = this.results = 0;
    this.media = null;
    this.listen();
    el.append(this.root);
    this.status.set("ready");
    if (this.preferences.values.smoothing_s !== undefined) this.apply("smoothing_s");
  }

  listen() {
    this.abort = new AbortController();
    const { signal } = this.abort;
    document.addEventListener("visibilitychange", () => this.pause(document.hidden), { signal });
    this.sourcePicker.listen(signal);
    window.addEventListener("pagehide", () => this.finish("stopped"), { signal });
    this.model.on("msg:custom", (message, buffers) => this.handleMessage(message, buffers));
    this.model.on("comm:close", () => this.finish("kernel-ended"));
    this.model.on("comm_live_update", () => this.checkKernel());
    this.ticks = setInterval(() => this.tick(performance.now()), TICK_MS);
  }

  async start(source = this.camera) {
    if (!this.status.isOff) return;
    LiveView.owners.get(this.model)?.finish("stopped");
    LiveView.owners.set(this.model, this);
    const run = ++this.run;
    const hadFocus = this.root.contains(document.activeElement?.closest(".fer-start, .fer-no-camera"));
    this.source = source;
    if (source === this.camera) this.status.set("waiting");
    else this.status.set("opening");
    if (hadFocus) this.status.stopButton.focus({ preventScroll: true }); // a disabled button loses the focus
    try {
      if (!(await this.connection.ensure())) throw new SourceError("offline");
      await this.camera.loadWidget(); // for every source: its `comm_live` reports the end of the kernel
      const media = await source.open(this.preferences.get("camera"));
      if (run !== this.run) return source.close(media); // stopped before the visitor gave permission
      this.show(media);
    } catch (error) {
      if (run === this.run) this.finish(error.state ?? "failed", error.message);
    }
  }

  show(media) {
    this.media = media;
    this.results = 0;
    for (const track of media.getTracks()) track.addEventListener("ended", () => this.finish("disconnected"));
    this.resultsView.reset();
    this.resultsView.timeline.clear();
    this.applyMirror();
    this.sourcePicker.showName(this.source);
    this.cameraList.update();
    this.source.show(this.video, media);
    this.video.play().catch(() => {}); // rejects only when the view is removed
    this.status.set("loading");
    this.loop.start();
  }

  finish(state, detail = "") {
    if (this.status.isOff && state === "stopped") return;
    this.run += 1;
    this.loop.stop();
    this.videoClip.stop();
    this.source.close(this.media);
    this.media = null;
    this.video.srcObject = null;
    this.sourcePicker.showName(null);
    this.resultsView.clear();
    this.status.showThroughput(null);
    this.root.dataset.faces = "[]";
    const hadFocus = this.status.stopButton === document.activeElement;
    if (state === "kernel-ended") {
      this.calibration.discard();
      this.toast(this.recordingPanel.discard());
    }
    this.status.set(state, detail);
    if (hadFocus) this.root.querySelector(".fer-start:not([hidden]), .fer-reload").focus({ preventScroll: true });
  }

  pause(hidden) {
    if (!this.media) return;
    this.loop.restartTimeout();
    if (hidden) this.status.set("paused");
  }

  // Resumes after a reconnection, which lost the frames in flight.
  resume() {
    this.loop.restartTimeout();
    if (this.status.state === "offline") this.status.set("reconnected");
  }

  enable(isLive) {
    for (const tool of [this.recordingPanel, this.toolbar, this.videoClip, this.calibration]) tool.enable(isLive);
  }

  send(message, buffers = []) {
    if (!PAGE_MESSAGES.includes(message.type)) throw new TypeError(`unknown message kind ${message.type}`);
    try {
      this.model.send(message, {}, buffers);
      return true;
    } catch {
      return false; // the connection is closed
    }
  }

  // One handler for each kind in KERNEL_MESSAGES.
  createHandlers() {
    const handleReply = (message) => this.handleReply(message);
    return {
      faces: handleReply,
      skipped: handleReply,
      loading: handleReply,
      broken: handleReply,
      update: (message) => this.handleUpdate(message),
      recording: (message) => this.toast(this.recordingPanel.update(message)),
      calibration: (message) => this.toast(this.calibration.update(message)),
      file: (message, buffers) => this.toast(this.recordingPanel.saveFile(message, buffers)),
      diagnostics: (message) => this.diagnostics.update(message),
      demo: (_, buffers) => this.sourcePicker.resolveDemo(buffers),
      refused: ({ detail }) => this.toast(detail),
      start: () => this.start(),
      stop: () => this.finish("stopped"),
    };
  }

  handleMessage(message, buffers) {
    return Object.hasOwn(this.handlers, message.type) ? this.handlers[message.type](message, buffers) : undefined;
  }

  // A reply to a frame.
  handleReply(message) {
    if (!this.media) return;
    const frame = this.loop.resolve(message);
    if (!frame) return;
    if (message.type === "broken") this.finish("broken", message.detail);
    if (message.type === "faces" && !(message.id < this.resultsView.last?.id)) this.showFaces(message, frame);
    this.handleUpdate(message);
  }

  handleUpdate({ recording, calibration }) {
    if (recording) this.toast(this.recordingPanel.update(recording));
    if (calibration) this.toast(this.calibration.update(calibration));
  }

  showFaces(message, frame) {
    const shown = { ...message, size: frame.size, time_s: frame.shownAt / 1000 };
    this.results += 1;
    this.resultsView.show(shown);
    const result = { ...frame, ms: message.ms, drawnAt: performance.now() };
    this.loop.throughput.add(result);
    this.status.setFaceCount(message.faces.length, result.drawnAt);
    this.root.dataset.results = this.results;
    this.root.dataset.faces = JSON.stringify(message.faces);
    this.root.dispatchEvent(new CustomEvent("fer-faces", { bubbles: true, detail: { ...shown, ...result } }));
  }

  apply(name) {
    if (name === "smoothing_s") return this.send({ type: "adjust", smoothing_s: this.preferences.get(name) });
    if (name === "mirror") this.applyMirror();
    return this.resultsView.draw();
  }

  applyMirror() {
    // The rear camera of a phone is not mirrored.
    const isBack = this.media?.getVideoTracks()[0]?.getSettings().facingMode === "environment";
    this.mirror = Boolean(this.preferences.get("mirror") && this.source.isCamera && !isBack);
    this.root.toggleAttribute("data-mirror", this.mirror);
  }

  selectCamera(deviceId) {
    this.preferences.set("camera", deviceId);
    if (this.status.isOff || this.source !== this.camera) return;
    this.finish("stopped");
    this.start();
  }

  toast(sentence) {
    if (sentence) this.toolbar.toast(sentence);
  }

  checkKernel() {
    if (this.camera.widget?.comm_live === false || this.connection.isDead) this.finish("kernel-ended");
  }

  tick(now) {
    if (!this.media || document.hidden) return;
    this.checkKernel();
    const silent_s = this.loop.tick(now) / 1000;
    if (silent_s > this.options.kernel_timeout_s) this.finish(this.connection.isUp ? "kernel-ended" : "offline");
    if (!this.media) return;
    if (silent_s > this.options.frame_timeout_s) this.status.markNoReply();
    this.recordingPanel.tick(now);
    this.videoClip.tick(now);
    this.resultsView.updateTimeline(now);
    const measured = this.loop.throughput.measure(now);
    if (!measured || now - (this.statsSentAt ?? 0) < STATS_INTERVAL_MS) return;
    this.statsSentAt = now;
    this.status.showThroughput(measured);
    this.send({ type: "stats", ...measured });
    this.diagnostics.show();
  }

  remove() {
    this.finish("stopped");
    this.abort.abort();
    clearInterval(this.ticks);
    this.connection.remove();
    this.resultsView.remove();
  }
}

export default {
  render({ model, el }) {
    const view = new LiveView(model, el);
    return () => view.remove();
  },
};
