"""What TensorFlow answers to a program: the sections of conformance/graph_program.h."""
import numpy as np

import tensors
from tensorflow_calls import call, tf, v1


def session():
    """Without the rewriter, which computes with other formulas than the ops' own."""
    config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.optimizer_options.opt_level = -1
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return v1.Session(config=config)


class Evaluation:
    def __init__(self, program, session):
        self.program, self.session = program, session
        self.outputs, self.feeds, self.variables, self.gradients = {}, {}, {}, []

    def make_input(self, name, recorded):
        value = tensors.from_json(recorded)
        kind = recorded.get("kind", "placeholder")
        if kind == "constant":
            return tf.constant(value, name=name)
        if kind == "variable":
            self.variables[name] = v1.get_variable(name, initializer=tf.constant(value))
            return self.variables[name].value()
        shape = recorded.get("static", recorded["shape"])
        if shape is not None:
            shape = [None if n < 0 else n for n in shape]
        output = v1.placeholder(value.dtype, shape, name)
        self.feeds[output] = value
        return output

    def build(self):
        for name, recorded in self.program["inputs"].items():
            self.outputs[name] = self.make_input(name, recorded)
        for op in self.program["ops"]:
            inputs = [self.outputs[name] for name in op["of"]]
            self.outputs[op["as"]] = call(op["op"], inputs, op["attrs"])
        self.session.run(v1.global_variables_initializer())

    def losses(self):
        return [n for n in self.program["fetch"] if self.outputs[n].dtype.is_floating]

    def targets(self):
        return [self.outputs[name] for name in self.program["gradients"]]

    def values_section(self):
        outputs = [self.outputs[name] for name in self.program["fetch"]]
        values = self.session.run(outputs, self.feeds)
        return {name: tensors.to_json(value)
                for name, value in zip(self.program["fetch"], values)}

    def gradients_section(self):
        weights = self.program.get("weights", {})
        given = [tf.constant(tensors.from_json(weights[n])) if n in weights else None
                 for n in self.losses()]
        ys = [self.outputs[name] for name in self.losses()]
        self.gradients = v1.gradients(ys, self.targets(), given)
        return self.gradients_json(self.gradients)

    def second_section(self):
        squares = [tf.square(g.values if isinstance(g, tf.IndexedSlices) else g)
                   for g in self.gradients if g is not None]
        return self.gradients_json(v1.gradients(squares, self.targets()))

    def gradients_json(self, gradients):
        wanted = [g for g in gradients if g is not None]
        values = iter(self.session.run(wanted, self.feeds))
        section = {}
        for name, gradient in zip(self.program["gradients"], gradients):
            section[name] = None
            if gradient is None:
                continue
            value = next(values)
            sparse = isinstance(gradient, tf.IndexedSlices)
            if sparse:
                shape = self.program["inputs"][name]["shape"]
                dense = np.zeros(shape, value.values.dtype)
                rows = value.values.reshape([len(value.indices)] + shape[1:])
                np.add.at(dense, value.indices, rows)
                value = dense
            section[name] = tensors.to_json(value) | {"sparse": sparse}
        return section

    def trained_section(self):
        train = self.program["train"]
        optimizer = getattr(v1.train, train["optimizer"] + "Optimizer")(
            **train["hyperparameters"])
        step = optimizer.minimize(tf.reduce_sum(self.outputs[self.losses()[0]]),
                                  var_list=list(self.variables.values()))
        own = self.variables.values()
        self.session.run([v.initializer for v in v1.global_variables()
                          if not any(v is k for k in own)])
        for _ in range(train["steps"]):
            self.session.run(step, self.feeds)
        return {name: tensors.to_json(self.session.run(variable))
                for name, variable in self.variables.items()}


def message(error):
    """The line that says what is wrong, without the stack of the graph's construction."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [""]
    nodes = [i for i, line in enumerate(lines) if "[[{{node" in line]
    return lines[nodes[0] - 1 if nodes and nodes[0] > 0 else 0].strip()[:300]


def answer(program):
    sections = {}
    section = "values"
    with tf.Graph().as_default(), session() as running, np.errstate(all="ignore"):
        evaluation = Evaluation(program, running)
        try:
            evaluation.build()
            for asked, section in [("fetch", "values"), ("gradients", "gradients"),
                                   ("second", "second"), ("train", "trained")]:
                if asked in program:
                    sections[section] = getattr(evaluation, section + "_section")()
        except Exception as error:  # whatever it is, it is the answer
            sections[section] = {"error": type(error).__name__,
                                 "message": message(error)}
    return sections
