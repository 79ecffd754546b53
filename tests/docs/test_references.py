"""Tables, links and names in the README and the docs agree with the code."""

import re
from dataclasses import fields

from config import Settings
from tests.documents import DOCUMENTS, ROOT

DESCRIBED = {  # defaults that are described in words
    "workers": "cores",
    "database_url": "SQLite in the state folder",
    "database_password": "none",
    "admin_token": "made, in the state folder",
    "retrain_cron": "none",
    "cors_origins": "none",
    "hosts": "any",
}


def test_the_settings_table_has_every_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `(NUMNET_\w+)` \| `?([^|`]+?)`? \|", text, flags=re.M)
    settings = Settings.from_environment({})
    expected = {f"NUMNET_{field.name.upper()}": field.name for field in fields(Settings)}
    assert [name for name, _ in rows] == list(expected)
    for name, default in rows:
        field = expected[name]
        assert default == DESCRIBED.get(field, str(getattr(settings, field)))


def test_every_benchmark_is_described() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [names] = re.findall(r"^BENCHMARKS := (.*)$", makefile, flags=re.M)
    described = (ROOT / "benchmarks" / "README.md").read_text()
    for name in names.split():
        assert f"`make bench-{name}`" in described
        assert f"### bench-{name}" in described


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    for document in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z-]+)", (ROOT / document).read_text()))
        assert named <= targets, document


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    for document in [*DOCUMENTS, "benchmarks/README.md"]:
        path = ROOT / document
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
            if "://" in link:
                continue
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), f"{document}: {link}"
            assert not anchor or anchor in anchors(target.read_text()), f"{document}: {link}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 170


def anchors(markdown: str) -> set[str]:
    """Return the anchors that GitHub derives from a document's headings."""
    headings = re.findall(r"^#+ (.+)$", markdown, flags=re.M)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
