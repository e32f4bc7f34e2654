// Bars: the probabilities of one face.

class Bars {
  constructor(root) {
    this.faceName = root.querySelector(".fer-face-name");
    this.label = root.querySelector(".fer-label");
    this.rows = Object.entries(LABEL_COLORS).map(([name, color]) => this.addRow(root.querySelector(".fer-bars"), name, color));
    this.show(null);
  }

  addRow(parent, name, color) {
    const row = document.createElement("div");
    row.className = "fer-bar";
    row.style.setProperty("--fer-color", color);
    row.setAttribute("role", "meter");
    row.setAttribute("aria-label", name);
    row.innerHTML = `<span>${name}</span><i><b></b></i><output></output>`;
    parent.append(row);
    return { row, fill: row.querySelector("b"), value: row.querySelector("output") };
  }

  show(face, isSelected = false, count = 1) {
    const largest = count > 1 ? `Largest of ${count} · click a face to select it` : "Largest face";
    const selected = count > 1 ? `Selected face · Face ${face?.track_id}` : "Selected face";
    this.faceName.textContent = isSelected ? selected : largest;
    this.label.textContent = face?.shownLabel ?? "–";
    this.rows.forEach(({ row, fill, value }, i) => {
      const probability = face?.probabilities?.[i] ?? 0;
      row.setAttribute("aria-valuenow", Math.round(100 * probability));
      row.toggleAttribute("data-top", Boolean(face) && probability === face.probability);
      fill.style.transform = `scaleX(${probability})`;
      value.textContent = face ? percent(probability) : "";
    });
  }
}

function percent(probability) {
  return `${Math.round(100 * probability)} %`;
}
