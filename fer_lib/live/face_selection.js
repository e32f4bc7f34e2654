// Which face the bars and the timeline show: the one that the visitor chose, else the largest.

const GONE_MS = 1500; // a chosen face that is away for so long is not waited for

class Following {
  constructor() {
    this.letGo();
  }

  letGo() {
    this.chosen = null;
  }

  // Chosen again, a face is let go.
  choose(face) {
    this.chosen = face && face.track_id !== this.chosen ? face.track_id : null;
    this.seenAt = performance.now();
  }

  // The next face from left to right as the page shows them, or the one before.
  step(faces, step, mirror) {
    const inOrder = [...faces].sort((a, b) => (a.xyxy[0] - b.xyxy[0]) * (mirror ? -1 : 1));
    const now = inOrder.findIndex((face) => face.track_id === this.chosen);
    const next = inOrder[(now < 0 && step < 0 ? inOrder.length - 1 : now + step + inOrder.length) % inOrder.length];
    if (next && next.track_id !== this.chosen) this.choose(next);
  }

  find(faces) {
    const chosen = faces.find((face) => face.track_id === this.chosen);
    if (chosen) this.seenAt = performance.now();
    const area = ({ xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
    const largest = faces.reduce((best, face) => (best && area(best) >= area(face) ? best : face), null);
    return { face: chosen ?? largest, isChosen: Boolean(chosen) };
  }

  get isGone() {
    return this.chosen !== null && performance.now() - this.seenAt > GONE_MS;
  }
}
