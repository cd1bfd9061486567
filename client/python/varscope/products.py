"""Products of tensors: matmul with TensorFlow's arguments, einsum."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False,
           adjoint_a: bool = False, adjoint_b: bool = False, a_is_sparse: bool = False,
           b_is_sparse: bool = False, name: str | None = None) -> _core.Tensor:
    """a * b, of matrices or of batches of them. Numbers are real: an adjoint is a transpose."""
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise ValueError("Only one of transpose and adjoint can be True.")
    a, b = _alike(a, b)
    flips = transpose_a or adjoint_a, transpose_b or adjoint_b
    ranks = a.shape.ndims, b.shape.ndims
    if None in ranks or ranks[0] == ranks[1] or min(ranks) < 2:
        return _core.matmul(a, b, *flips, name)
    return _batched(a, b, flips, name)


def _alike(a: Any, b: Any) -> list[Any]:
    """Tensors of one dtype: a list or an array takes that of the other, which is a tensor, or of a."""
    if is_symbolic(b):
        return [a if is_symbolic(a) else convert_to_tensor(a, b.dtype), b]
    first = a if is_symbolic(a) else convert_to_tensor(a)
    return [first, convert_to_tensor(b, first.dtype)]


def _batched(a: Any, b: Any, flips: tuple[bool, bool], name: str | None) -> _core.Tensor:
    """The product of tensors of which one has more batches: the other's are repeated."""
    with name_scope(name, "MatMul", [a, b]) as scope:
        a, b = convert_to_tensor(a), convert_to_tensor(b)
        more = max(a.shape.ndims, b.shape.ndims) - 2
        large = a if a.shape.ndims > b.shape.ndims else b
        front = [_core.shape(large)[i] for i in range(more)]

        def grown(x: Any) -> Any:
            if x is large:
                return x
            dims = x.shape.as_list()
            own = [_core.shape(x)[i] if n is None else n for i, n in enumerate(dims)]
            kept = front[:more - (len(dims) - 2)]
            made = _core._broadcast_to(x, _core.stack([*kept, *own]), None)
            made.set_shape([*large.shape.as_list()[:len(kept)], *dims])
            return made

        return _core.matmul(grown(a), grown(b), *flips, scope)


def einsum(equation: str, *inputs: Any, name: str | None = None) -> _core.Tensor:
    """Sums products over the letters that the result does not have: 'ij,jk->ik'."""
    equation = equation.replace(" ", "")
    terms, arrow, result = equation.partition("->")
    labels = terms.split(",")
    tensors = [convert_to_tensor(x) for x in inputs]
    labels, result = _without_dots(labels, result, arrow, tensors)
    _check(equation, labels, tensors)
    if not arrow:
        letters = "".join(labels)
        result = "".join(sorted(x for x in set(letters) if letters.count(x) == 1))
    with name_scope(name, "einsum", tensors):
        own, tensor = labels[0], tensors[0]
        for place in range(1, len(tensors)):
            later = result + "".join(labels[place + 1:])
            own, tensor = _product(own, tensor, labels[place], tensors[place], later)
        own, tensor = _summed(own, tensor, result)
        if own == result:
            return tensor
        return _core.transpose(tensor, [own.index(x) for x in result])


def _without_dots(labels: list[str], result: str, arrow: str,
                  tensors: list[Any]) -> tuple[list[str], str]:
    """Letters for the dimensions that '...' stands for: capitals, which no term has."""
    if "..." not in "".join(labels):
        return labels, result
    used = set("".join(labels))
    free = [chr(c) for c in range(ord("A"), ord("Z") + 1) if chr(c) not in used]
    counts = [x.shape.ndims - len(own.replace("...", "")) if "..." in own else 0
              for own, x in zip(labels, tensors)]
    dots = "".join(free[:max(counts)])
    spelled = [own.replace("...", dots[len(dots) - n:]) for own, n in zip(labels, counts)]
    if not arrow:
        return spelled, result
    return spelled, result.replace("...", dots)


def _check(equation: str, labels: list[str], tensors: list[Any]) -> None:
    if len(labels) != len(tensors):
        raise ValueError(f"einsum: '{equation}' has {len(labels)} terms for {len(tensors)} inputs")
    for own, tensor in zip(labels, tensors):
        if not own.isalpha() and own or len(set(own)) != len(own):
            raise NotImplementedError(f"einsum: varscope has no '{equation}': each term is "
                                      "letters, none of them twice")
        if tensor.shape.ndims is not None and tensor.shape.ndims != len(own):
            raise ValueError(
                f"einsum: '{own}' of '{equation}' for a tensor of shape {tensor.shape}")


def _summed(own: str, tensor: Any, kept: str) -> tuple[str, Any]:
    """The sum over letters that nothing needs."""
    gone = [i for i, x in enumerate(own) if x not in kept]
    if not gone:
        return own, tensor
    return "".join(x for x in own if x in kept), _core.reduce_sum(tensor, gone)


def _product(own: str, a: Any, other: str, b: Any, later: str) -> tuple[str, Any]:
    """One product of batches of matrices: letters of both that are needed later are the batch,
    those that are not are summed over."""
    own, a = _summed(own, a, other + later)
    other, b = _summed(other, b, own + later)
    batch = [x for x in own if x in other and x in later]
    over = [x for x in own if x in other and x not in later]
    rows = [x for x in own if x not in other]
    columns = [x for x in other if x not in own]
    sizes = {x: _size(a, own.index(x)) for x in own} | {
        x: _size(b, other.index(x)) for x in columns}
    left = _matrices(a, own, sizes, batch, rows, over)
    right = _matrices(b, other, sizes, batch, over, columns)
    product = _core.matmul(left, right)
    letters = batch + rows + columns
    if not letters:
        return "", _core.reshape(product, [])
    return "".join(letters), _reshaped(product, [sizes[x] for x in letters])


def _size(x: Any, axis: int) -> Any:
    known = x.shape.as_list()[axis]
    return _core.shape(x)[axis] if known is None else known


def _matrices(x: Any, own: str, sizes: dict[str, Any], batch: list[str], first: list[str],
              second: list[str]) -> Any:
    """The tensor as batches of matrices."""
    order = [own.index(letter) for letter in batch + first + second]
    if order != list(range(len(order))):
        x = _core.transpose(x, order)
    return _reshaped(x, [sizes[y] for y in batch] + [_count(sizes, first), _count(sizes, second)])


def _count(sizes: dict[str, Any], letters: list[str]) -> Any:
    count: Any = 1
    for letter in letters:
        count = count * sizes[letter]
    return count


def _reshaped(x: Any, dims: list[Any]) -> Any:
    if all(isinstance(n, int) for n in dims):
        return _core.reshape(x, dims)
    return _core._reshape_to(x, _core.stack([
        _core._constant(n, "int32", None) if isinstance(n, int) else n for n in dims]), None)
