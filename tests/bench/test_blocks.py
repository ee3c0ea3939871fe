"""Targets of norms and training passes: what they compute, for the arms that are given."""

import torch

from bench import blocks
from hrm import recipes

ARMS = [recipes.amulgent(width=16, h_layers=1, l_layers=1, use_rmsnorm=on) for on in (False, True)]


def test_a_norms_gradient_is_that_of_its_formula():
    layer, root = (call() for call in blocks.norm(ARMS, 3))
    noise = torch.Generator().manual_seed(3)
    x, up = torch.randn(2, 3, 1, 16, generator=noise)
    x = x.double().requires_grad_()
    for found, y in (
        (
            layer,
            (x - x.mean(-1, keepdim=True))
            / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt(),
        ),
        (root, x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()),
    ):
        (expected,) = torch.autograd.grad(y, x, up.double(), retain_graph=True)
        assert torch.allclose(found.double(), expected, atol=1e-5)


def test_a_training_pass_leaves_gradients_and_repeats():
    for call in blocks.training_pass(ARMS, 4):
        first, second = call(), call()
        assert first.isfinite() and torch.equal(first, second)


def test_the_suite_times_both_norms():
    suite = blocks.Norms()
    for kind in blocks.norms:
        suite.time_norm(kind, 32)
        suite.time_training_pass(kind, 32)
