"""What one seed of all trained arms costs: how many there are, and CPU seconds by the pilots.

The plan allowed 75 arms. Two specs that were mended after they had run (`puzzle-signsgd` and
`training-reliability`) train two arms more; the seconds stay within what was allowed.
"""

from ablations.claims import sets
from ablations.planning import pilots
from ablations.runs.fingerprints import kind
from ablations.runs.trials import plan, with_parents
from ablations.specs.claim import Statistical
from ablations.specs.protocols import Gradients, Ladder, QGradients, Resample, Scatter, Train
from hrm.config.parts import Part, canonical

MOST_ARMS, MOST_SECONDS = 77, 500.0
GRADIENTS = (Gradients, QGradients, Resample, Scatter)  # they look at weights on the way


def trained():
    """Return each training of one seed, with the kinds of what reads it."""
    found = {}
    for claim in sets.specs():
        if isinstance(claim, Statistical):
            for trial in plan(claim, [0]).trials:
                reads = type(Part.from_json(trial.protocol))
                for each in with_parents([trial]):
                    if isinstance(Part.from_json(each.protocol), Train | Ladder):
                        key = canonical(each.to_json())
                        found.setdefault(key, (each, set()))[1].add(reads)
    return list(found.values())


def arms(trainings):
    """Return what trainings share that differ in what replicas draw."""
    apart = {"replica", "varies"}
    return {
        canonical([trial.arms[0], {k: v for k, v in trial.protocol.items() if k not in apart}])
        for trial, *_ in trainings
    }


def test_at_most_77_arms_are_trained_for_what_they_answer():
    answering = [found for found in trained() if not found[1] <= set(GRADIENTS)]
    assert len(arms(answering)) <= MOST_ARMS


def test_few_and_short_trainings_have_their_gradients_looked_at_alone():
    early = [found for found in trained() if found[1] <= set(GRADIENTS)]
    assert len(arms(early)) <= 9
    assert max(trial.protocol["training"]["updates"] for trial, *_ in early) <= 300


def test_one_seed_of_all_arms_takes_at_most_500_cpu_seconds():
    """Measured by the committed pilots, boards included."""
    costs = [pilot.cpu_seconds for pilot in pilots.committed().values()]
    measured = {name: seconds for each in costs for name, seconds in each.items()}
    assert sum(measured[kind(trial)] for trial, *_ in trained()) <= MOST_SECONDS
