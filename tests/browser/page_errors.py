"""What a page should never do: log an error, raise one, ask another host."""

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request


def recorded_errors(page: Page, base_url: str) -> list[str]:
    """Return a list that grows with every error of a page."""
    errors: list[str] = []

    def record_line(line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            errors.append(f"console: {line.text} ({line.location.get('url')})")

    def record_request(request: Request) -> None:
        parts = urlsplit(request.url)
        local = parts.scheme in {"data", "blob"} or parts.netloc == urlsplit(base_url).netloc
        if not local:
            errors.append(f"request: {request.url}")

    page.on("pageerror", lambda error: errors.append(f"error: {error}"))
    page.on("console", record_line)
    page.on("request", record_request)
    return errors
