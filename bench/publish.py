"""asv's site, with local copies of the scripts and styles that it would load from other servers.

`tox -e bench -- --publish` writes `.asv/html`. The site loads JSON, which browsers refuse to read
from files, so that it must be served: `python -m http.server --directory .asv/html`. It needs no
other server.

The files are downloaded from the npm registry once and kept in `.asv/vendor`, with their licences;
none is committed. Each must have the SHA-256 below. flot is not minified, and stupidtable is a
later version; all other files have the bytes to which asv's page refers.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import commits


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file of a package.

    Args:
        url: Part of the address in asv's page.
        package: Name and version of the package.
        path: Path in the package.
        sha256: SHA-256 of the file.
    """

    url: str
    package: str
    path: str
    sha256: str


ASSETS = (
    Asset(
        url="jquery-3.3.1.min.js",
        package="jquery@3.3.1",
        path="dist/jquery.min.js",
        sha256="160a426ff2894252cd7cebbdd6d6b7da8fcd319c65b70468f10b6690c45d02ef",
    ),
    Asset(
        url="jquery.flot.min.js",
        package="flot@0.8.3",
        path="jquery.flot.js",
        sha256="b7b931f273c38b1277b9c6c1f4e05c4ec09885a487bddaf3279e2d7e49a38e12",
    ),
    Asset(
        url="jquery.flot.time.min.js",
        package="flot@0.8.3",
        path="jquery.flot.time.js",
        sha256="a582c832adc7138a6b05aaf61f16ebac274701f1be4afea77e739a1c34b9c41a",
    ),
    Asset(
        url="jquery.flot.selection.min.js",
        package="flot@0.8.3",
        path="jquery.flot.selection.js",
        sha256="e6c85f6c1ebe4b4da29d8ae238c7c5060283f05f7ef054f6b91817d02c092918",
    ),
    Asset(
        url="jquery.flot.categories.min.js",
        package="flot@0.8.3",
        path="jquery.flot.categories.js",
        sha256="6e81664b28ea795c734906f4aa15614640a75ac7fbd399a7fb9084040698351a",
    ),
    Asset(
        url="jquery.flot.orderBars.js",
        package="flot-orderbars@1.0.0",
        path="js/jquery.flot.orderBars.js",
        sha256="39735b4f46f96ff4e082572401f47c55a2767b366fd1d1e821e44a8d830a12bf",
    ),
    Asset(
        url="stupidtable.min.js",
        package="stupid-table-plugin@1.1.3",
        path="stupidtable.min.js",
        sha256="4642380f28ebe9ed7cac251793b281ef8620c4386205d92788f9b12f5cceb4e0",
    ),
    Asset(
        url="md5.min.js",
        package="blueimp-md5@2.19.0",
        path="js/md5.min.js",
        sha256="64d7ded388c562e4bde9e58ce205e5fa01b9734fcd434d496eb7b4fbfe9b927d",
    ),
    Asset(
        url="bootstrap.min.js",
        package="bootstrap@3.1.1",
        path="dist/js/bootstrap.min.js",
        sha256="898d05a17f2cfc5120ddcdba47a885c378c0b466f30f0700e502757e24b403a1",
    ),
    Asset(
        url="bootstrap.min.css",
        package="bootstrap@3.1.1",
        path="dist/css/bootstrap.min.css",
        sha256="e9503448692b738dd260fbd7f7cabf2e11f09b600fa97e6eb3a56eba5b1a7e9b",
    ),
)
_tag = re.compile(r'<(script|link)([^>]*?)(src|href)="(https://[^"]+)"([^>]*)>')


def publish(project: commits.Project) -> int:
    """Make the site of all results and return the exit status."""
    settings = json.loads((project.root / "asv.conf.json").read_text(encoding="utf-8"))
    settings |= {
        "repo": str(project.root),
        "branches": branches(project),
        "benchmark_dir": str(project.benchmarks),
        "results_dir": str(project.results),
        "html_dir": str(project.html),
        "env_dir": str(project.root / settings["env_dir"]),
    }
    own = project.results.parent / "publish.conf.json"
    own.write_text(json.dumps(settings), encoding="utf-8")
    status = commits.asv("publish", "--no-pull", f"--config={own}")
    if status:
        return status
    page = project.html / "index.html"
    vendored = fetched(project.results.parent / "vendor")
    shutil.copytree(vendored, project.html / "vendor", dirs_exist_ok=True)
    page.write_text(local(page.read_text(encoding="utf-8"), vendored), encoding="utf-8")
    commits.say(f"{page.parent} is complete: python -m http.server --directory {page.parent}")
    return 0


def branches(project: commits.Project) -> list[str]:
    """Return the branches of the site: asv's branch and the checked-out one; asv drops others."""
    return [project.branch, "HEAD"] if commits.has_branch(project) else ["HEAD"]


def local(page: str, folder: Path) -> str:
    """Return a page whose scripts and styles are those of a folder beside it.

    Raises:
        SystemExit: If it refers to an unknown file, which would be loaded from another server.
    """

    def beside(found: re.Match[str]) -> str:
        tag, before, attribute, url, after = found.groups()
        asset = next((a for a in ASSETS if url.endswith("/" + a.url)), None)
        if asset is None:
            raise SystemExit(
                f"asv's page loads {url}; allowed are the assets in bench/publish.py; add it there"
            )
        whole = (folder / name(asset)).read_bytes()
        check = base64.b64encode(hashlib.sha384(whole).digest()).decode()
        rest = re.sub(r' (integrity|crossorigin|referrerpolicy)="[^"]*"', "", after)
        return f'<{tag}{before}{attribute}="vendor/{name(asset)}" integrity="sha384-{check}"{rest}>'

    return _tag.sub(beside, page)


def name(asset: Asset) -> str:
    """Return the name of a file beside the page."""
    return f"{asset.package.replace('@', '-')}/{Path(asset.path).name}"


def fetched(folder: Path) -> Path:
    """Return the folder with all files and their licences, downloaded if any is missing.

    Raises:
        SystemExit: If npm is missing or fails, or a file has another digest.
    """
    if not all(right(folder / name(asset), asset) for asset in ASSETS):
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit(
                "npm isn't installed; it is needed once, for asv's scripts; install it"
            )
        with tempfile.TemporaryDirectory() as temporary:
            packages = list(dict.fromkeys(asset.package for asset in ASSETS))
            done = subprocess.run(
                [npm, "pack", "--silent", *packages],
                cwd=temporary,
                stdout=sys.stderr,
                check=False,
            )
            if done.returncode:
                raise SystemExit(f"npm can't download {', '.join(packages)}; see its message above")
            for package in packages:
                unpack(Path(temporary) / f"{package.replace('@', '-')}.tgz", package, folder)
    for asset in ASSETS:
        if not right(folder / name(asset), asset):
            raise SystemExit(
                f"{asset.path} of {asset.package} has another SHA-256 than in bench/publish.py; "
                "remove .asv/vendor and try again"
            )
    return folder


def unpack(archive: Path, package: str, folder: Path) -> None:
    """Extract the needed files of a package, and its licence, from its archive."""
    wanted = {asset.path: name(asset) for asset in ASSETS if asset.package == package}
    with tarfile.open(archive) as packed:
        for member in packed:
            path = member.name.partition("/")[2]
            licence = "/" not in path and re.match(r"(?i)(licen[cs]e|copying|package\.json)", path)
            if not member.isfile() or not (path in wanted or licence):
                continue
            to = folder / wanted.get(path, f"{package.replace('@', '-')}/{path}")
            to.parent.mkdir(parents=True, exist_ok=True)
            stream = packed.extractfile(member)
            assert stream is not None
            to.write_bytes(stream.read())


def right(path: Path, asset: Asset) -> bool:
    """Return whether a file exists and has the known digest."""
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == asset.sha256
