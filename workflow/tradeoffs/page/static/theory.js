// The linear model for what the sliders say: its risk under attack is in closed form, and is minimised here.
//
// Features are x_C and x_S, the latter of scale a; theta = (u, v / a). The residual has standard deviation s, the
// weights have the dual norm n, and R = s^2 + 2 c e s n + e^2 n^2 with c = sqrt(2 / pi) (tradeoffs.theory.risk). R is
// convex, so its least value over v is convex in u: two searches by the golden section, one in the other.
"use strict";
page.theory = (() => {
  const c = Math.sqrt(2 / Math.PI);
  const golden = (Math.sqrt(5) - 1) / 2;

  function least(f, low, high) {
    let [a, b] = [high - golden * (high - low), low + golden * (high - low)];
    let [fa, fb] = [f(a), f(b)];
    while (high - low > 1e-8) {
      if (fa <= fb) { high = b; b = a; fb = fa; a = high - golden * (high - low); fa = f(a); }
      else { low = a; a = b; fa = fb; b = low + golden * (high - low); fb = f(b); }
    }
    return (low + high) / 2;
  }

  const models = {
    causal: (noise, correlation) => ({
      variance: (u, v) => noise ** 2 + (u - 1) ** 2 + 2 * correlation * (u - 1) * v + v ** 2,
      core: 1, response: Math.sqrt(1 + noise ** 2),
    }),
    anticausal: (noise, correlation) => ({
      variance: (u, v) => 1 - 2 * (u + correlation * v) + u ** 2 * (1 + noise ** 2) + 2 * correlation * u * v + v ** 2,
      core: Math.sqrt(1 + noise ** 2), response: 1,
    }),
  };
  const norms = {
    linf: { dual: (u, w) => Math.abs(u) + Math.abs(w), primal: (x, y) => Math.max(x, y) },
    l2: { dual: Math.hypot, primal: Math.hypot },
    l1: { dual: (u, w) => Math.max(Math.abs(u), Math.abs(w)), primal: (x, y) => x + y },
  };

  // The share of the prediction that the spurious feature carries, at a share of the budget of collapse.
  function reliance(name, noise, norm, scale, correlation, share) {
    const { variance, core, response } = models[name](noise, correlation);
    const { dual, primal } = norms[norm];
    const budget = share * primal(1, scale * correlation) / (c * response);
    const risk = (u, v) => {
      const s = Math.sqrt(Math.max(variance(u, v), 0));
      const n = dual(u, v / scale);
      return s * s + 2 * c * budget * s * n + (budget * n) ** 2;
    };
    const spurious = (u) => least((v) => risk(u, v), -1.5, 1.5);
    const u = least((each) => risk(each, spurious(each)), -0.5, 1.5);
    const [ours, theirs] = [Math.abs(u) * core, Math.abs(spurious(u))];
    return ours + theirs < 1e-6 ? 0 : theirs / (ours + theirs);
  }
  return { reliance, norms: Object.keys(norms) };
})();

(() => {
  const chosen = document.getElementById("theory-model");
  if (chosen === null) return;
  const told = page.read("theory");
  const sliders = Object.fromEntries(["scale", "correlation", "budget"].map((name) => [name, document.getElementById(`theory-${name}`)]));
  const { reliance, norms } = page.theory;
  sliders.correlation.value = told[chosen.value].correlation;
  const steps = (low, high, count) => Array.from({ length: count }, (_, i) => low + (high - low) * i / (count - 1));

  function show() {
    const model = chosen.value;
    const { noise } = told[model];
    const [scale, correlation, budget] = Object.values(sliders).map((slider) => Number(slider.value));
    for (const slider of Object.values(sliders)) slider.nextElementSibling.value = slider.value;
    const at = (norm, a, share) => reliance(model, noise, norm, a, correlation, share);
    const over = norms.flatMap((norm) => steps(0, 0.98, 40).map((share) => ({ norm, budget: share, reliance: at(norm, scale, share) })));
    const change = norms.flatMap((norm) => steps(0.1, 3, 30).map((a) => ({ norm, scale: a, change: at(norm, a, budget) - at(norm, a, 0) })));
    page.draw("budget", { budget: over, at: [{ budget }] }, "", "reliance");
    page.draw("scale", { scale: change, at: [{ scale }], zero: [{ y: 0 }] }, "", "change of reliance");
    const said = norms.map((norm) => `${norm} ${at(norm, scale, budget).toFixed(3)}`);
    document.getElementById("theory-said").textContent = `Reliance there: ${said.join(", ")}; standard training ${at("l2", scale, 0).toFixed(3)}.`;
  }

  let asked = false;
  const soon = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; show(); });
  };
  for (const each of [chosen, ...Object.values(sliders)]) each.addEventListener("input", soon);
  show();
  if (document.getElementById("chart-networks") !== null) {
    const text = (row) => `${page.short(String(row.value))}${row.low === null ? "" : ` [${page.short(String(row.low))}, ${page.short(String(row.high))}]`}`;
    const networks = told.networks.map((row) => ({ ...row, text: text(row) }));
    page.draw("networks", { networks, zero: [{ y: 0 }] }, "", "effect on reliance");
  }
})();
