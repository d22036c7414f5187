// What lasts as long as the browser's tab. Where there is no storage, it lasts until the page is loaded again.

/** What was kept under this name, or null. */
export function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

export function keep(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // see above
  }
}
