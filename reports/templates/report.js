"use strict";
(() => {
  const box = document.getElementById("report-filter");
  const words = box.querySelector("input");
  const verdict = box.querySelector("select");
  const count = box.querySelector("output");
  const rows = [...document.querySelectorAll("#report-table tbody tr")];
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = !verdict.value || row.dataset.verdict === verdict.value;
      row.hidden = !(fits && wanted.every((word) => text.includes(word)));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  words.addEventListener("input", filter);
  verdict.addEventListener("change", filter);
  box.hidden = false;
  filter();
})();
