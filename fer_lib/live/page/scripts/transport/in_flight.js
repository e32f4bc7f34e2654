// In-flight window: back-pressure for frames. Few frames are in flight at a time, and none is queued.

const RETRY_MS = 200; // between frames while the networks are loading
const SLOW_ROUND_TRIP_MS = 1000; // above this, only one frame is in flight
const MAX_EXPIRED = 8; // expired frames whose late reply is still accepted

class InFlightWindow {
  constructor(options) {
    this.options = options;
    [this.frames, this.expired] = [new Map(), new Map()];
    this.counts = { seen: 0, processed: 0, dropped: 0, skipped: 0, lost: 0 };
    this.dueAt = this.roundTripMs = 0;
    this.setTimeoutMs(0);
  }

  // Returns whether a frame may be sent now; otherwise it is dropped, because the next one is newer.
  // Tolerates half an interval of jitter, so that a 30 fps camera keeps its rate.
  tryAcquire(now) {
    const interval = 1000 / this.options.target_rate;
    const limit = this.roundTripMs > SLOW_ROUND_TRIP_MS ? 1 : this.options.max_in_flight;
    this.counts.seen += 1;
    if (this.frames.size >= limit || now < this.dueAt - interval / 2) {
      this.counts.dropped += 1;
      return false;
    }
    this.dueAt = Math.max(this.dueAt + interval, now);
    return true;
  }

  register(id, frame) {
    this.frames.set(id, frame);
  }

  // Returns the frame of a reply, `undefined` if it is unknown.
  resolve({ id, type }, now) {
    const frame = this.frames.get(id) ?? this.expired.get(id);
    if (!frame) return undefined;
    this.frames.delete(id);
    this.expired.delete(id);
    this.roundTripMs = now - frame.sentAt;
    this.setTimeoutMs(2 * this.roundTripMs);
    if (type === "loading") this.dueAt = now + RETRY_MS;
    if (type === "skipped") this.counts.skipped += 1;
    if (type === "faces") this.counts.processed += 1;
    return frame;
  }

  // Drops frames whose reply timed out. On a slow network they may still be in transit, so that the timeout backs off
  // exponentially.
  expire(now) {
    const lost = [...this.frames].filter(([, frame]) => now - frame.sentAt > this.timeoutMs);
    for (const [id, frame] of lost) {
      this.frames.delete(id);
      this.expired.set(id, frame);
      this.counts.lost += 1;
    }
    if (lost.length) this.backOff();
    for (const id of [...this.expired.keys()].slice(0, -MAX_EXPIRED)) this.expired.delete(id);
  }

  backOff() {
    this.setTimeoutMs(2 * this.timeoutMs);
  }

  setTimeoutMs(ms) {
    const { frame_timeout_s, kernel_timeout_s } = this.options;
    this.timeoutMs = Math.max(Math.min(ms, 1000 * kernel_timeout_s), 1000 * frame_timeout_s);
  }

  clear() {
    this.frames.clear();
    this.expired.clear();
    this.setTimeoutMs(0);
  }
}
