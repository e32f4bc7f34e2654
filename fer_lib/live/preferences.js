// What the visitor chose, remembered by the browser until the next visit.

const CHOICES = "fer-live";

class Choices {
  constructor(options) {
    this.defaults = {
      mirror: options.mirror,
      uncertain_below: options.uncertain_below,
      smoothing_s: options.smoothing_s,
      camera: "", // the browser's name for a device; empty: the one it takes by itself
    };
    this.ranges = { uncertain_below: [0, 0.95], smoothing_s: [0, Math.max(3, options.smoothing_s)] };
    this.chosen = this.recall();
  }

  get(name) {
    return this.chosen[name] ?? this.defaults[name];
  }

  set(name, value) {
    if (!this.allows(name, value)) return;
    this.chosen[name] = value;
    try {
      localStorage.setItem(CHOICES, JSON.stringify(this.chosen));
    } catch {
      // A browser that keeps nothing loses nothing but this.
    }
  }

  // Anything may stand there: another version of this page may have written it.
  recall() {
    try {
      const said = Object.entries(JSON.parse(localStorage.getItem(CHOICES)) ?? {});
      return Object.fromEntries(said.filter(([name, value]) => this.allows(name, value)));
    } catch {
      return {};
    }
  }

  allows(name, value) {
    if (name === "mirror") return typeof value === "boolean";
    if (name === "camera") return typeof value === "string" && value.length < 200;
    const range = Object.hasOwn(this.ranges, name) && this.ranges[name];
    return Boolean(range) && typeof value === "number" && value >= range[0] && value <= range[1];
  }
}
