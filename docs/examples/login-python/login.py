#!/usr/bin/env python3
"""A login app for Placet in one file: Python 3.9 or newer, and nothing else.

  printf '%s' "$PASSWORD" | ./login.py add alice "Alice Liddell" alice@example.com    # into users.json
  UI_TOKEN=... ./login.py                                                             # at http://localhost:8090/
"""
import hashlib, hmac, json, os, secrets, sys, threading, time
from datetime import datetime
from html import escape
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

API, TOKEN = os.environ.get("UI_API", "http://127.0.0.1:8081/ui/v1"), os.environ.get("UI_TOKEN", "")
USERS, LISTEN = os.environ.get("USERS_FILE", "users.json"), os.environ.get("LISTEN", "127.0.0.1:8090")
SECURE = os.environ.get("PUBLIC_URL", "").startswith("https:")
COOKIE = "__Host-login-py" if SECURE else "login-py"  # a name of its own: cookies do not tell ports apart
KEY = secrets.token_bytes(32)  # of the forms; several instances have to share one
ACR, AMR = "urn:placet:acr:pwd", ["pwd"]  # what a password is worth
HASHING, LOCK, WRONG = threading.BoundedSemaphore(2), threading.Lock(), {}
OPENER = build_opener(ProxyHandler({}))
NOBODY = {"salt": "00" * 16, "hash": "00" * 64}


class Fault(Exception):
    """A page that says what is wrong: the status, a sentence, and where the user can go on, if anywhere."""

# --- passwords: salted scrypt, equal work for names that nobody has, a pause after ten wrong ones ---
def scrypt(password, salt):
    with HASHING:  # each takes 16 MiB
        return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=5).hex()

def users():
    with open(USERS, encoding="utf-8") as file:
        return json.load(file)

def check_password(name, password):
    name, password, now = name[:256], password[:1024], time.monotonic()
    with LOCK:
        for old in [n for n, times in WRONG.items() if times[-1] < now - 900]:
            del WRONG[old]
        if len(WRONG.get(name, ())) >= 10 or len(WRONG) > 100_000:
            raise Fault(429, "Too many wrong passwords. Wait a quarter of an hour.")
    user = users().get(name)
    right = hmac.compare_digest(scrypt(password, (user or NOBODY)["salt"]), (user or NOBODY)["hash"])
    with LOCK:
        if user and right:
            WRONG.pop(name, None)
            return user
        WRONG.setdefault(name, []).append(now)

def add_user(name, full_name, email):
    known, salt = users() if os.path.exists(USERS) else {}, secrets.token_hex(16)
    known[name] = {"sub": name, "salt": salt, "hash": scrypt(sys.stdin.read(), salt),
                   "claims": {"name": full_name, "email": email, "email_verified": True}}
    with open(os.open(USERS + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(known, file, indent=2)
    os.replace(USERS + ".new", USERS)

# --- the interaction API ---
def api(method, interaction, step=None, body=None):
    """The prompt that the server has next; what it refuses becomes a page."""
    url = f"{API}/interactions/{quote(interaction, safe='')}" + (f"/steps/{step}" if step else "")
    headers, here = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}, "/?interaction=" + quote(interaction)
    try:
        with OPENER.open(Request(url, json.dumps(body).encode() if body else None, headers, method=method), timeout=10) as reply:
            return json.load(reply)
    except HTTPError as error:
        status, answer = error.code, json.loads(error.read() or "{}")
    except (OSError, ValueError):
        raise Fault(503, "The server cannot be reached.", here)
    if status == 409:  # answered in another tab: the current prompt is the truth
        return api("GET", interaction)
    if status in (404, 410):
        raise Fault(status, "This sign-in is over. Begin again at the app you came from.", answer.get("restart_uri"))
    print(f"{status} {answer.get('code')}: {answer.get('detail')} {answer.get('errors', '')}", file=sys.stderr)
    raise Fault(503, "That did not work. Try again in a moment.", here)

# --- prompts become forms ---
def button(action, text, id):
    return f'<p><button id="{id}" name="action" value="{escape(action)}" formnovalidate>{escape(text)}</button></p>'

def box(name, text, id, checked, kind="checkbox", value="on"):
    return (f'<p><label><input type="{kind}" id="{id}" name="{name}" value="{value}"{" checked" * checked}> {text}</label></p>')

def out_of_reach(auth):
    acr = auth.get("acr", {"essential": False})
    return acr["essential"] and ACR not in acr["values"] or set(auth.get("amr", {}).get("values", [])) - set(AMR)

def form_of(prompt, error="", account=None, other=False):
    kind, part = prompt["type"], prompt.get(prompt["type"], {})
    said = "".join(f'<p id="form-error">{escape(text)}</p>' for text in (part.get("message"), error) if text)
    if kind == "auth" and out_of_reach(part):
        return said + "<p>This needs a stronger sign-in than there is here.</p>" + button("unmet", "Back", "login-cancel")
    if kind == "auth" and part["account"].get("candidates") and not (account or other):
        rows = [button(c["session_id"], c["sub"], f"account-{n}") for n, c in enumerate(part["account"]["candidates"])]
        link = f'<p><a id="other-account" href="/?interaction={quote(prompt["id"])}&amp;other=1">Another account</a></p>'
        return said + "".join(rows) + link + button("deny", "Cancel", "select-cancel")
    if kind == "auth":
        fixed = part["account"].get("sub") or account
        name = f'value="{escape(fixed or prompt["ui"].get("login_hint", ""))}"' + " readonly" * bool(fixed)
        return (f'{said}<p><label>Name <input id="username" name="username" {name} autocomplete="username"></label></p>'
                '<p><label>Password <input id="password" name="password" type="password" autocomplete="current-password">'
                '</label></p>' + box("remember", "Keep me signed in", "remember-me", False)
                + button("sign-in", "Sign in", "login-submit") + button("deny", "Cancel", "login-cancel"))
    if kind == "consent":
        rows = [s.get("title", s["value"]) for s in part["scope"]] + [c["name"] for c in part["claims"]]
        rows += [json.dumps(detail, ensure_ascii=False) for detail in part.get("authorization_details", [])]
        return (f"{said}<p>You are {escape(part['subject']['sub'])}. The app wants:</p><ul>"
                + "".join(f"<li>{escape(row)}</li>" for row in rows) + "</ul>" + box("remember", "Do not ask again", "remember", True)
                + button("allow", "Allow", "consent-allow") + button("deny", "Deny", "consent-deny"))
    if kind == "confirm" and part["what"] == "logout":
        texts = {"client": "Sign out of this app", "session": "Sign out of this browser", "subject": "Sign out everywhere"}
        rows = [box("scope", texts[c], f"scope-{c}", c == part.get("default"), "radio", c) for c in part.get("choices", [])]
        return "".join(rows) + button("confirm", "Sign out", "logout-confirm") + button("refuse", "Stay", "logout-cancel")
    return "<p>This app has no page for that.</p>" + button("deny", "Back", "deny")

# --- forms become answers ---
def suffices(auth, candidate):
    """Whether the session of an account will do as it is, without its password."""
    instant = lambda text: datetime.fromisoformat(text.replace("Z", "+00:00"))
    acr, fresh = auth.get("acr", {"essential": False}), instant(auth.get("not_before", "2000-01-01T00:00:00Z"))
    return (auth["reasons"] == ["prompt_select_account"] and instant(candidate["authenticated_at"]) >= fresh
            and (not acr["essential"] or candidate.get("acr") in acr["values"]))

def answer_of(prompt, form):
    """The answer to a prompt, or another form for it."""
    kind, action, part = prompt["type"], form.get("action", ""), prompt.get(prompt["type"], {})
    if kind == "confirm":
        return {"type": kind, "accepted": action == "confirm",
                **({"scope": form["scope"]} if action == "confirm" and "scope" in form else {})}
    if action in ("deny", "unmet"):
        return {"type": "deny", "error": "access_denied" if action == "deny" else "unmet_authentication_requirements"}
    if kind == "consent" and action == "allow":  # everything that this very prompt listed
        return {"type": kind, "accept_all": True, "remember": {"mode": "always" if "remember" in form else "never"}}
    if kind != "auth" or out_of_reach(part):
        raise Fault(400, "This form is not one of ours.")
    candidates = part["account"].get("candidates", [])
    chosen = next((c for c in candidates if c["session_id"] == action), None)
    if chosen and not suffices(part, chosen):
        return form_of(prompt, account=chosen["sub"])
    if chosen:
        proved = {name: chosen[name] for name in ("acr", "amr", "authenticated_at") if name in chosen}
        return {"type": kind, "sub": chosen["sub"], **proved, "session": {"action": "reuse", "id": chosen["session_id"]}}
    user = check_password(form.get("username", ""), form.get("password", ""))
    if not user:
        return form_of(prompt, "That name and that password do not belong together.", other=True)
    here = [prompt.get("session", {})] + [{"sub": c["sub"], "id": c["session_id"]} for c in candidates]
    mine = next((session["id"] for session in here if session.get("sub") == user["sub"]), None)
    session = {"action": "reuse", "id": mine} if mine else {"action": "create", "persistent": "remember" in form}
    return {"type": kind, "sub": user["sub"], "acr": ACR, "amr": AMR, "session": {**session, "claims": user["claims"]}}

# --- the browser ---
def seal(browser, interaction, step):
    """What only this app can write into a form: another site can post one, but not know this."""
    return hmac.new(KEY, json.dumps([browser, interaction, str(step)]).encode(), "sha256").hexdigest()

class Handler(BaseHTTPRequestHandler):
    def guarded(self, work):
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        self.known = bool(cookie and len(cookie.value) == 43)
        self.browser = cookie.value if self.known else secrets.token_urlsafe(32)
        try:
            if urlsplit(self.path).path != "/":
                raise Fault(404, "There is no such page.")
            work()
        except Fault as fault:
            status, text, link = (*fault.args, None)[:3]
            on = f'<p><a id="try-again" href="{escape(link)}">Go on</a></p>' if link else ""
            self.page(status, f'<div id="error-page"><p>{escape(text)}</p>{on}</div>')

    do_GET = lambda self: self.guarded(self.show)
    do_POST = lambda self: self.guarded(self.take)
    log_message = lambda *_: None  # addresses hold ids of interactions

    def show(self):
        query = parse_qs(urlsplit(self.path).query)
        if "interaction" not in query:
            raise Fault(400, "Sign-ins begin at the app that you want to use.")
        prompt = api("GET", query["interaction"][0])
        if prompt["type"] == "error":
            raise Fault(400, "The app made a mistake: " + prompt["error"]["error_description"])
        if prompt["type"] == "response":  # to the server's /resume, where it all takes effect
            uri = prompt["response"]["delivery"].get("uri")
            return self.send(303, b"", {"Location": uri}) if uri else self.page(200, "<p>You can close this page.</p>")
        self.form(200, prompt, form_of(prompt, other="other" in query))

    def take(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > 65536:
            raise Fault(413, "This form is too large.")
        form = dict(parse_qsl(self.rfile.read(int(length)).decode("utf-8", "replace")))
        interaction, step = form.get("interaction", ""), form.get("step", "")
        link, ours = "/?interaction=" + quote(interaction), seal(self.browser, interaction, step)
        if not self.known or not hmac.compare_digest(form.get("csrf", "").encode(), ours.encode()):
            raise Fault(403, "This form was not made for this browser. Are cookies off?", link)
        prompt = api("GET", interaction)
        if str(prompt["step"]) == step and prompt["type"] not in ("response", "error"):
            answer = answer_of(prompt, form)
            if isinstance(answer, str):
                return self.form(422, prompt, answer)
            api("PUT", interaction, step, answer)
        self.send(303, b"", {"Location": link})  # so that the back button sends no form twice

    def form(self, status, prompt, fields):
        client = prompt.get("client", {})
        name = client.get("name", client.get("client_id", "")) + (" of " + client["document_host"] if "document_host" in client else "")
        hidden = {"interaction": prompt["id"], "step": prompt["step"], "csrf": seal(self.browser, prompt["id"], prompt["step"])}
        inputs = "".join(f'<input type="hidden" name="{k}" value="{escape(str(v))}">' for k, v in hidden.items())
        self.page(status, f'<h1>{escape(name)}</h1><form method="post" action="/">{inputs}{fields}</form>')

    def page(self, status, body):
        html = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title><main>{body}</main></html>'
        self.send(status, html.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def send(self, status, body, headers):
        self.send_response(status)
        # No `form-action`: browsers apply it to the redirect that answers a form, and ours lead to other origins.
        for name, value in {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
                            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
                            "Referrer-Policy": "no-referrer", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        if not self.known:
            self.send_header("Set-Cookie", f"{COOKIE}={self.browser}; Path=/; HttpOnly; SameSite=Lax" + "; Secure" * SECURE)
        self.end_headers()
        self.wfile.write(body)

if __name__ == "__main__":
    if sys.argv[1:2] == ["add"] and len(sys.argv) == 5:
        sys.exit(add_user(*sys.argv[2:]))
    if not TOKEN or len(sys.argv) > 1:
        sys.exit(__doc__)
    ThreadingHTTPServer((LISTEN.rpartition(":")[0], int(LISTEN.rpartition(":")[2])), Handler).serve_forever()
