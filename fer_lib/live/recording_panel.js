// Record on and off, and what came of it. The kernel keeps the numbers; what it says of them is shown here.

class Recorder {
  constructor(root, colors, send) {
    [this.button, this.mark, this.summary] = [".fer-record", ".fer-mark-record", ".fer-summary"].map((selector) =>
      root.querySelector(selector));
    Object.assign(this, { root, colors, send, isOn: false });
    this.button.addEventListener("click", () => send({ type: "record", on: !this.isOn }));
  }

  // Takes what the kernel says; returns a sentence for the visitor.
  take(said) {
    const wasOn = this.isOn;
    this.show(said.on);
    if (said.on) return "Recording numbers, no pictures.";
    this.summary.hidden = !said.rows;
    this.summary.replaceChildren(...(said.rows ? this.describe(said) : []));
    if (said.full) return "The recording is full and was stopped.";
    if (!wasOn) return said.rows ? "" : "No recording is kept.";
    return said.rows ? "Recording stopped: see below." : "Nothing was recorded.";
  }

  show(isOn) {
    if (isOn && !this.isOn) this.startedAt = performance.now();
    this.isOn = isOn;
    this.button.setAttribute("aria-pressed", isOn);
    this.mark.hidden = !isOn;
    this.tick(performance.now());
  }

  tick(now) {
    const text = `Rec ${clockTime((now - (this.startedAt ?? now)) / 1000)}`;
    if (this.isOn && this.mark.textContent !== text) this.mark.textContent = text;
  }

  enable(isLive) {
    this.button.disabled = !isLive;
    if (!isLive) this.show(false); // the kernel stops it too, and says so if it still can
  }

  // Only where it was asked for: the answer reaches every view of the widget.
  keep({ kind }, [text]) {
    if (!this.isAwaiting) return "";
    this.isAwaiting = false;
    keepFile(new Blob([text], { type: kind === "csv" ? "text/csv" : "application/json" }), `emotions-${timeInName()}.${kind}`);
    return `Saved as ${kind.toUpperCase()} by your browser.`;
  }

  // The numbers were in the kernel's memory, and nowhere else.
  lose() {
    const had = this.isOn || !this.summary.hidden;
    this.summary.hidden = true;
    return had ? "The recording is gone with the kernel." : "";
  }

  describe({ everyone, people, more, rows, full, span_s }) {
    const head = element("p", "fer-summary-head",
      `Recorded ${clockTime(everyone.duration_s)} · ${rows} ${rows === 1 ? "row" : "rows"}`);
    const actions = element("div", "fer-tools");
    actions.append(
      this.addButton("Download CSV", { type: "download", kind: "csv" }),
      this.addButton("Download JSON", { type: "download", kind: "json" }),
      this.addButton("Forget", { type: "forget" }),
    );
    const list = element("ul", "fer-people");
    if (people.length !== 1) list.append(this.addPerson("Everyone", everyone));
    for (const person of people) list.append(this.addPerson(`Face ${person.track}`, person, span_s));
    const notes = [];
    if (full) notes.push("It was stopped because no more rows are kept in memory.");
    if (more) notes.push(`${more} more faces are in the file.`);
    if (everyone.nobody_s >= 0.1) notes.push(`Nobody was in view for ${clockTime(everyone.nobody_s)}.`);
    return [head, actions, list, ...notes.map((note) => element("p", "fer-summary-note", note))];
  }

  addButton(word, message) {
    const button = element("button", "fer-tool", word);
    button.type = "button";
    button.addEventListener("click", () => {
      this.isAwaiting = message.type === "download";
      this.send(message);
    });
    return button;
  }

  // A name, a bar of the shares in the emotions' colours, the largest of them in words, and when it was what.
  addPerson(name, shares, span_s = 0) {
    const item = element("li", "fer-person");
    const bar = element("span", "fer-shares");
    bar.setAttribute("aria-hidden", "true");
    const parts = Object.entries(this.colors).map(([label, color]) => ({ label, color, share: shares[label] ?? 0 }));
    for (const { color, share } of parts) {
      const part = element("i", "");
      part.style.cssText = `flex: ${share} 0 0; background: ${color}`;
      bar.append(part);
    }
    const told = parts.filter(({ share }) => share >= 0.01).sort((a, b) => b.share - a.share);
    const words = told.map(({ label, share }) => `${label} ${percent(share)}`).join(", ") || "no face";
    const seen = shares.seen_s === undefined ? "" : ` · ${clockTime(shares.seen_s)}`;
    item.append(element("strong", "", `${name}${seen}`), bar, element("span", "fer-share-words", words));
    if (shares.timeline?.length && span_s) item.append(makeStrip(shares.timeline, span_s, this.colors));
    return item;
  }
}

function clockTime(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
