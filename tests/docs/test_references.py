"""Tables, links and names in the README and the docs agree with the code."""

import re

from config import Settings
from config.settings import DECLARATIONS
from tests.documents import DOCUMENTS, ROOT


def test_the_settings_table_is_that_of_the_declarations() -> None:
    defaults = Settings.from_environment({})
    rows = [
        f"| `{variable}` | {declared.if_unset or f'`{default}`'} | {declared.description} |"
        for (variable, declared), default in zip(
            DECLARATIONS.items(), vars(defaults).values(), strict=True
        )
    ]
    table = "\n".join(["| variable | default | |", "|---|---|---|", *rows, ""])
    assert table in (ROOT / "docs" / "settings.md").read_text(), f"expected:\n{table}"


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


def test_every_file_that_is_named_exists() -> None:
    folders = [each for each in ROOT.iterdir() if each.is_dir() and each.name[0] != "."]
    paths = [f"/{each.relative_to(ROOT)}" for folder in folders for each in folder.rglob("*.*")]
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        for name in re.findall(r"`([\w/.-]+\.(?:py|yml|yaml|toml))`", text):
            exists = (ROOT / name).exists() or any(path.endswith(f"/{name}") for path in paths)
            assert exists, f"{document}: {name}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 170


def anchors(markdown: str) -> set[str]:
    """Return the anchors that GitHub derives from a document's headings."""
    headings = re.findall(r"^#+ (.+)$", markdown, flags=re.M)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
