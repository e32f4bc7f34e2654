// Face selection: the face shown in bars and timeline, chosen by the visitor or the largest.

const LOST_MS = 1500; // the selection is cleared when its face is missing for so long

class FaceSelection {
  constructor() {
    this.clear();
  }

  clear() {
    this.chosen = null;
  }

  // Choosing the selected face again clears the selection.
  choose(face) {
    this.chosen = face && face.track_id !== this.chosen ? face.track_id : null;
    this.seenAt = performance.now();
  }

  // Selects the next (1) or previous (-1) face from left to right, as shown.
  step(faces, step, mirror) {
    const inOrder = [...faces].sort((a, b) => (a.xyxy[0] - b.xyxy[0]) * (mirror ? -1 : 1));
    const now = inOrder.findIndex((face) => face.track_id === this.chosen);
    const next = inOrder[(now < 0 && step < 0 ? inOrder.length - 1 : now + step + inOrder.length) % inOrder.length];
    if (next && next.track_id !== this.chosen) this.choose(next);
  }

  select(faces) {
    const chosen = faces.find((face) => face.track_id === this.chosen);
    if (chosen) this.seenAt = performance.now();
    const area = ({ xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
    const largest = faces.reduce((best, face) => (best && area(best) >= area(face) ? best : face), null);
    return { face: chosen ?? largest, isChosen: Boolean(chosen) };
  }

  get isLost() {
    return this.chosen !== null && performance.now() - this.seenAt > LOST_MS;
  }
}
