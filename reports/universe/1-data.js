// The run, and small helpers. Nothing here writes markup from data: every text of a run goes through textContent or an attribute.
const $ = id => document.getElementById(id);
const run = JSON.parse($("run").textContent);
const list = x => x || [];
const never = -1;

const operations = list(run.operations).map(([process, id, kind, outcome, from, to, where, offset, what, detail], index) =>
  ({index, process, id, kind, outcome, from, to, where, offset, what, detail,
    end: to === never ? run.length : to, search: `${process} ${where} ${what} ${detail}`.toLowerCase()}));
const processes = [...new Set(operations.map(o => o.process))].sort((a, b) => a.localeCompare(b, "en", {numeric: true}));
const violations = list(run.violations);
// evidence: from an operation to the violations that it shows.
const evidence = new Map();
violations.forEach((v, i) => list(v.evidence).forEach(e => {
  if (e.operation >= 0) evidence.set(e.operation, [...(evidence.get(e.operation) || []), i]);
}));

const seconds = (t, digits = 3) => `${(t / 1e6).toFixed(digits)} s`;
const duration = us => us < 1000 ? `${us} µs` : us < 1e6 ? `${(us / 1e3).toPrecision(3)} ms` : `${(us / 1e6).toFixed(2)} s`;
const clamp = (x, low, high) => Math.max(low, Math.min(high, x));

// make builds an HTML element; attributes beginning with "on" are listeners.
function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) e.setAttribute(name, value);
  }
  e.append(...children.filter(c => c !== undefined && c !== ""));
  return e;
}

// later runs the last of several calls once the page has come to rest.
function later(work, ms) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(work, ms); };
}

// pack gives each span the first row where it does not touch another; the spans get .row, the number of rows comes back.
function pack(spans, gap, rowsMax) {
  const ends = [];
  for (const s of spans) {
    let row = ends.findIndex(end => end + gap <= s.from);
    if (row < 0) row = ends.length < rowsMax ? ends.length : ends.indexOf(Math.min(...ends));
    ends[row] = Math.max(ends[row] || 0, s.to);
    s.row = row;
  }
  return ends.length;
}
