"""tf.make_template: a function that makes its variables once; and scopes by their older names."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from varscope import _core
from varscope.scopes import name_scope, variable_scope


class Template:
    """A function: its first call makes its variables, each further call uses them."""

    def __init__(self, name: str, func: Callable[..., Any], create_scope_now: bool,
                 unique_name: str | None, custom_getter: Any, keywords: dict[str, Any]) -> None:
        self._name, self._func, self._keywords = name, func, keywords
        self._unique, self._getter = unique_name, custom_getter
        self._scope: _core.VariableScope | None = None
        self._called = False
        if create_scope_now:
            with self._open(auxiliary_name_scope=False) as scope:
                self._scope = scope

    def _open(self, **arguments: Any) -> variable_scope:
        return variable_scope(self._unique, self._name, custom_getter=self._getter, **arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Returns what the function returns."""
        begins = self._scope is None
        again = self._open() if begins else variable_scope(self._scope, reuse=self._called or None)
        with again as scope:
            self._called = True
            if begins:
                self._scope = scope
            return self._func(*args, **{**self._keywords, **kwargs})

    @property
    def name(self) -> str:
        return self._name

    @property
    def var_scope(self) -> _core.VariableScope | None:
        """The scope of its variables."""
        return self._scope

    variable_scope = var_scope

    @property
    def variables(self) -> list[_core.Variable]:
        """All that it has made."""
        return [] if self._scope is None else self._scope.global_variables()

    global_variables = variables

    @property
    def trainable_variables(self) -> list[_core.Variable]:
        """Those that are trained."""
        return [] if self._scope is None else self._scope.trainable_variables()


def make_template(name_: str, func_: Callable[..., Any], create_scope_now_: bool = False,
                  unique_name_: str | None = None, custom_getter_: Any = None,
                  **kwargs: Any) -> Template:
    """Returns the function with variables that all its calls share."""
    return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_, kwargs)


@contextlib.contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[str]:
    """A scope of names, as TensorFlow called it first."""
    with name_scope(name, default_name, values) as scope:
        yield scope


@contextlib.contextmanager
def variable_op_scope(values: Any, name_or_scope: Any, default_name: str | None = None,
                      initializer: Any = None, regularizer: Any = None, caching_device: Any = None,
                      partitioner: Any = None, custom_getter: Any = None, reuse: Any = None,
                      dtype: Any = None, use_resource: bool | None = None) -> Iterator[Any]:
    """A scope of variables, as TensorFlow called it first."""
    with variable_scope(name_or_scope, default_name, values, initializer, regularizer,
                        partitioner=partitioner, custom_getter=custom_getter, reuse=reuse,
                        dtype=dtype) as scope:
        yield scope


@contextlib.contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """A block of ops that would be where another op is: a device is a name alone."""
    yield


@contextlib.contextmanager
def container(container_name: str) -> Iterator[None]:
    """A block of variables of a container, which varscope does not have: names are the store's."""
    yield
