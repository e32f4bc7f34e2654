// Kernel connection: detects a lost connection and reconnects.
//
// Jupyter reconnects too, but with a back-off of up to half a minute. Therefore the page polls the server and reconnects as
// soon as its kernel is reachable.

const CHECK_INTERVAL_MS = 1500; // between two requests
const REQUEST_TIMEOUT_MS = 4000; // for a reply, and for a new connection

class KernelConnection {
  constructor(view) {
    Object.assign(this, { view, isUnreachable: false, isChecking: false });
    this.onStatus = (_, status) => status === "connected" && this.view.resume();
    this.kernel?.connectionStatusChanged?.connect(this.onStatus);
    this.checks = setInterval(() => this.needsCheck && this.check(), CHECK_INTERVAL_MS);
  }

  get kernel() {
    return this.view.model.widget_manager?.kernel;
  }

  get isUp() {
    return !this.isUnreachable && (!this.kernel || this.kernel.connectionStatus === "connected");
  }

  get isDead() {
    return this.kernel?.status === "dead";
  }

  get needsCheck() {
    return !document.hidden && (this.view.status.isWithoutReply || (!this.isUp && this.view.media));
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
    const kernel = await this.queryKernel();
    if (kernel === "running" && !this.isUp) await this.connect();
    this.isUnreachable = kernel === "unreachable";
    this.isChecking = false;
    if (kernel === "ended") this.view.finish("kernel-ended");
    else if (this.isUp && !wasUp) this.view.resume();
  }

  async queryKernel() {
    const { id, serverSettings } = this.kernel;
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const { ok, status } = await fetch(`${serverSettings.baseUrl}api/kernels/${id}`, { signal, cache: "no-store" });
      if (status === 404) return "ended";
      return ok ? "running" : "unreachable";
    } catch {
      return "unreachable";
    }
  }

  // Always opens a new socket: a broken one may fire no event.
  connect() {
    const timeout = new Promise((done) => setTimeout(done, REQUEST_TIMEOUT_MS));
    return Promise.race([this.kernel.reconnect().catch(() => {}), timeout]);
  }

  remove() {
    clearInterval(this.checks);
    this.kernel?.connectionStatusChanged?.disconnect(this.onStatus);
  }
}
