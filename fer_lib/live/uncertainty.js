// Whether a face's emotion is certain enough to be named.

const SLACK = 0.05; // one that was named stays named until it is clearly below, or its name would flicker

class Certainty {
  constructor() {
    this.named = new Set();
  }

  // Returns the faces with what to say of them, `said`: the label, or "uncertain".
  judge(faces, threshold) {
    const named = new Set();
    const judged = faces.map((face) => {
      if (!face.label) return face;
      const isCertain = face.probability >= threshold - (this.named.has(face.track_id) ? SLACK : 0);
      if (isCertain) named.add(face.track_id);
      return { ...face, said: isCertain ? face.label : "uncertain" };
    });
    this.named = named;
    return judged;
  }
}
