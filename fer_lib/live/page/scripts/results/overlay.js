// Overlay: boxes and labels on a canvas above the video.

class Overlay {
  constructor(canvas) {
    Object.assign(this, { canvas, boxes: [] });
    this.context = canvas.getContext("2d");
  }

  // Scales, centres and mirrors boxes as `object-fit: contain` does with the video.
  draw(faces, size, mirror, selectedId) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    this.clear(Math.round(width * ratio), Math.round(height * ratio));
    const scale = Math.min(width / size[0], height / size[1]);
    const [left, top] = [(width - size[0] * scale) / 2, (height - size[1] * scale) / 2];
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (const face of faces) {
      const [x1, y1, x2, y2] = face.xyxy.map((value, i) => value * scale + (i % 2 ? top : left));
      const box = { face, x: mirror ? width - x2 : x1, y: y1, width: x2 - x1, height: y2 - y1 };
      this.boxes.push(box);
      this.drawBox(box, face.track_id === selectedId);
      if (face.shownLabel) this.drawLabel(box, width, faces.length > 1);
    }
  }

  drawBox({ face, x, y, width, height }, isSelected) {
    const line = isSelected ? 4 : 2.5;
    this.context.setLineDash(face.shownLabel === "uncertain" ? [8, 6] : []);
    for (const [color, thickness] of [["rgb(0 0 0 / 45%)", line + 2], [this.colorOf(face), line]]) {
      this.context.strokeStyle = color;
      this.context.lineWidth = thickness;
      this.context.beginPath();
      this.context.roundRect(x, y, width, height, Math.min(10, width / 8));
      this.context.stroke();
    }
  }

  colorOf(face) {
    return LABEL_COLORS[face.shownLabel] ?? UNCERTAIN_COLOR;
  }

  // Above the box, or below it at the upper edge; several faces are labelled with their `track_id`.
  drawLabel({ face, x, y, height }, canvasWidth, withTrackId) {
    const text = `${withTrackId ? `Face ${face.track_id} ` : ""}${face.shownLabel} ${percent(face.probability)}`;
    this.context.font = "600 14px system-ui, sans-serif";
    const width = this.context.measureText(text).width + 16;
    const left = Math.max(2, Math.min(x, canvasWidth - width - 2));
    const top = y > 30 ? y - 28 : Math.min(y + height + 5, this.canvas.clientHeight - 25);
    this.context.fillStyle = this.colorOf(face);
    this.context.beginPath();
    this.context.roundRect(left, top, width, 23, 7);
    this.context.fill();
    this.context.fillStyle = LABEL_INKS[face.shownLabel] ?? UNCERTAIN_INK;
    this.context.fillText(text, left + 8, top + 16);
  }

  clear(width = this.canvas.width, height = this.canvas.height) {
    this.boxes = [];
    [this.canvas.width, this.canvas.height] = [width, height];
  }

  faceAt(x, y) {
    const inside = (box) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
    return this.boxes.find(inside)?.face;
  }
}
