// Keeps an open dashboard fresh: reads the page again and swaps what is in <main>. Nothing is lost without it: the page
// is whole, and reloading does the same. Where somebody is stays: how far they scrolled, what they unfolded, and what has
// the focus.
"use strict";

(() => {
  const main = document.getElementById("board");
  const fresh = document.getElementById("fresh");
  const filter = document.querySelector(".filter");
  const every = 1000 * Number(main.dataset.every || 15);
  const PATIENCE = 10000;
  let heard = new Date();
  let timer = null;
  let reading = false;

  // What is empty asks for nothing: the address stays short.
  filter.addEventListener("submit", () => {
    for (const select of filter.querySelectorAll("select")) select.disabled = select.value === "";
  });
  window.addEventListener("pageshow", () => {
    for (const select of filter.querySelectorAll("select")) select.disabled = false;
  });

  // By the organisation's clock, as every other instant of the page; by the reader's where their browser lacks it.
  const clock = (at) => {
    const short = { hour: "2-digit", minute: "2-digit" };
    try {
      return `${at.toLocaleTimeString("en-GB", { ...short, timeZone: main.dataset.zone })} (${main.dataset.zone})`;
    } catch {
      return `${at.toLocaleTimeString("en-GB", short)} (your clock)`;
    }
  };

  const styleOf = (page) => page.querySelector("link[rel=stylesheet]")?.getAttribute("href");

  /** What in the page names the same thing as what is about to go: a link, or what folds. */
  const again = (focused) => {
    const every = [...main.querySelectorAll("a[href], summary")];
    return every.find((one) => same(one).href === focused.href && same(one).text === focused.text);
  };
  const same = (one) => {
    const folds = one.matches("summary") ? one.parentElement.dataset.key : null;
    return { href: one.getAttribute("href") ?? `details ${folds}`, text: folds === null ? one.textContent : "" };
  };

  const swap = (page) => {
    const next = page.getElementById("board");
    const said = page.getElementById("fresh");
    if (!next || !said) throw new Error("that is no dashboard");
    if (styleOf(page) !== styleOf(document)) return location.reload(); // a newer Shipmate looks otherwise
    const active = main.contains(document.activeElement) && document.activeElement !== main ? document.activeElement : null;
    const focused = active && same(active);
    const before = [window.scrollX, window.scrollY];
    const unfolded = new Set([...main.querySelectorAll("details[open]")].map((one) => one.dataset.key));
    for (const one of next.querySelectorAll("details")) one.open = unfolded.has(one.dataset.key);
    main.replaceChildren(...[...next.childNodes].map((node) => document.importNode(node, true)));
    if (focused) again(focused)?.focus({ preventScroll: true });
    window.scrollTo(...before);
    document.title = page.title;
    fresh.classList.remove("away");
    fresh.removeAttribute("role");
    fresh.replaceChildren(...[...said.childNodes].map((node) => document.importNode(node, true)));
  };

  const away = (words) => {
    if (fresh.textContent === words) return; // said aloud once
    fresh.textContent = words;
    fresh.classList.add("away");
    fresh.setAttribute("role", "alert");
  };

  const read = async () => {
    if (reading || document.hidden) return;
    reading = true;
    try {
      const answer = await fetch(location.href, {
        headers: { "X-Shipmate-Refresh": "1" },
        credentials: "same-origin",
        cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.status === 401) {
        away("Your session is over: open the dashboard again from Shipmate's Home in Slack");
      } else if (!answer.ok) {
        away(`No answer since ${clock(heard)}`);
      } else {
        swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
        heard = new Date();
      }
    } catch {
      away(`No answer since ${clock(heard)}`);
    } finally {
      reading = false;
      clearTimeout(timer); // another one is set when the page was hidden meanwhile
      timer = setTimeout(read, every);
    }
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    timer = setTimeout(read, document.hidden ? every : 0);
  });
  timer = setTimeout(read, every);
})();
