/* The page: one step at a time, live numbers, a diagram in which they flow, and what can be changed. */
const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const find = (selector, root) => (root || document).querySelector(selector);
const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));

/* A phrase with its gaps filled by markup; what comes from outside is escaped by `escaped`. */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const say = (key, gaps) => escaped(data.words[key]).replace(/\{(\w+)\}/g, (whole, gap) => (gaps && gap in gaps ? gaps[gap] : whole));
const plainly = (markup) => { const box = document.createElement("p"); box.innerHTML = markup; return box.textContent.trim(); };
/* A name where no markup can stand: its number below the line. */
const inMenu = (name) => name.replace(/_?([0-9]+)$/, (whole, number) => number.replace(/[0-9]/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]));
const inText = (value) => `<span class="number">${shown(value)}</span>`;

const at_first = () => Object.assign(Object.create(null), data.given, { [data.rateName]: data.rate });
const state = { given: at_first(), v: null, at: 0, right: new Set(), seen: new Set(), hints: {}, losses: [], every: false };
const inner = (name) => data.names[name].replace(/^<math>|<\/math>$/g, "");
const derivativeBy = (name) => `<math><mfrac><mrow><mo>∂</mo>${inner(data.loss)}</mrow><mrow><mo>∂</mo>${inner(name)}</mrow></mfrac></math>`;
/* Forward, what a definition uses; backward, everything from the loss down to the name. */
function pathOf(phase, name) {
  if (phase === "forward") return new Set([name, ...data.parents[name]]);
  const path = new Set([name]);
  data.uses.slice().reverse().forEach(([consumer, used]) => { if (path.has(used)) path.add(consumer); });
  return path;
}
const steps = data.steps.map(([phase, name], at) => {
  const element = document.getElementById(`step-${at}`);
  const ask = document.createElement("div");
  ask.className = "ask";
  element.append(ask);
  const forward = phase === "forward";
  return { phase, name, element, path: pathOf(phase, name), key: forward ? name : `∂${name}`, said: forward ? data.names[name] : derivativeBy(name) };
});
const stepOf = Object.fromEntries(steps.map((step, at) => [step.key, at]));
steps.forEach((step) => { step.place = Number(all(".result [data-v]", step.element).pop().dataset.v); });
const levels = steps.map((step) => Array.from(new Set(all("[data-hint]", step.element).map((e) => Number(e.dataset.hint))))
  .filter((level) => level > 0).sort());

function computed(given) {
  return program.evaluate(Object.assign(Object.create(null), given, data.sizes));
}

/* ---- what may be seen ------------------------------------------------------------------------------------------------ */

const done = (key) => !(key in stepOf) || state.right.has(key) || state.seen.has(key);
const known = (key) => !data.asks || done(key);
const reached = (key) => !(key in stepOf) || (data.asks ? done(key) : stepOf[key] <= state.at);

function hinted(step, hint) {
  if (!data.asks || done(step.key)) return true;
  return hint !== "done" && Number(hint) <= (state.hints[step.key] || 0);
}

/* Put the numbers in where they may be seen, and nowhere else. */
function fill() {
  steps.forEach((step) => {
    all(".equation", step.element).forEach((equation) => {
      const sides = all("[data-hint]", equation);
      sides.forEach((side) => { side.hidden = !hinted(step, side.dataset.hint); });
      equation.hidden = sides.every((side) => side.hidden);
    });
    all("[data-v]", step.element).forEach((place) => {
      const seen = hinted(step, place.closest("[data-hint]").dataset.hint);
      const text = seen ? shown(program.places[place.dataset.v](state.v)) : "";
      const alone = place.closest(".result") !== null;
      place.textContent = text.startsWith(MINUS) && !alone ? `(${text})` : text;
    });
  });
  all(".drawing [data-v]").forEach((place) => {
    const item = place.closest("[data-names]");
    const name = nameAt(place, item);
    place.textContent = reached(name) ? short(program.places[place.dataset.v](state.v)) : "";
  });
  all(".gradient").forEach((box) => {
    box.hidden = !reached(`∂${box.dataset.of}`);
    find("b", box).textContent = box.hidden ? "" : shown(adjoint(state.v, box.dataset.of));
  });
}

/* The name whose value stands at a place of the diagram. */
const nameOfPlace = {};
function nameAt(place, item) {
  const number = place.dataset.v;
  if (!(number in nameOfPlace)) {
    const names = item.dataset.names.split(" ").filter((name) => name in data.names);
    const mark = 0.123456789;  // found by what the place shows of values that tell the names apart
    const v = Object.assign(Object.create(null), ...names.map((name, k) => ({ [name]: mark + k })));
    nameOfPlace[number] = names[Math.round(program.places[number](v) - mark)];
  }
  return nameOfPlace[number];
}

/* ---- the diagram ------------------------------------------------------------------------------------------------------ */

const lines = data.edges.map((edge, at) => {
  const item = document.getElementById(edge.id);
  return { ...edge, at, item, line: item && find(".sb-line", item) };
}).filter((edge) => edge.line);

function drawDiagram() {
  const step = steps[state.at];
  const back = step.phase === "backward";
  all("[data-legend]").forEach((text) => { text.hidden = text.dataset.legend !== step.phase; });
  const sizes = lines.map((edge) => {
    const shownNow = back ? edge.weights.some((name) => reached(`∂${name}`)) : reached(edge.target);
    const carried = back ? program.gradient[edge.at] : program.forward[edge.at];
    return shownNow && carried ? carried(state.v) : NaN;
  });
  const largest = Math.max(...sizes.map((size) => (Number.isFinite(size) ? Math.abs(size) : 0)), 1e-300);
  lines.forEach((edge, k) => {
    const size = sizes[k];
    const flows = Number.isFinite(size);
    edge.item.classList.toggle("flows", flows);
    edge.item.classList.toggle("negative", flows && size < 0);
    edge.item.style.setProperty("--size", flows ? String(12 + 58 * Math.sqrt(Math.abs(size) / largest)) : "");
  });
  all(".drawing .sb-item").forEach((item) => {
    const names = (item.dataset.names || "").split(" ");
    item.classList.toggle("now", names.includes(step.name));
    item.classList.toggle("used", !names.includes(step.name) && isUsed(item, names, step));
  });
  drawDerivatives();
  bringIntoView(find(".drawing .now"));
}

/* On a narrow screen the diagram is scrolled sideways. */
function bringIntoView(item) {
  const box = find(".drawing");
  if (!item || box.scrollWidth <= box.clientWidth) return;
  const [inside, outside] = [item.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollLeft += (inside.left + inside.right - outside.left - outside.right) / 2;
}

function isUsed(item, names, step) {
  if (names.some((name) => step.path.has(name))) return true;
  const ends = (item.dataset.ends || "").split(" ");
  return step.phase === "backward" && ends.length === 2 && ends.every((name) => step.path.has(name));
}

/* Below each unit the derivative of the loss by its input, once it is known; a layer drawn as one has many. */
function drawDerivatives() {
  all(".drawing .derivative").forEach((text) => text.remove());
  all(".drawing :is(.sb-hidden, .sb-output):not([id*='-unit-layer-'])").forEach((item) => {
    const name = item.dataset.names.split(" ").find((one) => `∂${one}` in stepOf);
    if (!name || !reached(`∂${name}`) || steps[state.at].phase === "forward") return;
    const box = find(".sb-body", item).getBBox();
    const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
    text.setAttribute("class", "derivative");
    text.setAttribute("x", box.x + box.width / 2);
    text.setAttribute("y", box.y + box.height + 125);
    text.setAttribute("font-size", "120");
    text.setAttribute("text-anchor", "middle");
    text.textContent = `∂ ${short(adjoint(state.v, name))}`;
    item.append(text);
  });
}

/* Numbers run along the edges of the step: forward into the unit, backward out of the units behind it. */
let flowing = 0;
function flow() {
  flowing += 1;
  all(".drawing .runner").forEach((runner) => runner.remove());
  const step = steps[state.at];
  const back = step.phase === "backward";
  if (!known(step.key)) return;
  const runs = lines.filter((edge) => (back ? edge.source === step.name && program.backward[edge.at] : edge.target === step.name));
  lines.filter((edge) => back && edge.weights.includes(step.name) && program.gradient[edge.at]).forEach((edge) => runs.push(edge));
  runs.forEach((edge) => run(edge, back, edge.weights.includes(step.name), flowing));
}

function run(edge, back, stays, turn) {
  const carried = stays ? program.gradient[edge.at] : back ? program.backward[edge.at] : program.forward[edge.at];
  const runner = document.createElementNS("http://www.w3.org/2000/svg", "text");
  runner.setAttribute("class", "runner");
  runner.setAttribute("text-anchor", "middle");
  runner.setAttribute("font-size", "125");
  runner.textContent = short(carried(state.v));
  edge.item.closest("svg").append(runner);
  const length = edge.line.getTotalLength();
  const last = stays ? 0.28 : 0.86;
  const place = (share) => {
    const point = edge.line.getPointAtLength(length * (back ? 1 - share : share));
    runner.setAttribute("x", point.x);
    runner.setAttribute("y", point.y - 30);
  };
  if (still) { place(last); return; }
  const began = performance.now();
  const lasting = 900;
  function move(time) {
    if (turn !== flowing) return;
    const share = Math.min(Math.max((time - began) / lasting, 0), 1);
    place(0.1 + (last - 0.1) * (1 - Math.pow(1 - share, 2)));
    if (share < 1) requestAnimationFrame(move);
  }
  place(0.1);
  requestAnimationFrame(move);
}

/* ---- steps ------------------------------------------------------------------------------------------------------------ */

const status = find(".walk .status");

function go(at, quietly) {
  state.at = Math.min(Math.max(at, 0), steps.length - 1);
  steps.forEach((step, k) => {
    step.element.classList.toggle("current", k === state.at);
    step.element.hidden = !state.every && k !== state.at;
  });
  const where = say("step of", { at: state.at + 1, all: steps.length });
  find(".where").textContent = plainly(where);
  find('[data-go="first"]').disabled = find('[data-go="back"]').disabled = state.at === 0;
  find('[data-go="next"]').disabled = find('[data-go="last"]').disabled = state.at === steps.length - 1;
  refresh();
  flow();
  const step = steps[state.at];
  if (!quietly) {
    const value = known(step.key) ? ` = ${shown(program.places[step.place](state.v))}` : "";
    status.textContent = `${plainly(where)}: ${plainly(step.said)}${value}`;
    if (state.every) step.element.scrollIntoView({ block: "nearest" });
  }
}

function refresh() {
  state.v = computed(state.given);
  fill();
  drawDiagram();
  drawNudge();
  drawLearning();
  if (data.asks) steps.forEach(drawAsk);
}

function play(on) {
  clearInterval(state.playing);
  state.playing = on ? setInterval(() => { if (state.at === steps.length - 1) play(false); else go(state.at + 1); }, still ? 2500 : 1700) : 0;
  find("[data-play]").textContent = plainly(say(on ? "pause" : "play"));
}

all("[data-go]").forEach((button) => button.addEventListener("click", () => {
  play(false);
  go({ first: 0, back: state.at - 1, next: state.at + 1, last: steps.length - 1 }[button.dataset.go]);
}));
find("[data-play]").addEventListener("click", () => { if (!state.playing && state.at === steps.length - 1) go(0); play(!state.playing); });
find("[data-all]").addEventListener("click", (event) => {
  state.every = !state.every;
  event.target.setAttribute("aria-pressed", String(state.every));
  event.target.textContent = plainly(say(state.every ? "one step" : "every step"));
  document.body.classList.toggle("every", state.every);
  go(state.at);
});
find("[data-print]").addEventListener("click", () => window.print());
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const to = { ArrowRight: state.at + 1, ArrowLeft: state.at - 1, Home: 0, End: steps.length - 1 }[event.key];
  if (to !== undefined) { event.preventDefault(); play(false); go(to); }
});

/* An edge leads to the derivative by its weight, a unit to what is worked of it in this pass. */
function open(item) {
  const names = (item.dataset.names || "").split(" ").filter((name) => name in data.names);
  const back = item.classList.contains("sb-edge") || item.classList.contains("sb-tag") || steps[state.at].phase === "backward";
  const wanted = names.map((name) => (back ? `∂${name}` : name)).concat(names.map((name) => (back ? name : `∂${name}`)));
  const key = wanted.find((one) => one in stepOf);
  if (key === undefined) return;
  play(false);
  go(stepOf[key]);
  steps[state.at].element.scrollIntoView({ block: "nearest" });
}
all(".drawing .sb-item").forEach((item) => {
  const names = (item.dataset.names || "").split(" ");
  const leads = names.some((name) => name in stepOf || `∂${name}` in stepOf);
  if (!leads) { item.removeAttribute("tabindex"); return; }
  item.classList.add("leads");
  item.setAttribute("role", "button");
  item.addEventListener("click", () => open(item));
  item.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(item); }
  });
});

/* ---- answers ---------------------------------------------------------------------------------------------------------- */

function makeAsk(step, at) {
  const box = find(".ask", step.element);
  box.innerHTML = `<form><label>${step.said} <math><mo>=</mo></math> <input autocomplete="off" inputmode="text" size="12" ` +
    `aria-label="${escaped(plainly(say("answer")))}: ${escaped(plainly(step.said))}"></label> ` +
    `<button type="submit">${say("check")}</button> <button type="button" data-hinting>${say("hint")}</button> ` +
    `<button type="button" data-reveal>${say("show answer")}</button></form><div class="verdict" role="status" aria-live="polite"></div>`;
  const input = find("input", box);
  find("form", box).addEventListener("submit", (event) => {
    event.preventDefault();
    answer(step, input.value);
    if (state.right.has(step.key) && at + 1 < steps.length) find('[data-go="next"]').focus();
  });
  find("[data-hinting]", box).addEventListener("click", () => {
    const shownNow = state.hints[step.key] || 0;
    state.hints[step.key] = levels[at].find((level) => level > shownNow) ?? shownNow;
    refresh();
    tell(step, say("hints left", { at: levels[at].indexOf(state.hints[step.key]) + 1, all: levels[at].length }));
  });
  find("[data-reveal]", box).addEventListener("click", () => {
    state.seen.add(step.key);
    refresh();
    flow();
    tell(step, say("answer shown", { value: inText(program.places[step.place](state.v)) }));
  });
}

function drawAsk(step, at) {
  const box = find(".ask", step.element);
  find("form", box).hidden = done(step.key);
  find("[data-hinting]", box).disabled = !levels[at].some((level) => level > (state.hints[step.key] || 0));
}

const tell = (step, markup, kind) => {
  const verdict = find(".verdict", step.element);
  verdict.className = `verdict ${kind || ""}`;
  verdict.innerHTML = markup;
};

function answer(step, text) {
  const { verdict, mistakes, exact } = judged(state.v, step, text);
  if (verdict === "right" || verdict === "coarse") {
    state.right.add(step.key);
    refresh();
    flow();
    tell(step, say(`answer ${verdict}`, { value: inText(program.places[step.place](state.v)) }) + ` <span class="progress">${progress()}</span>`, "good");
    return;
  }
  if (verdict !== "wrong") { tell(step, say(`answer ${verdict}`), "bad"); return; }
  const reasons = mistakes.map((one) => `<li data-kind="${escaped(one.kind)}">${worded(one)}</li>`);
  tell(step, reasons.length ? `<p>${say(exact ? "answer wrong" : "answer about")}</p><ul>${Array.from(new Set(reasons)).join("")}</ul>` : say("answer unknown"), "bad");
}

const worded = (one) => say(`mistake ${one.kind}`, { names: one.names.map((name) => data.names[name] || escaped(name)).join(", ") });
const progress = () => say("progress", { right: state.right.size, all: steps.length, seen: state.seen.size });

/* ---- changing the numbers ---------------------------------------------------------------------------------------------- */

function changed() {
  if (!data.asks) return;
  const any = state.right.size + state.seen.size;
  state.right.clear();
  state.seen.clear();
  steps.forEach((step) => tell(step, ""));
  if (any) status.textContent = plainly(say("numbers changed"));
}

function makeField(box, key, label) {
  const field = find(".field", box);
  const input = document.createElement("input");
  input.inputMode = "decimal";
  input.size = 9;
  input.dataset.value = key;
  input.setAttribute("aria-label", plainly(label));
  input.addEventListener("change", () => {
    const typed = parsed(input.value);
    if (typed === null) { status.textContent = plainly(say("not a number", { text: escaped(input.value) })); drawFields(); return; }
    state.given[key] = typed.value;
    state.losses = [];
    changed();
    drawFields();
    go(state.at, true);
  });
  field.replaceChildren(input);
}

function drawFields() {
  all("[data-value]").forEach((input) => { input.value = String(Number(state.given[input.dataset.value].toPrecision(6))); });
}

function stepped() {
  data.learned.forEach((name) => { state.given[name] -= state.given[data.rateName] * adjoint(state.v, name); });
  state.v = computed(state.given);
  state.losses.push(state.v[data.loss]);
}

const learnable = () => !data.asks || data.learned.every((name) => done(`∂${name}`));

all("[data-apply]").forEach((button) => button.addEventListener("click", () => {
  if (!state.losses.length) state.losses.push(state.v[data.loss]);
  for (let k = 0; k < Number(button.dataset.apply) && Number.isFinite(state.v[data.loss]); k += 1) stepped();
  drawFields();
  go(state.at, true);
}));
find("[data-reset]").addEventListener("click", () => {
  state.given = at_first();
  state.losses = [];
  changed();
  drawFields();
  go(state.at, true);
});

function drawLearning() {
  const ready = learnable();
  all("[data-apply]").forEach((button) => { button.disabled = !ready; });
  const note = find(".learned");
  const known_ = data.learned.filter((name) => done(`∂${name}`)).length;
  const loss = data.names[data.loss];
  if (!ready) note.innerHTML = say("learn locked", { done: known_, all: data.learned.length });
  else if (!state.losses.length) note.textContent = "";
  else if (!Number.isFinite(state.v[data.loss])) note.innerHTML = say("diverged", { loss });
  else note.innerHTML = say("updates done", { count: state.losses.length - 1, loss, value: inText(state.v[data.loss]) });
  drawCurve();
}

function drawCurve() {
  const box = find(".curve");
  const values = state.losses.filter(Number.isFinite);
  if (values.length < 2 || !learnable()) { box.replaceChildren(); return; }
  const [wide, high, left, top] = [420, 150, 60, 12];
  const [low, most] = [Math.min(0, ...values), Math.max(...values)];
  const x = (k) => left + (wide - left - 10) * k / (values.length - 1);
  const y = (value) => top + (high - top - 24) * (1 - (value - low) / (most - low || 1));
  const points = values.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const said = plainly(say("curve said", { loss: data.loss, count: values.length - 1, first: shown(values[0]), last: shown(values[values.length - 1]) }));
  const text = (at, height, content, anchor) => `<text x="${at}" y="${height}" text-anchor="${anchor}">${content}</text>`;
  box.innerHTML = `<p class="label">${say("loss curve", { loss: data.names[data.loss] })}</p>` +
    `<svg viewBox="0 0 ${wide} ${high}" role="img" aria-label="${escaped(said)}"><path class="axes" d="M${left} ${top}V${high - 24}H${wide - 10}"/>` +
    `<polyline points="${points}"/>${text(left - 6, top + 6, short(most), "end")}${text(left - 6, high - 24, short(low), "end")}` +
    `${text(left, high - 6, "0", "middle")}${text(wide - 10, high - 6, values.length - 1, "end")}</svg>`;
}

/* ---- the nudge --------------------------------------------------------------------------------------------------------- */

const chosen = find('[data-nudge="name"]');
const by = find('[data-nudge="by"]');

function drawNudge() {
  const open_ = known(`∂${chosen.value}`) && known(data.loss);
  const typed = parsed(by.value);
  const lock = find(".nudge .locked");
  lock.hidden = open_;
  lock.innerHTML = open_ ? "" : say("nudge locked", { name: data.names[chosen.value] });
  const cells = {};
  if (open_ && typed !== null) {
    const moved = computed({ ...state.given, [chosen.value]: state.given[chosen.value] + typed.value });
    cells.loss = moved[data.loss] - state.v[data.loss];
    cells.predicted = adjoint(state.v, chosen.value) * typed.value;
    cells.apart = cells.loss - cells.predicted;
  }
  ["loss", "predicted", "apart"].forEach((part) => { find(`[data-nudge="${part}"]`).textContent = part in cells ? shown(cells[part]) : ""; });
}
data.learned.forEach((name) => {
  const option = document.createElement("option");
  option.value = name;
  option.textContent = inMenu(name);
  chosen.append(option);
});
[chosen, by].forEach((control) => control.addEventListener("input", drawNudge));

/* ---- begin ------------------------------------------------------------------------------------------------------------- */

document.body.classList.add("live");
const sheet = find(".drawing svg").viewBox.baseVal;
sheet.height += 150;  // room for the derivatives below the lowest units
find(".drawing svg").setAttribute("height", sheet.height / 10);
all(".controls, .lead, .learning, .nudge").forEach((part) => { part.hidden = false; });
if (!data.learned.length) find(".nudge").hidden = true;
all(".given [data-name]").forEach((box) => makeField(box, box.dataset.name, say("value of", { name: data.names[box.dataset.name] })));
makeField(find("[data-rate]"), data.rateName, say("rate"));
drawFields();
if (data.asks) steps.forEach(makeAsk);
go(0, true);
