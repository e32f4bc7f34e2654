// Face selection: the face shown in bars and timeline, selected by the visitor or the largest.

const LOST_MS = 1500; // the selection is cleared when its face is missing for longer

class FaceSelection {
  constructor() {
    this.clear();
  }

  clear() {
    this.trackId = null;
  }

  // Selects a face; the selected face again, or `null`, clears the selection.
  toggle(face) {
    this.trackId = face && face.track_id !== this.trackId ? face.track_id : null;
    this.seenAt = performance.now();
  }

  // Selects the next (1) or previous (-1) face from left to right, as shown.
  step(faces, step, mirror) {
    const inOrder = [...faces].sort((a, b) => (a.xyxy[0] - b.xyxy[0]) * (mirror ? -1 : 1));
    const current = inOrder.findIndex((face) => face.track_id === this.trackId);
    const next = inOrder[(current < 0 && step < 0 ? inOrder.length - 1 : current + step + inOrder.length) % inOrder.length];
    if (next && next.track_id !== this.trackId) this.toggle(next);
  }

  // Returns the face to show, and whether the visitor selected it.
  resolve(faces) {
    const selected = faces.find((face) => face.track_id === this.trackId);
    if (selected) this.seenAt = performance.now();
    const area = ({ xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
    const largest = faces.reduce((best, face) => (best && area(best) >= area(face) ? best : face), null);
    return { face: selected ?? largest, isSelected: Boolean(selected) };
  }

  get isLost() {
    return this.trackId !== null && performance.now() - this.seenAt > LOST_MS;
  }
}
