// What is shown of the newest result: boxes, and the bars and the last minute of one face.

class Showing {
  constructor(view, colors) {
    this.view = view;
    this.overlay = new Overlay(view.canvas, colors);
    this.certainty = new Certainty();
    this.bars = new Bars(view.root, colors);
    this.timeline = new Timeline(view.root, colors);
    this.forget();
    view.canvas.addEventListener("click", (event) => this.choose(this.overlay.faceAt(event.offsetX, event.offsetY)));
    view.canvas.addEventListener("keydown", (event) => this.chooseByKey(event));
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(view.canvas);
  }

  forget() {
    this.following = new Following();
    this.last = this.face = null;
  }

  clear() {
    this.forget();
    this.overlay.clear();
    this.bars.show(null);
  }

  // Takes a result: `faces`, the `size` of their frame, and its number.
  show(result) {
    this.last = result;
    this.draw();
  }

  draw() {
    if (!this.last) return this.overlay.clear();
    const faces = this.certainty.judge(this.last.faces, this.view.choices.get("uncertain_below"));
    const { face, isChosen } = this.following.find(faces);
    this.face = face;
    this.overlay.draw(faces, this.last.size, this.view.mirror, faces.length > 1 || isChosen ? face?.track_id : null);
    this.bars.show(face, isChosen, faces.length);
  }

  choose(face) {
    this.following.choose(face);
    this.showChoice();
  }

  chooseByKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.choose(null);
    if (!step || !this.last?.faces.length) return;
    event.preventDefault();
    this.following.step(this.last.faces, step, this.view.mirror);
    this.showChoice();
  }

  showChoice() {
    if (this.last) this.draw();
    this.timeline.draw(this.following.chosen);
  }

  // A few times a second is enough for the last minute.
  remember(now) {
    if (!this.last) return;
    if (this.following.isGone) this.choose(null);
    this.timeline.add(now, this.face, this.last.faces);
    this.timeline.draw(this.following.chosen);
  }

  remove() {
    this.resize.disconnect();
  }
}
