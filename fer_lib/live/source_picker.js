// The ways to a result without a camera: choose, drop or paste a file, or see the demo.

class Sources {
  constructor(root, view) {
    this.view = view;
    const find = (name) => root.querySelector(`.fer-${name}`);
    [this.stage, this.input, this.tag] = [find("stage"), find("file"), find("tag")];
    this.waiting = [];
    find("choose-file").addEventListener("click", () => this.input.click());
    find("demo").addEventListener("click", () => this.showDemo());
    this.input.addEventListener("change", () => {
      this.take(this.input.files);
      this.input.value = ""; // so that the same file can be chosen again
    });
    this.stage.addEventListener("dragover", (event) => event.preventDefault());
    this.stage.addEventListener("drop", (event) => {
      event.preventDefault();
      this.take(event.dataTransfer.files);
    });
  }

  // Pasted into the page itself, not into a field or a notebook's cell.
  listen(signal) {
    document.addEventListener("paste", (event) => {
      const isOurs = event.target === document.body || this.stage.parentElement.contains(event.target);
      if (isOurs) this.take(event.clipboardData?.files);
    }, { signal });
    if (this.view.options.demo_first) setTimeout(() => this.showDemo()); // once the view is complete
  }

  showDemo() {
    this.view.start(new Demo(() => this.askForDemo()));
  }

  take(files) {
    if (!files?.length) return;
    this.view.finish("stopped");
    this.view.start(standIn(files[0]));
  }

  askForDemo() {
    this.view.tell({ type: "demo" });
    return new Promise((done) => this.waiting.push(done));
  }

  takeDemo([bytes]) {
    for (const done of this.waiting.splice(0)) done(bytes);
  }

  // What is shown if it is not the camera.
  name(source) {
    this.tag.textContent = source?.name ?? "";
  }
}
