// Draw a chart of the page: its specification with data, titles, and the colours of a light or a dark screen.
"use strict";
page.draw = (() => {
  const specifications = page.read("charts");
  const drawn = new Map();
  const shapes = { none: "diamond", linf: "circle", l2: "square", l1: "triangle-up", other: "triangle-down", unknown: "cross" };
  const norms = Object.keys(shapes);

  function filled(value, words, colour) {
    if (Array.isArray(value)) {
      if (value.length === 1 && value[0] === "norms") return words.norms;
      if (value.length === 1 && value[0] === "colours") return words.norms.map((norm) => colour(`--c-${norm}`));
      if (value.length === 1 && value[0] === "shapes") return words.norms.map((norm) => shapes[norm]);
      return value.map((each) => filled(each, words, colour));
    }
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, words, colour)]));
    }
    if (value === "ink") return colour("--ink");
    return Object.hasOwn(words, value) ? words[value] : value;
  }

  async function show(name) {
    const { datasets, words } = drawn.get(name);
    const element = document.getElementById(`chart-${name}`);
    const style = getComputedStyle(document.documentElement);
    const colour = (variable) => style.getPropertyValue(variable).trim();
    const lines = { gridColor: colour("--rule"), domainColor: colour("--faint"), tickColor: colour("--faint") };
    const text = { labelColor: colour("--ink"), titleColor: colour("--ink"), labelFontSize: 12, titleFontSize: 12 };
    const config = {
      background: "transparent",
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { ...lines, ...text, titleLimit: Math.min(600, element.clientWidth - 70), titleFontWeight: "normal" },
      legend: { ...text, orient: "top", columns: element.clientWidth < 500 ? 2 : 4, titleFontWeight: "normal", symbolStrokeColor: colour("--faint"), symbolFillColor: colour("--faint") },
    };
    const specification = { ...filled(specifications[name], words, colour), datasets };
    specification.layer = specification.layer.filter((layer) => datasets[layer.data?.name]?.length !== 0);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    await vegaEmbed(element, specification, {
      mode: "vega-lite", actions: false, renderer: "svg", config, tooltip: { theme: dark ? "dark" : "light" },
    });
    element.dataset.drawn = "yes";
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => [...drawn.keys()].forEach(show));

  return (name, datasets, x = "", y = "") => {
    const found = new Set(Object.values(datasets).flat().map((row) => row.norm));
    drawn.set(name, { datasets, words: { "title of x": x, "title of y": y, norms: norms.filter((norm) => found.has(norm)) } });
    return show(name);
  };
})();
