"use strict";
(() => {
  const form = document.getElementById("report-filter");
  const table = document.getElementById("report-table");
  const count = form.querySelector("output");
  const bodies = [...table.tBodies];
  const rows = bodies.flatMap((body) => [...body.querySelectorAll("tr.one")].map((row) => ({ row, body })));
  const texts = new Map(rows.map(({ row }) => [row, row.textContent.toLowerCase()]));
  const flat = table.createTBody();
  const fields = [...form.elements].filter((field) => field.name);
  const orders = {
    result: (a, b) => a.dataset.rank - b.dataset.rank,
    effect: (a, b) => b.dataset.effect - a.dataset.effect,
    id: (a, b) => (a.dataset.id < b.dataset.id ? -1 : 1),
  };
  const show = () => {
    const asked = Object.fromEntries(fields.map((field) => [field.name, field.value]));
    const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row } of rows) {
      const fits = ["document", "group", "word", "form"].every((key) => !asked[key] || row.dataset[key] === asked[key]);
      row.hidden = !(fits && words.every((word) => texts.get(row).includes(word)));
      shown += !row.hidden;
    }
    if (orders[asked.sort]) flat.append(...rows.map(({ row }) => row).sort(orders[asked.sort]));
    else for (const { row, body } of rows) body.append(row);
    for (const body of bodies) body.hidden = ![...body.querySelectorAll("tr.one")].some((row) => !row.hidden);
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  const save = () => {
    const asked = new URLSearchParams(fields.filter((field) => field.value).map((field) => [field.name, field.value]));
    history.replaceState(null, "", `#?${asked}`);
  };
  const load = () => {
    if (location.hash && !location.hash.startsWith("#?")) return;
    const asked = new URLSearchParams(location.hash.slice(2));
    for (const field of fields) field.value = asked.get(field.name) ?? "";
    show();
  };
  form.addEventListener("input", () => { show(); save(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", load);
  form.hidden = false;
  show();
  load();
})();
