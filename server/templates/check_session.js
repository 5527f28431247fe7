(() => {
  "use strict";
  const cookie = "{cookie}=";
  const browserState = () => {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(cookie));
    return found === undefined ? "" : found.slice(cookie.length);
  };
  const digest = async (text) => {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const base64 = btoa(String.fromCharCode(...new Uint8Array(hash)));
    return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  const look = async (message, origin) => {
    const text = typeof message === "string" ? message : "";
    const space = text.lastIndexOf(" ");
    const [client, state] = [text.slice(0, Math.max(space, 0)), text.slice(space + 1)];
    const dot = state.indexOf(".");
    if (client === "" || dot < 1) return "error";
    const salt = state.slice(dot + 1);
    const now = `${await digest(`${client} ${origin} ${browserState()} ${salt}`)}.${salt}`;
    return now === state ? "unchanged" : "changed";
  };
  addEventListener("message", async (event) => {
    if (event.source === null || event.source === window || event.origin === "null") return;
    const answer = await look(event.data, event.origin).catch(() => "error");
    event.source.postMessage(answer, event.origin);
  });
})();
