"""Costs against closed forms: products counted by hand, storages followed by hand."""

import gc
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from hrm.model import cost

FLOAT = 4  # bytes
sizes = st.integers(1, 7)


class SwiGlu(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.gate = nn.Linear(width, inner, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """Self-attention, then SwiGLU."""

    def __init__(self, width=8, heads=2, inner=12):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_forward = SwiGlu(width, inner)

    def forward(self, x):
        b, s, d = x.shape
        q, k, v = (
            t.transpose(1, 2)
            for t in self.qkv(x).view(b, s, 3, self.heads, d // self.heads).unbind(2)
        )
        y = F.scaled_dot_product_attention(q, k, v)
        return self.feed_forward(self.out(y.transpose(1, 2).reshape(b, s, d)))


def counts(count):
    return count.forward, count.backward


def attend(q, k, v, **options):
    return lambda: F.scaled_dot_product_attention(q, k, v, **options).sum().backward()


# -- operations -----------------------------------------------------------------------------------
@given(batch=sizes, inputs=sizes, outputs=sizes, bias=st.booleans())
@settings(deadline=None, derandomize=True, max_examples=10)
def test_a_linear_layer_costs_two_operations_per_weight_and_row(batch, inputs, outputs, bias):
    layer = nn.Linear(inputs, outputs, bias=bias)
    product = 2 * batch * inputs * outputs
    x = torch.randn(batch, inputs)
    assert counts(cost.operations(lambda: layer(x).sum().backward())) == (product, product)
    x.requires_grad_()
    assert counts(cost.operations(lambda: layer(x).sum().backward())) == (product, 2 * product)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(6,), (1, 6), (2, 6), (2, 5, 6)])
def test_a_map_costs_the_same_per_row_whatever_the_number_of_dimensions(shape, bias):
    layer = nn.Linear(6, 3, bias=bias)
    rows = torch.Size(shape[:-1]).numel()
    assert cost.operations(lambda: layer(torch.randn(shape))).total == 2 * rows * 6 * 3


def test_every_spelling_of_a_product_counts():
    a, b, v = torch.randn(4, 5), torch.randn(5, 6), torch.randn(5)
    batch = torch.randn(3, 2, 4), torch.randn(3, 4, 7)
    assert cost.operations(lambda: a @ b).total == 2 * 4 * 5 * 6
    assert cost.operations(lambda: torch.mm(a, b, out=torch.empty(4, 6))).total == 2 * 4 * 5 * 6
    assert cost.operations(lambda: torch.einsum("ij,jk->ik", a, b)).total == 2 * 4 * 5 * 6
    assert cost.operations(lambda: torch.addmm(torch.zeros(6), a, b)).total == 2 * 4 * 5 * 6
    assert cost.operations(lambda: a @ v).total == 2 * 4 * 5
    assert cost.operations(lambda: torch.addmv(torch.zeros(4), a, v)).total == 2 * 4 * 5
    assert cost.operations(lambda: v @ v).total == 2 * 5
    assert cost.operations(lambda: torch.bmm(*batch)).total == 2 * 3 * 2 * 4 * 7
    added = torch.zeros(3, 2, 7)
    assert cost.operations(lambda: torch.baddbmm(added, *batch)).total == 2 * 3 * 2 * 4 * 7


def test_element_wise_work_norms_and_look_ups_cost_nothing():
    table = nn.Embedding(5, 4)

    def run():
        x = F.layer_norm(table(torch.tensor([1, 2])), (4,)).softmax(-1) * 3
        x.exp().sum().backward()

    assert counts(cost.operations(run)) == (0, 0)


def test_a_gru_cell_costs_three_gates_of_two_maps():
    batch, inputs, width = 3, 4, 6
    cell = nn.GRUCell(inputs, width)
    x, z = torch.randn(batch, inputs), torch.randn(batch, width, requires_grad=True)
    from_inputs, from_state = 2 * batch * 3 * width * inputs, 2 * batch * 3 * width * width
    assert counts(cost.operations(lambda: cell(x, z).sum().backward())) == (
        from_inputs + from_state,
        from_inputs + 2 * from_state,
    )


def test_a_swiglu_costs_its_three_maps():
    x = torch.randn(2, 5, 8, requires_grad=True)
    forward = 3 * 2 * 2 * 5 * 8 * 12
    block = SwiGlu(8, 12)
    assert counts(cost.operations(lambda: block(x).sum().backward())) == (forward, 2 * forward)


@given(b=sizes, h=sizes, q=sizes, s=sizes, e=sizes)
@settings(deadline=None, derandomize=True, max_examples=10)
def test_attention_costs_two_products_forward_and_four_backward_on_every_kernel(b, h, q, s, e):
    query = torch.randn(b, h, q, e, requires_grad=True)
    key, value = (torch.randn(b, h, s, e, requires_grad=True) for _ in range(2))
    forward = 2 * b * h * q * s * (e + e)
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH):
        with sdpa_kernel(backend):
            found = cost.operations(attend(query, key, value))
        assert counts(found) == (forward, 2 * forward)


def test_attention_runs_the_cpu_kernel_that_torchs_counter_does_not_see():
    q, k, v = (torch.randn(2, 3, 5, 4, requires_grad=True) for _ in range(3))
    names = [name for name, _ in cost.allocations(attend(q, k, v))]
    assert any("flash_attention_for_cpu_backward" in name for name in names)
    with FlopCounterMode(display=False) as theirs:
        attend(q, k, v)()
    assert theirs.get_total_flops() == 0
    assert cost.operations(attend(q, k, v)).total == 3 * (2 * 2 * 3 * 5 * 5 * 8)


def test_a_mask_does_not_make_attention_cheaper():
    q, k, v = (torch.randn(2, 3, 5, 4, requires_grad=True) for _ in range(3))
    plain = cost.operations(attend(q, k, v))
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH):
        with sdpa_kernel(backend):
            assert cost.operations(attend(q, k, v, is_causal=True)) == plain


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_block_costs_the_same_on_the_cpu_with_the_math_kernel_and_on_the_meta_device(dtype):
    def count(device):
        block = Block().to(device, dtype)
        x = torch.randn(3, 5, 8, device=device, dtype=dtype)
        return cost.operations(lambda: block(x).sum().backward(), block)

    cpu, meta = count("cpu"), count("meta")
    with sdpa_kernel(SDPBackend.MATH):
        math = count("cpu")
    assert cpu == math == meta
    scores = 2 * 3 * 5 * 5 * (8 + 8)
    assert cpu.forward == 2 * 3 * 5 * (8 * 24 + 8 * 8 + 3 * 8 * 12) + scores
    assert cpu.backward == 2 * cpu.forward - 2 * 3 * 5 * 8 * 24  # the input has no gradient


def test_where_torchs_counter_sees_everything_it_agrees():
    block = Block().to("meta")
    x = torch.randn(3, 5, 8, device="meta")
    with FlopCounterMode(display=False) as theirs:
        block(x).sum().backward()
    assert cost.operations(lambda: block(x).sum().backward()).total == theirs.get_total_flops()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_the_forward_pass_costs_the_same(mode):
    block, x = Block(), torch.randn(3, 5, 8)
    trained = cost.operations(lambda: block(x))
    with mode():
        assert cost.operations(lambda: block(x)) == trained


def test_operations_are_told_apart_by_top_level_child():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.low = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
            self.high = nn.ModuleList([nn.Linear(4, 4)])
            self.unused = nn.Linear(4, 4)

        def think(self, x):
            for _ in range(3):
                x = self.low(x)
            return self.high[0](x) @ torch.ones(4, 5)

    model = Model()
    found = cost.operations(lambda: model.think(torch.ones(1, 4)).sum().backward(), model)
    assert dict(found.children) == {"low": 3 * 2 * 32, "high": 32, "": 2 * 20}
    assert found.forward == sum(found.children.values())
    assert found.total == found.forward + found.backward
    hooks = [m._forward_hooks or m._forward_pre_hooks for m in model.modules()]
    assert not any(hooks)


@pytest.mark.parametrize("reentrant", [True, False])
def test_what_checkpointing_computes_again_counts_again(reentrant):
    block, x = Block(), torch.randn(3, 5, 8, requires_grad=True)
    plain = cost.operations(lambda: block(x).sum().backward(), block)

    def step():
        checkpoint(block, x, use_reentrant=reentrant).sum().backward()

    again = cost.operations(step, block)
    assert again.forward == plain.forward
    # The last map isn't computed again where nobody needs its result.
    spared = 0 if reentrant else 2 * 3 * 5 * 8 * 12
    assert again.backward == plain.backward + plain.forward - spared
    twice = cost.operations(lambda: (step(), step()), block)
    assert twice.children == {name: 2 * found for name, found in plain.children.items()}


def test_a_kernel_that_hides_its_products_is_refused():
    conv = nn.Conv1d(2, 3, 1)
    with pytest.raises(cost.Uncounted, match=r"aten\.convolution are hidden"):
        cost.operations(lambda: conv(torch.randn(1, 2, 4)))
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    with torch.no_grad(), pytest.raises(cost.Uncounted, match="hidden in its kernel"):
        cost.operations(lambda: layer(torch.randn(2, 3, 8)))


# -- memory ---------------------------------------------------------------------------------------
def test_what_is_freed_makes_room():
    def one_by_one():
        for _ in range(5):
            torch.zeros(100)

    def all_at_once():
        return [torch.zeros(100) for _ in range(5)]

    assert cost.peak_memory(one_by_one) == 100 * FLOAT
    assert cost.peak_memory(all_at_once) == 5 * 100 * FLOAT
    assert cost.allocations(one_by_one) == [("aten.zeros", 100 * FLOAT)] * 5


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=30))
@settings(deadline=None, derandomize=True, max_examples=20)
def test_the_peak_is_that_of_a_ledger_kept_by_hand(steps):
    def run():
        held = []
        for make, number in steps:
            if make:
                held.append(torch.empty(number, dtype=torch.float64))
            elif held:
                del held[number % len(held)]

    now, peak, held = 0, 0, []
    for make, number in steps:
        if make:
            held.append(8 * number)
        elif held:
            del held[number % len(held)]
        now = sum(held)
        peak = max(peak, now)
    assert cost.peak_memory(run) == peak


def test_views_and_operations_in_place_take_no_memory():
    def run():
        x = torch.zeros(4, 5)
        views = x.view(20), x.t(), x[1:], x.expand(3, 4, 5), x.detach()
        x.exp_().neg_()
        views[0].fill_(3)

    assert cost.allocations(run) == [("aten.zeros", 20 * FLOAT)]
    assert cost.peak_memory(run) == 20 * FLOAT


def test_a_view_keeps_the_whole_storage_alive():
    def run():
        one = torch.zeros(100)[0]
        torch.zeros(10)
        return one

    assert cost.peak_memory(run) == 110 * FLOAT


def test_a_growing_storage_holds_its_old_and_new_place_at_once():
    def run():
        x = torch.empty(10)
        x.resize_(30)
        x.resize_(20)  # keeps the storage of 30

    assert cost.peak_memory(run) == 40 * FLOAT
    assert cost.allocations(run) == [("aten.empty", 10 * FLOAT), ("aten.resize_", 30 * FLOAT)]

    def emptied():
        x = torch.empty(10)
        x.untyped_storage().resize_(0)
        return x, torch.empty(8)

    assert cost.peak_memory(emptied) == 10 * FLOAT


def test_what_existed_before_is_not_counted_nor_is_its_end():
    before = torch.zeros(1000)
    assert cost.peak_memory(lambda: before.view(10, 100).exp_()) == 0
    assert cost.peak_memory(lambda: torch.add(before, before, out=before)) == 0
    assert cost.allocations(lambda: torch.add(before, before, out=before)) == []
    assert cost.peak_memory(before.sum) == FLOAT

    held = []
    cost.peak_memory(lambda: held.append(torch.zeros(100)))

    def run():
        held.clear()  # known from the call before, but not of this one
        torch.zeros(5)

    assert cost.peak_memory(run) == 5 * FLOAT


def test_tensors_made_from_python_numbers_count_once():
    assert cost.allocations(lambda: torch.tensor([1.0, 2.0])) == [("aten.lift_fresh", 2 * FLOAT)]
    assert cost.peak_memory(lambda: torch.tensor([1.0, 2.0]).exp_()) == 2 * FLOAT


def test_activations_are_kept_for_the_backward_pass_and_only_for_it():
    batch, width, depth = 3, 8, 6
    layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))
    x = torch.randn(batch, width)
    assert cost.peak_memory(lambda: layers(x)) == depth * batch * width * FLOAT
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():  # a layer's input and output
            assert cost.peak_memory(lambda: layers(x)) == 2 * batch * width * FLOAT


def test_a_linear_layers_training_step_takes_its_output_and_its_gradients():
    batch, inputs, outputs = 2, 3, 5
    layer = nn.Linear(inputs, outputs)
    x, gradient = torch.randn(batch, inputs), torch.randn(batch, outputs)
    expected = [
        ("aten.addmm", batch * outputs * FLOAT),
        ("aten.mm", inputs * outputs * FLOAT),
        ("aten.sum", outputs * FLOAT),
    ]

    def step():
        layer(x).backward(gradient)

    for _ in range(2):
        layer.zero_grad()
        assert cost.allocations(step) == expected
        layer.zero_grad()
        assert cost.peak_memory(step) == sum(size for _, size in expected)


def test_gradients_that_meet_are_added_in_place_as_they_are_when_unwatched():
    x = torch.randn(1000, requires_grad=True)

    def step():
        y = torch.exp(x)
        (y[0] + y[1] + y[2]).backward()  # each gradient as long as y

    peak = cost.peak_memory(step)
    assert peak // FLOAT // 1000 == 3  # y, the sum so far and what is added to it
    x.grad = None
    with cost._Storages():  # where autograd adds out of place
        assert cost.peak_memory(step) // FLOAT // 1000 == 4


def test_a_training_steps_peak_repeats_to_the_byte_and_grows_with_the_batch():
    block = Block()
    peaks = []
    for batch in (2, 2, 4, 4):
        x = torch.randn(batch, 5, 8)
        block.zero_grad()
        peaks.append(cost.peak_memory(lambda x=x: block(x).square().mean().backward()))
    assert peaks[0] == peaks[1] < peaks[2] == peaks[3] < 2 * peaks[0]


def test_cycles_of_references_do_not_make_the_peak_depend_on_the_collector():
    def run():
        for _ in range(300):
            knot = [torch.zeros(10)]
            knot.append(knot)

    before = gc.get_threshold()
    try:
        gc.set_threshold(10)
        assert cost.peak_memory(run) == 300 * 10 * FLOAT
    finally:
        gc.set_threshold(*before)
    assert gc.isenabled()


def test_the_meta_device_tells_allocations_without_making_them():
    found = cost.allocations(lambda: torch.zeros(10**12, device="meta").exp())
    assert found == [("aten.zeros", 4 * 10**12), ("aten.exp", 4 * 10**12)]


def test_measuring_leaves_nothing_behind(monkeypatch):
    monkeypatch.delenv("KINETO_LOG_LEVEL", raising=False)
    cost.peak_memory(lambda: torch.zeros(3))
    assert "KINETO_LOG_LEVEL" not in os.environ
    monkeypatch.setenv("KINETO_LOG_LEVEL", "5")
    cost.peak_memory(lambda: torch.zeros(3))
    assert os.environ["KINETO_LOG_LEVEL"] == "5"
    with pytest.raises(ZeroDivisionError):
        cost.peak_memory(lambda: 1 / 0)
    assert gc.isenabled()


def test_the_profilers_own_messages_are_not_heard():
    program = (
        "import torch; from hrm.model.cost import peak_memory; "
        "print(peak_memory(lambda: torch.zeros(3)))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "KINETO_LOG_LEVEL"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("12\n", "")
