/* A covered number leaves a gap: with the sign before it, where there is one; a narrow one among the entries of an array. */
document.querySelectorAll(".gap").forEach((answer) => {
  const shown = answer.querySelector("math");
  const asked = shown.cloneNode(false);
  if (shown.classList.length) asked.append(shown.firstElementChild.cloneNode(true));
  const gap = document.createElementNS(shown.namespaceURI, "mspace");
  gap.setAttribute("class", "blank");
  gap.setAttribute("width", answer.closest(".bracket") ? "ENTRY_GAP" : "NUMBER_GAP");
  asked.append(gap, document.createElementNS(shown.namespaceURI, "mi"));
  answer.className = "answer";
  shown.classList.add("open");
  asked.classList.add("asked");
  answer.append(asked);
});
