// The live view: shows a stream, sends its frames to the kernel and draws what comes back.
//
// live_view.py joins it with its neighbours into one module: stream.js (Source, Grabber), overlay.js,
// bars.js and pace.js. Here is the loop between them, and the state that the visitor reads.
//
// The root element says in `data-state`, `data-results` and `data-faces` what is going on, and tells of
// every result in an event `fer-faces`: for tests, for benchmarks and for anyone who wants to look on.

const OFF = new Set([
  "ready", "stopped", "refused", "no-camera", "in-use", "insecure", "disconnected", "kernel-gone", "broken", "failed",
]);
const TICK_MS = 250;
const STILL_MS = 1000; // a source without new frames (a picture) is looked at this often
const STEADY_MS = 600; // how long a number of faces must last before the status line tells it
const RETRY_MS = 200; // between frames while the networks are loading

const HTML = `
  <div class="fer-stage">
    <svg class="fer-idle" viewBox="0 0 96 96" aria-hidden="true">
      <path d="M12 30V18a6 6 0 0 1 6-6h12M66 12h12a6 6 0 0 1 6 6v12M84 66v12a6 6 0 0 1-6 6H66M30 84H18a6 6 0 0 1-6-6V66"/>
      <circle cx="37" cy="42" r="1.5"/><circle cx="59" cy="42" r="1.5"/><path d="M34 58c8 7 20 7 28 0"/>
    </svg>
    <video class="fer-video" autoplay playsinline muted></video>
    <canvas class="fer-overlay" tabindex="0" role="img"
      aria-label="Live view. The arrow keys choose a face, Escape goes back to the largest."></canvas>
  </div>
  <div class="fer-controls">
    <button type="button" class="fer-button fer-start">Start</button>
    <button type="button" class="fer-button fer-stop" disabled>Stop</button>
    <p class="fer-status" role="status" aria-live="polite"></p>
  </div>
  <section class="fer-panel" aria-label="Probabilities of one face">
    <p class="fer-who"></p>
    <p class="fer-label"></p>
    <div class="fer-bars"></div>
    <p class="fer-pace"></p>
  </section>`;

class LiveView {
  static owners = new WeakMap(); // a widget shown twice is live in one place only

  constructor(model, el) {
    this.model = model;
    this.options = model.get("options");
    this.sentences = model.get("sentences");
    const colors = model.get("colors");
    this.root = document.createElement("div");
    this.root.className = "fer-live";
    this.root.dataset.lmSuppressShortcuts = "true"; // keys pressed here are not JupyterLab's
    this.root.innerHTML = HTML;
    [this.startButton, this.stopButton, this.status, this.paceLine, this.video, this.canvas] = [
      ".fer-start", ".fer-stop", ".fer-status", ".fer-pace", "video", "canvas",
    ].map((selector) => this.root.querySelector(selector));
    this.video.muted = true; // the attribute alone does not count when it comes by innerHTML
    this.source = new Source(model);
    this.grabber = new Grabber(this.video, this.options);
    this.overlay = new Overlay(this.canvas, colors);
    this.bars = new Bars(this.root, colors);
    this.run = 0;
    this.forget();
    this.listen();
    el.append(this.root);
    this.say("ready");
  }

  listen() {
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.startButton.addEventListener("click", () => this.start());
    this.stopButton.addEventListener("click", () => this.finish("stopped"));
    this.canvas.addEventListener("click", (event) => this.choose(this.overlay.faceAt(event.offsetX, event.offsetY)));
    this.canvas.addEventListener("keydown", (event) => this.chooseByKey(event));
    document.addEventListener("visibilitychange", () => this.pause(document.hidden), { signal });
    window.addEventListener("pagehide", () => this.finish("stopped"), { signal });
    this.model.on("msg:custom", (message) => this.take(message));
    this.model.on("comm:close", () => this.finish("kernel-gone"));
    this.model.on("comm_live_update", () => this.checkKernel());
    this.ticks = setInterval(() => this.tick(performance.now()), TICK_MS);
    this.resize = new ResizeObserver(() => this.redraw());
    this.resize.observe(this.canvas);
  }

  forget() {
    this.media = null;
    this.inFlight = new Map();
    this.last = null;
    this.chosen = null;
    this.results = 0;
    this.pace = new Pace();
    this.dueAt = 0;
  }

  // --- the visitor's two words --------------------------------------------------------------------

  async start() {
    if (!OFF.has(this.state)) return;
    LiveView.owners.get(this.model)?.finish("stopped");
    LiveView.owners.set(this.model, this);
    const run = ++this.run;
    const hadFocus = this.startButton === document.activeElement;
    this.say("waiting");
    if (hadFocus) this.stopButton.focus({ preventScroll: true }); // a button that is off loses the keyboard
    try {
      const media = await this.source.open();
      if (run !== this.run) return this.source.close(media); // Stop came before the visitor's permission
      this.show(media);
    } catch (error) {
      if (run === this.run) this.finish(error.state ?? "failed", error.message);
    }
  }

  show(media) {
    this.forget();
    this.media = media;
    for (const track of media.getTracks()) track.addEventListener("ended", () => this.finish("disconnected"));
    this.mirror = this.options.mirror && this.source.isCamera;
    this.root.toggleAttribute("data-mirror", this.mirror);
    this.video.srcObject = media;
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
    this.forget();
    this.overlay.clear();
    this.bars.show(null);
    this.paceLine.textContent = "";
    this.root.dataset.faces = "[]";
    const hadFocus = this.stopButton === document.activeElement;
    this.say(state, detail);
    if (hadFocus) this.startButton.focus({ preventScroll: true });
  }

  pause(hidden) {
    if (OFF.has(this.state) || this.state === "waiting") return;
    this.inFlight.clear();
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

  // Takes the frame if a place is free and it is time; a frame that is not taken is gone, the next one
  // is newer. Half an interval of patience lets a 30 fps camera that jitters keep its rate.
  offer(now, shownAt = now) {
    const interval = 1000 / this.options.target_rate;
    if (document.hidden || !this.grabber.ready || this.inFlight.size >= this.options.max_in_flight) return;
    if (now < this.dueAt - interval / 2) return;
    this.dueAt = Math.max(this.dueAt + interval, now);
    this.send(shownAt);
  }

  send(shownAt) {
    const id = (this.lastId = (this.lastId ?? 0) + 1);
    this.grabbedAt = performance.now();
    const { size, jpeg } = this.grabber.grab();
    this.inFlight.set(id, { size, shownAt, grabbedAt: this.grabbedAt, sentAt: performance.now() });
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

  take(message) {
    if (message.type === "start") return this.start();
    if (message.type === "stop") return this.finish("stopped");
    const frame = this.inFlight.get(message.id);
    if (!this.media || !frame) return; // an answer to a frame that was given up
    this.inFlight.delete(message.id);
    this.answeredAt = performance.now();
    if (message.type === "loading") this.dueAt = this.answeredAt + RETRY_MS;
    if (message.type === "broken") this.finish("broken", message.detail);
    if (message.type === "faces" && !(message.id < this.last?.id)) this.takeFaces(message, frame);
  }

  takeFaces(message, frame) {
    this.last = { ...message, size: frame.size, time_s: frame.shownAt / 1000 };
    this.results += 1;
    this.redraw();
    const result = { ...frame, answeredAt: this.answeredAt, drawnAt: performance.now() };
    this.pace.add(result);
    this.tellFaces(message.faces.length, result.drawnAt);
    this.root.dataset.results = this.results;
    this.root.dataset.faces = JSON.stringify(message.faces);
    this.root.dispatchEvent(new CustomEvent("fer-faces", { bubbles: true, detail: { ...this.last, ...result } }));
  }

  redraw() {
    if (!this.last) return this.overlay.clear();
    const { faces, size } = this.last;
    const area = ({ xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
    const largest = faces.reduce((best, face) => (best && area(best) >= area(face) ? best : face), null);
    const chosen = faces.find((face) => face.track_id === this.chosen);
    const face = chosen ?? largest;
    this.overlay.draw(faces, size, this.mirror, faces.length > 1 ? face?.track_id : null);
    this.bars.show(face, Boolean(chosen), faces.length);
  }

  // A number of faces is told when it has lasted, or at once when nothing was told before.
  tellFaces(count, now) {
    if (count !== this.count) [this.count, this.countedAt] = [count, now];
    const first = this.state === "loading" || this.state === "paused";
    if (first || now - this.countedAt > STEADY_MS) this.say(count ? "running" : "no-face", "", count);
  }

  // --- which face ---------------------------------------------------------------------------------

  choose(face) {
    this.chosen = face?.track_id ?? null;
    if (this.last) this.redraw();
  }

  chooseByKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.choose(null);
    if (!step || !this.last?.faces.length) return;
    event.preventDefault();
    const faces = [...this.last.faces].sort((a, b) => (a.xyxy[0] - b.xyxy[0]) * (this.mirror ? -1 : 1));
    const now = faces.findIndex((face) => face.track_id === this.chosen);
    this.choose(faces[(now < 0 && step < 0 ? faces.length - 1 : now + step + faces.length) % faces.length]);
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
    this.tell({ type: "state", state, detail });
  }

  checkKernel() {
    if (this.source.widget?.comm_live === false) this.finish("kernel-gone");
  }

  tick(now) {
    if (!this.media || document.hidden) return;
    for (const [id, frame] of this.inFlight) {
      if (now - frame.sentAt > 1000 * this.options.frame_timeout_s) this.inFlight.delete(id);
    }
    this.checkKernel();
    if (now - this.answeredAt > 1000 * this.options.kernel_timeout_s) return this.finish("kernel-gone");
    if (this.media && now - this.grabbedAt > STILL_MS) this.offer(now);
    const pace = this.pace.measure(now);
    if (!pace || now - (this.toldAt ?? 0) < 1000) return;
    this.toldAt = now;
    const [rate, late] = [Math.round(pace.results_per_s), Math.round(pace.frame_to_overlay_ms)];
    this.paceLine.textContent = `${rate} results a second · ${late} ms behind`;
    this.tell({ type: "stats", ...pace });
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
