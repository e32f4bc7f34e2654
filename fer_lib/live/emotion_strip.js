// When a person showed what: a strip from the beginning to the end of a recording, in the colours of the emotions.

const TOLD_RUNS = 12; // so many pieces are told in words
const BRIEF_S = 1; // a moment away is seen in the strip, and not told

// `runs` are pieces of time, [from_s, to_s, label]; where there is none, the person was not seen.
function makeStrip(runs, span_s, colors) {
  const strip = element("div", "fer-strip");
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", describeRuns(runs));
  for (const [from, to, label] of runs) {
    const piece = element("i", "");
    const [left, width] = [from, to - from].map((seconds) => (100 * seconds) / span_s);
    piece.style.cssText = `left: ${left}%; width: ${width}%; background: ${colors[label]}`;
    piece.title = `${label} ${clockTime(from)} to ${clockTime(to)}`;
    strip.append(piece);
  }
  return strip;
}

function describeRuns(runs) {
  const joined = [];
  for (const [from, to, label] of runs) {
    const last = joined.at(-1);
    if (last && last[2] === label && from - last[1] <= BRIEF_S) last[1] = to;
    else joined.push([from, to, label]);
  }
  const told = joined.slice(0, TOLD_RUNS).map(([from, to, label]) => `${label} from ${clockTime(from)} to ${clockTime(to)}`);
  const more = joined.length > TOLD_RUNS ? `, and ${joined.length - TOLD_RUNS} more` : "";
  return `Over time: ${told.join(", ")}${more}`;
}
