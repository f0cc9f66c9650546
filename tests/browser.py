"""Debian's Chromium, headless, driven by Playwright."""

from __future__ import annotations

import shutil

from playwright.sync_api import Page, Playwright

#: Without these, Chromium calls home at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Where Chromium is on this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """Opens pages and notes every address they ask for."""

    def __init__(self, playwright: Playwright) -> None:
        self._browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        self.requests: list[str] = []

    def open(self, address: str, width: int = 1200, height: int = 1000) -> Page:
        """A new page that has loaded the demo's upload field."""
        page = self._browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        self.requests.clear()
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)
        page.wait_for_selector("#photo input[type=file]", state="attached")
        return page

    def close(self) -> None:
        """Close the browser and all its pages."""
        self._browser.close()
