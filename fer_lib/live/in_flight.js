// Frames on their way to the kernel: few at a time, the newest always wins, nothing queues.

const RETRY_MS = 200; // between frames while the networks are loading
const SLOW_MS = 1000; // an answer that took longer: a second frame on its way would only make both late
const REMEMBERED = 8; // frames that were given up and may still be answered

class Flight {
  constructor(options) {
    this.options = options;
    [this.frames, this.late] = [new Map(), new Map()];
    this.counts = { seen: 0, answered: 0, passed: 0, skipped: 0, lost: 0 };
    this.dueAt = this.tookMs = 0;
    this.beAsPatientAs(0);
  }

  // Takes a frame if a place is free and it is time; a frame that is not taken is gone, the next one is newer.
  // Half an interval of patience lets a 30 fps camera that jitters keep its rate.
  hasPlace(now) {
    const interval = 1000 / this.options.target_rate;
    const places = this.tookMs > SLOW_MS ? 1 : this.options.max_in_flight;
    this.counts.seen += 1;
    if (this.frames.size >= places || now < this.dueAt - interval / 2) {
      this.counts.passed += 1;
      return false;
    }
    this.dueAt = Math.max(this.dueAt + interval, now);
    return true;
  }

  leave(id, frame) {
    this.frames.set(id, frame);
  }

  // The frame that an answer belongs to; `undefined` for one that was forgotten.
  land({ id, type }, now) {
    const frame = this.frames.get(id) ?? this.late.get(id);
    if (!frame) return undefined;
    this.frames.delete(id);
    this.late.delete(id);
    this.tookMs = now - frame.sentAt;
    this.beAsPatientAs(2 * this.tookMs);
    if (type === "loading") this.dueAt = now + RETRY_MS;
    if (type === "skipped") this.counts.skipped += 1;
    if (type === "faces") this.counts.answered += 1;
    return frame;
  }

  // A frame that is given up makes room for a newer one. On a slow network it is still on its way, so that each takes
  // twice the patience of the one before: else the network would fill with frames.
  giveUp(now) {
    const lost = [...this.frames].filter(([, frame]) => now - frame.sentAt > this.patienceMs);
    for (const [id, frame] of lost) {
      this.frames.delete(id);
      this.late.set(id, frame);
      this.counts.lost += 1;
    }
    if (lost.length) this.beAsPatientAs(2 * this.patienceMs);
    for (const id of [...this.late.keys()].slice(0, -REMEMBERED)) this.late.delete(id);
  }

  beAsPatientAs(ms) {
    const { frame_timeout_s, kernel_timeout_s } = this.options;
    this.patienceMs = Math.max(Math.min(ms, 1000 * kernel_timeout_s), 1000 * frame_timeout_s);
  }

  clear() {
    this.frames.clear();
    this.late.clear();
    this.beAsPatientAs(0);
  }
}
