"""A browser without a window: cookies, redirects and forms, as a person would use them."""

import html.parser
from urllib.parse import urljoin

import requests


class Form:
    """A form of a page: where it goes, and what a browser would send with it."""

    def __init__(self, page, action, method):
        self.action = urljoin(page, action)
        self.method = method
        self.fields = []
        self.names = set()


class _Forms(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.page = page
        self.forms = []
        self._open = None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self._open = Form(self.page, given.get("action") or "", (given.get("method") or "get").lower())
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and given.get("name") and "disabled" not in given:
            self._open.names.add(given["name"])
            choice = given.get("type") in ("checkbox", "radio")
            if choice and "checked" not in given:
                return
            self._open.fields.append((given["name"], given.get("value") or ("on" if choice else "")))

    def handle_endtag(self, tag):
        if tag == "form":
            self._open = None


class Browser:
    """Follows redirects until the client's own address, which nobody serves."""

    def __init__(self):
        self.session = requests.Session()
        self.session.trust_env = False
        self.response = None

    def get(self, url, until):
        return self._follow("GET", url, None, until)

    def _follow(self, method, url, data, until):
        for _ in range(20):
            if url.startswith(until):
                self.response = None
                return url
            self.response = self.session.request(method, url, data=data, allow_redirects=False, timeout=20)
            if self.response.status_code not in (301, 302, 303, 307):
                return self.response.url
            url = urljoin(url, self.response.headers["Location"])
            method, data = "GET", None
        raise AssertionError(f"too many redirects, the last to {url}")

    def form(self):
        """The only form of the page."""
        assert self.response is not None, "there is no page"
        parser = _Forms(self.response.url)
        parser.feed(self.response.text)
        assert len(parser.forms) == 1, f"{len(parser.forms)} forms on {self.response.url}:\n{self.response.text}"
        return parser.forms[0]

    def submit(self, until, **filled):
        """Fills in the form and presses the button `action`."""
        form = self.form()
        fields = [(name, value) for name, value in form.fields if name not in filled]
        for name in filled:
            assert name == "action" or name in form.names, f"the form has no field {name}"
        return self._follow(form.method.upper(), form.action, fields + list(filled.items()), until)

    def sign_in(self, url, until, username="alice", password="wonderland"):
        """Through the login page and, where it comes, the consent page."""
        reached = self.get(url, until)
        if not reached.startswith(until) and "/login" in reached:
            reached = self.submit(until, username=username, password=password, action="sign-in")
        if not reached.startswith(until) and "/consent" in reached:
            reached = self.submit(until, action="allow")
        assert reached.startswith(until), f"stuck at {reached}:\n{self.response.text}"
        return reached
