"use strict";
// Searches the catalogue while one types and sends the form without leaving the page, which works without this as well.
// All text of items reaches the page through textContent and attributes alone, or as HTML that the server has escaped.
(() => {
  const form = document.getElementById("pair");
  const status = document.getElementById("status");
  const outcome = document.getElementById("outcome");
  const button = form.querySelector("button.main");

  const FOUND = ["No item matches.", "1 item"];

  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function choice(item, field, list, items) {
    const row = make("li");
    const made = make("button");
    made.type = "button";
    made.setAttribute("aria-pressed", String(item.id === field.value));
    if (items.some((other) => other.picture)) {
      const picture = make(item.picture ? "img" : "span", item.picture ? "" : "blank");
      if (item.picture) {
        picture.src = item.picture;
        picture.alt = "";
      }
      made.append(picture);
    }
    const texts = make("span");
    if (items.some((other) => other.title)) texts.append(make("bdi", "", item.title || "no title"));
    texts.append(make("bdi", "id", [item.id, item.category].filter(Boolean).join(" · ")));
    made.append(texts);
    made.addEventListener("click", () => {
      field.value = item.id;
      for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === made));
    });
    row.append(made);
    return row;
  }

  function search(side) {
    const field = side.querySelector("input[type=search]");
    const list = side.querySelector(".found");
    const note = side.querySelector(".found-status");
    let waiting = 0;
    let asked = 0;

    async function find() {
      const number = ++asked;
      try {
        const answer = await fetch(`/items?words=${encodeURIComponent(field.value)}`);
        const items = await answer.json();
        if (number !== asked) return; // an earlier search that came late
        list.replaceChildren(...items.map((item) => choice(item, field, list, items)));
        note.textContent = items.length < Number(list.dataset.most) ? FOUND[items.length] ?? `${items.length} items` : `The first ${items.length} items; type more words`;
      } catch {
        note.textContent = "The server does not answer.";
      }
    }

    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(find, 200);
    });
    if (side.querySelector("[value=catalogue]:checked")) find();
    side.querySelector("[value=catalogue]").addEventListener("change", find);
  }

  function preview(side) {
    const file = side.querySelector("input[type=file]");
    const image = side.querySelector(".preview");
    if (!file) return;
    file.addEventListener("change", () => {
      if (image.src) URL.revokeObjectURL(image.src);
      image.hidden = file.files.length === 0;
      if (file.files.length) image.src = URL.createObjectURL(file.files[0]);
    });
    image.addEventListener("error", () => { image.hidden = true; }); // the server says what is wrong with it
  }

  function tooLarge() {
    return [...form.querySelectorAll("input[type=file]")].some((file) =>
      file.files.length && file.files[0].size > Number(file.dataset.largest));
  }

  function showFault(message) {
    const section = make("section", "fault");
    section.setAttribute("role", "alert");
    section.append(make("h2", "", "No verdict"), make("p", "", message));
    outcome.replaceChildren(section);
  }

  async function send() {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("outcome");
    if (found === null) throw new Error("no page");
    outcome.replaceChildren(...found.childNodes);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    if (tooLarge()) {
      showFault("An image file is too large; at most 16 MiB are taken.");
      return;
    }
    button.disabled = true;
    outcome.setAttribute("aria-busy", "true");
    status.textContent = "Comparing …";
    try {
      await send();
    } catch {
      showFault("The server does not answer. Is it still running?");
    }
    status.textContent = "";
    outcome.removeAttribute("aria-busy");
    button.disabled = false;
    outcome.focus({ preventScroll: true });
    outcome.scrollIntoView();
  });

  for (const side of form.querySelectorAll(".side")) {
    search(side);
    preview(side);
  }
})();
