"""`ablations judge`: what it reads, what it prints, how it refuses, and that its page is true."""

import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ablations
from ablations.cli import judge, main
from ablations.cli.strip import BAND, BEYOND, MEDIAN, NULL, SEVERAL, SINGLE, WIDTH, strip
from ablations.rule import Pairs, table_for, zones
from ablations.rule.verdict import judge as decide

PAGE = Path(ablations.__file__).parents[1] / "docs" / "judge-your-own-runs.md"
KEYS = ["word", "group", "estimate", "low", "high", "n", "look", "exceptions", "sentence"]
INF = math.inf


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Judge a text: the status, what was printed, what was complained of."""
    monkeypatch.chdir(tmp_path)

    def run(text, *options, name="pairs.csv"):
        Path(name).write_text(text, encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["judge", name, *options])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def judged(run):
    """Judge a text, and return what is printed as JSON."""

    def judged(text, *options):
        status, out, err = run(text, *options, "--json")
        assert (status, err) == (0, "")
        return json.loads(out)

    return judged


def contrasts(*values):
    return "contrast\n" + "".join(f"{value}\n" for value in values)


def arms(*rows):
    return "baseline,treatment\n" + "".join(f"{a},{b}\n" for a, b in rows)


def limits(text, *, ratio=False, sign=1):
    """Return the limits of each contrast that is read."""
    pairs = judge.read(text, "pairs.csv", ratio=ratio, sign=sign)
    return list(zip(pairs.low.tolist(), pairs.high.tolist(), strict=True))


# ── what is read ─────────────────────────────────────────────────────────────────────────────────


def test_two_columns_give_differences_and_ratios_in_the_claimed_direction():
    text = arms((4, 2), (2, 4))
    assert limits(text) == [(-2, -2), (2, 2)]
    assert limits(text, sign=-1) == [(2, 2), (-2, -2)]
    halves = limits(text, ratio=True, sign=-1)
    assert halves[0] == pytest.approx((math.log(2),) * 2)
    assert halves[1] == pytest.approx((-math.log(2),) * 2)


def test_one_column_has_differences_or_the_ratios_themselves():
    assert limits(contrasts(1.5, -2)) == [(1.5, 1.5), (-2, -2)]
    assert limits(contrasts(1, 0), ratio=True) == [(0, 0), (-INF, -INF)]


@pytest.mark.parametrize(
    ("baseline", "treatment", "difference", "ratio"),
    [
        ("4", "inf", (INF, INF), (INF, INF)),
        ("inf", "4", (-INF, -INF), (-INF, -INF)),
        ("inf", "inf", (-INF, INF), (-INF, INF)),
        ("", "4", (-INF, INF), (-INF, INF)),
        ("nan", "4", (-INF, INF), (-INF, INF)),
        (">=4", "2", (-INF, -2), (-INF, math.log(0.5))),
        (" ≥ 4", "2", (-INF, -2), (-INF, math.log(0.5))),
        (">4", "2", (-INF, -2), (-INF, math.log(0.5))),
        ("2", ">=4", (2, INF), (math.log(2), INF)),
        ("2", "<=4", (-INF, 2), (-INF, math.log(2))),
        (">=4", ">=2", (-INF, INF), (-INF, INF)),
        ("inf", ">=2", (-INF, INF), (-INF, INF)),
        ("0", "2", (2, 2), (INF, INF)),
        ("0", "0", (0, 0), (-INF, INF)),
    ],
)
def test_infinite_censored_and_unknown_cells_have_their_limits(
    baseline, treatment, difference, ratio
):
    text = arms((baseline, treatment))
    assert limits(text) == [difference]
    assert limits(text, ratio=True) == [pytest.approx(ratio)]
    turned = [(-difference[1], -difference[0])]
    assert limits(text, sign=-1) == turned


def test_runs_that_diverged_or_never_arrived_have_failed():
    text = arms((1, 2), ("inf", 2), (1, "-inf"), (">=9", ">=9"), ("", 1), ("<=3", 1))
    pairs = judge.read(text, "pairs.csv", ratio=False, sign=1)
    assert pairs.failed[:, 0].tolist() == [False, True, False, True, False, False]
    assert pairs.failed[:, 1].tolist() == [False, False, True, True, False, False]
    assert not judge.read(contrasts("inf"), "x", ratio=False, sign=1).failed.any()


@pytest.mark.parametrize(
    "text",
    [
        '{"baseline": [4, null], "treatment": ["2", 1]}',
        '[{"baseline": 4, "treatment": 2}, {"treatment": 1, "note": "x"}]',
        "\ufeffbaseline,treatment\n4,2\n,1\n".removeprefix("\ufeff"),
        " Baseline ,seed,TREATMENT\n4,0,2\n\n,1,1\n",
        'treatment,baseline\n"2","4"\n1,\n',
    ],
)
def test_csv_and_json_of_any_form_say_the_same(text):
    assert limits(text) == [(-2, -2), (-INF, INF)]


def test_the_input_is_read_from_the_standard_input_too(monkeypatch, capsys):
    data = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + contrasts(*[3] * 8).encode()))
    monkeypatch.setattr(sys, "stdin", data)
    with pytest.raises(SystemExit) as ended:
        main(["judge", "-", "--null", "1"])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("CONFIRMED (holds)\n")


# ── what is printed ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("values", "options", "word"),
    [
        ([3] * 8, ["--null", "1"], "CONFIRMED"),
        ([3] * 8, ["--null", "1", "--more", "--difference"], "CONFIRMED"),
        ([3] * 8, ["--null", "1", "--fewer"], "CONTRADICTED"),
        ([-3] * 8, ["--null", "1", "--fewer"], "CONFIRMED"),
        ([3] * 8, ["--null", "4"], "NO EFFECT"),
        ([3] * 8, ["--null", "1", "--about", "2", "4"], "CONFIRMED"),
        ([-3] * 8, ["--null", "1", "--fewer", "--about", "-4", "-2"], "CONFIRMED"),
        ([5] * 8, ["--null", "1", "--about", "2", "4"], "EXCEEDED"),
        ([1.5] * 8, ["--null", "1", "--at-least", "2"], "WEAKER"),
        ([0.7] * 8, ["--null", "0.05", "--ratio", "--fewer", "--about", "0.6", "0.8"], "CONFIRMED"),
        ([0.7] * 8, ["--null", "0.05", "--ratio", "--fewer", "--at-least", "0.8"], "CONFIRMED"),
        ([1.5] * 8, ["--null", "0.05", "--ratio", "--at-least", "1.2"], "CONFIRMED"),
        ([0.5] * 16, ["--not-worse", "1"], "CONFIRMED"),
        ([0.5] * 8, ["--not-worse", "1"], "INCONCLUSIVE"),
        ([-2] * 8, ["--not-worse", "1"], "CONTRADICTED"),
        ([1.02] * 16, ["--not-worse", "0.05", "--ratio", "--fewer"], "CONFIRMED"),
        ([1.07] * 16, ["--not-worse", "0.05", "--ratio", "--fewer"], "CONTRADICTED"),
        ([3] * 15, ["--null", "1", "--claims", "9"], "INCONCLUSIVE"),
        ([-9, *[3] * 15], ["--null", "1", "--claims", "9"], "CONFIRMED"),
        ([-9, *[3] * 15], ["--null", "1", "--claims", "10"], "INCONCLUSIVE"),
    ],
)
def test_each_option_says_what_is_claimed(run, values, options, word):
    status, out, err = run(contrasts(*values), *options)
    assert (status, err, out.partition(" (")[0]) == (0, "", word)


def test_json_has_the_documented_keys_in_the_readers_unit(judged):
    text = arms(*[(100, 70)] * 8, (100, 75))
    found = judged(text, "--ratio", "--fewer", "--null", "0.05", "--about", "0.6", "0.8")
    assert list(found) == KEYS
    assert found["word"] == "CONFIRMED" and found["group"] == "holds"
    assert [found[key] for key in ("estimate", "low", "high")] == pytest.approx([0.7] * 3)
    assert (found["n"], found["look"]) == (9, 8)
    edges = {(round(e["edge"], 4), e["side"]): e for e in found["exceptions"]}
    assert edges[0.8, "below"]["established"] and edges[0.8, "below"]["exceptions"] == 0
    assert edges[0.8, "above"]["exceptions"] == edges[0.8, "above"]["of"] == 8
    assert edges[0.6, "above"]["pairs"] == 8
    assert sorted({edge for edge, _ in edges}) == [0.6, 0.8, 0.95, 1.0, 1.0526]


def test_json_has_null_where_nothing_is_known(judged):
    few = judged(contrasts(1, 2, 3), "--null", "1")
    assert (few["word"], few["estimate"], few["look"]) == ("INCONCLUSIVE", 2, 0)
    assert few["low"] is None and few["high"] is None
    infinite = judged(contrasts(*["inf"] * 8), "--null", "1")
    assert (infinite["word"], infinite["estimate"], infinite["low"]) == ("CONFIRMED", None, None)
    apart = judged(contrasts(*[5] * 8, *[-5] * 32), "--null", "1")
    assert (apart["word"], apart["low"], apart["high"]) == ("INVALID", None, None)


def test_an_interval_runs_as_the_readers_values_do(judged):
    falling = judged(contrasts(*range(-8, 0)), "--null", "1", "--fewer")
    assert (falling["low"], falling["high"], falling["estimate"]) == (-8, -1, -4.5)


def test_rows_beyond_a_look_are_named_as_not_read(run):
    _, out, _ = run(contrasts(*[3] * 10), "--null", "1", "--noun", "boards")
    assert "2 of 10 boards lie beyond the look at 8 and aren't read" in " ".join(out.split())


def test_too_few_pairs_are_no_mistake(run):
    status, out, err = run(contrasts(3, 4), "--null", "1")
    assert (status, err) == (0, "") and out.startswith("INCONCLUSIVE (open)\n")
    assert "median difference 3.5; not settled: the next looks are at 8, 16, 26, 40" in out


def test_what_is_printed_has_word_group_sentence_interval_and_picture(run):
    _, out, _ = run(contrasts(*[3] * 6, 2, 4), "--null", "1", "--about", "2", "6")
    lines = out.splitlines()
    assert lines[0].endswith(")") and len(lines) == 6
    assert "of 8 pairs the difference is above" in lines[1]
    assert lines[2].startswith("median difference 3, interval 2 to 4")
    assert len(lines[4]) == WIDTH and MEDIAN in lines[4]
    assert lines[5].endswith(f"{SINGLE} one, {SEVERAL} several, {MEDIAN} median")


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "options", "fault"),
    [
        ("", [], "is empty"),
        ("  \n", [], "is empty"),
        ("baseline,treatment\n", [], "0 and 0 values; allowed are one or more pairs"),
        ("contrast\n", [], "0 values"),
        (
            "a,b\n1,2\n",
            [],
            "has the columns a, b; allowed are baseline and treatment, or only contrast",
        ),
        ("baseline\n1\n", [], "has the columns baseline; allowed"),
        ("baseline,treatment,contrast\n1,2,1\n", [], "has the columns"),
        ("baseline,treatment\n1,2\n1\n", [], "row 2 of 'pairs.csv' has 1 cells; allowed are 2"),
        ("baseline,treatment\n1,x\n", [], "treatment in row 1 is 'x'; allowed are numbers"),
        ("baseline,treatment\n1,>=x\n", [], "treatment in row 1 is '>=x'"),
        ("baseline,treatment\n1,>=inf\n", [], "treatment in row 1 is '>=inf'"),
        ("contrast\n1,5\n", [], "row 1 of 'pairs.csv' has 2 cells; allowed are 1"),
        ("contrast\n1\n-0.2\n", ["--ratio"], "contrast in row 2 is -0.2; allowed with --ratio"),
        ("baseline,treatment\n-1,2\n", ["--ratio"], "baseline in row 1 is -1"),
        ("{", [], "isn't JSON"),
        ("[1, 2]", [], "is JSON without columns or rows"),
        ("[]", [], "is JSON without columns or rows"),
        ('{"contrast": 1}', [], "is JSON without columns or rows"),
        ('{"contrast": [true]}', [], "contrast in row 1 is True"),
        ('{"contrast": [[1]]}', [], "contrast in row 1 is [1]"),
        ('{"baseline": [1, 2], "treatment": [1]}', [], "has 2 and 1 values"),
        (contrasts(1), ["--claims", "90"], "90 statistical claims"),
        (contrasts(1), ["--claims", "0"], "0 statistical claims"),
        (contrasts(1), ["--about", "-3", "-2"], "on the wrong side"),
        (contrasts(1), ["--about", "3", "2"], "from the lower to the higher end"),
        (contrasts(1), ["--at-least", "0.5"], "inside the null zone"),
        (contrasts(1), ["--null", "0"], "the null zone is 0"),
        (contrasts(1), ["--null", "nan"], "the null zone is nan"),
        (
            contrasts(1),
            ["--not-worse", "2"],
            "--null 1 and --not-worse 2 belong to different claims",
        ),
    ],
)
def test_a_mistake_is_one_line_and_status_two(run, text, options, fault):
    status, out, err = run(text, "--null", "1", *options)
    assert (status, out) == (2, "") and fault in err, err
    assert err.startswith("ablations: ") and err.count("\n") == 1 and ";" in err


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ([], "--null is missing"),
        (["--null", "x"], "'x' is not a number"),
        (["--null", "1", "--ratio", "--difference"], "not allowed with"),
        (["--null", "1", "--fewer", "--more"], "not allowed with"),
        (["--about", "2", "3", "--at-least", "2"], "not allowed with"),
        (["--not-worse", "2", "--at-least", "2"], "not allowed with"),
        (["--not-worse", "-2"], "the margin is -2"),
        (["--not-worse", "1", "--ratio"], "the margin is 1; allowed is a share"),
    ],
)
def test_options_that_contradict_each_other_are_refused(run, options, fault):
    status, out, err = run(contrasts(1), *options)
    assert (status, out) == (2, "") and fault in err and err.count("\n") == 1


def test_a_file_that_is_not_there_is_named(run):
    run(contrasts(1), "--null", "1")
    with pytest.raises(SystemExit) as ended:
        main(["judge", "other.csv", "--null", "1"])
    assert ended.value.code == 2


def test_bytes_that_are_no_text_are_a_named_fault(tmp_path, capsys):
    (tmp_path / "pairs.csv").write_bytes(b"contrast\n\xff\xfe\n")
    with pytest.raises(SystemExit) as ended:
        main(["judge", str(tmp_path / "pairs.csv"), "--null", "1"])
    assert ended.value.code == 2 and "contrast in row 1 is" in capsys.readouterr().err


def test_neither_torch_nor_matplotlib_is_imported(tmp_path):
    (tmp_path / "pairs.csv").write_text(contrasts(*[3] * 8))
    script = (
        "import contextlib, sys\n"
        "from ablations.cli import main\n"
        f"with contextlib.suppress(SystemExit): main(['judge', {str(tmp_path / 'pairs.csv')!r}, "
        "'--null', '1'])\n"
        "print(sorted({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("CONFIRMED") and done.stdout.splitlines()[-1] == "[]"


# ── the picture ──────────────────────────────────────────────────────────────────────────────────


def picture(pairs, claim):
    line, legend = strip(pairs, claim, decide(pairs, claim, table_for(1))).splitlines()
    assert len(line) == WIDTH
    return line, legend


def test_a_picture_has_a_mark_for_each_place_with_pairs():
    claim = zones.difference(null=1, about=(2, 4), because="for a test")
    line, legend = picture(Pairs.exact([0.0, 3, 3, 8, -5, 7, 6, 5]), claim)
    assert line.count(SINGLE) == 6 and line.count(SEVERAL) == 1 and line.count(MEDIAN) == 1
    assert line.index(NULL) < line.index(BAND)
    assert f"{NULL} not worth having: −1 to 1" in legend and f"{BAND} claimed: 2 to 4" in legend


def test_a_picture_runs_as_the_readers_values_do():
    falling = zones.difference(null=1, fewer=True, at_least=-2, because="for a test")
    line, legend = picture(Pairs.exact([5.0] * 8), falling)  # that is -5
    assert line.index(BAND) < line.index(NULL) and legend.startswith("−5.2")
    assert legend.count("−∞ to −2") == 1
    saving = zones.ratio(null=0.05, fewer=True, about=(0.6, 0.8), because="for a test")
    line, legend = picture(Pairs.exact([0.3] * 8), saving)
    assert line.index(NULL) < line.index(BAND) and "20 % to 40 %" in legend


def test_pairs_at_infinity_and_censored_ones_point_outwards():
    claim = zones.not_worse(margin=2, because="for a test")
    pairs = Pairs.within([-INF, 3, INF, -INF, 1], [-INF, INF, INF, INF, 1])
    line, _ = picture(pairs, claim)
    assert line[0] == BEYOND[0] and line[-1] == BEYOND[1] and line.count(BEYOND[1]) == 2


def test_a_picture_of_one_value_or_of_nothing_known_is_a_picture():
    claim = zones.reliable(above=0, because="for a test")
    for value in (0.0, math.nan, INF):
        picture(Pairs.exact([value] * 8), claim)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def blocks(kind):
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{kind} ?(\S*)\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


def test_the_page_prints_what_the_commands_print(run, tmp_path, capsys):
    for kind in ("csv", "python"):
        for name, text in blocks(kind):
            (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    commands = 0
    for _, block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            commands += 1
            if command.startswith("python "):
                _, script, _, source, _, target = command.split()
                with (tmp_path / source).open() as given, (tmp_path / target).open("w") as made:
                    subprocess.run(
                        [sys.executable, script],
                        stdin=given,
                        stdout=made,
                        cwd=tmp_path,
                        check=True,
                    )
                continue
            with pytest.raises(SystemExit) as ended:
                main(command.split()[1:])
            assert ended.value.code == 0
            assert capsys.readouterr().out.strip() == expected.strip()
    assert commands == 4


def test_every_row_of_options_on_the_page_is_a_claim(run):
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|`]* \| `(--[^`]*)` \|$", text, re.MULTILINE)
    assert len(rows) == 6
    for row in rows:
        assert run(contrasts(*np.linspace(0.5, 0.9, 8)), *row.split())[0] == 0, row
    for key in KEYS:
        assert f"`{key}`" in text
