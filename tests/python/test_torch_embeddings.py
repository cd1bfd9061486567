"""Tables of which a step brings nothing, and a forward pass the rows that it looks up."""

import copy
import threading

import pytest

import varscope
from conftest import start_server

torch = pytest.importorskip("torch", reason="PyTorch is not installed: run.sh --torch installs it")
import varscope.torch  # noqa: E402

nn = torch.nn
ROWS, WIDTH = 8000, 64


class Model(nn.Module):
    def __init__(self, **keywords):
        super().__init__()
        self.table = nn.Embedding(ROWS, WIDTH, sparse=True, **keywords)
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, rows):
        return self.head(self.table(torch.as_tensor(rows)))


@pytest.fixture(autouse=True)
def the_same_numbers():
    torch.manual_seed(0)


def train(model, optimizer, rows=(3, 7, 7)):
    optimizer.zero_grad()
    loss = model(rows).square().mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def worker(target, model=None):
    """A module of a worker, the handle and the optimizer."""
    model = model or Model()
    shared = varscope.torch.share(model, varscope.connect(target), "model")
    return model, shared, varscope.torch.SGD(model.parameters(), lr=0.01)


def in_store(shared, name="table.weight"):
    variable = shared.variable(name)
    return torch.from_numpy(shared.store.pull(variable).copy())


def pulls_of(shared, monkeypatch):
    """What of the table is asked for from now on: numbers of rows, or 'all'."""
    seen, arrays = [], shared.arrays
    rows, pull, push = arrays.rows, arrays.pull, varscope.shared.Pushes.push
    monkeypatch.setattr(arrays, "rows", lambda name, numbers: (
        seen.append(list(numbers)), rows(name, numbers))[1])
    monkeypatch.setattr(arrays, "pull", lambda names=None: (seen.append("all"), pull(names))[1])

    def noted(self, gradients, hyperparameters, brings=None):
        seen.extend(["all"] if "table.weight" in brings else [])
        return push(self, gradients, hyperparameters, brings)
    monkeypatch.setattr(varscope.shared.Pushes, "push", noted)
    return seen


@pytest.mark.parametrize("kind, keywords", [("SGD", {}), ("SGD", dict(momentum=0.9)),
                                            ("Adagrad", {}), ("Adam", {}), ("AdamW", {})])
def test_rows_have_the_values_that_the_whole_table_would(server, kind, keywords):
    model, shared, _ = worker(server)
    optimizer = getattr(varscope.torch, kind)(model.parameters(), lr=0.01, **keywords)
    other = varscope.connect(server)
    table = other.get_variable("model/table/weight", reuse=True)
    for step in range(4):
        rows = [3, 7, 7, 100 + step, 3]
        train(model, optimizer, rows)
        other.push({table: varscope.IndexedSlices(torch.ones(1, WIDTH).numpy(), [7])}, 0.5)
        model(rows)
        assert torch.equal(model.table.weight[rows], in_store(shared)[rows])
        assert torch.equal(model.head.weight, in_store(shared, "head.weight"))


def test_a_row_comes_once_between_two_steps(server, monkeypatch):
    model, shared, optimizer = worker(server)
    seen = pulls_of(shared, monkeypatch)
    train(model, optimizer)
    assert seen == []  # share() has brought all
    model([[7, 3], [7, 5]])
    model([5, 3, 9])
    assert seen == [[3, 5, 7], [9]]
    train(model, optimizer, [3])
    model(torch.tensor(3, dtype=torch.int32))
    model(torch.empty(0, dtype=torch.int64))
    assert seen == [[3, 5, 7], [9], [3]]


def test_whoever_wants_the_whole_table_gets_it(server, monkeypatch, tmp_path):
    model, shared, optimizer = worker(server)
    other, of_other, by_other = worker(server)
    train(model, optimizer, [1])
    train(other, by_other, [2])
    assert not torch.equal(model.table.weight, in_store(shared))
    seen = pulls_of(shared, monkeypatch)
    assert torch.equal(model.state_dict()["table.weight"], in_store(shared))
    model.state_dict()
    model([1, 2])
    assert seen == ["all"]
    train(other, by_other, [2])
    of_other.pull()
    assert torch.equal(other.table.weight, in_store(shared))
    path = shared.save(tmp_path / "model.safetensors")
    import safetensors.torch
    assert torch.equal(safetensors.torch.load_file(path)["table.weight"], in_store(shared))
    train(model, optimizer, [1])
    shared.restore(path)
    assert torch.equal(model.table.weight, other.table.weight)


def test_steps_of_two_workers_are_the_same_in_bsp():
    with start_server("--sync", "bsp:workers=2") as target:
        workers = [worker(target) for _ in range(2)]

        def run(number):
            model, _, optimizer = workers[number]
            for step in range(10):
                train(model, optimizer, [step % 3, number, 100 + step * number])
        threads = [threading.Thread(target=run, args=[number]) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one, two = (model.state_dict() for model, _, _ in workers)
        assert all(torch.equal(one[name], two[name]) for name in one)
        assert torch.equal(one["table.weight"], in_store(workers[0][1]))


def test_no_rows_are_stale_that_were_read():
    with start_server("--sync", "model/table=async:max_staleness=3") as target:
        model, shared, optimizer = worker(target)
        losses = [train(model, optimizer) for _ in range(10)]
        assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0] / 100
        # Its first value is a version, too.
        assert shared.store.list("model/table")[0].version == 11


@pytest.mark.parametrize("steps", [1, 3])
def test_local_training(steps):
    with start_server("--sync", f"local:workers=1,steps={steps},outer_learning_rate=1,"
                      "outer_momentum=0") as target:
        model, _, optimizer = worker(target)
        same = copy.deepcopy(model)
        plain = torch.optim.SGD(same.parameters(), lr=0.01)
        for _ in range(7):
            assert train(model, optimizer) == pytest.approx(train(same, plain), rel=1e-4)


def test_a_program_that_uses_all_of_a_table_gets_all_of_it(server, monkeypatch):
    model, shared, optimizer = worker(server)
    seen = pulls_of(shared, monkeypatch)
    for _ in range(2):
        optimizer.zero_grad()
        (model([1]).sum() + model.table.weight.square().sum()).backward()
        assert not model.table.weight.grad.is_sparse
        optimizer.step()
        assert torch.equal(model.table.weight, in_store(shared))
    assert seen == ["all", "all"]
    train(model, optimizer)
    assert seen == ["all", "all", "all"]


def tied():
    model = Model()
    model.output = nn.Linear(WIDTH, ROWS, bias=False)
    model.output.weight = model.table.weight
    return model


def small():
    model = Model()
    model.table = nn.Embedding(100, WIDTH, sparse=True)
    return model


class Doubled(nn.Embedding):
    def forward(self, rows):
        return super().forward(rows) + self.weight[0]


def doubled():
    model = Model()
    model.table = Doubled(ROWS, WIDTH, sparse=True)
    return model


@pytest.mark.parametrize("make", [tied, small, doubled, lambda: Model(max_norm=1.0)])
def test_other_tables_come_with_the_step(server, monkeypatch, make):
    model, shared, optimizer = worker(server, make())
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.01, skip_missing=True)
    seen = pulls_of(shared, monkeypatch)
    train(model, optimizer)
    assert seen == ["all"]
    assert torch.equal(model.table.weight, in_store(shared))
    train(model, optimizer)


def test_a_bag_of_halves(server):
    bag = nn.EmbeddingBag(2 * ROWS, WIDTH, sparse=True, mode="sum").bfloat16()
    model = nn.ModuleDict({"bag": bag})
    shared = varscope.torch.share(model, varscope.connect(server))
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        bag(input=torch.tensor([1, 2, 4]), offsets=torch.tensor([0, 2])).sum().backward()
        optimizer.step()
    bag(torch.tensor([[1, 4]]))
    expected = in_store(shared, "bag.weight").bfloat16()
    assert torch.equal(bag.weight[[1, 4]], expected[[1, 4]])
    assert not torch.equal(bag.weight[2], expected[2])


def test_a_frozen_table_and_an_optimizer_of_nothing_else(server):
    model, shared, _ = worker(server)
    other, _, by_other = worker(server)
    other.table.requires_grad_(False)
    only = varscope.torch.SGD([model.table.weight], lr=0.01)
    train(model, only)
    train(other, by_other)
    other([3, 7])
    assert torch.equal(other.table.weight[[3, 7]], in_store(shared)[[3, 7]])
    # Evaluation alone asks for nothing.
    third, of_third, _ = worker(server)
    train(model, only)
    third.eval()
    third([3])
    assert not torch.equal(third.table.weight, in_store(shared))


def test_modes_without_gradients(server):
    model, shared, optimizer = worker(server)
    train(model, optimizer)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            model([3])
        train(model, optimizer)
    model([3, 7]).sum().backward()
    for parameter in model.parameters():
        parameter.grad = parameter.grad * 0.5
    with torch.inference_mode():
        optimizer.step()
    model([3, 7])
    assert torch.equal(model.table.weight[[3, 7]], in_store(shared)[[3, 7]])
    train(model, optimizer)


def test_numbers_that_are_no_rows_are_pytorchs_error(server):
    model, _, optimizer = worker(server)
    train(model, optimizer)
    for rows in ([ROWS], [-1]):
        with pytest.raises(IndexError, match="out of range"):
            model(rows)
    with pytest.raises(TypeError):
        model.table()
    with pytest.raises(RuntimeError, match="Expected tensor"):
        model([0.5])


def test_a_store_that_is_closed(server):
    model, shared, optimizer = worker(server)
    train(model, optimizer)
    model([3])
    shared.store.close()
    model([3])
    for use in (lambda: model([5]), model.state_dict):
        with pytest.raises(RuntimeError, match="'table.weight' has rows of before .* before close"):
            use()
    # It goes on with another one.
    again = varscope.torch.share(model, varscope.connect(server), "model")
    assert torch.equal(model.table.weight, in_store(again))
    train(model, varscope.torch.SGD(model.parameters(), lr=0.01))
    model([5])


def test_compiled_modules(server):
    model, shared, optimizer = worker(server)
    same = copy.deepcopy(model)
    plain = torch.optim.SGD(same.parameters(), lr=0.01)
    compiled = torch.compile(model, backend="eager")
    for _ in range(3):
        assert train(compiled, optimizer) == pytest.approx(train(same, plain), rel=1e-4)
    step = torch.compile(train, backend="eager")
    for _ in range(3):
        assert step(model, optimizer) == pytest.approx(train(same, plain), rel=1e-4)


def test_what_the_program_loads_into_a_table(server):
    model, shared, optimizer = worker(server)
    train(model, optimizer)
    loaded = {name: torch.full_like(value, 0.5) for name, value in model.state_dict().items()}
    train(model, optimizer)
    model.load_state_dict(loaded)
    model([3, 7])  # brings nothing over it
    with pytest.raises(RuntimeError, match="'table.weight' was changed by the program"):
        train(model, optimizer)
    shared.push()
    assert (in_store(shared) == 0.5).all() and (in_store(shared, "head.weight") == 0.5).all()
    train(model, optimizer)
    # Of a table that nobody has changed here, rows of before are not pushed.
    expected = in_store(shared)
    shared.push()
    assert torch.equal(in_store(shared), expected) and not (expected == 0.5).all()
