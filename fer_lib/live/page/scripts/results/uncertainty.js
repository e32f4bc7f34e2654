// Uncertainty filter: replaces the label of a face by "uncertain" below a threshold, with hysteresis.

const HYSTERESIS = 0.05; // a label stays until its probability is this much below the threshold

class UncertaintyFilter {
  constructor() {
    this.certainIds = new Set();
  }

  // Returns the faces with `shownLabel`: the label, or "uncertain".
  apply(faces, threshold) {
    const certainIds = new Set();
    const filtered = faces.map((face) => {
      if (!face.label) return face;
      const isCertain = face.probability >= threshold - (this.certainIds.has(face.track_id) ? HYSTERESIS : 0);
      if (isCertain) certainIds.add(face.track_id);
      return { ...face, shownLabel: isCertain ? face.label : "uncertain" };
    });
    this.certainIds = certainIds;
    return filtered;
  }
}
