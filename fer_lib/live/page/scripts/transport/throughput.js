// Throughput: results per second, latency, and the time of each stage.

const WINDOW_MS = 2000; // window of the measurement

class Throughput {
  constructor() {
    this.results = [];
    this.startedAt = performance.now();
  }

  add(result) {
    this.results.push(result);
  }

  // Returns `null` until there are enough results.
  measure(now) {
    this.results = this.results.filter((result) => now - result.drawnAt < WINDOW_MS);
    const seconds = Math.min(WINDOW_MS, now - this.startedAt) / 1000;
    if (!this.results.length || seconds < 0.5) return null;
    return {
      results_per_s: this.results.length / seconds,
      round_trip_ms: median(this.results.map((result) => result.repliedAt - result.sentAt)),
      frame_to_overlay_ms: median(this.results.map((result) => result.drawnAt - result.shownAt)),
    };
  }

  // Returns the median milliseconds of each stage in the kernel, of the frames in which it ran.
  stages() {
    const times = (name) => this.results.map((result) => result.ms?.[name]).filter((ms) => ms !== undefined);
    return Object.fromEntries(STAGES.map((name) => [name, median(times(name))]).filter(([, ms]) => ms !== undefined));
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
