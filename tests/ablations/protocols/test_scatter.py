"""How a training loss's gradient scatters over batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ablations.metrics.gradients import GradientVariance
from ablations.protocols import boards, ours
from ablations.protocols.train import replica
from ablations.specs.protocols import Scatter
from hrm import recipes
from hrm.config.learning import Supervised
from hrm.training import losses
from hrm.training.loop import stream
from tests.ablations.protocols.tiny import BOARDS, TRAIN, observed, outcome

ARM = recipes.act_v1_vector(
    inputs=80, outputs=80, width=16, heads=2, segments=3, every_segment=True
)
EVEN = Scatter(after=TRAIN, resamples=4, batch=8)


@pytest.fixture(scope="module")
def weights():
    return outcome(TRAIN, ARM).weights


def test_the_variance_is_that_of_gradients_written_out(weights):
    found = observed(EVEN, ARM, weights=weights)
    arm = ours.own(ARM)
    dealt = boards.table(BOARDS, 0)
    arm.build(dealt.task, 0, "cpu")
    arm.load(weights)
    data = arm.encoded(dealt.splits.train)
    generator = torch.Generator().manual_seed(stream(replica(0, 0), "resamples"))
    each = []
    for _ in range(4):
        batch = data.batch(torch.randint(len(data), (8,), generator=generator))
        drafts = arm.model(batch.inputs).run.drafts[0]
        loss = sum(losses.cross_entropy(draft, batch.targets).mean() for draft in drafts) / 3
        arm.model.zero_grad()
        loss.backward()
        each.append(
            torch.cat(
                [
                    (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
                    for p in arm.model.parameters()
                ]
            )
        )
    stacked = torch.stack(each).double()
    assert found["variance"] == pytest.approx(float(stacked.var(0).sum()), rel=1e-5)
    assert found["mean_norm"] == pytest.approx(float(stacked.mean(0).norm()), rel=1e-5)
    assert np.allclose(found["norms"], stacked.norm(dim=1).numpy(), rtol=1e-5)


def test_equal_batches_serve_all_objectives_and_replicas_have_their_own(weights):
    same = observed(replace(EVEN, objective=ARM.objective), ARM, weights=weights)
    assert same["variance"] == observed(EVEN, ARM, weights=weights)["variance"]
    decaying = replace(EVEN, objective=Supervised(every_segment=True, decay=0.7))
    other = observed(decaying, ARM, weights=weights)
    apart = observed(replace(EVEN, replica=1), ARM, weights=weights)
    assert len({found["variance"] for found in (same, other, apart)}) == 3
    relative = GradientVariance(relative=True).read(other).low
    assert relative == pytest.approx(other["variance"] / other["mean_norm"] ** 2)
