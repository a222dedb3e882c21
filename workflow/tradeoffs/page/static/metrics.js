// Two metrics of all models against each other.
"use strict";
(() => {
  const [across, up] = ["metric-x", "metric-y"].map((id) => document.getElementById(id));
  if (across === null) return;
  const { metrics, models, values } = page.read("leaderboard");
  const shown = metrics.map((metric, place) => (metric.shown ? place : -1)).filter((place) => place >= 0);
  const reliance = shown.find((place) => metrics[place].direction !== "");
  const first = shown[0] ?? 0;
  page.metrics(across, metrics, first);
  page.metrics(up, metrics, reliance ?? shown[1] ?? first);

  function point(model, x, y) {
    const [ours, theirs] = [values[model.model][x], values[model.model][y]];
    if (!ours || !theirs || ours[0] === "" || theirs[0] === "") return null;
    const said = ([value, low, high]) => `${page.short(value)}${low === "" ? "" : ` [${page.short(low)}, ${page.short(high)}]`}`;
    const end = ([value, low, high], place) => Number(low === "" ? value : [low, high][place]);
    return {
      model: model.model, norm: page.kind(model), architecture: model.architecture, role: model.role, training: page.training(model),
      x: Number(ours[0]), x_low: end(ours, 0), x_high: end(ours, 1), x_text: said(ours),
      y: Number(theirs[0]), y_low: end(theirs, 0), y_high: end(theirs, 1), y_text: said(theirs),
    };
  }

  // Both ends of the least-squares line through the standard models of each architecture; those of sweeps learnt in, and
  // are tested in, other worlds.
  function lines(points) {
    const ends = [];
    for (const architecture of new Set(points.map((each) => each.architecture))) {
      const own = points.filter((each) => each.architecture === architecture && each.norm === "none" && !each.role.endsWith("_sweep"));
      const mean = (name) => own.reduce((sum, each) => sum + each[name], 0) / own.length;
      const [x, y] = [mean("x"), mean("y")];
      const spread = own.reduce((sum, each) => sum + (each.x - x) ** 2, 0);
      if (own.length < 3 || spread < 1e-12) continue;
      const slope = own.reduce((sum, each) => sum + (each.x - x) * (each.y - y), 0) / spread;
      const xs = own.map((each) => each.x);
      for (const end of [Math.min(...xs), Math.max(...xs)]) ends.push({ architecture, x: end, y: y + slope * (end - x) });
    }
    return ends;
  }

  // Vega sorts networks by name and goes round where there are more of them than fillings.
  function fillings(points) {
    const networks = [...new Set(points.map((each) => each.architecture))].sort();
    const words = ["filled", "hollow", "half filled", "a quarter filled"];
    if (networks.length < 2) return "";
    if (networks.length > words.length) return " The cursor names the network.";
    return ` Networks: ${networks.map((name, place) => `${name} ${words[place]}`).join(", ")}.`;
  }

  function show() {
    const [x, y] = [Number(across.value), Number(up.value)];
    const points = models.map((model) => point(model, x, y)).filter((each) => each !== null);
    const name = (place) => `${metrics[place].title}: ${metrics[place].label}`;
    document.getElementById("metrics-said").textContent = points.length === 0
      ? "No model has both." : `${points.length} models have both.${fillings(points)}`;
    page.draw("metrics", { points, standard: lines(points) }, name(x), name(y));
  }

  across.addEventListener("change", show);
  up.addEventListener("change", show);
  show();
})();
