"""The pages for people: what stands at ``/``, and ``/docs``; each loads nothing from another host.

FastAPI's own ``/docs`` fetches Swagger UI from a CDN. Here it comes from the package ``fastapi-offline``,
which carries its files; the pages' policies forbid the browser anything that is not this service's.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib import resources
from string import Template

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from agelens.apps.service.settings import Settings
from agelens.evaluation.report.sections import html_table
from agelens.models import tables
from agelens.models.spec import BundleSpec

#: Where the pages' files are served, those of this package and Swagger UI's.
STATIC = "/static"

#: What the browser may do for a page: ask this service, and show pictures that it has itself. Swagger UI
#: writes its style into its elements.
_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self'{styles}; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def install(app: FastAPI, settings: Settings, *, guarded: bool) -> None:
    """Add the pages to an application; ``guarded`` says that it asks for a key, and the front page for it."""
    files = StaticFiles(packages=[("agelens.apps.service", "static"), ("fastapi_offline", "static")])
    app.mount(STATIC, files, name="static")
    template = (resources.files("agelens.apps.service") / "static" / "index.html").read_text(encoding="utf-8")

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def front(request: Request) -> HTMLResponse:
        model = "" if guarded else _model(request.app.state.spec)
        page = Template(template).substitute(
            version=escape(app.version),
            key="" if guarded else "hidden",
            limits=f"Up to {settings.max_mb:g} MiB and {settings.max_megapixels:g} megapixels",
            model=model,
        )
        return _page(page)

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def docs() -> HTMLResponse:
        # Relative addresses hold behind a proxy that serves all of this under a path of its own.
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=f"{app.title}: the HTTP interface",
            swagger_js_url=f"{STATIC[1:]}/swagger-ui-bundle.js",
            swagger_css_url=f"{STATIC[1:]}/swagger-ui.css",
            swagger_favicon_url="data:,",
            swagger_ui_parameters={"validatorUrl": None},
        )
        return _page(bytes(page.body).decode(), styles=" 'unsafe-inline'")


def _page(content: str, styles: str = "") -> HTMLResponse:
    """A page with its policy; the scripts within it are allowed by their hashes."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(content))
    scripts = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    headers = {
        "Content-Security-Policy": _POLICY.format(scripts=scripts, styles=styles),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(content, headers=headers)


def _model(spec: BundleSpec) -> str:
    """The model, its licence and its measured error, as a section of the front page."""
    errors = html_table(tables.data_set_table(spec.metrics, spec.calibration.unseen))
    return (
        f"<section><h2>The model</h2><p><code>{escape(spec.name)}</code>. Licence of its weights: "
        f"{escape(spec.licence)}.</p>{errors}</section>"
    )
