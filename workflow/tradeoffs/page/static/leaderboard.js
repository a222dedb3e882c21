// The table of models: sorted, filtered, with the columns that are chosen; and the same as a CSV file.
"use strict";
(() => {
  const table = document.getElementById("models");
  if (table === null) return;
  const { metrics, models, values } = page.read("leaderboard");
  const form = document.querySelector("#leaderboard form");
  const chosen = new Set(metrics.map((metric, place) => (metric.shown ? place : -1)).filter((place) => place >= 0));
  const words = [["architecture", "Architecture"], ["norm", "Trained against"]];
  const state = { by: null, down: false, only: null };
  if (models.some((model) => model.replicate !== "1")) words.push(["replicate", "Replicate"]);

  const places = () => metrics.map((_, place) => place).filter((place) => chosen.has(place));
  const number = (model, place) => {
    const found = values[model.model][place];
    return found === null || found[0] === "" || !Number.isFinite(Number(found[0])) ? null : Number(found[0]);
  };

  // What a training is against, as it is said of it: another objective without a norm is no standard training.
  const of = (model, name) => (name === "norm" ? page.kind(model) : model[name]);

  function matching() {
    const asked = Object.fromEntries(new FormData(form));
    const text = asked.text.trim().toLowerCase();
    const roles = asked.role.split(" ");
    return models.filter((model) => (state.only === null || state.only.has(model.model))
      && (asked.role === "" || roles.includes(model.role))
      && ["norm", "architecture", "source"].every((name) => asked[name] === "" || of(model, name) === asked[name])
      && model.model.toLowerCase().includes(text));
  }

  function sorted(listed) {
    if (state.by === null) return listed;
    const sign = state.down ? -1 : 1;
    const word = (model) => (state.by === "norm" ? `${model.norm} ${model.epsilon.padStart(8)}` : model[state.by]);
    if (typeof state.by === "string") {
      return listed.toSorted((a, b) => sign * word(a).localeCompare(word(b), "en", { numeric: true }));
    }
    return listed.toSorted((a, b) => {
      const [x, y] = [number(a, state.by), number(b, state.by)];
      if (x === null || y === null) return (x === null) - (y === null); // what was not measured stays at the end
      return sign * (x - y);
    });
  }

  function heading(by, text, attributes, ...more) {
    const sort = state.by === by ? (state.down ? "descending" : "ascending") : "none";
    const press = () => {
      state.down = state.by === by ? !state.down : typeof by === "number";
      state.by = by;
      show();
      table.querySelector(`th[data-by="${by}"] button`).focus();
    };
    const button = page.make("button", { type: "button", click: press }, text);
    return page.make("th", { scope: "col", "aria-sort": sort, "data-by": by, ...attributes }, button, ...more);
  }

  function metricHeading(place) {
    const metric = metrics[place];
    const direction = { more: ["▲", "higher is more reliance"], less: ["▼", "lower is more reliance"] }[metric.direction];
    const title = page.make("small", {}, metric.title, ...(direction ? [" ", page.make("span", { class: metric.direction, title: direction[1], role: "img", "aria-label": direction[1] }, direction[0])] : []));
    return heading(place, metric.label, { title: metric.meaning }, title);
  }

  function cell(model, place) {
    const found = values[model.model][place];
    if (found === null || found[0] === "") return page.make("td", { title: "not measured" }, "–");
    const [value, low, high] = found;
    const range = low === "" ? [] : [page.make("small", {}, `${page.short(low)} to ${page.short(high)}`)];
    return page.make("td", {}, page.short(value), ...range);
  }

  function row(model) {
    const open = () => page.card(model.model);
    const name = page.make("button", { type: "button", class: "model" }, ...page.broken(model.model));
    const described = words.map(([key]) => page.make("td", { class: "word" },
      ...(key === "norm" ? [page.make("span", { class: `swatch ${["none", "linf", "l2", "l1", "other"].includes(page.kind(model)) ? page.kind(model) : "unknown"}` }), page.training(model)] : [model[key]])));
    return page.make("tr", { click: open }, page.make("th", { scope: "row" }, name), ...described,
      ...places().map((place) => cell(model, place)));
  }

  function show() {
    const listed = sorted(matching());
    table.tHead.replaceChildren(page.make("tr", {}, heading("model", "Model", { class: "word" }),
      ...words.map(([key, text]) => heading(key, text, { class: "word" })), ...places().map(metricHeading)));
    table.tBodies[0].replaceChildren(...listed.map(row));
    const count = document.getElementById("count");
    count.replaceChildren(`${listed.length} of ${models.length} models. `);
    if (state.only !== null) {
      const all = () => { state.only = null; show(); };
      count.append("Only those behind a claim. ", page.make("button", { type: "button", click: all }, "Show all"));
    }
  }

  function csv() {
    const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const who = Object.keys(models[0]);
    const header = [...who, ...places().flatMap((place) => ["", ".ci_low", ".ci_high", ".n"].map((end) => metrics[place].key + end))];
    const rows = sorted(matching()).map((model) => [...who.map((name) => model[name]),
      ...places().flatMap((place) => values[model.model][place] ?? ["", "", "", ""])]);
    return [header, ...rows].map((cells) => cells.map(quoted).join(",")).join("\n") + "\n";
  }

  document.getElementById("csv").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    page.make("a", { href: address, download: "leaderboard.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });

  // The models behind a claim, whatever is filtered otherwise.
  page.only = (names) => {
    form.reset();
    form.elements.role.value = "";
    state.only = new Set(names);
    show();
    document.getElementById("leaderboard").scrollIntoView();
    table.querySelector("tbody .model")?.focus({ preventScroll: true });
  };

  const distinct = (name) => [...new Set(models.map((model) => of(model, name)))].sort();
  const roles = distinct("role");
  const first = roles.filter((role) => ["main", "extra"].includes(role));
  const all = ["", "all"];
  const some = first.length > 0 && first.length < roles.length ? [[first.join(" "), first.join(" and ")]] : [];
  page.options(form.elements.role, [...some, all, ...roles.map((role) => [role, role.replaceAll("_", " ")])]);
  for (const name of ["norm", "architecture", "source"]) {
    const shown = (value) => ({ none: "no attack (standard)", other: "another objective" })[value] ?? value;
    page.options(form.elements[name], [all, ...distinct(name).filter((value) => value !== "").map((value) => [value, shown(value)])]);
  }
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());

  const groups = new Map();
  metrics.forEach((metric, place) => {
    const change = (event) => { chosen[event.target.checked ? "add" : "delete"](place); show(); };
    const box = page.make("input", { type: "checkbox", checked: metric.shown, value: metric.key, change });
    if (!groups.has(metric.title)) groups.set(metric.title, page.make("fieldset", {}, page.make("legend", {}, metric.title)));
    groups.get(metric.title).append(page.make("label", { title: metric.meaning }, box, ` ${metric.label}`));
  });
  document.getElementById("columns").append(...groups.values());
  show();
})();
