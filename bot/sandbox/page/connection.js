// The page's two ways to the sandbox: the live websocket, made again whenever it is lost, and the control door's requests.

const FIRST_WAIT = 400;
const LONGEST_WAIT = 5000;

/** Follow the live events; `onEvent(event)` gets each, `onState("live" | "lost")` hears how the line is. Never gives up. */
export function follow(onEvent, onState) {
  let wait = FIRST_WAIT;
  const open = () => {
    const address = new URL("/_sandbox/live", window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.addEventListener("message", ({ data }) => {
      wait = FIRST_WAIT;
      onState("live");
      onEvent(JSON.parse(data));
    });
    socket.addEventListener("close", () => {
      onState("lost");
      setTimeout(open, wait * (0.8 + 0.4 * Math.random()));
      wait = Math.min(wait * 1.7, LONGEST_WAIT);
    });
  };
  open();
}

/** Do something in the world, as a person or by playing a scene; resolves to the answer, rejects with a sentence for people. */
export function act(what) {
  return ask("POST", "/_sandbox/act", what);
}

/** Ask something else of the control door. */
export async function ask(method, path, body = null) {
  let response;
  try {
    response = await fetch(path, { method, ...(body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {}) });
  } catch {
    throw new Error("The sandbox does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || answer.ok === false) {
    throw new Error(answer.error ?? answer.message ?? `The sandbox refused (HTTP ${response.status}).`);
  }
  return answer;
}
