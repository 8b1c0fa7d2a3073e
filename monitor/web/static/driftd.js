// Comfort only: every page can be read and used without this file.
"use strict";

(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);

  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.min(x + 14, window.innerWidth - box.width - 8);
    const top = y + 18 + box.height > window.innerHeight ? y - box.height - 12 : y + 18;
    // Through the object model, which the content security policy allows; attributes it does not.
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${top}px`;
  };

  const rowText = (row, event) => {
    const table = row.closest("[data-windows]");
    const index = Math.floor((event.clientX - row.getBoundingClientRect().left) / table.dataset.pitch);
    const when = table.dataset.windows.split("|")[index];
    const value = row.dataset.values.split(" ")[index];
    return when && value ? `${row.dataset.column}, ${when}: evidence ${value}` : "";
  };

  document.addEventListener("pointermove", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const own = target && target.closest("[data-tip]");
    const row = target && target.closest("[data-values]");
    const text = own ? own.dataset.tip : row ? rowText(row, event) : "";
    if (text) show(text, event.clientX, event.clientY);
    else tip.hidden = true;
  });
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  const addCopyButtons = () => {
    if (!navigator.clipboard) return;
    for (const block of document.querySelectorAll("[data-copy]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(block.querySelector("code").textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      block.append(button);
    }
  };
  addCopyButtons();

  const main = document.querySelector("main[data-refresh]");
  const busy = () =>
    document.hidden || String(getSelection()) || (main.contains(document.activeElement));
  const refresh = async () => {
    if (busy()) return;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (!fresh || busy()) return;
    const offsets = [...main.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    main.replaceChildren(...fresh.childNodes);
    main.querySelectorAll(".scroll").forEach((box, i) => { box.scrollLeft = offsets[i] ?? box.scrollLeft; });
    addCopyButtons();
  };
  if (main) setInterval(refresh, 1000 * Number(main.dataset.refresh));
})();
