// Uncertainty: replaces the label of a face by "uncertain" below a threshold, with hysteresis.

const HYSTERESIS = 0.05; // a shown label stays until it is this much below the threshold

class UncertaintyFilter {
  constructor() {
    this.named = new Set();
  }

  // Returns the faces with `shownLabel`: the label, or "uncertain".
  apply(faces, threshold) {
    const named = new Set();
    const filtered = faces.map((face) => {
      if (!face.label) return face;
      const isCertain = face.probability >= threshold - (this.named.has(face.track_id) ? HYSTERESIS : 0);
      if (isCertain) named.add(face.track_id);
      return { ...face, shownLabel: isCertain ? face.label : "uncertain" };
    });
    this.named = named;
    return filtered;
  }
}
