// Kernel connection: detects a lost connection and reconnects.
//
// Jupyter reconnects by itself, but with a back-off of up to half a minute. So the page polls the server for its kernel and
// reconnects as soon as it is reachable.

const CHECK_INTERVAL_MS = 1500; // between two requests
const REQUEST_TIMEOUT_MS = 4000; // for a reply, and for a new connection

class KernelConnection {
  constructor(view) {
    Object.assign(this, { view, isAway: false, isChecking: false });
    this.onStatus = (_, status) => status === "connected" && this.view.resume();
    this.kernel?.connectionStatusChanged?.connect(this.onStatus);
    this.checks = setInterval(() => this.needsCheck && this.check(), CHECK_INTERVAL_MS);
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

  get needsCheck() {
    return !document.hidden && (this.view.status.isWaitingForKernel || (!this.isUp && this.view.media));
  }

  // Returns whether the kernel is reachable; reconnects if needed.
  async ensure() {
    if (!this.isUp) await this.check();
    return this.isUp;
  }

  async check() {
    if (!this.kernel || this.isChecking || this.isDead) return;
    this.isChecking = true;
    const wasUp = this.isUp;
    const found = await this.queryKernel();
    if (found === "here" && !this.isUp) await this.connect();
    this.isAway = found === "away";
    this.isChecking = false;
    if (found === "gone") this.view.finish("kernel-gone");
    else if (this.isUp && !wasUp) this.view.resume();
  }

  async queryKernel() {
    const { id, serverSettings } = this.kernel;
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const { ok, status } = await fetch(`${serverSettings.baseUrl}api/kernels/${id}`, { signal, cache: "no-store" });
      if (status === 404) return "gone";
      return ok ? "here" : "away";
    } catch {
      return "away";
    }
  }

  // Always opens a new socket: a silent one may be dead without an event.
  connect() {
    const late = new Promise((done) => setTimeout(done, REQUEST_TIMEOUT_MS));
    return Promise.race([this.kernel.reconnect().catch(() => {}), late]);
  }

  remove() {
    clearInterval(this.checks);
    this.kernel?.connectionStatusChanged?.disconnect(this.onStatus);
  }
}
