// The clients' lanes and the charts of what they got.
const packed = new Map(processes.map(process => {
  const own = operations.filter(o => o.process === process);
  return [process, {own, count: pack(own.map(o => o.span = {from: o.from, to: o.end}), 0, 4) || 1}];
}));
const isBad = o => o.outcome !== "ok";

function drawClients(y) {
  if (processes.length === 0) return y;
  y = heading("Clients: sends, and polls that returned records", y) + 4;
  rows = [];
  for (const process of processes) {
    const {own, count} = packed.get(process), height = count * 4 + 6;
    name(process, y + Math.min(height / 2 + 5, 12));
    rows.push({top: y, height, process});
    const paths = {};
    for (const o of own) {
      if (!visible(o.from, o.end)) continue;
      const kind = evidence.has(o.index) ? "evidence" : isBad(o) ? "bad" : o.kind === "poll" ? "poll" : "send";
      if (o.kind === "poll" && (o.what === "nothing" || o.to === never)) continue;
      const b = Math.max(edge(o.end), edge(o.from) + 1.5);
      extend(paths, kind, o.span.row, kind === "poll" ? b - 1.5 : edge(o.from), b, y + 3 + o.span.row * 4);
    }
    for (const kind of ["poll", "send", "bad", "evidence"]) {
      if (paths[kind]) draw("path", {d: paths[kind].d, class: "op " + kind, "stroke-width": 3});
    }
    for (const o of own) {
      if (evidence.has(o.index) && visible(o.end, o.end)) diamond(x(o.end), y + 3 + o.span.row * 4, 3.5, {"pointer-events": "none"});
      if (o.index === chosen && visible(o.from, o.end)) draw("rect", {x: edge(o.from) - 3, y: y + o.span.row * 4 - 1, width: Math.max(edge(o.end) - edge(o.from), 1) + 6, height: 8, class: "chosen"});
    }
    line(gutter, y + height, width - margin, y + height, "lane");
    y += height + 6;
  }
  return y;
}

// extend adds a stroke to a path, or lengthens the row's last where the two would touch.
function extend(paths, kind, row, a, b, y) {
  const path = paths[kind] ||= {d: "", last: {}};
  const end = path.last[row];
  if (end !== undefined && b <= end) return;
  path.d += end !== undefined && a <= end + 0.4 ? `M${end.toFixed(1)} ${y}H${b.toFixed(1)}` : `M${a.toFixed(1)} ${y}H${b.toFixed(1)}`;
  path.last[row] = b;
}

// operationAt is the operation under the pointer, if any.
function operationAt(px, py) {
  const row = rows.find(r => py >= r.top - 2 && py <= r.top + r.height);
  if (!row) return undefined;
  const t = timeAt(px), slack = (view.to - view.from) / (width - gutter) * 3;
  let best, near = Infinity;
  for (const o of packed.get(row.process).own) {
    if (t < o.from - slack || t > o.end + slack || o.kind === "poll" && o.what === "nothing") continue;
    const off = Math.abs(row.top + 3 + o.span.row * 4 - py) + Math.abs(x(o.end) - px) / 1e4 - (evidence.has(o.index) ? 2 : 0);
    if (off < near) [best, near] = [o, off];
  }
  return best;
}

const operationTip = o => `${o.process} ${o.kind} ${o.id}${o.where ? " " + o.where : ""}${o.offset >= 0 ? " at offset " + o.offset : ""}: ${o.outcome}\n` +
  `${seconds(o.from)}, ${o.to === never ? "did not end" : "took " + duration(o.to - o.from)}\n${o.what.slice(0, 160)}${o.detail ? "\n" + o.detail.slice(0, 200) : ""}`;

function drawCharts(y) {
  const all = list(run.seconds);
  if (all.length === 0) return y;
  y = heading("Sends a second of virtual time", y) + 6;
  y = drawRate(all, y, 56) + 14;
  return drawLatency(all, y, 76) + 8;
}

function drawRate(all, y, height) {
  const most = Math.max(1, ...all.map(s => s.acked + (s.bad || 0)));
  name("acknowledged", y + 10);
  draw("text", {x: 0, y: y + 24, class: "small soft"}, "and not (red)");
  [most, 0].forEach(v => {
    const at = y + height - v / most * height;
    draw("text", {x: gutter - 6, y: at + 4, class: "small soft", "text-anchor": "end"}, v);
    line(gutter, at, width - margin, at, "grid");
  });
  all.forEach((s, i) => {
    const from = i * 1e6, to = Math.min(from + 1e6, run.length);
    if (!visible(from, to)) return;
    const a = edge(from) + 0.5, wide = Math.max(edge(to) - a - 0.5, 1), h = s.acked / most * height, bad = (s.bad || 0) / most * height;
    if (h > 0) draw("rect", {x: a, y: y + height - h, width: wide, height: h, class: "acked"});
    if (bad > 0) draw("rect", {x: a, y: y + height - h - bad, width: wide, height: bad, class: "not-acked"});
    draw("rect", {x: a, y, width: wide, height, fill: "transparent", "data-tip": secondTip(s, i)});
  });
  return y + height;
}

const secondTip = (s, i) => `second ${i}: ${s.acked} acknowledged${s.bad ? `, ${s.bad} failed or unknown` : ""}${s.acked ? `\np50 ${duration(s.p50 || 0)}, p99 ${duration(s.p99 || 0)}` : ""}`;

// drawLatency draws two percentiles on a logarithmic scale; a second without an acknowledgement is a gap.
function drawLatency(all, y, height) {
  const known = all.filter(s => s.acked > 0 && s.p99 > 0);
  if (known.length === 0) return y;
  const low = Math.floor(Math.log10(Math.max(1, Math.min(...known.map(s => s.p50 || 1)))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...known.map(s => s.p99)))));
  const at = us => y + height - (Math.log10(Math.max(us, 1)) - low) / (high - low) * height;
  name("latency", y + 10);
  draw("text", {x: 0, y: y + 24, class: "small soft"}, "p50 solid");
  draw("text", {x: 0, y: y + 37, class: "small soft"}, "p99 dashed");
  for (let power = low; power <= high; power++) {
    draw("text", {x: gutter - 6, y: at(10 ** power) + 4, class: "small soft", "text-anchor": "end"}, ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"][power] || "");
    line(gutter, at(10 ** power), width - margin, at(10 ** power), "grid");
  }
  for (const which of ["p99", "p50"]) {
    let d = "", open = false;
    all.forEach((s, i) => {
      const from = i * 1e6, to = Math.min(from + 1e6, run.length);
      if (!(s.acked > 0)) { open = false; return; }
      if (!visible(from, to)) { open = false; return; }
      d += `${open ? "L" : "M"}${edge(from).toFixed(1)} ${at(s[which]).toFixed(1)}H${edge(to).toFixed(1)}`;
      open = true;
    });
    draw("path", {d, class: which});
  }
  all.forEach((s, i) => {
    if (visible(i * 1e6, (i + 1) * 1e6)) draw("rect", {x: edge(i * 1e6), y, width: Math.max(edge((i + 1) * 1e6) - edge(i * 1e6), 1), height, fill: "transparent", "data-tip": secondTip(s, i)});
  });
  return y + height;
}
