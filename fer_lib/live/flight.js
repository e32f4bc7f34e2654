// Frames on their way to the kernel: few at a time, the newest always wins, nothing queues.

const RETRY_MS = 200; // between frames while the networks are loading

class Flight {
  constructor(options) {
    this.options = options;
    this.frames = new Map();
    this.counts = { seen: 0, answered: 0, passed: 0, skipped: 0, lost: 0 };
    this.dueAt = 0;
  }

  // Takes a frame if a place is free and it is time; a frame that is not taken is gone, the next one is newer.
  // Half an interval of patience lets a 30 fps camera that jitters keep its rate.
  hasPlace(now) {
    const interval = 1000 / this.options.target_rate;
    this.counts.seen += 1;
    if (this.frames.size >= this.options.max_in_flight || now < this.dueAt - interval / 2) {
      this.counts.passed += 1;
      return false;
    }
    this.dueAt = Math.max(this.dueAt + interval, now);
    return true;
  }

  leave(id, frame) {
    this.frames.set(id, frame);
  }

  // The frame that an answer belongs to; `undefined` for one that was given up.
  land({ id, type }, now) {
    const frame = this.frames.get(id);
    if (!frame) return undefined;
    this.frames.delete(id);
    if (type === "loading") this.dueAt = now + RETRY_MS;
    if (type === "skipped") this.counts.skipped += 1;
    if (type === "faces") this.counts.answered += 1;
    return frame;
  }

  giveUp(now) {
    for (const [id, frame] of this.frames) {
      if (now - frame.sentAt <= 1000 * this.options.frame_timeout_s) continue;
      this.frames.delete(id);
      this.counts.lost += 1;
    }
  }

  clear() {
    this.frames.clear();
  }
}
