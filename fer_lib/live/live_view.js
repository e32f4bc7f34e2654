// The live view: shows a stream, sends its frames to the kernel and draws what comes back.
//
// live_view.py joins it with its neighbours into one module. Here is who they are, and how a stream begins and ends.
//
// The root element says in `data-state`, `data-results` and `data-faces` what is going on, and tells of
// every result in an event `fer-faces`: for tests, for benchmarks and for anyone who wants to look on.

const TICK_MS = 250;
const TELL_MS = 1000; // between two reports of the pace

class LiveView {
  static owners = new WeakMap(); // a widget shown twice is live in one place only

  constructor(model, el) {
    this.model = model;
    this.options = model.get("options");
    const colors = model.get("colors");
    this.root = document.createElement("div");
    this.root.className = "fer-live";
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "Live view");
    this.root.dataset.lmSuppressShortcuts = "true"; // keys pressed here are not JupyterLab's
    layOut(this.root, this.options.calibration_s);
    [this.video, this.canvas] = ["video", ".fer-overlay"].map((selector) => this.root.querySelector(selector));
    this.video.muted = true; // the attribute alone does not count when it comes by innerHTML
    this.camera = this.source = new Source(model);
    this.choices = new Choices(this.options);
    this.loop = new Loop(this);
    this.link = new Link(this);
    this.showing = new Showing(this, colors);
    this.status = new Status(this);
    this.recorder = new Recorder(this.root, colors, (message) => this.tell(message));
    this.clip = new Clip(this);
    this.baseline = new Baseline(this);
    this.doctor = new Doctor(this.root, this);
    this.tools = new Tools(this.root, this, this.choices);
    this.sources = new Sources(this.root, this);
    this.cameras = new Cameras(this.root, this);
    this.run = this.results = 0;
    this.media = null;
    this.listen();
    el.append(this.root);
    this.status.say("ready");
    if (this.choices.chosen.smoothing_s !== undefined) this.apply("smoothing_s");
  }

  listen() {
    this.abort = new AbortController();
    const { signal } = this.abort;
    document.addEventListener("visibilitychange", () => this.pause(document.hidden), { signal });
    this.sources.listen(signal);
    window.addEventListener("pagehide", () => this.finish("stopped"), { signal });
    this.model.on("msg:custom", (message, buffers) => this.take(message, buffers));
    this.model.on("comm:close", () => this.finish("kernel-gone"));
    this.model.on("comm_live_update", () => this.checkKernel());
    this.ticks = setInterval(() => this.tick(performance.now()), TICK_MS);
  }

  // --- a stream begins and ends -------------------------------------------------------------------

  async start(source = this.camera) {
    if (!this.status.isOff) return;
    LiveView.owners.get(this.model)?.finish("stopped");
    LiveView.owners.set(this.model, this);
    const run = ++this.run;
    const hadFocus = this.root.contains(document.activeElement?.closest(".fer-start, .fer-instead"));
    this.source = source;
    if (source === this.camera) this.status.say("waiting");
    else this.status.say("opening");
    if (hadFocus) this.status.stopButton.focus({ preventScroll: true }); // a button that is off loses the keyboard
    try {
      if (!(await this.link.find())) throw new Refusal("offline");
      await this.camera.find(); // whatever is shown, its widget knows when the kernel is gone
      const media = await source.open(this.choices.get("camera"));
      if (run !== this.run) return source.close(media); // Stop came before the visitor's permission
      this.show(media);
    } catch (error) {
      if (run === this.run) this.finish(error.state ?? "failed", error.message);
    }
  }

  show(media) {
    this.media = media;
    this.results = 0;
    for (const track of media.getTracks()) track.addEventListener("ended", () => this.finish("disconnected"));
    this.showing.forget();
    this.showing.timeline.forget();
    this.applyMirror();
    this.sources.name(this.source);
    this.cameras.find();
    this.source.show(this.video, media);
    this.video.play().catch(() => {}); // refused only when the view is already gone
    this.status.say("loading");
    this.loop.start();
  }

  finish(state, detail = "") {
    if (this.status.isOff && state === "stopped") return;
    this.run += 1;
    this.loop.stop();
    this.clip.stop();
    this.source.close(this.media);
    this.media = null;
    this.video.srcObject = null;
    this.sources.name(null);
    this.showing.clear();
    this.status.showPace(null);
    this.root.dataset.faces = "[]";
    const hadFocus = this.status.stopButton === document.activeElement;
    if (state === "kernel-gone") {
      this.baseline.lose();
      this.toast(this.recorder.lose());
    }
    this.status.say(state, detail);
    if (hadFocus) this.root.querySelector(".fer-start:not([hidden]), .fer-reload").focus({ preventScroll: true });
  }

  pause(hidden) {
    if (!this.media) return;
    this.loop.rest();
    if (hidden) this.status.say("paused");
  }

  // The kernel can be heard again: what was on its way is lost, and the next frame need not wait for it.
  hear() {
    this.loop.rest();
    if (this.status.state === "offline") this.status.say("back");
  }

  enable(isLive) {
    for (const tool of [this.recorder, this.tools, this.clip, this.baseline]) tool.enable(isLive);
  }

  // --- words to the kernel and from it --------------------------------------------------------------

  tell(message, buffers = []) {
    try {
      this.model.send(message, {}, buffers);
      return true;
    } catch {
      return false; // the connection is closed
    }
  }

  take(message, buffers) {
    if (message.type === "start") return this.start();
    if (message.type === "stop") return this.finish("stopped");
    if (message.type === "recording") return this.toast(this.recorder.take(message));
    if (message.type === "baseline") return this.toast(this.baseline.take(message));
    if (message.type === "news") return this.takeNews(message);
    if (message.type === "file") return this.toast(this.recorder.keep(message, buffers));
    if (message.type === "demo") return this.sources.takeDemo(buffers);
    if (message.type === "checkup") return this.doctor.take(message);
    if (message.type === "refused") return this.toast(message.detail);
    return this.takeAnswer(message);
  }

  takeAnswer(message) {
    if (!this.media) return;
    const frame = this.loop.land(message);
    if (!frame) return;
    if (message.type === "broken") this.finish("broken", message.detail);
    if (message.type === "faces" && !(message.id < this.showing.last?.id)) this.takeFaces(message, frame);
    this.takeNews(message);
  }

  takeNews({ recording, baseline }) {
    if (recording) this.toast(this.recorder.take(recording));
    if (baseline) this.toast(this.baseline.take(baseline));
  }

  takeFaces(message, frame) {
    const shown = { ...message, size: frame.size, time_s: frame.shownAt / 1000 };
    this.results += 1;
    this.showing.show(shown);
    const result = { ...frame, ms: message.ms, drawnAt: performance.now() };
    this.loop.pace.add(result);
    this.status.count(message.faces.length, result.drawnAt);
    this.root.dataset.results = this.results;
    this.root.dataset.faces = JSON.stringify(message.faces);
    this.root.dispatchEvent(new CustomEvent("fer-faces", { bubbles: true, detail: { ...shown, ...result } }));
  }

  // --- what the visitor chose -----------------------------------------------------------------------

  apply(name) {
    if (name === "smoothing_s") return this.tell({ type: "adjust", smoothing_s: this.choices.get(name) });
    if (name === "mirror") this.applyMirror();
    return this.showing.draw();
  }

  applyMirror() {
    // A camera on the back of a phone shows the world, and that is no mirror.
    const isBack = this.media?.getVideoTracks()[0]?.getSettings().facingMode === "environment";
    this.mirror = Boolean(this.choices.get("mirror") && this.source.isCamera && !isBack);
    this.root.toggleAttribute("data-mirror", this.mirror);
  }

  takeCamera(deviceId) {
    this.choices.set("camera", deviceId);
    if (this.status.isOff || this.source !== this.camera) return;
    this.finish("stopped");
    this.start();
  }

  toast(sentence) {
    if (sentence) this.tools.toast(sentence);
  }

  // --- now and then -----------------------------------------------------------------------------------

  checkKernel() {
    if (this.camera.widget?.comm_live === false || this.link.isDead) this.finish("kernel-gone");
  }

  tick(now) {
    if (!this.media || document.hidden) return;
    this.checkKernel();
    const silent_s = this.loop.tick(now) / 1000;
    if (silent_s > this.options.kernel_timeout_s) this.finish(this.link.isUp ? "kernel-gone" : "offline");
    if (!this.media) return;
    if (silent_s > this.options.frame_timeout_s) this.status.doubt();
    this.recorder.tick(now);
    this.clip.tick(now);
    this.showing.remember(now);
    const pace = this.loop.pace.measure(now);
    if (!pace || now - (this.toldAt ?? 0) < TELL_MS) return;
    this.toldAt = now;
    this.status.showPace(pace);
    this.tell({ type: "stats", ...pace });
    this.doctor.show();
  }

  remove() {
    this.finish("stopped");
    this.abort.abort();
    clearInterval(this.ticks);
    this.link.remove();
    this.showing.remove();
  }
}

export default {
  render({ model, el }) {
    const view = new LiveView(model, el);
    return () => view.remove();
  },
};
