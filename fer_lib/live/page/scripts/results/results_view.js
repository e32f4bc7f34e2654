// Results view: boxes of the newest result; bars and timeline of the selected face.

class ResultsView {
  constructor(view) {
    this.view = view;
    this.overlay = new Overlay(view.canvas);
    this.uncertaintyFilter = new UncertaintyFilter();
    this.bars = new Bars(view.root);
    this.timeline = new Timeline(view.root);
    this.reset();
    view.canvas.addEventListener("click", (event) => this.select(this.overlay.faceAt(event.offsetX, event.offsetY)));
    view.canvas.addEventListener("keydown", (event) => this.selectByKey(event));
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(view.canvas);
  }

  reset() {
    this.selection = new FaceSelection();
    this.last = this.face = null;
  }

  clear() {
    this.reset();
    this.overlay.clear();
    this.bars.show(null);
  }

  // Shows a result: `faces`, the `size` of their frame and its `id`.
  show(result) {
    this.last = result;
    this.draw();
  }

  draw() {
    if (!this.last) return this.overlay.clear();
    const faces = this.uncertaintyFilter.apply(this.last.faces, this.view.preferences.get("uncertain_below"));
    const { face, isSelected } = this.selection.resolve(faces);
    this.face = face;
    this.overlay.draw(faces, this.last.size, this.view.mirror, faces.length > 1 || isSelected ? face?.track_id : null);
    this.bars.show(face, isSelected, faces.length);
  }

  select(face) {
    this.selection.toggle(face);
    this.showSelection();
  }

  selectByKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.select(null);
    if (!step || !this.last?.faces.length) return;
    event.preventDefault();
    this.selection.step(this.last.faces, step, this.view.mirror);
    this.showSelection();
  }

  showSelection() {
    if (this.last) this.draw();
    this.timeline.draw(this.selection.trackId);
  }

  // Adds the newest result to the timeline; called a few times a second.
  updateTimeline(now) {
    if (!this.last) return;
    if (this.selection.isLost) this.select(null);
    this.timeline.add(now, this.face, this.last.faces);
    this.timeline.draw(this.selection.trackId);
  }

  remove() {
    this.resize.disconnect();
  }
}
