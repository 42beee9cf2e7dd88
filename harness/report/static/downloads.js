// Files that the page holds, saved by the browser.
function download(name) {
  const types = { csv: "text/csv", json: "application/json", tex: "application/x-tex", bib: "application/x-bibtex" };
  const text = readJson("downloads")[name];
  const address = URL.createObjectURL(new Blob([text], { type: `${types[name.split(".").pop()]};charset=utf-8` }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
