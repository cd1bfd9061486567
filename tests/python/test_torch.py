"""PyTorch modules over the store."""

import copy

import numpy as np
import pytest

import varscope
from conftest import start_server

torch = pytest.importorskip("torch", reason="PyTorch is not installed: run.sh --torch installs it")
import safetensors.torch  # noqa: E402

import varscope.torch  # noqa: E402

nn = torch.nn
functional = torch.nn.functional


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.ModuleList([nn.Linear(4, 5), nn.Linear(5, 3)])

    def forward(self, x):
        return self.layer[1](torch.relu(self.layer[0](x)))


class Model(nn.Module):
    """Of everything that a module may have."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, 3, bias=False)
        self.tied = nn.Linear(3, 3, bias=False)
        self.tied.weight = self.head.weight

    def forward(self, x):
        return self.tied(self.head(self.norm(self.encoder(x))))


NAMES = ["encoder.layer.0.weight", "encoder.layer.0.bias", "encoder.layer.1.weight",
         "encoder.layer.1.bias", "norm.weight", "norm.bias", "norm.running_mean",
         "norm.running_var", "norm.num_batches_tracked", "head.weight"]


@pytest.fixture(autouse=True)
def the_same_numbers():
    torch.manual_seed(0)


@pytest.fixture
def store():
    return varscope.connect()


def data(seed=0, rows=16):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 4, generator=generator)


def train(model, optimizer, steps=1, x=None):
    for _ in range(steps):
        optimizer.zero_grad()
        model(data() if x is None else x).square().mean().backward()
        optimizer.step()


def values(model):
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def assert_same(one, other, **tolerance):
    assert list(one) == list(other)
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], msg=lambda m: f"{name}: {m}", **tolerance)


def test_names_are_paths_in_the_order_of_state_dict(store):
    model = Model()
    shared = varscope.torch.share(model, store, "model")
    assert list(shared.arrays.variables) == NAMES
    listed = {variable.name: variable for variable in store.list()}
    assert list(listed) == ["model/" + name.replace(".", "/") for name in NAMES]
    for name, tensor in model.state_dict().items():
        if name != "tied.weight":
            variable = listed["model/" + name.replace(".", "/")]
            assert variable.shape == tuple(tensor.shape)
            assert variable.dtype == str(tensor.dtype).removeprefix("torch.")
    assert [v.name for v in shared.arrays.variables.values() if v.trainable] == [
        f"model/{name.replace('.', '/')}:0" for name in shared.parameters]


def test_the_first_one_creates_and_others_attach(server):
    first, second = Model(), Model()
    before = values(first)
    one = varscope.torch.share(first, varscope.connect(server), "model")
    varscope.torch.share(second, varscope.connect(server), "model")
    assert_same(before, values(first), rtol=0, atol=0)
    assert_same(values(first), values(second), rtol=0, atol=0)
    # A parameter's memory is its own: whoever holds a view of it sees the new value.
    view = second.head.weight.detach().view(-1)
    optimizer = varscope.torch.SGD(first.parameters(), lr=1.0)
    train(first, optimizer)
    other = varscope.torch.SGD(second.parameters(), lr=1.0)
    train(second, other)
    one.pull()
    assert torch.equal(view, first.head.weight.detach().view(-1))


def test_a_mismatch_names_the_parameter_and_both_creators(server):
    varscope.torch.share(nn.Linear(4, 5), varscope.connect(server), "model")
    with pytest.raises(ValueError) as caught:
        varscope.torch.share(nn.Linear(4, 6), varscope.connect(server), "model")
    text = str(caught.value)
    assert text.startswith("parameter 'weight': Trying to share variable model/weight")
    assert text.count(f'File "{__file__}", line ') == 2
    assert "varscope.torch.share(nn.Linear(4, 5)" in text
    assert "varscope.torch.share(nn.Linear(4, 6)" in text


def plain(kind, model, **keywords):
    return getattr(torch.optim, kind)(model.parameters(), **keywords)


@pytest.mark.parametrize("kind, keywords", [
    ("SGD", dict(lr=0.1)), ("SGD", dict(lr=0.1, weight_decay=0.1)),
    ("SGD", dict(lr=0.1, momentum=0.9)), ("SGD", dict(lr=0.1, momentum=0.9, nesterov=True)),
    ("Adam", dict(lr=0.01)), ("Adam", dict(lr=0.01, betas=(0.5, 0.9), weight_decay=0.1)),
    ("AdamW", dict(lr=0.01, weight_decay=0.1)),
    ("Adagrad", dict(lr=0.1, initial_accumulator_value=0.1))])
def test_optimizers_do_what_pytorchs_own_do(store, kind, keywords):
    # Without a BatchNorm, before which gradients are nothing but rounding, which Adam makes large.
    model = Encoder()
    same = copy.deepcopy(model)
    varscope.torch.share(model, store, "model")
    train(model, getattr(varscope.torch, kind)(model.parameters(), **keywords), steps=5)
    train(same, plain(kind, same, **keywords), steps=5)
    # Where a gradient is small, it shows where Adam adds epsilon.
    assert_same(values(same), values(model), rtol=1e-4, atol=1e-4)


def test_schedulers_groups_and_closures(store):
    model = Model()
    same = copy.deepcopy(model)
    varscope.torch.share(model, store, "model")

    def run(model, kind):
        optimizer = kind([{"params": model.encoder.parameters(), "lr": 0.2},
                          {"params": model.head.parameters(), "momentum": 0.5}], lr=0.1)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        losses = []
        for _ in range(6):
            def closure():
                optimizer.zero_grad()
                loss = model(data()).square().mean()
                loss.backward()
                return loss
            losses.append(optimizer.step(closure).item())
            schedule.step()
        return losses

    assert np.allclose(run(model, varscope.torch.SGD), run(same, torch.optim.SGD), rtol=1e-4)
    assert_same(values(same), values(model), rtol=1e-4, atol=1e-5)


def test_any_of_the_servers_optimizers(store):
    model = nn.Linear(4, 1)
    varscope.torch.share(model, store)
    optimizer = varscope.torch.Optimizer(model.parameters(), varscope.train.LAMBOptimizer(0.1))
    before = model(data()).square().mean().item()
    train(model, optimizer, 30)
    assert model(data()).square().mean().item() < before / 4
    assert "weight/LAMB" in {variable.name for variable in store.list()}
    with pytest.raises(TypeError, match="varscope.train"):
        varscope.torch.Optimizer(model.parameters(), 0.1)


@pytest.mark.parametrize("kind, keywords", [("SGD", {}), ("Adagrad", dict(lr=0.5))])
def test_rows_of_an_embedding(store, kind, keywords):
    model = nn.Embedding(50, 3, sparse=True)
    same = copy.deepcopy(model)
    varscope.torch.share(model, store, "table")
    optimizer = getattr(varscope.torch, kind)(model.parameters(), **keywords)
    if kind == "Adagrad":
        keywords = {**keywords, "initial_accumulator_value": 0.1}
    expected = plain(kind, same, **keywords)
    for step in range(3):
        rows = torch.tensor([3, 7, 7, 49 - step])
        for of, by in ((model, optimizer), (same, expected)):
            by.zero_grad()
            of(rows).square().sum().backward()
            assert of.weight.grad.is_sparse
            by.step()
    assert_same(values(same), values(model), rtol=1e-5, atol=1e-6)


def test_frozen_parameters_follow_the_store(server):
    first, second = Model(), Model()
    varscope.torch.share(first, varscope.connect(server), "model")
    varscope.torch.share(second, varscope.connect(server), "model")
    for parameter in second.encoder.parameters():
        parameter.requires_grad_(False)
    before = second.encoder.layer[0].weight.clone()
    optimizer = varscope.torch.SGD(second.parameters(), lr=0.1)
    train(second, optimizer)
    assert torch.equal(second.encoder.layer[0].weight, before)
    train(first, varscope.torch.SGD(first.parameters(), lr=0.1))
    train(second, optimizer)
    assert torch.equal(second.encoder.layer[0].weight, first.encoder.layer[0].weight)
    assert not torch.equal(second.encoder.layer[0].weight, before)
    # Thawed, it is trained on.
    for parameter in second.encoder.parameters():
        parameter.requires_grad_(True)
    train(second, optimizer)
    assert not torch.equal(second.encoder.layer[0].weight, first.encoder.layer[0].weight)


def test_buffers_are_of_who_pushes_them(server):
    first, second = Model(), Model()
    one = varscope.torch.share(first, varscope.connect(server), "model")
    two = varscope.torch.share(second, varscope.connect(server), "model")
    train(first, varscope.torch.SGD(first.parameters(), lr=0.1), steps=3)
    two.pull()
    assert second.norm.num_batches_tracked == 0 and not second.norm.running_mean.any()
    one.push_buffers()
    two.pull()
    assert second.norm.num_batches_tracked == 3
    assert_same(values(first), values(second), rtol=0, atol=0)
    first.eval()
    second.eval()
    assert torch.equal(first(data(1)), second(data(1)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtypes(store, dtype):
    model = nn.Linear(4, 2).to(dtype)
    varscope.torch.share(model, store, "model")
    weight = store.list("model/weight")[0]
    assert weight.dtype == ("float64" if dtype is torch.float64 else "float32")
    optimizer = varscope.torch.SGD(model.parameters(), lr=1e-5)
    x = torch.ones(1, 4, dtype=dtype)
    before = store.read("model/weight").copy()
    for _ in range(100):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
    # Smaller than a half can add: the store has them all.
    np.testing.assert_allclose(store.read("model/weight"), before - 1e-3, atol=1e-5)
    assert model.weight.dtype == dtype
    expected = torch.from_numpy(store.read("model/weight").copy()).to(dtype)
    assert torch.equal(model.weight.detach(), expected)


def test_checkpoints_both_ways(store, tmp_path):
    model = Model()
    shared = varscope.torch.share(model, store, "model")
    train(model, varscope.torch.Adam(model.parameters()), 3)
    path = shared.save(tmp_path / "model.safetensors")
    loaded = Model()
    state = safetensors.torch.load_file(path)
    assert set(state) == set(loaded.state_dict())
    loaded.load_state_dict(state)
    assert_same(values(model), values(loaded), rtol=0, atol=0)

    others = Model()
    written = {name: tensor.clone() for name, tensor in others.state_dict().items()}
    safetensors.torch.save_file(written, tmp_path / "other.safetensors")
    shared.restore(tmp_path / "other.safetensors")
    assert_same(values(others), values(model), rtol=0, atol=0)
    np.testing.assert_array_equal(store.read("model/head/weight"),
                                  others.head.weight.detach().numpy())
    safetensors.torch.save_file({"head.weight": torch.zeros(3, 3)}, tmp_path / "less.safetensors")
    with pytest.raises(varscope.errors.OpError, match="less.safetensors"):
        shared.restore(tmp_path / "less.safetensors")


def test_autograd_knows_that_the_values_are_new(store):
    model = nn.Linear(4, 4, bias=False)
    varscope.torch.share(model, store)
    loss = model(model(data())).square().mean()
    loss.backward(retain_graph=True)
    varscope.torch.SGD(model.parameters(), lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


class Conditional(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(4, 1), nn.Linear(4, 1)

    def forward(self, x):
        return self.used(x)


def test_a_missing_gradient(store):
    model = Conditional()
    varscope.torch.share(model, store)
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RuntimeError, match="'used.weight', 'used.bias', 'unused.weight' and 1 more"):
        optimizer.step()
    before = values(model)
    with pytest.raises(RuntimeError, match="no gradient of parameter 'unused.weight'"):
        train(model, optimizer)
    assert_same(before, values(model), rtol=0, atol=0)
    train(model, varscope.torch.SGD(model.parameters(), lr=0.1, skip_missing=True))
    assert torch.equal(model.unused.weight, before["unused.weight"])
    assert not torch.equal(model.used.weight, before["used.weight"])


def test_a_gradient_that_is_not_finite(store):
    model = nn.Linear(4, 1)
    varscope.torch.share(model, store, "model")
    before = values(model)
    with pytest.raises(varscope.errors.InvalidArgumentError, match="variable model/weight"):
        train(model, varscope.torch.SGD(model.parameters(), lr=0.1), x=data() * float("nan"))
    assert_same(before, values(model), rtol=0, atol=0)


def test_a_closed_store(store):
    model = nn.Linear(4, 1)
    shared = varscope.torch.share(model, store)
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
    store.close()
    with pytest.raises(RuntimeError, match="closed"):
        train(model, optimizer)
    with pytest.raises(RuntimeError, match="closed"):
        shared.pull()


def test_a_module_goes_on_with_another_store_when_its_own_is_closed(store):
    model = nn.Linear(4, 1)
    varscope.torch.share(model, store)
    with pytest.raises(ValueError, match="shared already"):
        varscope.torch.share(model, varscope.connect())
    store.close()
    varscope.torch.share(model, varscope.connect())
    train(model, varscope.torch.SGD(model.parameters(), lr=0.1))


def test_arguments_that_are_none(store):
    model = nn.Linear(4, 1)
    with pytest.raises(TypeError, match="takes a torch.nn.Module, not generator"):
        varscope.torch.share(model.parameters(), store)
    with pytest.raises(TypeError, match="takes a store, .* not 'model'"):
        varscope.torch.share(model, "model")
    varscope.torch.share(model, store)
    with pytest.raises(ValueError, match="empty parameter list"):
        varscope.torch.SGD([{"params": []}], lr=0.1)


def test_a_server_that_is_gone():
    with start_server() as target:
        model = nn.Linear(4, 1)
        varscope.torch.share(model, varscope.connect(target, timeout=0.5))
        optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
        train(model, optimizer)
    before = values(model)
    with pytest.raises((varscope.errors.UnavailableError, varscope.errors.DeadlineExceededError)):
        train(model, optimizer)
    assert_same(before, values(model), rtol=0, atol=0)


def test_a_changed_shape(store):
    model = nn.Linear(4, 2)
    varscope.torch.share(model, store)
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
    model.weight.data = torch.zeros(3, 4)
    model.weight.grad = torch.zeros(3, 4)
    model.bias.grad = torch.zeros(2)
    with pytest.raises(ValueError, match=r"parameter 'weight': .* \(3, 4\).* \(2, 4\)"):
        optimizer.step()


def test_parameters_that_come_later(store):
    model = nn.Sequential(nn.Linear(4, 4))
    shared = varscope.torch.share(model, store)
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
    model.append(nn.Linear(4, 1))
    with pytest.raises(RuntimeError, match="'1.weight' was added"):
        train(model, optimizer)
    with pytest.raises(RuntimeError, match="'1.weight' was added"):
        shared.save("never")
    with pytest.raises(ValueError, match="'1.weight', which was added after share"):
        varscope.torch.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RuntimeError, match="one optimizer more"):
        optimizer.add_param_group({"params": model[1].parameters()})


def test_parameters_that_are_not_shared(store):
    with pytest.raises(ValueError, match=r"number 0 \(shape \(1, 4\)\) is not shared"):
        varscope.torch.SGD(nn.Linear(4, 1).parameters(), lr=0.1)
    one, two = nn.Linear(4, 1), nn.Linear(4, 1)
    varscope.torch.share(one, store, "one")
    varscope.torch.share(two, store, "two")
    with pytest.raises(ValueError, match="'weight' is 'two/weight:0' of another share"):
        varscope.torch.SGD([*one.parameters(), *two.parameters()], lr=0.1)
    copied = copy.deepcopy(one)
    with pytest.raises(ValueError, match="is not shared"):
        varscope.torch.SGD(copied.parameters(), lr=0.1)


def test_two_scopes(store):
    model = nn.Linear(4, 1)
    varscope.torch.share(model, store, "one")
    with pytest.raises(ValueError, match="'weight' is shared already, as the variable 'one/weight:0'"):
        varscope.torch.share(model, store, "two")
    assert store.list("two") == []


def test_names_that_are_none(store):
    model = nn.Module()
    model.register_parameter("a b", nn.Parameter(torch.zeros(1)))
    with pytest.raises(ValueError, match="parameter 'a b' has ' ' in its name"):
        varscope.torch.share(model, store)
    shared = varscope.torch.share(model, store, rename=lambda name: name.replace(" ", "_"))
    assert shared.variable("a b").name == "a_b:0"
    two = nn.Module()
    two.register_parameter("x", nn.Parameter(torch.zeros(1)))
    two.register_parameter("y", nn.Parameter(torch.zeros(1)))
    with pytest.raises(ValueError, match="'x' and 'y' would both be the variable 'z'"):
        varscope.torch.share(two, store, rename=lambda name: "z")
    with pytest.raises(ValueError, match="no parameters"):
        varscope.torch.share(nn.ReLU(), store)


def test_what_has_no_variable(store):
    model = nn.Module()
    model.register_parameter("wave", nn.Parameter(torch.zeros(1, dtype=torch.complex64)))
    with pytest.raises(TypeError, match="parameter 'wave' is complex64"):
        varscope.torch.share(model, store)
    with pytest.raises(ValueError, match="parameter 'weight' has no shape yet"):
        varscope.torch.share(nn.LazyLinear(3), store)


def test_fixed_hyperparameters(store):
    model = nn.Linear(4, 1)
    varscope.torch.share(model, store)
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
    optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(ValueError, match="'weight_decay' was 0.0 when"):
        train(model, optimizer)
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter to train"):
        varscope.torch.SGD(model.parameters(), lr=0.1)


def test_the_way_of_a_gpus_tensors(store, monkeypatch):
    """Its steps in their order, on the CPU: no GPU is here."""
    from varscope.torch import ports
    done = []

    class Staging(torch.Tensor):
        def copy_(self, source, non_blocking=False):
            assert non_blocking
            done.append("copy")
            return super().copy_(source)

    def new_pinned(like):
        done.append("allocate")
        return torch.empty(like.shape, dtype=like.dtype).as_subclass(Staging)
    model = nn.ModuleDict({"table": nn.Embedding(9, 2, sparse=True), "head": nn.Linear(2, 1)})
    model["head"].half()
    same = copy.deepcopy(model)
    shared = varscope.torch.share(model, store, "model")
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.5)
    monkeypatch.setattr(ports, "_is_on_gpu", lambda tensor: True)
    monkeypatch.setattr(ports, "_new_pinned", new_pinned)
    monkeypatch.setattr(ports, "_await_stream", lambda device: done.append("await"))

    def backward(model):
        model["head"](model["table"](torch.tensor([1, 3, 3])).half()).sum().backward()
    backward(model)
    optimizer.step()
    # Two of the table's rows and their numbers, two of the head; all at once awaited.
    assert done == ["allocate", "copy", "allocate", "copy"] + 2 * ["allocate", "copy"] + [
        "await", "await", "allocate"]
    backward(same)
    torch.optim.SGD(same.parameters(), lr=0.5).step()
    assert_same(values(same), values(model), rtol=1e-2, atol=1e-2)
    shared.pull()
    assert_same(values(same), values(model), rtol=1e-2, atol=1e-2)


def test_data_loaders_that_fork(store):
    model = nn.Linear(4, 1)
    varscope.torch.share(model, store)
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
    loader = torch.utils.data.DataLoader(data(rows=32), batch_size=8, num_workers=2,
                                         multiprocessing_context="fork")
    for _ in range(2):
        for x in loader:
            train(model, optimizer, x=x)
    assert store.list("weight")[0].version == 8
