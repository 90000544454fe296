// Makes tables sortable: a button in every heading that names its column. Numbers are compared by
// data-value, words by locale; what has no number comes last either way.
for (const heading of document.querySelectorAll("th[data-column]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  heading.setAttribute("aria-sort", "none");
  button.addEventListener("click", () => {
    const table = heading.closest("table"), body = table.tBodies[0];
    const column = Number(heading.dataset.column);
    const down = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.querySelectorAll("th[data-column]")) {
      other.setAttribute("aria-sort", "none");
    }
    heading.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
    const cells = [...body.rows].map(row => row.cells[column]);
    const numbers = cells.some(cell => cell.dataset.value !== undefined);
    const key = cell => numbers ? cell.dataset.value : cell.textContent.trim();
    cells.sort((one, other) => {
      const a = key(one), b = key(other);
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return down * (numbers ? a - b : a.localeCompare(b, undefined, { numeric: true }));
    });
    body.append(...cells.map(cell => cell.parentElement));
  });
}
