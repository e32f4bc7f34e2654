// Preferences of the visitor, kept in the browser's local storage.

const STORAGE_KEY = "fer-live";

class Preferences {
  constructor(options) {
    this.defaults = {
      mirror: options.mirror,
      uncertain_below: options.uncertain_below,
      smoothing_s: options.smoothing_s,
      camera: "", // device id; empty: the browser's default
    };
    this.ranges = { uncertain_below: UNCERTAIN_RANGE, smoothing_s: [0, Math.max(3, options.smoothing_s)] };
    this.values = this.load();
  }

  get(name) {
    return this.values[name] ?? this.defaults[name];
  }

  set(name, value) {
    if (!this.isValid(name, value)) return;
    this.values[name] = value;
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(this.values));
    } catch {
      // Storage is disabled: the preference lasts until the page is closed.
    }
  }

  // Drops invalid values, such as those of another version of the page.
  load() {
    try {
      const entries = Object.entries(JSON.parse(localStorage.getItem(STORAGE_KEY)) ?? {});
      return Object.fromEntries(entries.filter(([name, value]) => this.isValid(name, value)));
    } catch {
      return {};
    }
  }

  isValid(name, value) {
    if (name === "mirror") return typeof value === "boolean";
    if (name === "camera") return typeof value === "string" && value.length < 200;
    const range = Object.hasOwn(this.ranges, name) && this.ranges[name];
    return Boolean(range) && typeof value === "number" && value >= range[0] && value <= range[1];
  }
}
