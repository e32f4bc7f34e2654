// How many results a second, and how late they are.

const WINDOW_MS = 2000; // over which rate and latency are measured
const STAGES = ["decode", "follow", "detect", "track", "recognize", "total"]; // as the pipeline names them

class Pace {
  constructor() {
    this.results = [];
    this.startedAt = performance.now();
  }

  add(result) {
    this.results.push(result);
  }

  // `null` until there is something to say.
  measure(now) {
    this.results = this.results.filter((result) => now - result.drawnAt < WINDOW_MS);
    const seconds = Math.min(WINDOW_MS, now - this.startedAt) / 1000;
    if (!this.results.length || seconds < 0.5) return null;
    return {
      results_per_s: this.results.length / seconds,
      round_trip_ms: median(this.results.map((result) => result.answeredAt - result.sentAt)),
      frame_to_overlay_ms: median(this.results.map((result) => result.drawnAt - result.shownAt)),
    };
  }

  // Milliseconds of each stage in the kernel, of the frames that needed it.
  stages() {
    const times = (name) => this.results.map((result) => result.ms?.[name]).filter((ms) => ms !== undefined);
    return Object.fromEntries(STAGES.map((name) => [name, median(times(name))]).filter(([, ms]) => ms !== undefined));
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
