// Boxes and labels above the video.

class Overlay {
  constructor(canvas, colors) {
    Object.assign(this, { canvas, colors, boxes: [] });
    this.context = canvas.getContext("2d");
  }

  // Lays the frame into the canvas as `object-fit: contain` lays the video, and mirrors it likewise.
  draw(faces, size, mirror, chosen) {
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
      this.drawBox(box, face.track_id === chosen);
      if (face.said) this.drawLabel(box, width, faces.length > 1);
    }
  }

  drawBox({ face, x, y, width, height }, strong) {
    const line = strong ? 4 : 2.5;
    this.context.setLineDash(face.said === "uncertain" ? [8, 6] : []);
    for (const [color, thickness] of [["rgb(0 0 0 / 45%)", line + 2], [this.colorOf(face), line]]) {
      this.context.strokeStyle = color;
      this.context.lineWidth = thickness;
      this.context.beginPath();
      this.context.roundRect(x, y, width, height, Math.min(10, width / 8));
      this.context.stroke();
    }
  }

  colorOf(face) {
    return this.colors[face.said] ?? "#ffffff";
  }

  // Above the box; below it where there is no room above. The number tells several faces apart.
  drawLabel({ face, x, y, height }, limit, several) {
    const text = `${several ? `#${face.track_id} ` : ""}${face.said} ${percent(face.probability)}`;
    this.context.font = "600 14px system-ui, sans-serif";
    const width = this.context.measureText(text).width + 16;
    const left = Math.max(2, Math.min(x, limit - width - 2));
    const top = y > 30 ? y - 28 : Math.min(y + height + 5, this.canvas.clientHeight - 25);
    this.context.fillStyle = this.colorOf(face);
    this.context.beginPath();
    this.context.roundRect(left, top, width, 23, 7);
    this.context.fill();
    this.context.fillStyle = inkOn(this.colorOf(face));
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

// Black or white, whichever contrasts more (WCAG 2 relative luminance).
function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((i) => (parseInt(color.slice(i, i + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
}
