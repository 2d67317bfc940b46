// Shows measured values in the prose of the book's notebooks inside JupyterLab.
//
// jupyterlab-myst renders the roles {glue:} and {cost}, which it does not know, as a bare
// span with the role's text: the name of a claim, or the address of a page. Here that
// text gives way to the value that the claim recorded in the notebook's outputs, or to
// the cost that appendix/timings.json tells. The notebook itself is left as it is.

(() => {
  const RECORD = "application/papermill.record/text/html";

  function gluedValues(notebook) {
    const values = new Map();
    for (const cell of notebook.model?.sharedModel.toJSON().cells ?? []) {
      for (const output of cell.outputs ?? []) {
        const name = output.metadata?.scrapbook?.name;
        const record = output.data?.[RECORD];
        if (name && record) {
          const box = document.createElement("template");
          box.innerHTML = [record].flat().join("");
          values.set(name, box.content.textContent);
        }
      }
    }
    return values;
  }

  async function costs(baseUrl) {
    const reply = await fetch(`${baseUrl}files/appendix/timings.json`);
    if (!reply.ok) return new Map();
    const { pages, machine } = await reply.json();
    const words = ({ seconds, peak_memory_mb: megabytes }) =>
      `${seconds.toFixed(0)} s and ${(megabytes / 1000).toFixed(1)} GB on ${machine}, no GPU`;
    return new Map(Object.entries(pages).map(([page, cost]) => [page, words(cost)]));
  }

  function fill(notebook, pageCosts) {
    const values = new Map([...pageCosts, ...gluedValues(notebook)]);
    for (const span of notebook.node.querySelectorAll(".jp-MarkdownCell span")) {
      const role = span.dataset.role ?? span.textContent;
      const bare = span.children.length === 0 && [...span.attributes].length === 0;
      if (!values.has(role) || !(bare || span.dataset.role)) continue;
      if (span.textContent !== values.get(role)) {
        span.dataset.role = role;
        span.textContent = values.get(role);
      }
    }
  }

  const plugin = {
    id: "aiarch-pages:plugin",
    autoStart: true,
    activate: async (app) => {
      const pageCosts = await costs(app.serviceManager.serverSettings.baseUrl);
      const watched = new WeakSet();
      const watch = () => {
        for (const { content } of app.shell.widgets("main")) {
          if (!content?.model?.sharedModel?.cells || watched.has(content)) continue;
          watched.add(content);
          let waiting = null;
          const later = () => {
            clearTimeout(waiting);
            waiting = setTimeout(() => fill(content, pageCosts), 100);
          };
          new MutationObserver(later).observe(content.node, {
            childList: true,
            subtree: true,
          });
          later();
        }
      };
      app.shell.currentChanged?.connect(() => setTimeout(watch, 500));
      setInterval(watch, 2000); // a notebook's model may come later than its tab
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB["aiarch-pages"] = {
    init: async () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
