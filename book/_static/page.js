// The line that installs names the book's own wheel: write out where that lies.
for (const line of document.querySelectorAll(".install pre")) {
  line.textContent = line.textContent.replace(
    /(\.\.\/)*downloads\/[^"]+/, path => new URL(path, document.baseURI).href);
}

// An equation that is wider than the window can be scrolled by keyboard, too.
const reachEquations = () => {
  for (const equation of document.querySelectorAll("div.math")) {
    equation.tabIndex = equation.scrollWidth > equation.clientWidth ? 0 : -1;
  }
};
addEventListener("resize", reachEquations);
addEventListener("load", () => window.MathJax?.startup?.promise.then(reachEquations));

// Mark what was searched for. Sphinx would, but not where the theme has loaded the search.
if (!document.querySelector("#search-results")) SphinxHighlight.highlightSearchWords();
