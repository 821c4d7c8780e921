// The window: the stretch of time that the lanes and tables show. Whoever shows it registers in watchers.
const view = {from: 0, to: run.length};
const watchers = [];
const narrowest = Math.min(1000, run.length); // a millisecond
let chosen = -1; // the operation that was clicked
let aimed = -1;  // the violation that is looked at

function setWindow(from, to) {
  const width = clamp(to - from, narrowest, run.length);
  view.from = clamp(from, 0, run.length - width);
  view.to = view.from + width;
  changed();
}

function changed() { watchers.forEach(watch => watch()); }

// zoom makes the window factor times as wide, around a time that stays where it is.
function zoom(factor, around = (view.from + view.to) / 2) {
  const width = clamp((view.to - view.from) * factor, narrowest, run.length);
  const share = (around - view.from) / (view.to - view.from);
  setWindow(around - share * width, around - share * width + width);
}

function move(share) {
  const by = share * (view.to - view.from);
  setWindow(view.from + by, view.to + by);
}

function whole() {
  aimed = -1;
  document.querySelectorAll(".violation.aim").forEach(card => card.classList.remove("aim"));
  setWindow(0, run.length);
}
const isWhole = () => view.from <= 0 && view.to >= run.length;

// aim shows a violation with its evidence and some time around it.
function aim(i) {
  const v = violations[i];
  if (!v || v.at === never) return;
  const times = [v.at, ...list(v.evidence).map(e => e.at)];
  const from = Math.min(...times), to = Math.max(...times);
  const around = Math.max((to - from) * 0.15, 250e3);
  aimed = i;
  document.querySelectorAll(".violation").forEach((card, k) => card.classList.toggle("aim", k === i));
  setWindow(from - around, to + around);
}

// step goes to the next violation in time, or the one before.
function step(by) {
  const order = violations.map((v, i) => i).filter(i => violations[i].at !== never).sort((a, b) => violations[a].at - violations[b].at);
  if (order.length === 0) return;
  const at = order.indexOf(aimed);
  aim(order[at < 0 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length]);
}

function choose(i) {
  chosen = chosen === i ? -1 : i;
  changed();
}
