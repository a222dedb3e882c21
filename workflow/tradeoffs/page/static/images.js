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

  const percent = (share) => `${Math.round(100 * share)} %`;

  const said = (answer) => {
    const cell = element("td");
    if (!answer) {
      cell.append(element("span", "not shown to models", "small"));
      return cell;
    }
    const judged = answer.right === null ? "unknown" : answer.right ? "✓ right" : "✗ wrong";
    cell.append(element("span", judged, answer.right === false ? "wrong" : ""));
    if (answer.predicted !== null) cell.append(element("span", `says ${answer.predicted}`, "small"));
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

  const example = (image, models) => {
    const made = element("article", null, "example");
    made.append(element("h4", image.group === image.class ? image.class : `${image.class}: ${image.group}`));
    made.append(element("p", `Why: ${image.reason}`));
    const id = element("p");
    id.append(element("code", image.id));
    made.append(id);
    if (image.missing !== null) {
      made.append(element("p", `Not shown: ${image.missing}`, "absent"));
      return made;
    }
    const scroll = element("div", null, "example-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Pictures of ${image.id}, and what models answered`);
    const table = element("table");
    const head = element("tr");
    head.append(element("td", "model"));
    for (const shown of image.pictures) {
      const cell = element("th");
      cell.scope = "col";
      cell.append(picture(shown.data, `${image.class}, ${shown.what}`), element("span", shown.what));
      head.append(cell);
    }
    const last = element("th", "where it looks: the gradient on the first picture, the object outlined if there is a mask");
    last.scope = "col";
    head.append(last);
    const top = element("thead");
    top.append(head);
    const body = element("tbody");
    for (const model of models) {
      const answers = image.answers[model.id];
      if (!answers) continue;
      const row = element("tr");
      const name = element("th", model.label);
      name.scope = "row";
      row.append(name);
      for (const shown of image.pictures) row.append(said(answers.find((each) => each.picture === shown.what)));
      row.append(looked(image.looks[model.id], model, image));
      body.append(row);
    }
    table.append(top, body);
    scroll.append(table);
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
    const made = content.images.map((image) => [image.reason, example(image, content.models)]);
    if (!made.length) continue;
    container.append(
      filter(benchmark, content.images, (reason) => {
        for (const [own, article] of made) article.hidden = reason !== "" && own !== reason;
      }),
      ...made.map(([, article]) => article)
    );
  }
})();
