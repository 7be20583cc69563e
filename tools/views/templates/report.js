"use strict";
// Shows the pairs. All text of items reaches the page through textContent and attributes alone, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { items, pairs, groups, cards, pictures, categories, kinds } = data;
  const numPairs = pairs.source.length;
  const CARDS_A_PAGE = 24;
  const ROWS_A_PAGE = 50;
  const hasPictures = Object.keys(pictures).length > 0;
  const hasTitles = items.title.some(Boolean);
  // Without a threshold branch the margin is the match score alone.
  const SCORES = [["match", pairs.match], ["own threshold", pairs.threshold], ["margin", pairs.margin]].filter(([, values]) => values.length);
  const SORT_OF_GROUP = { errors: "furthest", uncertain: "nearest", correct: "highest", all: "furthest" };

  const element = (id) => document.getElementById(id);
  const filters = element("filters");
  let page = 0;
  let found = [];

  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function number(value) {
    return value.toLocaleString("en", { maximumFractionDigits: 3, minimumFractionDigits: 3 }).replace("-", "−");
  }

  const isSame = (pair) => pairs.same[pair] === "1";
  const isDecidedSame = (pair) => pairs.decided[pair] === "1";
  const isRight = (pair) => pairs.same[pair] === pairs.decided[pair];
  const distance = (pair) => Math.abs(pairs.margin[pair] - data.threshold);
  const categoryOf = (item) => categories[items.category[item]] || "(no category)";

  let searched = null; // made when first needed
  function matchesText(item, words) {
    searched ??= items.title.map((title, row) => `${title} ${items.id[row]}`.toLowerCase());
    return words.every((word) => searched[item].includes(word));
  }

  const ORDERS = {
    furthest: (a, b) => distance(b) - distance(a) || a - b,
    nearest: (a, b) => distance(a) - distance(b) || a - b,
    highest: (a, b) => pairs.margin[b] - pairs.margin[a] || a - b,
    lowest: (a, b) => pairs.margin[a] - pairs.margin[b] || a - b,
    file: (a, b) => a - b,
  };

  function choose() {
    const chosen = Object.fromEntries(["group", "verdict", "label", "category", "kind", "sort"].map((id) => [id, element(id).value]));
    const words = element("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const pool = chosen.group === "all" ? Array.from({ length: numPairs }, (_, pair) => pair) : groups[chosen.group];
    found = pool.filter((pair) =>
      (chosen.verdict === "" || isRight(pair) === (chosen.verdict === "1")) &&
      (chosen.label === "" || pairs.same[pair] === chosen.label) &&
      (chosen.category === "" || items.category[pairs.source[pair]] === Number(chosen.category)) &&
      (chosen.kind === "" || pairs.kind[pair] === Number(chosen.kind)) &&
      (words.length === 0 || matchesText(pairs.source[pair], words) || matchesText(pairs.target[pair], words)));
    found.sort(ORDERS[chosen.sort]);
    page = 0;
    show();
  }

  function show() {
    const asTable = element("group").value === "all";
    const size = asTable ? ROWS_A_PAGE : CARDS_A_PAGE;
    const numPages = Math.max(1, Math.ceil(found.length / size));
    const shown = found.slice(page * size, (page + 1) * size);
    element("cards").hidden = asTable;
    element("list").hidden = !asTable;
    element("cards").replaceChildren(...(asTable ? [] : shown.map(card)));
    element("rows").replaceChildren(...(asTable ? shown.map(tableRow) : []));
    element("paging").hidden = numPages === 1;
    element("page").textContent = `Page ${page + 1} of ${numPages.toLocaleString("en")}`;
    element("previous").disabled = page === 0;
    element("next").disabled = page === numPages - 1;
    element("status").textContent = found.length === 0
      ? "No pair matches. Choose otherwise, or reset."
      : `${found.length.toLocaleString("en")} ${found.length === 1 ? "pair" : "pairs"} of ${numPairs.toLocaleString("en")}`;
  }

  function verdict(pair) {
    const right = isRight(pair);
    return make("span", `verdict ${right ? "right" : "wrong"}`, right ? "✓ right" : "✗ wrong");
  }

  function decisionText(pair) {
    const name = (same) => (same ? "the same" : "different");
    if (isRight(pair)) return `labelled and decided ${name(isSame(pair))}`;
    return `labelled ${name(isSame(pair))}, decided ${name(isDecidedSame(pair))}`;
  }

  function picture(item, className) {
    const source = pictures[item];
    if (source === undefined) return make("div", className, className === "picture" ? "no picture" : "");
    const image = make("img", className);
    image.alt = `Picture of item ${items.id[item]}`;
    image.decoding = "async";
    image.src = source;
    return image;
  }

  function isolated(tag, className, text) {
    // Marks of writing direction in a text do not reach beyond it.
    const made = make(tag, className);
    made.append(make("bdi", "", text));
    return made;
  }

  function itemColumn(item, segments) {
    const column = make("div", "item");
    const title = make("p");
    const inner = make("bdi");
    inner.append(...segments.map(([text, differs]) => (differs ? make("mark", "", text) : document.createTextNode(text))));
    title.append(segments.length ? inner : make("em", "", "no title"));
    if (hasPictures) column.append(picture(item, "picture"));
    if (hasTitles) column.append(title);
    column.append(isolated("p", "id", `${items.id[item]} · ${categoryOf(item)}`));
    return column;
  }

  function attributeTable(rows) {
    const table = make("table", "attributes");
    table.append(make("caption", "unseen", "Attributes of both items"));
    const head = make("tr");
    for (const heading of ["attribute", "source", "target"]) {
      const cell = make("th", "", heading);
      cell.scope = "col";
      head.append(cell);
    }
    table.createTHead().append(head);
    const body = table.createTBody();
    for (const [name, source, target, differs] of rows) {
      const row = make("tr", differs ? "" : "equal");
      const heading = isolated("th", "", name);
      heading.scope = "row";
      row.append(heading);
      for (const value of [source, target]) {
        const cell = make("td");
        const inner = make("bdi");
        inner.append(differs ? make("mark", "", value) : document.createTextNode(value));
        cell.append(value === "" ? make("span", "absent", "absent") : inner);
        row.append(cell);
      }
      body.append(row);
    }
    return table;
  }

  function sums(pair) {
    const list = make("dl", "sums");
    for (const [name, values] of SCORES) {
      const entry = make("div");
      entry.append(make("dt", "", name), make("dd", "", number(values[pair])));
      list.append(entry);
    }
    return list;
  }

  function card(pair) {
    const { titles, attributes } = cards[pair];
    const made = make("article", `card ${isSame(pair) ? "labelled-same" : "labelled-different"}`);
    const heading = make("h3");
    heading.append(verdict(pair), ` ${decisionText(pair)}`);
    if (kinds.length) heading.append(make("span", "id", ` · ${kinds[pairs.kind[pair]]}`));
    const both = make("div", "items");
    both.append(itemColumn(pairs.source[pair], titles[0]), itemColumn(pairs.target[pair], titles[1]));
    made.append(heading, both);
    if (attributes.length) made.append(attributeTable(attributes));
    made.append(sums(pair));
    return made;
  }

  function tableRow(pair) {
    const row = make("tr");
    const heading = make("th", "", (pair + 1).toLocaleString("en"));
    heading.scope = "row";
    const both = make("td");
    for (const item of [pairs.source[pair], pairs.target[pair]]) {
      const line = make("p", "line");
      const texts = make("span");
      if (hasTitles) texts.append(make("bdi", "", items.title[item] || "no title"), " ");
      texts.append(make("bdi", "id", items.id[item]));
      if (hasPictures) line.append(picture(item, "small"));
      line.append(texts);
      both.append(line);
    }
    const decided = make("td");
    decided.append(verdict(pair), make("p", "id", decisionText(pair)));
    const scores = SCORES.map(([name, values]) => make("td", name === "margin" ? "number" : "number optional", number(values[pair])));
    row.append(heading, both, decided, ...scores);
    return row;
  }

  function fill(id, names, used) {
    const options = names.map((name, place) => [name || "(none)", place]).filter(([, place]) => used.has(place));
    options.sort(([a], [b]) => a.localeCompare(b));
    for (const [name, place] of options) {
      const option = make("option", "", name);
      option.value = String(place);
      element(id).append(option);
    }
  }

  function turn(pages) {
    page += pages;
    show();
    element("pairs").scrollIntoView();
  }

  fill("category", categories, new Set(pairs.source.map((item) => items.category[item])));
  fill("kind", kinds, new Set(pairs.kind));
  element("kind-choice").hidden = kinds.length === 0;
  element("group").addEventListener("change", () => { element("sort").value = SORT_OF_GROUP[element("group").value]; });
  filters.addEventListener("input", choose);
  filters.addEventListener("reset", () => setTimeout(choose)); // once the fields have their first values
  filters.addEventListener("submit", (event) => event.preventDefault());
  element("previous").addEventListener("click", () => turn(-1));
  element("next").addEventListener("click", () => turn(1));
  filters.hidden = false;
  choose();
})();
