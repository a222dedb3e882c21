// A model's card: how it was made, from what, with which settings and versions, and its evaluations.
"use strict";
page.card = (() => {
  const { models, versions, differences } = page.read("cards");
  const dialog = document.getElementById("card");
  const plain = (value) => (value === null || value === undefined ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value));
  const list = (pairs) => page.make("dl", {}, ...pairs.flatMap(([name, value]) => [page.make("dt", {}, name), page.make("dd", {}, plain(value))]));
  const part = (title, ...inside) => page.make("details", {}, page.make("summary", {}, title), ...inside);

  const provenance = (card) => list([
    ["code id", card.code], ["seed", card.seed], ["device", card.device], ["seconds", card.seconds],
    ...Object.entries(card.data).map(([name, value]) => [`fingerprint of ${name}`, value]),
    ...Object.entries(card.files).map(([name, value]) => [`SHA-256 of ${name}`, value]),
  ]);
  const settings = (card) => part("Settings", list(Object.entries(card.settings)));
  const used = (card) => part("Versions", list(Object.entries(versions[card.versions])));

  function compared(rows) {
    const cells = (row) => [row.benchmark, row.metric, page.short(row.value), row.ci_low === "" ? "none" : `${page.short(row.ci_low)} to ${page.short(row.ci_high)}`];
    const line = (row) => page.make("tr", {}, ...cells(row).map((text, place) => page.make("td", { class: place < 2 ? "word" : "" }, text)));
    const head = page.make("tr", {}, ...["Benchmark", "Measure", "Difference", "95 % interval"].map((text, place) => page.make("th", { scope: "col", class: place < 2 ? "word" : "" }, text)));
    const caption = page.make("caption", { class: "hidden" }, "Differences");
    const table = page.make("table", {}, caption, page.make("thead", {}, head), page.make("tbody", {}, ...rows.map(line)));
    return part("Against what it is compared with (positive: more reliance)", page.make("div", { class: "scroll", tabindex: 0 }, table));
  }

  return (name) => {
    const model = page.own(models, name);
    const compares = page.own(differences, name);
    const close = page.make("button", { type: "button", class: "close", click: () => dialog.close() }, "Close");
    const inside = [close, page.make("h2", { id: "card-title" }, name)];
    if (model === undefined || model.made === null) {
      inside.push(page.make("p", { class: "absent" }, "No card of its training or conversion was given to this page."));
    }
    if (model !== undefined) {
      inside.push(list([["weights from", model.source], ["trained in the world", model.world]]));
      if (model.made !== null) inside.push(provenance(model.made), settings(model.made), used(model.made));
      if (Object.keys(model.more).length > 0) inside.push(part("What else its card says", list(Object.entries(model.more))));
      for (const [benchmark, card] of Object.entries(model.evaluations)) {
        inside.push(part(`Evaluation on ${benchmark}`, provenance(card), settings(card), used(card)));
      }
    }
    if (compares !== undefined) inside.push(compared(compares));
    dialog.replaceChildren(...inside);
    dialog.showModal();
  };
})();
