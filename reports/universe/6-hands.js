// Mouse, keyboard and buttons.
const doing = {whole, in: () => zoom(0.5), out: () => zoom(2), left: () => move(-0.5), right: () => move(0.5), next: () => step(1), previous: () => step(-1)};
document.querySelectorAll("[data-do]").forEach(b => b.addEventListener("click", () => doing[b.dataset.do]()));
document.querySelectorAll("[data-from]").forEach(b => b.addEventListener("click", () => setWindow(Number(b.dataset.from), Number(b.dataset.to))));
document.querySelectorAll(".show").forEach(b => b.addEventListener("click", () => {
  aim(Number(b.dataset.violation));
  $("timeline").scrollIntoView({behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth"});
  lanes.focus({preventScroll: true});
}));

const keys = {
  ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7),
  Home: whole, 0: whole, n: () => step(1), p: () => step(-1), PageUp: () => move(-1), PageDown: () => move(1),
};
lanes.addEventListener("keydown", e => {
  if (!keys[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
  e.preventDefault();
  keys[e.key]();
});

const pointer = e => {
  const box = svg.getBoundingClientRect();
  return {px: (e.clientX - box.left) * width / box.width, py: (e.clientY - box.top) * width / box.width};
};

lanes.addEventListener("wheel", e => {
  const {px} = pointer(e);
  if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
    if (isWhole()) return;
    e.preventDefault();
    move((e.deltaX || e.deltaY) / 1000);
    return;
  }
  if (e.deltaY > 0 && isWhole()) return; // nothing to zoom out of: the page scrolls
  e.preventDefault();
  zoom(Math.exp(clamp(e.deltaY, -200, 200) / 400), clamp(timeAt(px), view.from, view.to));
}, {passive: false});

let drag = null; // {px, from, to, choose, strip, moved}
lanes.addEventListener("pointerdown", e => {
  if (e.button !== 0) return;
  const {px, py} = pointer(e), onStrip = py >= strip.top && py <= strip.bottom;
  drag = {px, from: view.from, to: view.to, strip: onStrip, choose: e.shiftKey || onStrip, moved: false};
  lanes.setPointerCapture(e.pointerId);
  lanes.focus({preventScroll: true});
});
lanes.addEventListener("pointermove", e => {
  const {px, py} = pointer(e);
  if (!drag) return hover(e, px, py);
  drag.moved ||= Math.abs(px - drag.px) > 3;
  if (!drag.moved) return;
  hideTip();
  lanes.classList.add(drag.choose ? "choosing" : "dragging");
  if (drag.strip) return setWindow(...[stripTime(drag.px), stripTime(px)].sort((a, b) => a - b));
  if (drag.choose) return showChoice(drag.px, px);
  const by = (drag.px - px) / (width - gutter - margin) * (drag.to - drag.from);
  setWindow(drag.from + by, drag.to + by);
});
lanes.addEventListener("pointerup", e => {
  if (!drag) return;
  const {px, py} = pointer(e), was = drag;
  endDrag();
  if (was.moved && was.choose && !was.strip) setWindow(...[timeAt(was.px), timeAt(px)].sort((a, b) => a - b));
  if (!was.moved) click(e, px, py, was.strip);
});
lanes.addEventListener("pointercancel", endDrag);

function endDrag() {
  drag = null;
  lanes.classList.remove("dragging", "choosing");
  svg.querySelector(".choice")?.remove();
}

function showChoice(a, b) {
  svg.querySelector(".choice")?.remove();
  draw("rect", {x: Math.min(a, b), y: strip.bottom, width: Math.abs(a - b), height: svg.getAttribute("height") - strip.bottom, class: "choice"});
}

function click(e, px, py, onStrip) {
  const half = (view.to - view.from) / 2;
  if (onStrip) return setWindow(stripTime(px) - half, stripTime(px) + half);
  const mark = document.elementsFromPoint(e.clientX, e.clientY).find(n => n.dataset && n.dataset.violation !== undefined);
  if (mark) {
    const i = Number(mark.dataset.violation);
    aim(i);
    const card = $("violation-" + i), folded = card.closest("details");
    if (folded) folded.open = true;
    card.scrollIntoView({block: "center"});
    return;
  }
  const o = operationAt(px, py);
  if (o) choose(o.index);
}

const tip = $("tip");
function hideTip() { tip.hidden = true; svg.querySelector(".cursor")?.remove(); }
lanes.addEventListener("pointerleave", hideTip);

function hover(e, px, py) {
  hideTip();
  if (px >= gutter && px <= width - margin && py > strip.bottom) {
    const cursor = draw("line", {x1: px, x2: px, y1: strip.bottom, y2: svg.getAttribute("height"), class: "cursor", "pointer-events": "none"});
    cursor.setAttribute("shape-rendering", "crispEdges");
  }
  const marked = e.target.closest("[data-tip]"), o = marked ? undefined : operationAt(px, py);
  const text = marked ? marked.dataset.tip : o ? operationTip(o) : "";
  if (!text) return;
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(e.clientX + 14, innerWidth - box.width - 8)}px`;
  tip.style.top = `${e.clientY + 18 + box.height > innerHeight ? e.clientY - box.height - 12 : e.clientY + 18}px`;
}

addEventListener("beforeprint", () => document.querySelectorAll("details.more").forEach(d => { d.open = true; }));

for (const id of ["operation-filters", "log-filters"]) {
  $(id).addEventListener("submit", e => e.preventDefault());
  $(id).addEventListener("input", later(() => {
    operationRows = lineRows = pageRows;
    drawOperations();
    drawLogs();
  }, 60));
}
$("op-more").addEventListener("click", () => { operationRows += 2 * pageRows; drawOperations(); });
$("log-more").addEventListener("click", () => { lineRows += 2 * pageRows; drawLogs(); });

let frame = 0;
watchers.push(() => { frame ||= requestAnimationFrame(() => { frame = 0; drawLanes(); }); });
let tabled = ""; // the window that the tables show
watchers.push(later(() => {
  if (tabled !== `${view.from} ${view.to}`) {
    tabled = `${view.from} ${view.to}`;
    operationRows = lineRows = pageRows;
    drawLogs();
  }
  drawOperations();
}, 80));
new ResizeObserver(() => { if (Math.max(lanes.clientWidth, 480) !== width) changed(); }).observe(lanes);
drawLanes();
drawOperations();
drawLogs();
