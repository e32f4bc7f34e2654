// Recording panel: starts and stops a recording in the kernel, and shows its summary.

class RecordingPanel {
  constructor(root, send) {
    [this.button, this.mark, this.summary] = [".fer-record", ".fer-mark-record", ".fer-summary"].map((selector) =>
      root.querySelector(selector));
    Object.assign(this, { root, send, isOn: false });
    this.button.addEventListener("click", () => send({ type: "record", on: !this.isOn }));
  }

  // Shows the state sent by the kernel; returns a sentence for the visitor, or "".
  update(state) {
    const wasOn = this.isOn;
    this.show(state.on);
    if (state.on) return "Recording numbers, no images.";
    this.summary.hidden = !state.rows;
    this.summary.replaceChildren(...(state.rows ? this.renderSummary(state) : []));
    if (state.full) return "The recording is full and was stopped.";
    if (!wasOn) return state.rows ? "" : "The recording was deleted.";
    return state.rows ? "Recording stopped. The summary is below." : "Nothing was recorded.";
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
    if (!isLive) this.show(false); // the kernel stops it too and sends an update
  }

  // Saves the file if this view requested it: the message reaches every view of the widget.
  saveFile({ kind }, [text]) {
    if (!this.isDownloading) return "";
    this.isDownloading = false;
    downloadFile(new Blob([text], { type: kind === "csv" ? "text/csv" : "application/json" }), `emotions-${fileTimestamp()}.${kind}`);
    return `Saved as ${kind.toUpperCase()} by your browser.`;
  }

  // Clears the display after the end of the kernel, which held the recording in memory.
  discard() {
    const hadRecording = this.isOn || !this.summary.hidden;
    this.summary.hidden = true;
    return hadRecording ? "The recording was lost with the kernel." : "";
  }

  renderSummary({ total, faces, more, rows, full, span_s }) {
    const head = element("p", "fer-summary-head",
      `Recorded ${clockTime(total.duration_s)} · ${rows} ${rows === 1 ? "row" : "rows"}`);
    const actions = element("div", "fer-tools");
    actions.append(
      ...FILE_KINDS.map((kind) => this.createButton(`Download ${kind.toUpperCase()}`, { type: "download", kind })),
      this.createButton("Delete recording", { type: "delete_recording" }),
    );
    const list = element("ul", "fer-face-list");
    if (faces.length !== 1) list.append(this.renderFace("All faces", total));
    for (const face of faces) list.append(this.renderFace(`Face ${face.track_id}`, face, span_s));
    const notes = [];
    if (full) notes.push("It was stopped at the maximum number of rows.");
    if (more) notes.push(`${more} more faces are in the file.`);
    if (total.no_face_s >= 0.1) notes.push(`No face was in view for ${clockTime(total.no_face_s)}.`);
    return [head, actions, list, ...notes.map((note) => element("p", "fer-summary-note", note))];
  }

  createButton(text, message) {
    const button = element("button", "fer-tool", text);
    button.type = "button";
    button.addEventListener("click", () => {
      this.isDownloading = message.type === "download";
      this.send(message);
    });
    return button;
  }

  // Name, bar of the shares in the colours of the labels, the shares as text, and the emotion strip.
  renderFace(name, shares, span_s = 0) {
    const item = element("li", "fer-face");
    const bar = element("span", "fer-shares");
    bar.setAttribute("aria-hidden", "true");
    const parts = Object.entries(LABEL_COLORS).map(([label, color]) => ({ label, color, share: shares[label] ?? 0 }));
    for (const { color, share } of parts) {
      const part = element("i", "");
      part.style.cssText = `flex: ${share} 0 0; background: ${color}`;
      bar.append(part);
    }
    const visible = parts.filter(({ share }) => share >= 0.01).sort((a, b) => b.share - a.share);
    const words = visible.map(({ label, share }) => `${label} ${percent(share)}`).join(", ") || "no face";
    const seen = shares.seen_s === undefined ? "" : ` · ${clockTime(shares.seen_s)}`;
    item.append(element("strong", "", `${name}${seen}`), bar, element("span", "fer-share-words", words));
    if (shares.timeline?.length && span_s) item.append(createEmotionStrip(shares.timeline, span_s));
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
