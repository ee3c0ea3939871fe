"""Axes of the model one by one: what each changes, and what it leaves alone."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from hrm import config, recipes
from hrm.config.learning import QHalting, System, Training
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.training.averages import Averaged
from hrm.training.learner import Learner, optimisers

B, S = 4, 5


def small(**changes: Any) -> System:
    sizes = {"vocabulary": 6, "positions": S, "width": 16, "heads": 2}
    layers = {"h_layers": 1, "l_layers": 1, "max_steps": 4}
    return recipes.act_v1(**(sizes | layers | changes))


def built(c: config.HRMConfig, seed: int = 0) -> HRM:
    torch.manual_seed(seed)
    return HRM(c)


def tokens(seed: int = 1) -> Tensor:
    return torch.randint(6, (B, S), generator=torch.Generator().manual_seed(seed))


def gradients(model: HRM, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


# -- memory and precision -------------------------------------------------------------------------
@pytest.mark.parametrize("horizon", [2, None])
@pytest.mark.parametrize("coupled", [config.Alternating(), config.Accumulating()])
def test_checkpointing_changes_no_value_and_no_gradient(horizon: int | None, coupled: Any) -> None:
    c = replace(small().model, horizon=horizon, coupling=coupled, halting=config.Fixed(steps=2))
    model = built(c)
    plain = model(tokens()).prediction
    expected = gradients(model, plain.square().sum())
    model.config = replace(c, checkpointing=True)
    again = model(tokens()).prediction
    assert torch.equal(plain, again)
    found = gradients(model, again.square().sum())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


@pytest.mark.promise("act-v1", "Q values in float32", '"forward_dtype": "bfloat16"')
def test_bfloat16_activations_leave_weights_norms_and_q_values_wide() -> None:
    c = replace(small(puzzle_size=16, identities=3).model, bfloat16=True)
    model = built(c).train()
    with torch.no_grad():
        model.halting.heads[0].weight.normal_()
    seen: list[torch.dtype] = []
    for module in (*model.low.layers, model.readout):
        module.register_forward_hook(lambda _m, _a, out: seen.append(out.dtype))
    found = model(tokens(), model.draw(B, torch.Generator()))
    assert set(seen) == {torch.bfloat16} and found.prediction.dtype == torch.bfloat16
    assert found.run.logits.dtype == torch.float32
    found.prediction.float().sum().backward()
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}
    exact = built(replace(c, bfloat16=False)).eval()
    model.eval()
    exact.load_state_dict(model.state_dict())
    rough, fine = model(tokens()).prediction.float(), exact(tokens()).prediction
    assert 0 < (rough - fine).abs().median() < 0.1 * fine.abs().median()  # 8 bits of mantissa


# -- inputs ---------------------------------------------------------------------------------------
def test_a_puzzles_row_stands_before_the_tokens_padded_to_whole_ones() -> None:
    model = built(small(puzzle_size=20, identities=3).model)
    table, d = model.embed.puzzles, 16
    table.weights.copy_(torch.arange(60.0).view(3, 20))
    x = model.embed(tokens(), torch.tensor([0, 2, 1, 2]))
    assert x.shape == (B, 2 + S, d)
    expected = torch.cat([table.weights[2], torch.zeros(12)]).view(2, d)
    assert torch.equal(x[1, :2], 4 * expected) and torch.equal(x[3, :2], 4 * expected)
    assert torch.equal(x[:, 2:], 4 * model.embed.table.weight[tokens()])
    assert model.eval()(tokens()).prediction.shape == (B, S, 6)
    assert torch.equal(model.embed(tokens())[0], x[0])  # identity 0 is the blank one


@pytest.mark.promise(
    "act-v1", "learned positions instead of rotary ones", '"pos_encodings": "learned"'
)
def test_learned_positions_are_added_and_the_sum_divided_by_root_two() -> None:
    model = built(small(puzzle_size=16, learned_positions=True).model)
    p = model.embed.positions.weight
    assert p.shape == (1 + S, 16) and p.std().item() == pytest.approx(1 / 4, rel=0.2)
    x = model.embed(tokens())
    e = model.embed.table.weight[tokens()]
    assert torch.allclose(x[:, 1:], 4 * (e + p[1:]) / 2**0.5)
    assert torch.allclose(x[:, :1], 4 * p[:1].expand(B, 1, 16) / 2**0.5)
    assert model.low.rotary is None


def test_an_identity_beyond_the_table_is_refused_with_the_range() -> None:
    model = built(small(puzzle_size=16, identities=3).model)
    with pytest.raises(UserError, match="3"):
        model(tokens(), identities=torch.tensor([0, 1, 2, 3]), steps=1)


def test_the_table_learns_by_sign_and_only_rows_in_use() -> None:
    system = small(puzzle_size=16, identities=5)
    model = built(system.model).train()
    training = Training(updates=1, learning_rate=0.1, puzzle_rate=0.5)
    learner = Learner(model, system, training, torch.Generator().manual_seed(0))
    assert not model.embed.puzzles.weights.any()
    learner.update(Batch(tokens(), torch.tensor([1, 3, 3, 1]), tokens(2)))
    moved = model.embed.puzzles.weights
    assert set(moved[[1, 3]].abs().unique().tolist()) <= {0.0, 0.5} and moved[[1, 3]].any()
    assert not moved[[0, 2, 4]].any()


# -- outputs --------------------------------------------------------------------------------------
def test_step_averaging_is_the_mean_of_the_answers_of_a_samples_own_steps() -> None:
    c = small(exploration=0.0, halt_in_evaluation=True).model
    halting = replace(c.halting, zero_weight=False, biases=(0.0, 0.0))
    c = replace(c, halting=halting, readout=replace(c.readout, average=True))
    models = (built(c, seed).eval() for seed in range(50))
    model = next(m for m in models if len(set(m(tokens()).run.steps.tolist())) > 1)
    found = model(tokens())
    assert found.run.drafts.shape[1] == 1
    for b, steps in enumerate(found.run.steps.tolist()):
        assert torch.allclose(
            found.prediction[b], found.run.drafts[:steps, 0, b].mean(0), atol=1e-6
        )
    model.config = replace(c, readout=replace(c.readout, average=False, each_step=True))
    last = model(tokens())
    for b, steps in enumerate(last.run.steps.tolist()):
        assert torch.equal(last.prediction[b], last.run.drafts[steps - 1, 0, b])


def test_a_readout_may_read_the_low_state_and_give_a_distribution() -> None:
    c = small().model
    c = replace(c, readout=replace(c.readout, low=True, softmax=True), halting=config.Fixed())
    model = built(c).eval()
    x = model.perceive(tokens())
    state = model.think(model.start(x), x)
    expected = torch.nn.functional.linear(state.low, model.readout.weight).softmax(-1)
    assert torch.allclose(model(tokens()).prediction, expected)


# -- weights --------------------------------------------------------------------------------------
def test_one_network_serves_both_levels_with_half_the_weights() -> None:
    two = built(small().model)
    c = replace(small().model, one_network=True)
    one = built(c)
    count = lambda module: sum(p.numel() for p in module.parameters())  # noqa: E731
    assert count(two) - count(one) == count(two.high) == count(one.low)
    two.load_state_dict(
        one.state_dict() | {f"high.{name}": value for name, value in one.low.state_dict().items()}
    )
    assert torch.equal(one.eval()(tokens()).prediction, two.eval()(tokens()).prediction)
    assert not any(name.startswith("high") for name in one.state_dict())


def test_widths_may_differ_and_are_then_joined_by_maps_with_bias() -> None:
    c = recipes.complete(positions=S, h_dim=16, l_dim=8, h_layers=1, h_heads=2).model
    model = built(c)
    down, up = model.low.from_context, model.high.from_inputs
    assert (down.in_features, down.out_features) == (16, 8)
    assert (up.in_features, up.out_features) == (8, 16)
    assert not down.bias.any() and not up.bias.any()


@pytest.mark.parametrize(
    ("part", "cut"), [(config.TruncatedNormal(), 2 / 0.8796256), (config.ScaledNormal(), None)]
)
def test_initialisation_draws_every_map_and_leaves_the_q_heads_alone(
    part: config.TruncatedNormal | config.ScaledNormal, cut: float | None
) -> None:
    model = built(replace(small(width=64).model, initialisation=part))
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and not name.startswith("halting"):
            std = module.in_features**-0.5
            assert module.weight.std().item() == pytest.approx(std, rel=0.1)
            assert (module.weight.abs().max().item() <= (cut or 0) * std) == (cut is not None)
    head = model.halting.heads[0]
    assert not head.weight.any() and head.bias.tolist() == [-5.0, -5.0]


# -- accumulated halting --------------------------------------------------------------------------
def series(seed: int = 1) -> Tensor:
    return torch.randn(B, S, 1, generator=torch.Generator().manual_seed(seed))


def accumulating(**changes: Any) -> config.HRMConfig:
    sizes = {"positions": S, "h_dim": 16, "l_dim": 8, "h_layers": 1, "h_heads": 2, "max_steps": 3}
    c = recipes.complete(**sizes).model
    return replace(c, **changes)


def test_below_the_threshold_nothing_crosses_and_the_high_state_stays() -> None:
    c = accumulating(halting=config.Accumulated(max_steps=3, threshold=99.0))
    run = built(c)(series()).run
    assert not run.state.high.any()
    assert run.steps.tolist() == [3] * B
    assert (run.state.memory > 0).all() and (run.state.memory < 3).all()


def test_as_coded_the_loop_takes_all_steps_because_sums_are_cleared_where_they_cross() -> None:
    c = accumulating(halting=config.Accumulated(max_steps=5, threshold=1e-6))
    run = built(c)(series()).run
    assert run.steps.tolist() == [5] * B
    assert not run.state.memory.any()


def test_the_batch_ends_where_all_sums_are_at_the_threshold() -> None:
    c = accumulating(
        halting=config.Accumulated(max_steps=5, threshold=0.5), execution=config.Masked()
    )
    model = built(c)
    high = torch.zeros(2, S, 16)
    below = torch.full((2, S), 0.5)
    below[1, 3] = 0.4
    state = model.start(model.perceive(series()[:2]))._replace(high=high, memory=below)
    assert (model.halting(state, 0, None).margin > 0).tolist() == [True, False]


def test_one_crossing_updates_its_own_sample_and_in_lockstep_all() -> None:
    c = accumulating(halting=config.Accumulated(max_steps=1, threshold=0.5))
    model = built(c)
    x = model.perceive(series())
    start = model.start(x)
    almost = torch.zeros(B, S)
    almost[2, 1] = 0.5  # crosses whatever is added
    with torch.no_grad():
        model.halting.network[-1].bias.fill_(-20.0)  # nobody else does
    for execution, updated in ((config.Masked(), [2]), (config.Lockstep(), [0, 1, 2, 3])):
        model.config = replace(c, execution=execution)
        after = model.think(start._replace(memory=almost), x)
        assert [b for b in range(B) if after.high[b].any()] == updated
        assert after.memory[2, 1] == 0 and (after.memory.count_nonzero() == B * S - 1)
        reset = model.low.from_context(after.high)[2, 1]
        assert torch.equal(after.low[2, 1], reset)


# -- carry ----------------------------------------------------------------------------------------
def test_a_carry_restarts_halted_places_on_the_offered_row_and_discards_the_others() -> None:
    model = built(small().model).eval()
    first, second = Batch(tokens(1), None, tokens(2)), Batch(tokens(3), None, tokens(4))
    carry = model.begin(first)
    assert carry.halted.all() and not carry.steps.any()
    carry, _, _ = model.advance(carry, first)
    assert carry.steps.tolist() == [1] * B and not carry.halted.any()
    carry = carry._replace(halted=torch.tensor([True, False, False, True]))
    before = carry
    carry, _, _ = model.advance(carry, second)
    assert carry.steps.tolist() == [1, 2, 2, 1]
    for place, fresh in enumerate([True, False, False, True]):
        given = second if fresh else first
        assert torch.equal(carry.batch.inputs[place], given.inputs[place])
        assert torch.equal(carry.batch.targets[place], given.targets[place])
    alone, _, _ = model.advance(model.begin(second), second)
    assert torch.allclose(carry.state.high[[0, 3]], alone.state.high[[0, 3]])
    on, _, _ = model.advance(before._replace(halted=torch.zeros(B, dtype=torch.bool)), second)
    assert torch.allclose(carry.state.high[[1, 2]], on.state.high[[1, 2]])


def test_a_carrys_states_have_no_graph_and_its_predictions_do() -> None:
    model = built(small(exploration=0.0).model).train()
    carry, prediction, decision = model.advance(
        model.begin(Batch(tokens())), Batch(tokens()), model.draw(B, torch.Generator())[0]
    )
    assert not any(t.requires_grad for t in carry.state)
    assert prediction.requires_grad and decision.logits.requires_grad


def test_looking_ahead_gives_the_next_steps_q_values() -> None:
    model = built(small().model).eval()
    with torch.no_grad():
        model.halting.heads[0].weight.normal_()
    batch = Batch(tokens())
    carry, _, _ = model.advance(model.begin(batch), batch)
    ahead = model.look_ahead(carry)
    _, _, decision = model.advance(carry, batch)
    assert torch.equal(ahead, decision.logits)


# -- how many steps -------------------------------------------------------------------------------
def test_a_number_of_steps_overrides_halting_in_either_mode() -> None:
    model = built(small().model)
    for training in (True, False):
        found = model.train(training)(tokens(), steps=7)
        assert found.run.steps.tolist() == [7] * B and found.run.rows == (B,) * 7


def test_evaluation_may_have_an_execution_of_its_own() -> None:
    c = recipes.gru(inputs=3, hidden_low=4, hidden_high=5, max_cycles=6).model
    model = built(c)
    with torch.no_grad():
        model.halting.controller.policy.bias.copy_(torch.tensor([0.5, 0.0]))
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    apart = model.train()(x, model.draw(16, torch.Generator().manual_seed(1))).run.steps
    assert len(set(apart.tolist())) > 1
    assert len(set(model.eval()(x).run.steps.tolist())) == 1


# -- training -------------------------------------------------------------------------------------
def test_the_average_starts_at_the_weights_and_follows_them() -> None:
    model = built(small().model)
    average = Averaged(model, 0.9)
    start = model.readout.weight.detach().clone()
    assert torch.equal(average.module.readout.weight, start)
    with torch.no_grad():
        model.readout.weight.add_(1.0)
        model.start_low.value.add_(1.0)
    average.update_parameters(model)
    assert torch.allclose(average.module.readout.weight, start + 0.1, atol=1e-6)
    assert torch.equal(average.module.start_low.value, model.start_low.value)  # a buffer


def test_a_q_learning_system_trains_from_update_to_update_on_one_carry() -> None:
    system = small(max_steps=3, exploration=0.5)
    assert isinstance(system.objective, QHalting)
    model = built(system.model).train()
    training = Training(updates=1, learning_rate=1e-12)  # Q(halt) stays equal to Q(continue)
    learner = Learner(model, system, training, torch.Generator().manual_seed(0))
    seen = [learner.update(Batch(tokens(i), None, tokens(i + 1)))[1] for i in range(6)]
    assert seen == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]  # nobody wants to halt before the last


def test_halting_may_have_a_rate_of_its_own() -> None:
    system = small()
    model = built(system.model)
    found = optimisers(model, Training(updates=1, halting_rate=0.5))
    own = {id(p) for p in model.halting.parameters()}
    groups = {name: o.param_groups[0] for name, o in found.items()}
    assert {name: group["lr"] for name, group in groups.items()} == {
        "learning_rate": 1e-3,
        "halting_rate": 0.5,
    }
    assert {id(p) for p in groups["halting_rate"]["params"]} == own
    assert not own & {id(p) for p in groups["learning_rate"]["params"]}
