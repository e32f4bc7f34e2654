// Emotion strip: the label of one face from start to end of a recording, in the colours of the labels.

const MAX_DESCRIBED_RUNS = 12; // runs in the accessible description
const SHORT_GAP_S = 1; // gaps up to this are left out of the description

// `runs` are [from_s, to_s, label]; between them the face was not in view.
function createEmotionStrip(runs, span_s) {
  const strip = element("div", "fer-strip");
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", describeRuns(runs));
  for (const [from, to, label] of runs) {
    const piece = element("i", "");
    const [left, width] = [from, to - from].map((seconds) => (100 * seconds) / span_s);
    piece.style.cssText = `left: ${left}%; width: ${width}%; background: ${LABEL_COLORS[label]}`;
    piece.title = `${label} ${clockTime(from)} to ${clockTime(to)}`;
    strip.append(piece);
  }
  return strip;
}

function describeRuns(runs) {
  const joined = [];
  for (const [from, to, label] of runs) {
    const last = joined.at(-1);
    if (last && last[2] === label && from - last[1] <= SHORT_GAP_S) last[1] = to;
    else joined.push([from, to, label]);
  }
  const described = joined.slice(0, MAX_DESCRIBED_RUNS).map(([from, to, label]) => `${label} from ${clockTime(from)} to ${clockTime(to)}`);
  const more = joined.length > MAX_DESCRIBED_RUNS ? `, and ${joined.length - MAX_DESCRIBED_RUNS} more` : "";
  return `Over time: ${described.join(", ")}${more}`;
}
