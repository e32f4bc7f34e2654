// The live view: shows a stream, sends its frames to the kernel and draws what comes back.
//
// live_view.py joins it with its neighbours into one module. Here is the loop between them, and the state that
// the visitor reads.
//
// The root element says in `data-state`, `data-results` and `data-faces` what is going on, and tells of
// every result in an event `fer-faces`: for tests, for benchmarks and for anyone who wants to look on.

const OFF = new Set([
  "ready", "stopped", "refused", "no-camera", "in-use", "insecure", "disconnected", "unreadable", "kernel-gone",
  "broken", "failed",
]);
const TICK_MS = 250;
const STILL_MS = 1000; // a source without new frames (a picture) is looked at this often
const STEADY_MS = 600; // how long a number of faces must last before the status line tells it

class LiveView {
  static owners = new WeakMap(); // a widget shown twice is live in one place only

  constructor(model, el) {
    this.model = model;
    this.options = model.get("options");
    this.sentences = model.get("sentences");
    const colors = model.get("colors");
    this.root = document.createElement("div");
    this.root.className = "fer-live";
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "Live view");
    this.root.dataset.lmSuppressShortcuts = "true"; // keys pressed here are not JupyterLab's
    layOut(this.root);
    [this.startButton, this.stopButton, this.status, this.paceLine, this.video, this.canvas] = [
      ".fer-start", ".fer-stop", ".fer-status", ".fer-pace", "video", "canvas",
    ].map((selector) => this.root.querySelector(selector));
    this.video.muted = true; // the attribute alone does not count when it comes by innerHTML
    this.camera = this.source = new Source(model);
    this.grabber = new Grabber(this.video, this.options);
    this.overlay = new Overlay(this.canvas, colors);
    this.certainty = new Certainty();
    this.bars = new Bars(this.root, colors);
    this.timeline = new Timeline(this.root, colors);
    this.choices = new Choices(this.options);
    this.recorder = new Recorder(this.root, colors, (message) => this.tell(message));
    this.doctor = new Doctor(this.root, this);
    this.tools = new Tools(this.root, this, this.choices);
    this.sources = new Sources(this.root, this);
    this.cameras = new Cameras(this.root, this);
    this.run = 0;
    this.forget();
    this.listen();
    el.append(this.root);
    this.say("ready");
    if (this.choices.chosen.smoothing_s !== undefined) this.apply("smoothing_s");
  }

  listen() {
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.startButton.addEventListener("click", () => this.start());
    this.stopButton.addEventListener("click", () => this.finish("stopped"));
    this.canvas.addEventListener("click", (event) => this.choose(this.overlay.faceAt(event.offsetX, event.offsetY)));
    this.canvas.addEventListener("keydown", (event) => this.chooseByKey(event));
    document.addEventListener("visibilitychange", () => this.pause(document.hidden), { signal });
    this.sources.listen(signal);
    window.addEventListener("pagehide", () => this.finish("stopped"), { signal });
    this.model.on("msg:custom", (message, buffers) => this.take(message, buffers));
    this.model.on("comm:close", () => this.finish("kernel-gone"));
    this.model.on("comm_live_update", () => this.checkKernel());
    this.ticks = setInterval(() => this.tick(performance.now()), TICK_MS);
    this.resize = new ResizeObserver(() => this.redraw());
    this.resize.observe(this.canvas);
  }

  forget() {
    this.media = null;
    this.flight = new Flight(this.options);
    this.following = new Following();
    this.last = this.shown = null;
    this.results = 0;
    this.pace = new Pace();
  }

  // --- the visitor's two words --------------------------------------------------------------------

  async start(source = this.camera) {
    if (!OFF.has(this.state)) return;
    LiveView.owners.get(this.model)?.finish("stopped");
    LiveView.owners.set(this.model, this);
    const run = ++this.run;
    const hadFocus = this.root.contains(document.activeElement?.closest(".fer-start, .fer-instead"));
    this.source = source;
    if (source === this.camera) this.say("waiting");
    else this.say("opening");
    if (hadFocus) this.stopButton.focus({ preventScroll: true }); // a button that is off loses the keyboard
    try {
      await this.camera.find(); // whatever is shown, its widget knows when the kernel is gone
      const media = await source.open(this.choices.get("camera"));
      if (run !== this.run) return source.close(media); // Stop came before the visitor's permission
      this.show(media);
    } catch (error) {
      if (run === this.run) this.finish(error.state ?? "failed", error.message);
    }
  }

  show(media) {
    this.forget();
    this.media = media;
    for (const track of media.getTracks()) track.addEventListener("ended", () => this.finish("disconnected"));
    this.timeline.forget();
    this.applyMirror();
    this.sources.name(this.source);
    this.cameras.find();
    this.source.show(this.video, media);
    this.video.play().catch(() => {}); // refused only when the view is already gone
    this.answeredAt = this.grabbedAt = performance.now();
    this.say("loading");
    this.watch(this.run);
  }

  finish(state, detail = "") {
    const wasOn = !OFF.has(this.state);
    if (!wasOn && state === "stopped") return;
    this.run += 1;
    this.source.close(this.media);
    this.video.srcObject = null;
    this.sources.name(null);
    this.forget();
    this.overlay.clear();
    this.bars.show(null);
    this.paceLine.textContent = "";
    this.root.dataset.faces = "[]";
    const hadFocus = this.stopButton === document.activeElement;
    if (state === "kernel-gone") this.toast(this.recorder.lose());
    this.say(state, detail);
    if (hadFocus) this.startButton.focus({ preventScroll: true });
  }

  pause(hidden) {
    if (OFF.has(this.state) || ["waiting", "opening"].includes(this.state)) return;
    this.flight.clear();
    this.answeredAt = performance.now();
    if (hidden) this.say("paused");
  }

  // --- frames out ---------------------------------------------------------------------------------

  watch(run) {
    const step = (now, frame) => {
      if (run !== this.run) return;
      this.watch(run);
      this.offer(now, frame?.captureTime ?? frame?.presentationTime ?? now);
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(step);
    else requestAnimationFrame((now) => step(now));
  }

  offer(now, shownAt = now) {
    if (!document.hidden && this.grabber.ready && this.flight.hasPlace(now)) this.send(shownAt);
  }

  send(shownAt) {
    const id = (this.lastId = (this.lastId ?? 0) + 1);
    this.grabbedAt = performance.now();
    const { size, jpeg } = this.grabber.grab();
    this.flight.leave(id, { size, shownAt, grabbedAt: this.grabbedAt, sentAt: performance.now() });
    if (!this.tell({ type: "frame", id, time_s: shownAt / 1000 }, [jpeg])) this.finish("kernel-gone");
  }

  tell(message, buffers = []) {
    try {
      this.model.send(message, {}, buffers);
      return true;
    } catch {
      return false; // the connection is closed
    }
  }

  // --- answers in ---------------------------------------------------------------------------------

  take(message, buffers) {
    if (message.type === "start") return this.start();
    if (message.type === "stop") return this.finish("stopped");
    if (message.type === "recording") return this.toast(this.recorder.take(message));
    if (message.type === "file") return this.toast(this.recorder.keep(message, buffers));
    if (message.type === "demo") return this.sources.takeDemo(buffers);
    if (message.type === "checkup") return this.doctor.take(message);
    if (message.type === "refused") return this.toast(message.detail);
    return this.takeAnswer(message);
  }

  takeAnswer(message) {
    if (!this.media) return;
    const now = performance.now();
    const frame = this.flight.land(message, now);
    if (!frame) return;
    this.answeredAt = now;
    if (message.type === "broken") this.finish("broken", message.detail);
    if (message.type === "faces" && !(message.id < this.last?.id)) this.takeFaces(message, frame);
    if (message.recording) this.toast(this.recorder.take(message.recording));
  }

  takeFaces(message, frame) {
    this.last = { ...message, size: frame.size, time_s: frame.shownAt / 1000 };
    this.results += 1;
    this.redraw();
    const result = { ...frame, ms: message.ms, answeredAt: this.answeredAt, drawnAt: performance.now() };
    this.pace.add(result);
    this.tellFaces(message.faces.length, result.drawnAt);
    this.root.dataset.results = this.results;
    this.root.dataset.faces = JSON.stringify(message.faces);
    this.root.dispatchEvent(new CustomEvent("fer-faces", { bubbles: true, detail: { ...this.last, ...result } }));
  }

  redraw() {
    if (!this.last) return this.overlay.clear();
    const faces = this.certainty.judge(this.last.faces, this.choices.get("uncertain_below"));
    const { face, isChosen } = this.following.find(faces);
    this.shown = face;
    this.overlay.draw(faces, this.last.size, this.mirror, faces.length > 1 || isChosen ? face?.track_id : null);
    this.bars.show(face, isChosen, faces.length);
  }

  // A number of faces is told when it has lasted, or at once when nothing was told before.
  tellFaces(count, now) {
    if (count !== this.count) [this.count, this.countedAt] = [count, now];
    const first = this.state === "loading" || this.state === "paused";
    if (first || now - this.countedAt > STEADY_MS) this.say(count ? "running" : "no-face", "", count);
  }

  // --- which face ---------------------------------------------------------------------------------

  choose(face) {
    this.following.choose(face);
    this.showChoice();
  }

  chooseByKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.choose(null);
    if (!step || !this.last?.faces.length) return;
    event.preventDefault();
    this.following.step(this.last.faces, step, this.mirror);
    this.showChoice();
  }

  showChoice() {
    if (this.last) this.redraw();
    this.timeline.draw(this.following.chosen);
  }

  // --- what the visitor chose -----------------------------------------------------------------------

  apply(name) {
    if (name === "smoothing_s") return this.tell({ type: "adjust", smoothing_s: this.choices.get(name) });
    if (name === "mirror") this.applyMirror();
    return this.redraw();
  }

  applyMirror() {
    // A camera on the back of a phone shows the world, and that is no mirror.
    const isBack = this.media?.getVideoTracks()[0]?.getSettings().facingMode === "environment";
    this.mirror = Boolean(this.choices.get("mirror") && this.source.isCamera && !isBack);
    this.root.toggleAttribute("data-mirror", this.mirror);
  }

  takeCamera(deviceId) {
    this.choices.set("camera", deviceId);
    if (OFF.has(this.state) || this.source !== this.camera) return;
    this.finish("stopped");
    this.start();
  }

  toast(sentence) {
    if (sentence) this.tools.toast(sentence);
  }

  // --- what is going on ---------------------------------------------------------------------------

  say(state, detail = "", faces = 0) {
    const sentence = this.sentences[state].replace("{detail}", detail).replace("{faces}", faces).trim();
    if (this.status.textContent !== sentence) this.status.textContent = sentence;
    if (state === this.state) return;
    this.state = this.root.dataset.state = state;
    const off = OFF.has(state);
    this.startButton.disabled = !off;
    this.stopButton.disabled = off;
    const isLive = ["running", "no-face", "paused"].includes(state);
    this.recorder.enable(isLive);
    this.tools.enable(isLive);
    this.tell({ type: "state", state, detail });
  }

  checkKernel() {
    if (this.camera.widget?.comm_live === false) this.finish("kernel-gone");
  }

  tick(now) {
    if (!this.media || document.hidden) return;
    this.flight.giveUp(now);
    this.checkKernel();
    if (now - this.answeredAt > 1000 * this.options.kernel_timeout_s) return this.finish("kernel-gone");
    if (this.media && now - this.grabbedAt > STILL_MS) this.offer(now);
    this.recorder.tick(now);
    this.remember(now);
    const pace = this.pace.measure(now);
    if (!pace || now - (this.toldAt ?? 0) < 1000) return;
    this.toldAt = now;
    const [rate, late] = [Math.round(pace.results_per_s), Math.round(pace.frame_to_overlay_ms)];
    this.paceLine.textContent = `${rate} ${rate === 1 ? "result" : "results"} a second · ${late} ms behind`;
    this.tell({ type: "stats", ...pace });
    this.doctor.show();
  }

  remember(now) {
    if (!this.last) return;
    if (this.following.isGone) this.choose(null);
    this.timeline.add(now, this.shown, this.last.faces);
    this.timeline.draw(this.following.chosen);
  }

  remove() {
    this.finish("stopped");
    this.abort.abort();
    clearInterval(this.ticks);
    this.resize.disconnect();
  }
}

export default {
  render({ model, el }) {
    const view = new LiveView(model, el);
    return () => view.remove();
  },
};
