"""Pilots: spread, hopeless designs and costs, without the direction of a contrast."""

import dataclasses

import pytest

from ablations import claims
from ablations.claims import sets
from ablations.planning import pilots
from ablations.planning.next import planning
from ablations.runs.trials import PILOTS
from ablations.specs.claim import TIMED, Statistical, Tier
from ablations.specs.tests import Both, Difference
from hrm.errors import UserError

TEST = Difference(null=0.1, because="made up")
CONTRASTS = [0.3, 0.5, 0.4, 0.35, 0.45]


def filled(lab, claim, rows, **how):
    return lab.Memory().fill(claim, rows, seeds=PILOTS, **how)


def measured(lab, claim, rows, **how):
    return pilots.measure(claim, lab.Reader(filled(lab, claim, rows, **how)))


def test_a_pilot_has_the_spread_and_the_costs_of_its_seeds(lab):
    claim = lab.statistical(TEST)
    found = measured(lab, claim, lab.pairs(CONTRASTS), cpu=2.5)
    assert found.seeds == tuple(PILOTS)
    assert found.sds[0] == pytest.approx(0.0790569)
    assert (found.lost, found.faults) == (0.0, ())
    assert list(found.cpu_seconds.values()) == [2.5, 2.5]


def test_nothing_in_a_pilot_tells_which_way_contrasts_lie(lab):
    claim = lab.statistical(TEST)
    there = measured(lab, claim, [(10.0, 10.0 + x) for x in CONTRASTS])
    back = measured(lab, claim, [(10.0, 10.0 - x) for x in CONTRASTS])
    rounded = [
        dataclasses.replace(p, sds=tuple(round(sd, 9) for sd in p.sds)) for p in (there, back)
    ]
    assert rounded[0] == rounded[1]


def test_pairs_without_a_contrast_are_counted_on_no_side(lab):
    claim = lab.statistical(TEST, metric=lab.Share())
    gone = lab.Status.DIVERGED
    rows = [(0.1, 0.4), (0.1, 0.5), (0.1, 0.6), (0.1, gone), (gone, 0.5)]
    found = measured(lab, claim, rows)
    assert found.lost == pytest.approx(0.4)
    assert found.spreads[0].lost == pytest.approx(0.4)


def test_two_pairs_give_no_spread(lab):
    claim = lab.statistical(TEST)
    found = measured(lab, claim, [*lab.pairs([0.4, 0.5]), *[(None, None)] * 3])
    assert found.sds == (None,)
    assert found.spreads is None
    assert measured(lab, claim, [(None, None)] * 5) is None


def test_a_floor_and_an_arm_without_skill_refuse_a_plan(lab):
    claim = lab.statistical(TEST, protocol=lab.TRAIN)
    found = measured(lab, claim, [(lab.scored(0.5, 0.0), lab.scored(0.9, 0.4))] * 5)
    assert "doesn't beat the best trivial method" in pilots.refusal(found)
    floor = {"value": 0.0, "extreme": "floor: it is 0"}
    counted = lab.statistical(TEST)
    found = measured(lab, counted, [(floor, floor)] * 5)
    assert "all cells sit at the same floor" in pilots.refusal(found)
    assert pilots.refusal(measured(lab, counted, lab.pairs(CONTRASTS))) == ""


def test_each_part_of_a_conjunction_has_its_spread(lab):
    both = Both(parts=(TEST, TEST), reads=((0, 1), (0, 2)))
    claim = lab.statistical(both, labels=("base", "one", "two"))
    found = measured(lab, claim, [(0.0, x, 3 * x) for x in CONTRASTS])
    assert found.sds[1] == pytest.approx(3 * found.sds[0])


def test_committed_pilots_serve_until_what_they_measure_changes(lab, tmp_path):
    claim = lab.statistical(TEST)
    path = tmp_path / "pilots.json"
    pilots.write(path, {"claim": measured(lab, claim, lab.pairs(CONTRASTS))}, [claim])
    committed = pilots.read(path)
    found, source = pilots.known(claim, None, committed)
    assert found == committed["claim"]
    assert source == "5 committed pilot seeds"
    rezoned = lab.statistical(dataclasses.replace(TEST, null=0.3, because="another"))
    assert pilots.known(rezoned, None, committed)[0] is not None
    other = lab.statistical(TEST, metric=lab.Number(name="other"))
    assert pilots.known(other, None, committed) == (
        None,
        "the committed pilots are of another spec",
    )
    own = lab.Reader(filled(lab, claim, lab.pairs([2 * x for x in CONTRASTS])))
    assert pilots.known(claim, own, committed)[1] == "5 pilot seeds"


def test_committed_pilots_of_timings_have_costs_alone(lab, tmp_path):
    from ablations.specs.protocols import Time
    from ablations.specs.tests import Timing

    claim = lab.statistical(
        Timing(null=0.1, because="made up"),
        protocol=Time(targets=("bench.controller:forward",), batches=(32,)),
        schedule=TIMED,
    )
    memory = lab.Memory()
    from ablations.runs.trials import plan

    for i, seed in enumerate(PILOTS):
        trial = plan(claim, [seed]).rows[0][0].trial
        memory.put(trial, observed=[{"value": 1.0}, {"value": 1.5 + i / 10}])
    path = tmp_path / "pilots.json"
    found = pilots.measure(claim, lab.Reader(memory))
    assert found.sds[0] is not None
    pilots.write(path, {"claim": found}, [claim])
    kept, why = pilots.known(claim, None, pilots.read(path))
    assert (kept.spreads, list(kept.cpu_seconds.values())) == (None, [1.0])
    assert why == "the spread of timings depends on the machine, and no pilot is stored here"


def test_every_claim_with_pairs_has_committed_pilots_of_its_present_spec():
    committed = pilots.committed()
    specs = [claim for claim in sets.specs() if isinstance(claim, Statistical)]
    assert {c.id for c in specs if pilots.known(c, None, committed)[0] is None} == set()
    assert all(committed[claim.id].seeds == tuple(PILOTS) for claim in specs)


def test_a_file_that_isn_t_of_pilots_is_refused_in_one_line(tmp_path):
    path = tmp_path / "pilots.json"
    path.write_text('{"claim": {"spec": 1}}')
    with pytest.raises(UserError, match=r"pilots .* can't be read"):
        pilots.read(path)
    assert pilots.read(tmp_path / "absent.json") == {}


def test_a_plan_tells_chances_and_needs_or_why_it_can_t(lab):
    claim = lab.statistical(TEST)
    reader = lab.Reader(filled(lab, claim, lab.pairs(CONTRASTS)))
    told = planning(claim, reader, Tier.STANDARD, table=lab.TABLE, committed={})
    assert (told.pairs, told.source) == (26, "5 pilot seeds")
    assert told.pairs_80 == 40  # at 1.26 standard deviations from the edge
    assert told.pairs_90 == 40
    assert [p.truth for p in told.prospects][:2] == ["as documented", "no effect"]
    unknown = planning(claim, None, Tier.STANDARD, table=lab.TABLE, committed={})
    assert (unknown.sd, unknown.pairs_80) == (None, None)
    assert unknown.source == "unknown: no pilot is stored"
    assert planning(lab.exact(), None, Tier.QUICK, table=lab.TABLE, committed={}) is None


def test_pilots_count_for_eager_and_compiled_steps_alike():
    claim = next(c for c in claims.choose(["act-training"]))
    eager, compiled = (claim.trained(compiled=how) for how in (False, True))
    assert eager != compiled
    assert pilots.digest(eager) == pilots.digest(compiled)
