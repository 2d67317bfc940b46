// The line that installs names the book's own wheel: write out where that lies.
for (const line of document.querySelectorAll(".install pre")) {
  line.textContent = line.textContent.replace(
    /(\.\.\/)*downloads\/[^"]+/, path => new URL(path, document.baseURI).href);
}

// An equation that is wider than the window can be scrolled by keyboard, too.
const reachEquations = () => {
  for (const equation of document.querySelectorAll("div.math")) {
    if (equation.scrollWidth > equation.clientWidth) equation.tabIndex = 0;
    else equation.removeAttribute("tabindex");
  }
};
addEventListener("resize", reachEquations);
addEventListener("load", () => window.MathJax?.startup?.promise.then(reachEquations));

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
