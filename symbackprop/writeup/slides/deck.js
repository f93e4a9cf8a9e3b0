/* One slide at a time: arrow keys, answers uncovered one by one before the next slide, notes with N. */
(function () {
  "use strict";
  const slides = Array.from(document.querySelectorAll(".slide"));
  const status = document.querySelector(".status");
  let at = Math.min(Math.max(Number(location.hash.slice(1)) || 1, 1), slides.length) - 1;
  document.body.classList.add("live");
  document.querySelectorAll(".answer").forEach((answer) => answer.classList.add("covered"));

  function show(to) {
    at = Math.min(Math.max(to, 0), slides.length - 1);
    slides.forEach((slide, k) => slide.classList.toggle("current", k === at));
    const title = slides[at].querySelector("h1, h2");
    status.textContent = `${slides[at].getAttribute("aria-label")}: ${title ? title.textContent : ""}`;
    try { history.replaceState(null, "", `#${at + 1}`); } catch (error) { /* a page in a frame has no address of its own */ }
  }
  const covered = () => slides[at].querySelector(".answer.covered");
  /* A sum that is broken is uncovered as a whole. */
  function uncover(answer) {
    const all = Array.from(slides[at].querySelectorAll(".answer"));
    const isMore = (k) => k < all.length && all[k].classList.contains("more");
    let from = all.indexOf(answer);
    while (from > 0 && isMore(from)) from -= 1;
    do all[from].classList.remove("covered"); while (isMore(++from));
  }
  function next() {
    const answer = covered();
    if (answer) uncover(answer); else show(at + 1);
  }
  function back() {
    const open = Array.from(slides[at].querySelectorAll(".answer:not(.covered)"));
    if (open.length) open.forEach((answer) => answer.classList.add("covered")); else show(at - 1);
  }
  const keys = {
    ArrowRight: next, ArrowDown: next, PageDown: next, " ": next, Enter: next, ArrowLeft: back, ArrowUp: back, PageUp: back,
    Home: () => show(0), End: () => show(slides.length - 1),
    n: () => document.querySelectorAll(".notes").forEach((notes) => { notes.hidden = !notes.hidden; }),
  };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key] || keys[event.key.toLowerCase()];
    if (!act || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  });
  document.querySelector("main").addEventListener("click", (event) => {
    const answer = event.target.closest(".answer.covered");
    if (answer) uncover(answer); else next();
  });
  show(at);
})();
