"""Further pages for mkdocs, in addition to those of `docs/`: the README, and one per module."""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("hrm", "ablations", "reports", "bench")

# Pages of the root, by their names among the pages of docs/.
ROOT_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LINKED_FOLDERS = ("configs", "examples")  # pages link to files in these

_LINK = re.compile(r"(?<=\]\()(?![a-z]+://|#)(?P<path>[^)#\s]+)")
_WHOLE_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^)#\s:]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the root's pages, the files that pages link to, and the pages of the modules."""
    for source, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    for folder in LINKED_FOLDERS:
        for path in sorted(ROOT.glob(f"{folder}/*.*")):
            uri = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    names = [name for package in PACKAGES for name in _modules(ROOT / package)]
    for name in names:
        files.append(File.generated(config, f"api/{name}.md", content=f"::: {name}\n"))
    files.append(File.generated(config, "api/index.md", content=_index(names)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turns links within the repository into links within the site.

    A link to a folder becomes plain text, because folders have no pages on the site.
    """
    folder = ROOT if page.file.src_uri in ROOT_PAGES.values() else ROOT / "docs"

    def without_folders(link: re.Match[str]) -> str:
        return link["text"] if (folder / link["path"]).is_dir() else link[0]

    def on_the_site(link: re.Match[str]) -> str:
        target = (folder / link["path"]).resolve()
        if not target.is_relative_to(ROOT):
            return link["path"]
        path = target.relative_to(ROOT).as_posix()
        return ROOT_PAGES.get(path, path.removeprefix("docs/"))

    if page.file.src_uri.startswith("api/"):
        return markdown
    return _LINK.sub(on_the_site, _WHOLE_LINK.sub(without_folders, markdown))


def _modules(package: Path) -> Iterator[str]:
    """The dotted names of a package and its modules, `__main__` aside."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if parts[-1] != "__main__":
            yield name


def _index(names: list[str]) -> str:
    """A nested list of the modules, each with a link to its page."""
    lines = [f"{'    ' * name.count('.')}- [`{name}`]({name}.md)" for name in sorted(names)]
    return "\n".join(["# API", "", *lines, ""])
