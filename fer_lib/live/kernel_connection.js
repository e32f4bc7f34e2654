// The connection to the kernel: is it there, and if not, how does it come back?
//
// Jupyter connects again by itself, but waits up to half a minute after a first try in vain. So the page asks the server
// for its kernel, and connects as soon as there is one.

const LOOK_MS = 1500; // between two questions
const PATIENCE_MS = 4000; // for an answer, and for a connection

class Link {
  constructor(view) {
    Object.assign(this, { view, isAway: false, isLooking: false });
    this.note = (_, status) => status === "connected" && this.view.hear();
    this.kernel?.connectionStatusChanged?.connect(this.note);
    this.looks = setInterval(() => this.isDoubted && this.look(), LOOK_MS);
  }

  get kernel() {
    return this.view.model.widget_manager?.kernel;
  }

  get isUp() {
    return !this.isAway && (!this.kernel || this.kernel.connectionStatus === "connected");
  }

  get isDead() {
    return this.kernel?.status === "dead";
  }

  get isDoubted() {
    return !document.hidden && (this.view.status.isUnheard || (!this.isUp && this.view.media));
  }

  // Says whether the kernel can be reached, after having tried what there is to try.
  async find() {
    if (!this.isUp) await this.look();
    return this.isUp;
  }

  async look() {
    if (!this.kernel || this.isLooking || this.isDead) return;
    this.isLooking = true;
    const wasUp = this.isUp;
    const found = await this.ask();
    if (found === "here" && !this.isUp) await this.connect();
    this.isAway = found === "away";
    this.isLooking = false;
    if (found === "gone") this.view.finish("kernel-gone");
    else if (this.isUp && !wasUp) this.view.hear();
  }

  async ask() {
    const { id, serverSettings } = this.kernel;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const { ok, status } = await fetch(`${serverSettings.baseUrl}api/kernels/${id}`, { signal, cache: "no-store" });
      if (status === 404) return "gone";
      return ok ? "here" : "away";
    } catch {
      return "away";
    }
  }

  // A socket that was silent may be a dead one that nobody told us of, so there is always a new one.
  connect() {
    const late = new Promise((done) => setTimeout(done, PATIENCE_MS));
    return Promise.race([this.kernel.reconnect().catch(() => {}), late]);
  }

  remove() {
    clearInterval(this.looks);
    this.kernel?.connectionStatusChanged?.disconnect(this.note);
  }
}
