// Fills the images of each benchmark from the JSON beside them. Data are put in as text and as image sources alone.
(() => {
  "use strict";
  const PICTURE = /^data:image\/webp;base64,[A-Za-z0-9+/=]*$/;

  const element = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  const picture = (data, description) => {
    if (typeof data !== "string" || !PICTURE.test(data)) return element("span", "not in this page", "small");
    const image = element("img");
    image.src = data;
    image.alt = description;
    image.loading = "lazy";
    image.addEventListener("load", () => image.classList.toggle("photograph", image.naturalWidth > 96 && !image.dataset.cells));
    return image;
  };

  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

  const said = (answer) => {
    const cell = element("td");
    if (!answer) return cell;
    const judged = answer.right === null ? "unknown" : answer.right ? "✓ right" : "✗ wrong";
    cell.append(element("span", judged, answer.right === false ? "wrong" : ""));
    if (answer.predicted !== null) cell.append(element("span", `says ${answer.predicted}`, "small"));
    if (answer.recorded !== undefined && answer.recorded !== null)
      cell.append(element("span", answer.recorded ? "withstood the evaluation's attacks" : "fooled in the evaluation", "small"));
    if (answer.probability !== null) cell.append(element("span", `true class ${percent(answer.probability)}`, "small"));
    return cell;
  };

  const looked = (look, model, image) => {
    const cell = element("td");
    if (!look) return cell;
    if (look.data !== null) {
      const shown = picture(look.data, `Gradient of ${model.label} on ${image.class}: brighter where it has more mass`);
      shown.dataset.cells = "yes";
      cell.append(shown);
    }
    const share = look.share_on_object === null ? "no share on an object" : `${percent(look.share_on_object)} on the object`;
    cell.append(element("span", share, "small"));
    return cell;
  };

  const heading = (shown, text, image) => {
    const cell = element("th");
    cell.scope = "col";
    for (const each of shown) cell.append(picture(each.data, `${image.class}, ${each.what}`), element("span", each.what, "small"));
    if (text) cell.append(element("span", text, "small"));
    return cell;
  };

  // A picture that was made against a model stands in its row, above the answer to it if the model was shown it.
  const against = (made, answer, model, image) => {
    const cell = said(answer);
    if (made) cell.prepend(picture(made.data, `${image.class}, ${made.what}, against ${model.label}`));
    return cell;
  };

  const table = (image, models) => {
    // A mask is shown to no model: it stands with the gradients, which it is laid over.
    const asked = new Set(Object.values(image.answers).flatMap((answers) => answers.map((each) => each.picture)));
    const seen = image.pictures.filter((each) => asked.has(each.what));
    const unseen = image.pictures.filter((each) => !asked.has(each.what));
    const own = image.made ?? {};
    const answered = Object.values(image.answers).flatMap((answers) => answers.filter((each) => each.recorded !== undefined).map((each) => each.picture));
    const kinds = [...new Set([...Object.values(own).flatMap((pictures) => pictures.map((each) => each.what)), ...answered])];
    const made = element("table");
    const head = element("tr");
    head.append(element("td", "model"), ...seen.map((each) => heading([each], "", image)));
    head.append(...kinds.map((what) => heading([], what, image)));
    head.append(heading(unseen, `where the model looks: gradient on the first picture${unseen.length ? ", its object outlined" : ""}`, image));
    const body = element("tbody");
    for (const model of models) {
      const answers = image.answers[model.id];
      if (!answers) continue;
      const row = element("tr");
      const name = element("th", model.label);
      name.scope = "row";
      row.append(name, ...seen.map((shown) => said(answers.find((each) => each.picture === shown.what))));
      for (const what of kinds) {
        const find = (listed) => (listed ?? []).find((each) => (each.what ?? each.picture) === what);
        row.append(against(find(own[model.id]), find(answers), model, image));
      }
      row.append(looked(image.looks[model.id], model, image));
      body.append(row);
    }
    const top = element("thead");
    top.append(head);
    made.append(top, body);
    return made;
  };

  const example = (image, models, open) => {
    const made = element("details", null, "example");
    made.open = open;
    const summary = element("summary");
    if (image.pictures.length && image.pictures[0].data !== null) summary.append(picture(image.pictures[0].data, ""));
    const words = element("span");
    words.append(
      element("b", image.group === image.class ? image.class : `${image.class}: ${image.group}`),
      element("span", image.reason, "small"),
      element("code", image.id, "small")
    );
    summary.append(words);
    made.append(summary);
    if (image.missing !== null) {
      made.append(element("p", `Not shown: ${image.missing}`, "absent"));
      return made;
    }
    const scroll = element("div", null, "example-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Pictures of ${image.id}, and what models answered`);
    scroll.append(table(image, models));
    made.append(scroll);
    return made;
  };

  const filter = (benchmark, images, show) => {
    const reasons = [...new Set(images.map((image) => image.reason))];
    const label = element("label", "Show ", "example-filter");
    const choice = element("select");
    choice.append(new Option("all reasons", ""), ...reasons.map((reason) => new Option(reason, reason)));
    choice.id = `images-${benchmark}-reason`;
    choice.addEventListener("change", () => show(choice.value));
    label.append(choice);
    return label;
  };

  for (const container of document.querySelectorAll("[data-examples]")) {
    const benchmark = container.dataset.examples;
    const source = document.getElementById(`data-images-${benchmark}`);
    if (!source) continue;
    const content = JSON.parse(source.textContent);
    const made = content.images.map((image, place) => [image.reason, example(image, content.models, place === 0)]);
    if (!made.length) continue;
    container.append(
      filter(benchmark, content.images, (reason) => {
        for (const [own, shown] of made) shown.hidden = reason !== "" && own !== reason;
      }),
      ...made.map(([, shown]) => shown)
    );
  }
})();
