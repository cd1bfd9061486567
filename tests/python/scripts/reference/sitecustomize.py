"""Makes `import tensorflow` TensorFlow 2's compat.v1 without its new behavior, for a reference run."""

import importlib.abc
import importlib.machinery
import os
import sys

import old_numpy  # noqa: F401


class _First(importlib.abc.MetaPathFinder):
    """Replaces tensorflow when a program first imports it."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        import tensorflow.compat.v1 as v1
        v1.disable_v2_behavior()
        seed = int(os.environ.get("REFERENCE_SEED", "0"))
        set_seed = v1.set_random_seed
        v1.set_random_seed = lambda value: set_seed(value + seed)
        modules = {key: value for key, value in sys.modules.items()
                   if key.startswith("tensorflow.compat.v1.")}
        for key, value in modules.items():
            sys.modules["tensorflow." + key.removeprefix("tensorflow.compat.v1.")] = value
        sys.modules["tensorflow"] = v1
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "modules"))
        _add_input_data()
        return importlib.machinery.ModuleSpec(name, _Given(v1))


class _Given(importlib.abc.Loader):
    def __init__(self, module):
        self._module = module

    def create_module(self, spec):
        return self._module

    def exec_module(self, module):
        pass


def _add_input_data():
    """tensorflow.examples.tutorials.mnist, which TensorFlow 2 does not have: varscope's."""
    import types
    path = os.environ["REFERENCE_INPUT_DATA"]
    source = importlib.machinery.SourceFileLoader("input_data", path)
    spec = importlib.util.spec_from_loader("input_data", source)
    input_data = importlib.util.module_from_spec(spec)
    sys.modules["input_data"] = input_data
    source.exec_module(input_data)
    name = "tensorflow"
    for part in ("examples", "tutorials", "mnist"):
        name += "." + part
        sys.modules[name] = types.ModuleType(name)
    sys.modules[name].input_data = input_data
    sys.modules[name + ".input_data"] = input_data


import importlib.util  # noqa: E402

sys.meta_path.insert(0, _First())
