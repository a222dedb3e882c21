// What the scripts of the page share: data that it holds, elements whose text stays text, numbers, names.
"use strict";
const page = {
  read(name) {
    const element = document.getElementById(`data-${name}`);
    return element === null ? null : JSON.parse(element.textContent);
  },
  // An element with attributes and children; strings become text, never markup.
  make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  },
  // What an object holds under a name, which may be one that every object has ("constructor").
  own(object, name) {
    return Object.hasOwn(object, name) ? object[name] : undefined;
  },
  // A name that may be broken after each _.
  broken(name) {
    const parts = name.split(/(?<=_)/);
    return parts.flatMap((part, place) => (place === 0 ? [part] : [page.make("wbr"), part]));
  },
  short(text) {
    const value = Number(text);
    return text === "" || Number.isNaN(value) ? text : String(Number(value.toPrecision(3)));
  },
  // What it was trained against: none is standard training, and other an objective of its own without a norm.
  kind(model) {
    return model.norm === "none" && model.objective ? "other" : model.norm;
  },
  training(model) {
    if (page.kind(model) === "other") return `trained with ${model.objective}`;
    if (model.norm === "none") return "standard";
    if (model.norm === "unknown") return "unknown";
    return `${model.norm} ${model.epsilon}${model.norm === "linf" ? "/255" : ""}`;
  },
  options(select, pairs) {
    select.replaceChildren(...pairs.map(([value, label]) => page.make("option", { value }, label)));
  },
  // Metrics as the options of a select, in a group for each benchmark.
  metrics(select, metrics, chosen) {
    const groups = new Map();
    metrics.forEach((metric, place) => {
      if (!groups.has(metric.title)) groups.set(metric.title, page.make("optgroup", { label: metric.title }));
      groups.get(metric.title).append(page.make("option", { value: place, selected: place === chosen }, metric.label));
    });
    select.replaceChildren(...groups.values());
  },
};
