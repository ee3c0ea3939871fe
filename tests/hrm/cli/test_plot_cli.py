"""`hrm plot` as its users call it: real images, and reasons on one line."""

import json
import re
import shlex
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from hrm import cli
from hrm.cli import plot

RUN = "train gru maze --task-set size=4 --set hidden_low=8 --set hidden_high=8 --set max_cycles=1"
FEW = "--updates 2 --batch 4 --train 12 --validation 4 --test 6"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "gru"
    with pytest.raises(SystemExit):
        cli.main(shlex.split(f"{RUN} {FEW} --output {folder}"))
    return folder


def test_pictures_are_images_and_missing_ones_have_a_reason(hrm, run):
    status, out, err = hrm(f"plot {run}")
    assert (status, err) == (0, "")
    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines())
    assert tuple(rows) == plot.NAMES
    lacking = [name for name, said in rows.items() if said.startswith("not drawn: ")]
    assert lacking == ["halting", "signals", "efficiency", "positions"]
    drawn = set(rows) - set(lacking)
    assert {path.name for path in (run / "pictures").iterdir()} == {f"{n}.png" for n in drawn}
    for name in drawn:
        with Image.open(rows[name]) as image:
            assert image.format == "PNG" and min(image.size) > 100
            assert len(image.convert("RGB").getcolors(10**6)) > 10, "not a blank sheet"


def test_some_can_be_asked_for_in_another_place_and_format(hrm, run, tmp_path):
    line = f"plot {run} --only puzzle --only training --only puzzle --format svg --output"
    status, out, _ = hrm(f"{line} {tmp_path}/new --json")
    found = json.loads(out)
    assert (status, found["lacking"]) == (0, {})
    assert list(found["drawn"]) == ["puzzle", "training"]
    words = "".join(ElementTree.parse(found["drawn"]["puzzle"]).getroot().itertext())
    assert "solution" in words


@pytest.mark.promise(
    "complete", "demo plots, without a run", "hrm plot --demo complete-small --output DIR"
)
def test_without_a_run_a_recipe_is_trained_for_a_moment_and_drawn(hrm, tmp_path):
    line = f"plot --demo complete-tiny --output {tmp_path}/demo --only positions --json"
    status, out, _ = hrm(line)
    assert status == 0
    drawn = json.loads(out)["drawn"]
    assert drawn == {"positions": f"{tmp_path}/demo/positions.png"}
    with Image.open(drawn["positions"]) as image:
        assert image.format == "PNG" and min(image.size) > 100
    assert hrm(line)[1] == out  # the run is there, and read


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plot", "run is None and --demo is None; allowed is one of both"),
        ("plot somewhere --demo gru", "run is 'somewhere' and --demo is 'gru'; allowed is one"),
        ("plot --demo gru", "--output is missing; --demo needs a folder"),
        ("plot --demo complete --output new", "recipe is 'complete'; allowed are"),
    ],
)
def test_either_a_run_or_a_demonstration_is_drawn(hrm, line, said):
    status, out, err = hrm(line)
    assert (status, out, err.count("\n")) == (2, "", 1) and said in err


def test_a_run_can_be_drawn_again(hrm, run):
    before = hrm(f"plot {run} --only architecture")
    assert hrm(f"plot {run} --only architecture") == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            "--only halting",
            r"--only is halting, which can't be drawn for this run \(the model has no",
        ),
        ("--only losses", "invalid choice: 'losses'.*training.*architecture"),
        ("--board 9", "board is 9; allowed is 0 ... 5"),
        ("--format pdf", "invalid choice: 'pdf'"),
        ("--output {run}/run.json", "run.json', a file; allowed is a folder"),
    ],
)
def test_a_mistake_is_named_on_one_line(hrm, run, options, said):
    status, out, err = hrm(f"plot {run} {options.format(run=run)}")
    assert (status, out) == (2, "")
    assert re.search(said, err) and err.count("\n") == 1


def test_what_is_no_run_is_refused(hrm, tmp_path):
    status, _, err = hrm(f"plot {tmp_path}/nothing")
    assert status == 2
    assert "allowed is a folder with a run.json" in err
