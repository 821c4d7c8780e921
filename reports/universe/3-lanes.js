// The lanes, as one SVG that is drawn anew for every window.
const lanes = $("lanes");
lanes.innerHTML = "<svg></svg>";
const svg = lanes.firstChild;
const gutter = 122, margin = 10; // left of the lanes: their names; right of them
const glyphs = {links: "⇄", process: "✕", disk: "▤", clock: "◷"};
let width = 0;
let rows = [];  // of operations: {top, height, process}, for the pointer
let strip = {}; // the whole run, on top

const x = t => gutter + (t - view.from) / (view.to - view.from) * (width - gutter - margin);
const timeAt = px => view.from + (px - gutter) / (width - gutter - margin) * (view.to - view.from);
const stripX = t => gutter + t / run.length * (width - gutter - margin);
const stripTime = px => clamp((px - gutter) / (width - gutter - margin), 0, 1) * run.length;
const edge = t => clamp(x(t), gutter, width - margin);
const visible = (from, to) => to >= view.from && from <= view.to;

function draw(tag, attributes, text) {
  const e = document.createElementNS(svg.namespaceURI, tag);
  for (const name in attributes) if (attributes[name] !== undefined) e.setAttribute(name, attributes[name]);
  if (text !== undefined) e.textContent = text;
  svg.append(e);
  return e;
}

// block draws a stretch of time; its label is written where there is room for it.
function block(from, to, y, height, kind, label, tip, textKind) {
  if (!visible(from, to)) return;
  const a = edge(from), b = Math.max(edge(to), a + 1);
  draw("rect", {x: a.toFixed(1), y, width: (b - a).toFixed(1), height, class: kind, "data-tip": tip, rx: kind.startsWith("fault") ? 1.5 : 0});
  const text = [].concat(label || []).find(l => b - a > l.length * 5.8 + 7);
  if (text) draw("text", {x: a + 4, y: y + height / 2 + 3.6, class: textKind || "small", "pointer-events": "none"}, text);
}

const name = (text, y, kind) => draw("text", {x: 0, y, class: kind || ""}, text.length > 17 ? text.slice(0, 16) + "…" : text);
const line = (x1, y1, x2, y2, kind) => draw("line", {x1, y1, x2, y2, class: kind});

function heading(text, y) {
  draw("text", {x: 0, y: y + 16, class: "title soft"}, text);
  line(0, y + 22, width, y + 22, "rule");
  return y + 26;
}

function drawStrip(y) {
  const height = 30;
  strip = {top: y, bottom: y + height};
  name("Whole run", y + 19, "soft");
  draw("rect", {x: gutter, y, width: width - gutter - margin, height, class: "strip"});
  for (const p of list(run.phases)) {
    draw("rect", {x: stripX(p.from), y, width: stripX(p.to) - stripX(p.from), height, class: "phase-" + p.name});
  }
  const most = Math.max(1, ...list(run.seconds).map(s => s.acked));
  list(run.seconds).forEach((s, i) => {
    const h = s.acked / most * (height - 10);
    if (h > 0) draw("rect", {x: stripX(i * 1e6), y: y + height - h, width: Math.max(stripX(1e6) - stripX(0) - 1, 1), height: h, class: "acked"});
  });
  for (const v of violations) if (v.at !== never) diamond(stripX(v.at), y + 5, 4);
  draw("rect", {x: stripX(view.from), y, width: Math.max(stripX(view.to) - stripX(view.from), 2), height, class: "view"});
  return y + height + 6;
}

function diamond(cx, cy, r, more) {
  return draw("path", {d: `M${cx} ${cy - r}L${cx + r} ${cy}L${cx} ${cy + r}L${cx - r} ${cy}Z`, class: "violation-mark", ...more});
}

function tickStep() {
  const rough = (view.to - view.from) / Math.max((width - gutter) / 110, 2);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find(m => m * power >= rough) * power;
}

function drawAxis(y) {
  const by = tickStep(), digits = clamp(6 - Math.floor(Math.log10(by)), 0, 6);
  for (let t = Math.ceil(view.from / by) * by; t <= view.to; t += by) {
    if (x(t) < width - 40) draw("text", {x: x(t) + 3, y: y + 11, class: "soft"}, seconds(t, digits));
    line(x(t), y, x(t), y + 15, "rule");
  }
  for (const p of list(run.phases)) {
    if (visible(p.from, p.to) && edge(p.to) - edge(p.from) > 50) draw("text", {x: edge(p.from) + 3, y: y + 26, class: "small soft"}, p.name);
  }
  return y + (violations.length ? 44 : 32);
}

function drawNode(node, number, y) {
  name(node.name, y + 9);
  let last = 0;
  for (const life of list(node.lives)) {
    const to = life.to === never ? run.length : life.to;
    if (life.from > last) down(last, life.from, y, node, number);
    block(life.from, to, y, 9, "up", "", `${node.name} is up\n${seconds(life.from)} to ${seconds(to)}${life.name ? "\nthen: " + life.name : ""}`);
    last = to;
  }
  if (last < run.length) down(last, run.length, y, node, number);
  for (const p of list(node.paused)) block(p.from, p.to, y, 9, "paused", "paused", `${node.name} stands still\n${seconds(p.from)} to ${seconds(p.to)}`);
  for (const f of faultRows[number - 1].faults) {
    const fault = f.fault, top = y + 12 + f.row * 14;
    const tip = `${fault.words}${fault.to > fault.from ? `\n${seconds(fault.from)} to ${seconds(fault.to)}` : ""}${fault.links ? "\nlinks " + fault.links : ""}${fault.note ? "\n" + fault.note : ""}`;
    if (fault.to > fault.from) {
      block(fault.from, fault.to, top, 12, "fault " + fault.class, [`${glyphs[fault.class]} ${fault.kind}`, glyphs[fault.class]], tip);
    } else if (visible(fault.from, fault.from)) {
      const cx = x(fault.from);
      draw("path", {d: `M${cx} ${top}l4 6l-4 6l-4 -6Z`, class: "fault instant " + fault.class, "data-tip": tip});
      if (f.room * (width - gutter) / (view.to - view.from) > 60) draw("text", {x: cx + 7, y: top + 9.5, class: "small"}, fault.kind);
    }
  }
  return y + 14 + faultRows[number - 1].count * 14 + 5;
}

function down(from, to, y, node, number) {
  block(from, to, y + 0.5, 8, "down", "", `${node.name} is down\n${seconds(from)} to ${seconds(to)}`);
}

// faultRows are packed once, so that rows stay where they are while one zooms.
const faultRows = list(run.nodes).map((node, i) => {
  const faults = list(run.faults).filter(f => list(f.nodes).includes(i + 1)).map(fault => ({fault, from: fault.from, to: Math.max(fault.to, fault.from + run.length / 120)}));
  const count = pack(faults, run.length / 2000, 8);
  faults.forEach(f => {
    const next = faults.find(g => g !== f && g.row === f.row && g.from >= f.from);
    f.room = (next ? next.from : run.length) - f.from;
  });
  return {faults, count};
});

function drawController(y) {
  name("controller", y + 10);
  list(run.controllers).forEach((c, i, all) => {
    const to = i + 1 < all.length ? all[i + 1].at : run.length;
    block(c.at, to, y, 13, "controller", [`node ${c.node}`, `${c.node}`], `node ${c.node} is the active controller\nfrom ${seconds(c.at)}, first told by ${c.by}`);
  });
  return y + 20;
}

// A partition is a stave: a row a replica, thick where it leads and thin where it is in sync.
function drawPartition(p, y) {
  const replicas = list(p.replicas), high = 13, height = Math.max(replicas.length, 1) * high;
  name(p.name, y + 10, "title");
  replicas.forEach((id, i) => {
    draw("text", {x: gutter - 8, y: y + i * high + 10, class: "small soft", "text-anchor": "end"}, id);
    line(gutter, y + i * high + 6.5, width - margin, y + i * high + 6.5, "replica");
  });
  list(p.changes).forEach((c, i, all) => {
    const to = i + 1 < all.length ? all[i + 1].at : run.length;
    if (!visible(c.at, to)) return;
    const isr = list(c.isr);
    const words = `${p.name}: ${c.leader ? "led by node " + c.leader : "nobody leads"}, leader epoch ${c.leaderEpoch}\nISR ${isr.join(", ") || "empty"} (${isr.length} of ${replicas.length}, min.insync.replicas ${p.minInsync || 1})\n` +
      `${seconds(c.at)} to ${seconds(to)}\npartition epoch ${c.partitionEpoch}, first told by ${c.by}`;
    const short = isr.length < (p.minInsync || 1);
    block(c.at, to, y - 1, height + 1, short ? "short" : "ground", "", words);
    if (!c.leader) block(c.at, to, y, height - 1, "nobody", ["nobody leads", "none"], words, "small bad-text");
    replicas.forEach((id, k) => {
      const top = y + k * high;
      const said = i > 0 && c.at > view.from && all[i - 1].leader === id && all[i - 1].leaderEpoch === c.leaderEpoch; // only the ISR changed
      if (id === c.leader) block(c.at, to, top, high - 1, "leader", said ? [] : [`epoch ${c.leaderEpoch}`, `${c.leaderEpoch}`], words, "on-leader");
      else if (isr.includes(id)) block(c.at, to, top + 5, 3.5, "isr", "", words);
    });
  });
  return y + height + 9;
}

function drawLanes() {
  width = Math.max(lanes.clientWidth, 480);
  svg.replaceChildren();
  const hatch = draw("defs", {});
  hatch.innerHTML = '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="6" height="6"></rect><line class="hatch" x1="0" y1="0" x2="0" y2="6"></line></pattern>';
  let y = drawStrip(2);
  const top = y;
  const ground = svg.childElementCount;
  y = drawAxis(y);
  if (list(run.nodes).length) {
    y = heading("Nodes and what was done to them", y) + 4;
    run.nodes.forEach((n, i) => { y = drawNode(n, i + 1, y); });
    y = drawController(y);
  }
  if (list(run.partitions).length) {
    y = heading("Partitions: leader and in-sync replicas", y) + 4;
    run.partitions.forEach(p => { y = drawPartition(p, y); });
  }
  y = drawClients(y);
  y = drawCharts(y);
  drawOver(top, y, ground);
  svg.setAttribute("viewBox", `0 0 ${width} ${y + 4}`);
  svg.setAttribute("height", y + 4);
  $("window").textContent = `${seconds(view.from)} to ${seconds(view.to)} (${duration(Math.round(view.to - view.from))})`;
}

// drawOver shades the phases, under everything, and marks violations, over it.
function drawOver(top, bottom, ground) {
  const before = svg.children[ground];
  for (const p of list(run.phases)) {
    if (!visible(p.from, p.to)) continue;
    const shade = draw("rect", {x: edge(p.from), y: top, width: edge(p.to) - edge(p.from), height: bottom - top, class: "phase-" + p.name});
    svg.insertBefore(shade, before);
  }
  const drawn = new Set();
  violations.forEach((v, i) => {
    if (v.at === never || !visible(v.at, v.at)) return;
    const near = Math.round(x(v.at) / 3); // marks that would hide each other are drawn once
    if (drawn.has(near) && i !== aimed) return;
    drawn.add(near);
    line(x(v.at), top + 38, x(v.at), bottom, i === aimed ? "violation-line aimed" : "violation-line");
    diamond(x(v.at), top + 38, i === aimed ? 8 : 6, {"data-tip": `${v.kind}${v.where ? " " + v.where : ""} at ${seconds(v.at)}\n${v.words.slice(0, 300)}`, "data-violation": i});
  });
}
