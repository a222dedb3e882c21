// The list of claims: filtered, and the way from a claim to its models.
"use strict";
(() => {
  const form = document.querySelector("#claims form");
  if (form === null) return;
  const claims = [...document.querySelectorAll("#claims .claim")];

  function show() {
    const asked = Object.fromEntries(new FormData(form));
    const text = asked.text.trim().toLowerCase();
    const scopes = asked.scope.split(" ");
    for (const claim of claims) {
      const { verdict, scope, subject } = claim.dataset;
      claim.hidden = !((asked.verdict === "" || verdict === asked.verdict)
        && (asked.scope === "" || scopes.includes(scope))
        && (asked.subject === "" || subject === asked.subject)
        && (text === "" || claim.textContent.toLowerCase().includes(text)));
    }
    const shown = claims.filter((claim) => !claim.hidden).length;
    document.getElementById("claims-count").textContent = `${shown} of ${claims.length} claims.`;
  }

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("#claims button.models")) {
    button.addEventListener("click", () => page.only?.(JSON.parse(button.dataset.models)));
  }
  show();
})();
