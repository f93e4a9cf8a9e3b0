(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const main = document.querySelector("main");
  const toolbar = document.querySelector(".toolbar");
  const status = toolbar.querySelector(".status");
  toolbar.hidden = false;
  if (document.getElementById("diagram")) main.classList.add("with-figure");

  const named = Array.from(document.querySelectorAll("[data-n], [data-names], [data-ends]"));
  const namesOf = (element) => (element.dataset.n || element.dataset.names || "").split(" ").filter(Boolean);

  /* What belongs to the names an element stands for: the whole path of a parameter, else the names themselves. */
  function pathOf(names) {
    const wanted = new Set(names);
    const last = names[names.length - 1];
    if (!(last in data.paths)) return wanted;
    const path = [...data.ways[data.paths[last]], last];
    const first = names.length > 1 ? path.indexOf(names[0]) : 0;
    path.slice(Math.max(first, 0)).forEach((name) => wanted.add(name));
    return wanted;
  }

  function clear() {
    document.querySelectorAll(".on").forEach((element) => element.classList.remove("on"));
    document.querySelectorAll(".sb-lit").forEach((element) => element.classList.remove("sb-lit"));
    document.querySelectorAll(".has-lit").forEach((element) => element.classList.remove("has-lit"));
  }

  function mark(element) {
    clear();
    const names = namesOf(element);
    const path = pathOf(names);
    named.forEach((other) => {
      const theirs = namesOf(other);
      const drawn = other.closest("svg");
      if (drawn) {
        const onPath = theirs.some((name) => path.has(name)) || joins(other, path);
        if (onPath) { other.classList.add("sb-lit"); drawn.classList.add("has-lit"); }
      } else if (theirs.length === names.length ? theirs.every((name, k) => name === names[k]) : false) {
        other.classList.add("on");
      }
    });
    status.textContent = data.words.path.replace("{name}", names.join(" / "));
  }

  /* An edge is on a path when what is used and what uses it are. */
  function joins(item, path) {
    const ends = (item.dataset.ends || "").split(" ").filter(Boolean);
    return ends.length === 2 && ends.every((name) => path.has(name));
  }

  function target(event) {
    const element = event.target instanceof Element ? event.target.closest("[data-n], [data-names]") : null;
    return element && namesOf(element).length ? element : null;
  }
  ["pointerover", "focusin"].forEach((kind) => document.addEventListener(kind, (event) => {
    const element = target(event);
    if (element) mark(element);
  }));
  ["pointerout", "focusout"].forEach((kind) => document.addEventListener(kind, (event) => {
    if (target(event)) { clear(); status.textContent = ""; }
  }));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
  /* Derivatives on the left of a line can be reached with the Tab key. */
  document.querySelectorAll(".lines td:first-child [data-n*=' ']").forEach((element) => element.setAttribute("tabindex", "0"));

  const views = Array.from(toolbar.querySelectorAll("[data-view]"));
  views.forEach((button) => button.addEventListener("click", () => {
    document.body.classList.remove("view-both", "view-symbols", "view-numbers");
    document.body.classList.add("view-" + button.dataset.view);
    views.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  }));

  /* What is covered shows what a student sees; drawings are uncovered last, they hold the values of all. */
  document.querySelectorAll(".asked .blank").forEach((gap) => gap.setAttribute("aria-label", data.words.blank));
  const answers = Array.from(document.querySelectorAll(".answer"));
  answers.sort((one, other) => Boolean(one.querySelector("svg")) - Boolean(other.querySelector("svg")));
  const controls = {};
  toolbar.querySelectorAll("[data-answers]").forEach((button) => { controls[button.dataset.answers] = button; });
  function cover(element, covered) {
    if (element.classList.contains("covered") === covered) return;
    element.classList.toggle("covered", covered);
    element.querySelectorAll("[data-asked]").forEach(retitle);
  }
  /* The title of a drawn thing says its value too. */
  function retitle(item) {
    const title = item.querySelector("title");
    const other = item.dataset.asked;
    item.dataset.asked = title.textContent;
    title.textContent = other;
  }
  function report() {
    const open = answers.filter((element) => !element.classList.contains("covered")).length;
    const all = open === answers.length;
    controls.hide.hidden = !all;
    controls.next.hidden = all;
    controls.all.hidden = all;
    status.textContent = all ? "" : data.words.shown.replace("{shown}", open).replace("{all}", answers.length);
  }
  if (controls.hide) {
    controls.hide.addEventListener("click", () => {
      answers.forEach((element) => cover(element, true)); report(); controls.next.focus();
    });
    controls.next.addEventListener("click", () => {
      let next = answers.findIndex((other) => other.classList.contains("covered"));
      if (next >= 0) answers[next].scrollIntoView({ block: "nearest" });
      while (next >= 0) {  /* a sum that is broken is uncovered as a whole */
        cover(answers[next], false);
        next = next + 1 < answers.length && answers[next + 1].classList.contains("more") ? next + 1 : -1;
      }
      report();
    });
    controls.all.addEventListener("click", () => {
      answers.forEach((element) => cover(element, false)); report(); controls.hide.focus();
    });
  }
  toolbar.querySelector("[data-print]").addEventListener("click", () => window.print());
})();
