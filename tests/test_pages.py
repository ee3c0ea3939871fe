"""The README and the pages of `docs/`: their length, their links, their examples."""

import json
import re
import shlex
from pathlib import Path

import pytest

from ablations.cli import main
from ablations.cli import parser as of_ablations
from hrm import cli as of_hrm
from reports.written import BEGIN, END

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *ROOT.glob("C*.md"), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^()\s]+)\)")


def anchors(page):
    """Return what GitHub calls a page's headings: small letters, no punctuation, dashes."""
    said = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", said, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page):
    """Yield each link to a file of ours: the file, and the heading in it or nothing."""
    for target in LINK.findall(page.read_text("utf-8")):
        if not re.match(r"\w+:", target):
            name, _, heading = target.partition("#")
            yield (page.parent / name).resolve() if name else page, heading


def test_the_readme_is_short():
    """At most 900 words, code and tables included, what `ablations findings` writes left out."""
    before, _, rest = README.partition(BEGIN)
    words = [w for w in (before + rest.partition(END)[2]).split() if any(map(str.isalnum, w))]
    assert 400 < len(words) <= 900


def test_the_readme_says_what_a_reader_asks_in_this_order():
    asked = [
        *("What we found", "Try it in a minute", "The five documents", "Make the report"),
        *("Read a verdict", "Test a claim of your own", "Benchmarks over commits"),
        *("What it can't tell", "More"),
    ]
    assert re.findall(r"^## (.+)$", README, re.MULTILINE) == asked
    assert BEGIN in README.partition("## What we found")[2].partition("## ")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_is_dead(page):
    for file, heading in links(page):
        assert file.exists(), file
        assert not heading or heading in anchors(file), (file, heading)


def test_every_page_is_reached_from_the_readme():
    seen, pending = set(), [ROOT / "README.md"]
    while pending:
        page = pending.pop()
        if page not in seen:
            seen.add(page)
            pending += [file for file, _ in links(page) if file.suffix == ".md"]
    assert seen >= set(PAGES)
    listed = {file for file, _ in links(ROOT / "docs" / "README.md")}
    assert listed >= set((ROOT / "docs").glob("*.md")) - {ROOT / "docs" / "README.md"}


@pytest.mark.parametrize("page", ["README.md", "docs/running.md"])
def test_commands_on_the_pages_are_commands(page):
    blocks = re.findall(r"^```\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    known = {"ablations": of_ablations, "hrm": of_hrm.parser}
    commands = [line for line in lines if line.split()[0] in known]
    for line in commands:
        program, *arguments = shlex.split(re.split(r" {2,}| # ", line)[0])
        assert known[program]().parse_args(arguments).function
    assert commands and all(line in commands or line.startswith("pip ") for line in lines)


def test_the_example_of_the_models_page_runs():
    (block,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "model.md").read_text("utf-8"), re.S
    )
    names = {}
    exec(compile(block, "docs/model.md", "exec"), names)
    answer = names["answer"]
    assert answer.prediction.shape == (32, 10) and sum(answer.run.rows) >= 32


# -- the verdicts of the README -------------------------------------------------------------------
SHARES = {  # 26 gains in per cent, in the order of the README's rows
    "CONFIRMED": [20, 25, *[40] * 22, 55, 60],
    "WEAKER": [5, 8, *[20] * 22, 35, 40],
    "NO EFFECT": [-12, -15, *[2] * 22, 15, 20],
    "INCONCLUSIVE": [12, -12] * 13,
}


@pytest.mark.parametrize("word", SHARES)
def test_a_verdict_of_the_readme_is_that_of_the_rule(word, tmp_path, capsys):
    gains = SHARES[word]
    (row,) = re.findall(rf"^\| (.*) \| {word} \| (.*) \|$", README, re.MULTILINE)
    for count, side, edge in re.findall(r"(\d+) (?:gain )?(more|less) than (−?\d+) %", row[0]):
        limit = int(edge.replace("−", "-"))
        beyond = sum(gain > limit if side == "more" else gain < limit for gain in gains)
        assert beyond == int(count)
    path = tmp_path / "pairs.csv"
    ratios = [f"{(100 - gain) / 100}" for gain in gains]
    path.write_text("\n".join(["contrast", *ratios, ""]))
    claim = "--ratio --fewer --null 0.1 --about 0.5 0.7 --claims 77 --json"
    with pytest.raises(SystemExit):
        main(["judge", str(path), *claim.split()])
    found = json.loads(capsys.readouterr().out)
    group = {"holds": "holds", "holds partly": "partly", "fails": "fails", "open": "open"}[row[1]]
    assert (found["word"], found["group"], found["n"]) == (word, group, 26)
