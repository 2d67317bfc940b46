// The line that installs names the book's own wheel: write out where that lies.
for (const line of document.querySelectorAll(".install pre")) {
  line.textContent = line.textContent.replace(
    /(\.\.\/)*downloads\/[^"]+/, path => new URL(path, document.baseURI).href);
}

// What is wider than the window shows that it scrolls, also by keyboard.
const SCROLLS = "div.math, .highlight pre, .cell_output > .output, .pst-scrollable-table-container";
const markWide = () => {
  for (const box of document.querySelectorAll(SCROLLS)) {
    const wide = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("wide", wide);
    if (box.matches("div.math")) wide ? box.tabIndex = 0 : box.removeAttribute("tabindex");
  }
};
addEventListener("resize", markWide);
addEventListener("toggle", markWide, true);
addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(markWide));

// What folds is named by what is read on it.
for (const fold of document.querySelectorAll("summary[aria-label]")) {
  fold.removeAttribute("aria-label");
}
addEventListener("load", () => {
  for (const button of document.querySelectorAll(".solution > .toggle-button, .solution .admonition-title .toggle-button")) {
    const title = button.closest(".solution").querySelector(".admonition-title");
    button.setAttribute("aria-label", `show or hide: ${title.firstChild.textContent} ${title.querySelector("a").textContent}`);
  }
});

// On a phone, chapters and contents are dialogs: they close when a link is followed.
for (const [name, label] of [["primary", "Chapters"], ["secondary", "Contents"]]) {
  const dialog = document.getElementById(`pst-${name}-sidebar-modal`);
  if (!dialog) continue;
  dialog.setAttribute("aria-label", label);
  dialog.addEventListener("click", event => event.target.closest("a") && dialog.close());
  dialog.addEventListener("close", () => document.querySelector(`.${name}-toggle`).focus());
}

// From a folder the search cannot read the pages whose first words it would show.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Found pages show their words without TeX, and each page once under its own title.
if (typeof Search !== "undefined") {
  const {htmlToText, _performSearch} = Search;
  Search.htmlToText = (...page) => htmlToText(...page).replace(/\\[[(].*?\\[\])]/gs, "…");
  Search._performSearch = (...query) => _performSearch(...query).filter(
    ([, title]) => !/^(\d+\. )?(.+) > \2$/.test(title.replace(/<[^>]*>/g, "")));
}
