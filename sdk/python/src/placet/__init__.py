"""Policies for Placet, an OAuth 2.0 and OpenID Connect server, as functions.

```python
from placet import App, Request, deny

app = App("delegation", "1")


@app.on("grant.token_exchange", cache=20)
async def delegation(x: Request):
    if x.actor is None:
        return deny("invalid_request", "actor_token required")
    scope = x.limits.scope_where(lambda value: value.startswith("shipping."))
    if not scope:
        return deny("invalid_scope", "nothing to delegate")
    return x.allow(scope=scope, access_token={"lifetime": 120}).reason("delegation_ok")


if __name__ == "__main__":
    app.run()
```
"""

from . import challenge, instant, types
from .answer import Allow, Answer, deny
from .app import App
from .request import Limits, Request

__all__ = ["Allow", "Answer", "App", "Limits", "Request", "challenge", "deny", "instant", "types"]
