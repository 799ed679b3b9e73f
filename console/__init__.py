"""Pages for people: rendered on the server, usable without JavaScript, safe by construction."""

from importlib import resources
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from console import answers

_STATIC: Final = "/static"


def add_console(app: FastAPI) -> FastAPI:
    """Serve the pages beside the interface of *app*, a gateway."""
    app.include_router(answers.router)
    app.mount(_STATIC, StaticFiles(directory=str(resources.files("console") / "static")), name="static")
    return app
