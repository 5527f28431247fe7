"""A sidecar to be served: by `python served.py`, or by an ASGI server as `served:app`."""

import asyncio
import time

from placet import Answer, App, Request, deny

app = App("served", "1")


@app.on("grant.client_credentials")
async def client_credentials(x: Request) -> Answer:
    await asyncio.sleep(x.get("/client/data/sleep", 0))
    return x.allow(scope=x.limits.scope_where(lambda value: value.startswith("reports.")))


@app.on("grant.password")
def password(x: Request) -> Answer:
    time.sleep(x.get("/client/data/sleep", 0))
    return deny("invalid_grant")


if __name__ == "__main__":
    app.run()
