// Opens pages from disk in a real browser and uses them as a reader would: node check.cjs OUTDIR PAGE.html…
// Fails when anything is said on the console, when anything but the page is asked for, or when a control does not do its work.
// Leaves screenshots in OUTDIR. Needs playwright-core (NODE_PATH) and a chromium (CHROMIUM, or in PATH).
const assert = require("node:assert/strict");
const path = require("node:path");
const {pathToFileURL} = require("node:url");
const {chromium} = require("playwright-core");

const [out, ...pages] = process.argv.slice(2);
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

async function open(browser, file, colorScheme) {
  const context = await browser.newContext({colorScheme, viewport: {width: 1360, height: 900}});
  const page = await context.newPage();
  const complaints = [];
  page.on("console", m => { if (["error", "warning"].includes(m.type())) complaints.push(m.text()); });
  page.on("pageerror", e => complaints.push(String(e)));
  page.on("request", r => { if (r.url() !== pathToFileURL(file).href) complaints.push("asks for " + r.url()); });
  await page.goto(pathToFileURL(file).href);
  return {page, context, complaints};
}

const windowText = page => page.textContent("#window");
const settle = page => page.waitForTimeout(250); // tables follow the window after a pause
const rows = (page, table) => page.locator(`#${table} tbody tr`).count();

// lanePoint is a point of the lanes below the strip, at a share of their width.
async function lanePoint(page, share) {
  const box = await page.locator("#lanes").boundingBox();
  return [box.x + 122 + (box.width - 132) * share, box.y + 120];
}

async function useTimeline(page) {
  await page.locator("#lanes").scrollIntoViewIfNeeded();
  const whole = await windowText(page);
  await page.mouse.move(...await lanePoint(page, 0.5));
  await page.mouse.wheel(0, -300);
  await settle(page);
  const zoomed = await windowText(page);
  assert.notEqual(zoomed, whole, "the wheel zooms");
  await page.mouse.down();
  await page.mouse.move(...await lanePoint(page, 0.3), {steps: 4});
  await page.mouse.up();
  await settle(page);
  const moved = await windowText(page);
  assert.notEqual(moved, zoomed, "dragging moves");
  assert.equal(moved.split("(")[1], zoomed.split("(")[1], "and keeps the width");
  await page.locator("#lanes").press("+");
  await page.locator("#lanes").press("ArrowRight");
  await settle(page);
  assert.notEqual(await windowText(page), moved, "keys zoom and move");
  await page.locator("#lanes").press("Home");
  await settle(page);
  assert.equal(await windowText(page), whole, "Home shows the whole run");
  await page.click("button.phase >> nth=1");
  await settle(page);
  assert.notEqual(await windowText(page), whole, "a phase's button shows the phase");
  await page.keyboard.down("Shift");
  await page.mouse.move(...await lanePoint(page, 0.4));
  await page.mouse.down();
  await page.mouse.move(...await lanePoint(page, 0.5), {steps: 4});
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await settle(page);
  assert.notEqual(await windowText(page), whole, "Shift and drag chooses a stretch");
  await page.click("[data-do=whole]");
  await settle(page);
}

// useTips moves over a mark of each kind that has words.
async function useTips(page) {
  const marked = page.locator("#lanes [data-tip]").first();
  await marked.hover({force: true});
  assert.ok(await page.locator("#tip").isVisible(), "a mark says what it is");
  await page.mouse.move(2, 2);
  assert.ok(!await page.locator("#tip").isVisible(), "and stops");
}

async function useTables(page) {
  const before = await page.textContent("#op-count");
  const all = await rows(page, "operations");
  assert.ok(all > 0, "there are operations");
  const value = (await page.locator("#operations tbody tr >> nth=0 >> td >> nth=7").textContent()).split(" ").find(w => w && w !== "◆");
  await page.fill("#op-text", value);
  await settle(page);
  assert.ok((await rows(page, "operations")) > 0, "a search finds what it was taken from");
  assert.notEqual(await page.textContent("#op-count"), before, "and not everything");
  await page.fill("#op-text", "no operation says this");
  await settle(page);
  assert.equal(await page.locator("#operations td.empty").count(), 1, "nothing found is said");
  await page.fill("#op-text", "");
  await page.selectOption("#op-kind", "poll");
  await settle(page);
  const kinds = await page.locator("#operations tbody td:nth-child(4)").allTextContents();
  assert.ok(kinds.length > 0 && kinds.every(k => k.startsWith("poll")), "kinds are filtered");
  await page.selectOption("#op-kind", "");
  await settle(page);
  await page.locator("#operations tbody tr").first().click();
  await settle(page);
  assert.equal(await page.locator("#operations tr.chosen").count(), 1, "a click chooses an operation");
  await page.locator("#operations tr.chosen").click();

  const lines = await page.textContent("#log-count");
  await page.selectOption("#log-level", "2");
  await settle(page);
  assert.notEqual(await page.textContent("#log-count"), lines, "levels of the logs are filtered");
  await page.selectOption("#log-level", "0");
  const columns = await page.locator("#logs thead th").count();
  await page.locator("#log-who button").first().click();
  assert.equal(await page.locator("#logs thead th").count(), columns - 1, "a guest can be left out");
  await page.locator("#log-who button").first().click();
}

async function useViolations(page) {
  if (await page.locator(".violation").count() === 0) return false;
  const button = page.locator(".show").first();
  if (await button.count() === 0) return false;
  await button.click();
  await settle(page);
  await page.waitForTimeout(600);
  assert.ok(await page.locator("#lanes path[data-violation]").count() > 0, "the violation is marked in its window");
  await page.locator("#lanes").press("n");
  await page.check("#op-evidence");
  await settle(page);
  assert.ok(await page.locator("#operations .mark").count() > 0, "the operations that show it are found");
  return true;
}

// useRun tries everything in the page of a universe, and leaves a picture of it zoomed in.
async function useRun(page, base, scheme) {
  if (scheme === "light") {
    await useTimeline(page);
    await useTips(page);
    await useTables(page);
  }
  if (await useViolations(page)) return page.screenshot({path: `${base}-${scheme}-violation.png`, fullPage: true});
  await page.click("button.phase >> nth=1");
  for (let i = 0; i < 3; i++) await page.click("[data-do=in]");
  await settle(page);
  await page.screenshot({path: `${base}-${scheme}-zoomed.png`, fullPage: true});
}

// useMeasurement looks at the drawings in the page of a benchmark: they are there, and nothing in them is drawn outside.
async function useMeasurement(page) {
  const drawings = page.locator("figure svg[role=img]");
  assert.ok(await drawings.count() > 0, "there are drawings");
  const outside = await drawings.evaluateAll(all => all.flatMap(svg => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text, path, rect, line")].filter(e => {
      const b = e.getBoundingClientRect();
      return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1;
    }).map(e => `${svg.getAttribute("aria-label")}: ${e.outerHTML.slice(0, 120)}`);
  }));
  assert.deepEqual(outside, [], "all is drawn inside");
  assert.ok(await page.locator("tbody tr").count() > 0, "there are tables");
}

// useCopy presses the first command's button: the command is copied or, where that is refused, selected.
async function useCopy(page) {
  const button = page.locator(".copy").first();
  if (await button.count() === 0) return;
  await button.click();
  await page.waitForFunction(() => ["Copied", "Selected"].includes(document.querySelector(".copy").textContent));
}

async function check(browser, file) {
  const base = path.join(out, path.basename(file, ".html"));
  for (const scheme of ["light", "dark"]) {
    const {page, context, complaints} = await open(browser, file, scheme);
    await page.screenshot({path: `${base}-${scheme}.png`, fullPage: true});
    await useCopy(page);
    if (await page.locator("#timeline").count() > 0) await useRun(page, base, scheme);
    else await useMeasurement(page);
    assert.deepEqual(complaints, [], `${file}, ${scheme}`);
    await context.close();
  }
  const {page, context} = await open(browser, file, "dark");
  await page.setViewportSize({width: 390, height: 800});
  await settle(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 520, `on a narrow screen the page is ${wide} wide`);
  await page.screenshot({path: `${base}-narrow.png`});
  await page.setViewportSize({width: 1100, height: 800});
  await page.pdf({path: `${base}.pdf`, format: "A4", printBackground: false});
  await context.close();
  console.log("good:", path.basename(file));
}

(async () => {
  const browser = await chromium.launch({executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: quiet});
  try {
    for (const file of pages) await check(browser, path.resolve(file));
  } finally {
    await browser.close();
  }
})().catch(e => { console.error(e); process.exit(1); });
