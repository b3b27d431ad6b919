"use strict";
const root = document.documentElement;
const theme = document.getElementById("theme");
const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
theme.hidden = false;
theme.onclick = () => { root.dataset.theme = isDark() ? "light" : "dark"; nameTheme(); };
nameTheme();

// A link to a feature opens it.
const openTarget = () => {
  const target = document.getElementById(location.hash.slice(1));
  const details = target && target.querySelector("details");
  if (details) details.open = true;
};
addEventListener("hashchange", openTarget);
openTarget();

for (const section of document.querySelectorAll(".drift-section")) {
  const table = section.querySelector(".features");
  const features = [...table.tBodies];
  const heads = [...table.tHead.rows[0].cells];

  // Sorting: a second time the other way round; what has no figure comes last.
  const sort = (head) => {
    const column = head.cellIndex, kind = head.dataset.sort;
    const turn = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const key = (feature) => {
      const cell = feature.rows[0].cells[column];
      return kind === "text" ? cell.textContent : cell.dataset.v === "" ? NaN : Number(cell.dataset.v);
    };
    const keyed = features.map((feature) => [key(feature), feature]);
    keyed.sort(([a], [b]) => kind === "text" ? turn * a.localeCompare(b, "en", { numeric: true })
      : isNaN(a) || isNaN(b) ? isNaN(a) - isNaN(b) : turn * (a - b));
    table.append(...keyed.map(([, feature]) => feature));
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
  };
  for (const head of heads.filter((each) => each.dataset.sort)) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.onclick = () => sort(head);
    head.append(button);
  }

  // Filtering: by verdict and by name.
  const search = section.querySelector(".search"), shown = section.querySelector(".shown");
  const filters = [...section.querySelectorAll("[data-filter]")];
  const filter = () => {
    const verdicts = filters.filter((each) => each.ariaPressed === "true").map((each) => each.dataset.filter);
    const text = search.querySelector("input").value.trim().toLowerCase();
    let count = 0;
    for (const feature of features) {
      const name = feature.rows[0].cells[0].textContent.toLowerCase();
      feature.hidden = (verdicts.length > 0 && !verdicts.includes(feature.className)) || !name.includes(text);
      count += !feature.hidden;
    }
    shown.hidden = verdicts.length === 0 && text === "";
    shown.textContent = `${count} of ${features.length} features are shown`;
  };
  for (const each of filters) {
    each.disabled = false;
    each.onclick = () => { each.ariaPressed = String(each.ariaPressed !== "true"); filter(); };
  }
  search.hidden = false;
  search.oninput = filter;

  // A click on a row opens it, unless it selects text or follows a link.
  table.onclick = (event) => {
    const row = event.target.closest(".features > tbody > tr:first-child");
    if (row && String(getSelection()) === "") {
      const details = row.parentNode.querySelector("details");
      details.open = !details.open;
    }
  };
}
