// The keys that work anywhere on the page, as in Slack; what a box, a list or a menu does with keys of its own stands there.

/** Listen to them. `page` is the page: where the reader is, and how to go elsewhere. */
export function listenToKeys(page) {
  document.addEventListener("keydown", (event) => pressed(page, event));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address says which place is open
    page.panes.show("channel");
    page.box.focus();
  });
}

function pressed(page, event) {
  const arrow = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (page.modals.open || document.querySelector("dialog[open], :popover-open")) return;
  if (event.altKey && arrow) {
    event.preventDefault();
    step(page, arrow, event.shiftKey);
  } else if (event.key === "Escape") {
    page.closeThread();
  } else if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    event.preventDefault();
    page.box.begin("/");
  }
}

function step(page, direction, unreadOnly) {
  const { channels, direct } = page.store.placesOf(page.me);
  const places = [...channels, ...direct];
  const here = places.findIndex((place) => place.id === page.place);
  for (let walked = 1; walked <= places.length; walked += 1) {
    const next = places[(here + direction * walked + places.length * walked) % places.length];
    if (!unreadOnly || page.store.unread(next.id, page.me).count) {
      page.open(next.id);
      page.box.focus();
      return;
    }
  }
}
