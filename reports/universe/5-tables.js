// The tables: operations and logs of the window.
const pageRows = 200;
let operationRows = pageRows, lineRows = pageRows;

function fill(select, values) {
  for (const value of values) select.append(make("option", {}, value));
}
const sorted = values => [...new Set(values.filter(v => v))].sort((a, b) => a.localeCompare(b, "en", {numeric: true}));
fill($("op-process"), processes);
fill($("op-kind"), sorted(operations.map(o => o.kind)));
fill($("op-where"), list(run.partitions).length ? run.partitions.map(p => p.name) : sorted(operations.map(o => o.where)).slice(0, 100));

const checked = id => $(id) !== null && $(id).checked;

function matching() {
  const text = $("op-text").value.trim().toLowerCase(), process = $("op-process").value, kind = $("op-kind").value;
  const outcome = $("op-outcome").value, where = $("op-where").value, everywhere = checked("op-whole"), only = checked("op-evidence");
  return operations.filter(o =>
    (everywhere || only || visible(o.from, o.end)) && (!only || evidence.has(o.index)) &&
    (!process || o.process === process) && (!kind || o.kind === kind) && (!outcome || o.outcome === outcome) &&
    (!where || o.where.split(" ").includes(where)) && (!text || o.search.includes(text)));
}

function drawOperations() {
  const found = matching(), shown = found.slice(0, operationRows);
  if (chosen >= 0 && !shown.some(o => o.index === chosen)) shown.unshift(operations[chosen]);
  const body = $("operations").tBodies[0];
  const focused = body.contains(document.activeElement);
  body.replaceChildren(...aimedRows(), ...shown.map(operationRow));
  if (shown.length === 0) body.append(make("tr", {}, make("td", {class: "empty", colspan: 8}, "No operation of the window matches.")));
  if (focused) body.querySelector("tr.chosen")?.focus({preventScroll: true});
  $("op-count").textContent = `${Math.min(found.length, operationRows).toLocaleString("en")} of ${found.length.toLocaleString("en")} shown; ${operations.length.toLocaleString("en")} in this page`;
  $("op-more").hidden = found.length <= operationRows;
}

// aimedRows are the operations of the violation that is looked at, above the others.
function aimedRows() {
  const own = operations.filter(o => aimed >= 0 && (evidence.get(o.index) || []).includes(aimed));
  if (own.length === 0) return [];
  const part = words => make("tr", {class: "part"}, make("td", {colspan: 8}, words));
  const v = violations[aimed];
  return [part(`These show ${v.kind}${v.where ? " of " + v.where : ""}, seen at ${seconds(v.at)}:`), ...own.map(operationRow), part("Those that match:")];
}

function operationRow(o) {
  const shows = evidence.get(o.index);
  const what = make("div", {class: "clip"}, shows ? make("span", {class: "mark", title: "shows " + [...new Set(shows.map(i => violations[i].kind))].join(", ")}, "◆ ") : "",
    o.what, o.detail ? make("span", {class: "detail"}, (o.what ? " · " : "") + o.detail) : "");
  return make("tr", {class: o.index === chosen ? "chosen" : undefined, onclick: () => choose(o.index), onkeydown: e => { if (e.key === "Enter") choose(o.index); }, tabindex: 0},
    make("td", {}, seconds(o.from)), make("td", {}, o.to === never ? "…" : duration(o.to - o.from)), make("td", {}, o.process),
    make("td", {}, `${o.kind} ${o.id}`), make("td", {}, o.where), make("td", {}, o.offset >= 0 ? String(o.offset) : ""),
    make("td", {class: isBad(o) ? "is-bad" : undefined}, o.outcome), make("td", {}, what));
}

// Logs: a column a guest; what the harness did, across.
const levels = {DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3};
const lines = list(run.lines).map(([at, who, text]) => {
  const parts = /^(?:time=\S+ )?level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S*) ?(.*)$/s.exec(text);
  const line = {at, who, level: parts ? parts[1] : "", message: parts ? unquote(parts[2]) : text, rest: parts ? parts[3] : "", search: `${who} ${text}`.toLowerCase()};
  line.rank = parts ? levels[line.level] ?? 1 : 3; // what is not the logger's is a program's last words
  line.harness = who === "fault" || who === "exit";
  return line;
});
const guests = sorted(lines.filter(l => !l.harness).map(l => l.who)).sort((a, b) => isNode(b) - isNode(a));
const columns = new Set(guests.filter(who => guests.length <= 6 || isNode(who)));

function isNode(who) { return list(run.nodes).some(n => n.name === who) ? 1 : 0; }

function unquote(text) {
  if (!text.startsWith('"')) return text;
  try { return JSON.parse(text); } catch { return text.slice(1, -1); } // Go quotes a few characters as JSON does not
}

for (const who of guests) {
  $("log-who").append(make("button", {type: "button", "aria-pressed": String(columns.has(who)), onclick: e => {
    columns.has(who) ? columns.delete(who) : columns.add(who);
    e.currentTarget.setAttribute("aria-pressed", String(columns.has(who)));
    drawLogs();
  }}, who));
}

function drawLogs() {
  const text = $("log-text").value.trim().toLowerCase(), rank = Number($("log-level").value);
  const found = lines.filter(l => l.at >= view.from && l.at <= view.to && (l.harness || columns.has(l.who) && l.rank >= rank) && (!text || l.search.includes(text)));
  const heads = guests.filter(who => columns.has(who));
  $("logs").tHead.replaceChildren(make("tr", {}, make("th", {scope: "col"}, "Time"), ...heads.map(who => make("th", {scope: "col"}, who))));
  const body = $("logs").tBodies[0];
  body.replaceChildren(...found.slice(0, lineRows).map(l => lineRow(l, heads)));
  if (found.length === 0) body.append(make("tr", {}, make("td", {class: "empty", colspan: heads.length + 1}, "Nothing was logged in the window that matches.")));
  $("log-count").textContent = `${Math.min(found.length, lineRows).toLocaleString("en")} of ${found.length.toLocaleString("en")} shown; ${lines.length.toLocaleString("en")} in this page`;
  $("log-more").hidden = found.length <= lineRows;
}

function lineRow(l, heads) {
  const time = make("td", {class: "time"}, seconds(l.at, 6).slice(0, -2));
  if (l.harness) return make("tr", {class: "event"}, time, make("td", {colspan: Math.max(heads.length, 1)}, `${l.who}: ${l.message}`));
  const says = make("td", {class: "says"}, l.level && l.level !== "INFO" ? make("span", {class: "level"}, l.level + " ") : "", l.message, l.rest ? make("span", {class: "rest"}, " " + l.rest) : "");
  return make("tr", {class: l.level}, time, ...heads.map(who => who === l.who ? says : make("td", {class: "says"})));
}
