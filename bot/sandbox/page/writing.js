// What somebody typed, as Slack's own client would send it: escaped, with names as references.

/** `store` knows the people, the app and the channels; a name nobody has stays as it was typed. */
export function written(text, store) {
  return text
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/(^|\s)@([\p{L}\p{N}_-]+)/gu, (whole, before, name) => {
      const id = named(name.toLowerCase(), store);
      return id ? `${before}${id}` : whole;
    })
    .replace(/(^|\s)#([\p{Ll}\p{N}_-]+)/gu, (whole, before, name) => {
      const channel = store.channelNamed(name);
      return channel ? `${before}<#${channel.id}|${name}>` : whole;
    });
}

function named(name, store) {
  if (["here", "channel", "everyone"].includes(name)) return `<!${name}>`;
  if (name === store.appName.toLowerCase() && store.appId) return `<@${store.appId}>`;
  const person = [...store.people.values()].find((one) => one.name.toLowerCase() === name);
  return person ? `<@${person.id}>` : null;
}
