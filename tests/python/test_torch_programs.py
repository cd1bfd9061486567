"""What programs for PyTorch do besides training: copies, checkpoints of their own, wrappers, and
arguments by their places."""

import copy
import io

import pytest

import varscope
from conftest import start_server

torch = pytest.importorskip("torch", reason="PyTorch is not installed: run.sh --torch installs it")
import safetensors.torch  # noqa: E402

import varscope.torch  # noqa: E402

nn = torch.nn


@pytest.fixture
def store():
    return varscope.connect()


def train(model, optimizer):
    optimizer.zero_grad()
    model(torch.ones(3, 4)).square().mean().backward()
    optimizer.step()


def shared_and_trained(store, model=None):
    model = nn.Linear(4, 2) if model is None else model
    shared = varscope.torch.share(model, store, "model")
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)
    train(model, optimizer)
    return model, shared, optimizer


def test_copies_of_a_shared_module_are_not_shared(store):
    model, _, optimizer = shared_and_trained(store, nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
    file = io.BytesIO()
    torch.save(model, file)
    parameters = io.BytesIO()
    torch.save(list(model.parameters()), parameters)
    for saved in (file, parameters):
        saved.seek(0)
    assert all(torch.equal(*pair) for pair in zip(torch.load(parameters), model.parameters()))
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        before = copy.deepcopy(other.state_dict())
        train(model, optimizer)
        assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())
        with pytest.raises(ValueError, match="is not shared"):
            varscope.torch.SGD(other.parameters(), lr=0.1)
        varscope.torch.share(other, varscope.connect(), "other")


@pytest.mark.parametrize("change", [
    lambda model: model.load_state_dict({"weight": torch.ones(2, 4), "bias": torch.ones(2)}),
    lambda model: nn.init.ones_(model.weight)])
def test_values_that_the_program_sets_are_not_lost(store, change):
    model, shared, optimizer = shared_and_trained(store)
    version = store.list("model/weight")[0].version
    change(model)
    with pytest.raises(RuntimeError, match=r"'weight' was changed .* push\(\) .* pull\(\)"):
        train(model, optimizer)
    assert store.list("model/weight")[0].version == version
    shared.push()
    assert (store.read("model/weight") == 1).all()
    train(model, optimizer)
    change(model)
    shared.pull()
    assert model.weight.detach().numpy().tolist() == store.read("model/weight").tolist()
    train(model, optimizer)


def test_parameters_that_count_their_changes_together(store):
    flat = torch.zeros(6)
    model = nn.Module()
    model.a, model.b = nn.Parameter(flat[:2]), nn.Parameter(flat[2:])
    varscope.torch.share(model, store)
    optimizer = varscope.torch.SGD(model.parameters(), lr=1.0)
    for _ in range(3):
        optimizer.zero_grad()
        (model.a.sum() + model.b.sum()).backward()
        optimizer.step()
    assert flat.tolist() == [-3] * 6


@pytest.mark.parametrize("replace", [
    lambda model: setattr(model, "weight", nn.Parameter(torch.ones(2, 4))),
    lambda model: model.load_state_dict({"weight": torch.ones(2, 4), "bias": torch.ones(2)},
                                        assign=True),
    lambda model: setattr(model, "weight", None),
    lambda model: nn.utils.parametrizations.weight_norm(model)])
def test_parameters_that_are_replaced(store, replace):
    model, shared, optimizer = shared_and_trained(store)
    replace(model)
    for use in (lambda: train(model, optimizer), shared.pull, shared.push):
        with pytest.raises((RuntimeError, TypeError), match="'weight' was added .* replaced|NoneType"):
            use()


class Counting(nn.Module):
    """A buffer that each forward pass replaces."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, x):
        self.mean = 0.5 * self.mean + x.mean(0)
        return self.layer(x)


def test_buffers_that_are_replaced(store, tmp_path):
    model, shared, optimizer = shared_and_trained(store, Counting())
    train(model, optimizer)
    expected = model.mean.clone()
    assert expected.tolist() == [1.5] * 4
    shared.push_buffers()
    assert store.read("model/mean").tolist() == expected.tolist()
    train(model, optimizer)
    shared.pull()
    assert model.mean.tolist() == expected.tolist()
    train(model, optimizer)
    shared.save(tmp_path / "model.safetensors")
    assert store.read("model/mean").tolist() == [1.75] * 4
    model.mean = torch.zeros(5)
    with pytest.raises(ValueError, match="parameter 'mean': the value has the shape"):
        shared.push_buffers()


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(4, 4, bias=False)
        self.two = nn.Linear(4, 4, bias=False)
        self.two.weight = self.one.weight
        self.strided = nn.Parameter(torch.randn(2, 3).t())
        self.short = nn.Parameter(torch.randn(3, dtype=torch.bfloat16))
        self.register_buffer("mask", torch.tensor([True, False]))


def test_files_that_name_a_tied_parameter_once(store, tmp_path):
    model, written = Tied(), Tied()
    shared = varscope.torch.share(model, store, "model")
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_model(written, path)
    assert len(safetensors.torch.load_file(path)) == len(written.state_dict()) - 1
    shared.restore(path)
    for name, value in written.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    shared.save(path)
    assert Tied().load_state_dict(safetensors.torch.load_file(path)).missing_keys == []
    safetensors.torch.save_file({"strided": torch.zeros(3, 2)}, path)
    with pytest.raises(varscope.errors.NotFoundError, match="Key "):
        shared.restore(path)
    for damaged in (b"", b"junk", b"\xff" * 16, b"\x02" + b"\0" * 7 + b"{}"):
        path.write_bytes(damaged)
        with pytest.raises(varscope.errors.OpError, match="model.safetensors"):
            shared.restore(path)
    assert torch.equal(model.one.weight, written.one.weight)


def test_sharing_again_after_a_failure():
    model = nn.Linear(4, 2)
    with start_server() as target:
        store = varscope.connect(target, timeout=0.5)
        store.get_variable("other", [2])
    with pytest.raises((varscope.errors.UnavailableError, varscope.errors.DeadlineExceededError)):
        varscope.torch.share(model, store, "model")
    shared_and_trained(varscope.connect(), model)


def test_a_server_that_has_lost_everything(tmp_path):
    address = f"unix:{tmp_path}/socket"
    model = nn.Sequential(nn.Embedding(8000, 64, sparse=True), nn.Linear(64, 1))

    def step():
        optimizer.zero_grad()
        loss = model(torch.tensor([1, 2])).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()
    with start_server("--listen", address):
        store = varscope.connect(address, timeout=20)
        shared = varscope.torch.share(model, store, "model")
        optimizer = varscope.torch.SGD(model.parameters(), lr=0.01)
        step()
        before = step()
    with start_server("--listen", address):
        with pytest.raises(varscope.errors.AbortedError):
            step()
        with pytest.raises(varscope.errors.FailedPreconditionError, match="uninitialized value"):
            step()
        shared.push()
        losses = [step() for _ in range(3)]
        assert before > losses[0] > losses[1] > losses[2]
        versions = {variable.name: variable.version for variable in store.list()}
        assert versions == {"model/0/weight": 4, "model/1/weight": 4, "model/1/bias": 4}


def wrapped(model):
    return nn.Sequential(torch.compile(model, backend="eager"), nn.Linear(2, 1))


@pytest.mark.parametrize("wrap, plain", [
    (lambda model: torch.compile(model, backend="eager"), lambda model: model),
    (nn.DataParallel, lambda model: model),
    (lambda model: nn.DataParallel(torch.compile(model, backend="eager")), lambda model: model),
    (wrapped, lambda model: nn.Sequential(model, nn.Linear(2, 1)))])
def test_wrapped_modules_share_with_plain_ones(server, wrap, plain):
    one, two = wrap(nn.Linear(4, 2)), plain(nn.Linear(4, 2))
    _, shared, _ = shared_and_trained(varscope.connect(server), one)
    shared_and_trained(varscope.connect(server), two)
    shared.pull()
    for mine, theirs in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    # In files a name is that of state_dict().
    assert set(one.state_dict()) == set(shared.parameters)


def test_names_that_are_the_programs_own(store):
    model = nn.Module()
    model.module = nn.Module()
    model.module._orig_mod = nn.Linear(1, 1)
    varscope.torch.share(model, store)
    assert [variable.name for variable in store.list()] == ["module/_orig_mod/weight",
                                                            "module/_orig_mod/bias"]


@pytest.mark.parametrize("kind, places", [
    ("SGD", (0.1, 0.9, 0.0, 1e-4, True)), ("Adam", (0.1, (0.5, 0.9), 1e-7, 0.1, False)),
    ("AdamW", (0.1, (0.5, 0.9), 1e-7, 0.1, False)), ("Adagrad", (0.1, 0.0, 1e-4, 0.1))])
def test_arguments_have_pytorchs_places(store, kind, places):
    model = nn.Linear(4, 2)
    varscope.torch.share(model, store)
    ours = getattr(varscope.torch, kind)(model.parameters(), *places, foreach=False, fused=None)
    theirs = getattr(torch.optim, kind)(nn.Linear(4, 2).parameters(), *places)
    mine, = ours.param_groups
    expected, = theirs.param_groups
    for key in mine.keys() & expected.keys() - {"params"}:
        assert mine[key] == expected[key], key


@pytest.mark.parametrize("kind, keywords", [
    ("SGD", dict(dampening=0.1)), ("SGD", dict(maximize=True)), ("Adam", dict(amsgrad=True)),
    ("AdamW", dict(amsgrad=True)), ("Adagrad", dict(lr_decay=0.1)),
    ("Adam", dict(decoupled_weight_decay=True)), ("SGD", dict(differentiable=True))])
def test_what_the_server_does_not_have_is_refused(store, kind, keywords):
    model = nn.Linear(4, 2)
    varscope.torch.share(model, store)
    name = next(iter(keywords))
    with pytest.raises(NotImplementedError, match=f"{kind}: varscope has no '{name}'"):
        getattr(varscope.torch, kind)(model.parameters(), **keywords)
    with pytest.raises(NotImplementedError, match=f"varscope has no '{name}'"):
        getattr(varscope.torch, kind)([{"params": model.parameters(), **keywords}])


@pytest.mark.parametrize("kind, keywords, said", [
    ("SGD", dict(lr=-1.0), "'lr' is -1.0"), ("SGD", dict(lr=float("nan")), "'lr' is nan"),
    ("SGD", dict(momentum=-0.1), "'momentum' is -0.1"), ("Adam", dict(eps=-1.0), "'eps' is -1.0"),
    ("Adam", dict(weight_decay=-1.0), "'weight_decay' is -1.0"),
    ("AdamW", dict(betas=(1.0, 0.9)), "'betas' is"), ("Adam", dict(betas=(0.9, -0.1)), "'betas' is"),
    ("SGD", dict(nesterov=True), "'nesterov' needs a 'momentum'")])
def test_numbers_that_pytorch_refuses(store, kind, keywords, said):
    model = nn.Linear(4, 2)
    varscope.torch.share(model, store)
    with pytest.raises(ValueError, match=f"{kind}: {said}"):
        getattr(varscope.torch, kind)(model.parameters(), **keywords)


def test_the_state_of_another_optimizer(store):
    model, _, _ = shared_and_trained(store)
    optimizer = varscope.torch.Adam(model.parameters(), lr=0.1)
    other = nn.Linear(4, 2)
    theirs = torch.optim.Adam(other.parameters(), lr=0.5)
    optimizer.load_state_dict(theirs.state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.5
    train(model, optimizer)
    saved = optimizer.state_dict()
    train(other, theirs)
    with pytest.raises(ValueError, match="the state of 2 parameters, and .* is on the server"):
        optimizer.load_state_dict(theirs.state_dict())
    optimizer.load_state_dict({**theirs.state_dict(), "state": {}})
    optimizer.load_state_dict(saved)
    train(model, optimizer)
    wrong = torch.optim.Adam(other.parameters(), amsgrad=True)
    with pytest.raises(NotImplementedError, match="no 'amsgrad'"):
        optimizer.load_state_dict(wrong.state_dict())


def test_a_module_without_values(store):
    with torch.device("meta"):
        model = nn.Linear(4, 2)
    with pytest.raises(ValueError, match="parameter 'weight' is on the device 'meta'"):
        varscope.torch.share(model, store)
    assert store.list() == []
    shared_and_trained(store, model.to_empty(device="cpu"))


def test_a_handle_says_what_it_is(store):
    _, shared, _ = shared_and_trained(store)
    assert repr(shared) == f"<varscope.torch.SharedModule of Linear, 2 variables at {store.target}>"


def test_tensors_are_arrays(store):
    w = store.get_variable("w", initializer=torch.ones(2, 3).numpy())
    store.assign({w: torch.arange(6).reshape(3, 2).t()})
    assert store.pull(w).tolist() == [[0, 2, 4], [1, 3, 5]]
    store.push({w: torch.ones(2, 3).half()}, 1.0)
    assert store.pull(w).tolist() == [[-1, 1, 3], [0, 2, 4]]
    for tensor, error in [(torch.ones(2, 3, requires_grad=True), RuntimeError),
                          (torch.ones(2, 3).bfloat16(), TypeError)]:
        with pytest.raises(error, match="the value of variable 'w' is no array: "):
            store.assign({w: tensor})
