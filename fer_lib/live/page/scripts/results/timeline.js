// Timeline: stacked probabilities of one face over the last 60 seconds, in the colours of the labels.

const SPAN_MS = 60_000;
const SLOT_MS = 250; // width of a column
const SLOTS = SPAN_MS / SLOT_MS;
const MAX_FILLED_GAP = 4; // longest gap, in slots, that is filled with the next value

class Timeline {
  constructor(root) {
    this.canvas = root.querySelector(".fer-timeline canvas");
    this.context = this.canvas.getContext("2d");
    [this.names, this.colors] = [Object.keys(LABEL_COLORS), Object.values(LABEL_COLORS)];
    this.clear();
  }

  clear() {
    this.moments = new Array(SLOTS);
    this.newest = -1;
    this.draw(null);
  }

  // Stores all faces, so that a face selected later has its history.
  add(now, shown, faces) {
    const slot = Math.floor(now / SLOT_MS);
    const all = new Map(faces.map((face) => [face.track_id, face.probabilities]));
    const first = slot - this.newest <= MAX_FILLED_GAP ? this.newest + 1 : slot;
    for (let at = first; at <= slot; at++) this.moments[at % SLOTS] = { at, shown: shown?.probabilities, all };
    this.newest = Math.max(slot, this.newest);
  }

  // Draws the history of the face with this `track_id`; `null`: of the face shown at each time.
  draw(trackId) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight].map((side) => Math.round(side * ratio));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.context.clearRect(0, 0, width, height);
    const counts = new Array(this.names.length).fill(0);
    for (let i = 0; i < SLOTS; i++) {
      const at = this.newest - i;
      const moment = at >= 0 ? this.moments[at % SLOTS] : null;
      const probabilities = moment?.at !== at ? null : trackId === null ? moment.shown : moment.all.get(trackId);
      if (!probabilities) continue;
      const [left, right] = [i + 1, i].map((slots) => Math.round(width * (1 - slots / SLOTS)));
      this.drawColumn(probabilities, left, right - left, height);
      counts[probabilities.indexOf(Math.max(...probabilities))] += 1;
    }
    this.describe(counts);
  }

  drawColumn(probabilities, left, width, height) {
    let below = 0;
    probabilities.forEach((probability, i) => {
      const [from, to] = [below, below + probability].map((share) => Math.round(height * Math.min(1, share)));
      this.context.fillStyle = this.colors[i];
      this.context.fillRect(left, height - to, width, to - from);
      below += probability;
    });
  }

  describe(counts) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const most = this.names[counts.indexOf(Math.max(...counts))];
    const words = total ? `mostly ${most}, ${percent(Math.max(...counts) / total)} of the time` : "no face yet";
    const label = `The last 60 seconds: ${words}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }
}
