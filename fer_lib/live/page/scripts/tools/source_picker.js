// Source picker: choose, drop or paste a file, or start the demo, instead of the camera.

class SourcePicker {
  constructor(root, view) {
    this.view = view;
    const find = (name) => root.querySelector(`.fer-${name}`);
    [this.stage, this.input, this.tag] = [find("stage"), find("file"), find("tag")];
    this.pending = [];
    find("choose-file").addEventListener("click", () => this.input.click());
    find("demo").addEventListener("click", () => this.startDemo());
    this.input.addEventListener("change", () => {
      this.open(this.input.files);
      this.input.value = ""; // allows choosing the same file again
    });
    this.stage.addEventListener("dragover", (event) => event.preventDefault());
    this.stage.addEventListener("drop", (event) => {
      event.preventDefault();
      this.open(event.dataTransfer.files);
    });
  }

  // Only pastes into the page itself, not into a field or a notebook cell.
  listen(signal) {
    document.addEventListener("paste", (event) => {
      const isInPage = event.target === document.body || this.stage.parentElement.contains(event.target);
      if (isInPage) this.open(event.clipboardData?.files);
    }, { signal });
    if (this.view.options.demo_first) setTimeout(() => this.startDemo()); // after the view is constructed
  }

  startDemo() {
    this.view.start(new Demo(() => this.requestDemo()));
  }

  open(files) {
    if (!files?.length) return;
    this.view.finish("stopped");
    this.view.start(openFile(files[0]));
  }

  requestDemo() {
    this.view.send({ type: "demo" });
    return new Promise((done) => this.pending.push(done));
  }

  resolveDemo([bytes]) {
    for (const done of this.pending.splice(0)) done(bytes);
  }

  // Shows the name of a source other than the camera.
  showName(source) {
    this.tag.textContent = source?.name ?? "";
  }
}
