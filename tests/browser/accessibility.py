"""What axe-core finds on a page."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent / "axe" / "axe.min.js"
_RUN = """async () => {
  const {violations} = await axe.run();
  return violations.flatMap(({id, help, nodes}) =>
    nodes.map(node => `${id}: ${help}: ${node.html}: ${node.failureSummary}`));
}"""


def violations(page: Page) -> list[str]:
    """Return the accessibility rules that a page breaks, each with its element."""
    # evaluated, since the page's content security policy refuses an added script
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(_RUN)
    return found
