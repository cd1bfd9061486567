"""PyTorch's tensors as values of a store, and buffers that nobody trains."""

import pytest

torch = pytest.importorskip("torch")

import varscope  # noqa: E402 (after the check)
import varscope.torch  # noqa: E402


def test_tensors_are_first_values():
    store = varscope.connect()
    w = store.get_variable("w", initializer=torch.ones(3))
    v = store.Variable(torch.arange(2), name="v")
    store.push({w: torch.ones(3)}, optimizer=0.5)
    store.assign({v: torch.tensor([3, 4])})
    assert w.dtype == "float32" and store.pull(w).tolist() == [0.5] * 3
    assert v.dtype == "int64" and store.pull(v).tolist() == [3, 4]


def test_a_buffer_may_have_infinities(tmp_path):
    module = torch.nn.Linear(2, 2)
    module.register_buffer("mask", torch.full((4, 4), float("-inf")).triu(1))
    store = varscope.connect()
    shared = varscope.torch.share(module, store, "model")
    shared.push_buffers()
    path = shared.save(tmp_path / "model.safetensors")
    shared.restore(path)
    assert store.pull("model/mask")[0, 1] == float("-inf")


def test_a_parameter_may_not():
    module = torch.nn.Linear(2, 2)
    with torch.no_grad():
        module.weight[0, 1] = float("nan")
    store = varscope.connect()
    with pytest.raises(varscope.errors.InvalidArgumentError,
                       match="parameter 'weight' has NaN at element 1 of 4"):
        varscope.torch.share(module, store, "model")
    with torch.no_grad():
        module.weight[0, 1] = 0
    assert varscope.torch.share(module, store, "model")
