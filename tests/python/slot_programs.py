"""Programs of optimizers in scopes, by a number: which variables do they make?"""

import contextlib
import random

# What TensorFlow 2.21 says of some of them: all variables, and what each optimizer keeps.
RECORDED = {
    5: ("w/w w_1 v2 w/w/w_1/Adam w/w/w_1/Adam_1 w/w/w/w/Adam w/w/w/w/Adam_1",
         "w/w/w/w/Adam w/w/w/w/Adam_1 w/w/w_1/Adam w/w/w_1/Adam_1"),
    6: ("w a/v1 b/v2 b/v2/Momentum w/Momentum w/Ftrl w/Ftrl_1 a/v1/Ftrl a/v1/Ftrl_1 b/v2/Ftrl "
         "b/v2/Ftrl_1",
         "b/v2/Momentum w/Momentum | a/v1/Ftrl a/v1/Ftrl_1 b/v2/Ftrl b/v2/Ftrl_1 w/Ftrl w/Ftrl_1"),
    9: ("b/w v1 v1/Ftrl v1/Ftrl_1 b/w/Ftrl b/w/Ftrl_1 v1/Mine v1/Mine_1 v1/Mine_2 b/w/Adagrad "
         "v1/Adagrad",
         "b/w/Ftrl b/w/Ftrl_1 v1/Ftrl v1/Ftrl_1 | v1/Mine v1/Mine_1 v1/Mine_2 |  | b/w/Adagrad "
         "v1/Adagrad"),
    11: ("b/w v1 b/w/b/w/Adagrad b/b/w/Mine b/b/w/Mine_1 b/b/w/Mine_2",
         "b/w/b/w/Adagrad |  | b/b/w/Mine b/b/w/Mine_1 b/b/w/Mine_2"),
    12: ("w_1 w_2 beta1_power beta2_power w_1/Adam w_1/Adam_1 w_2/Adam w_2/Adam_1",
         "beta1_power beta2_power w_1/Adam w_1/Adam_1 w_2/Adam w_2/Adam_1 |  |"),
    14: ("w b/beta1_power b/beta2_power w/Adam w/Adam_1 beta1_power beta2_power w/Adam_2 "
         "w/Adam_3",
         "b/beta1_power b/beta2_power w/Adam w/Adam_1 | beta1_power beta2_power w/Adam_2 "
         "w/Adam_3"),
    22: "ValueError",
    33: ("w b/w v2 beta1_power beta2_power b/w/Adam b/w/Adam_1 v2/Adam v2/Adam_1",
         "b/w/Adam b/w/Adam_1 beta1_power beta2_power v2/Adam v2/Adam_1"),
    37: ("w v1 b/w a/v1/Ftrl a/v1/Ftrl_1 a/b/w/Ftrl a/b/w/Ftrl_1 w/Ftrl w/Ftrl_1 beta1_power "
         "beta2_power w/Adam w/Adam_1",
         "a/b/w/Ftrl a/b/w/Ftrl_1 a/v1/Ftrl a/v1/Ftrl_1 w/Ftrl w/Ftrl_1 | beta1_power "
         "beta2_power w/Adam w/Adam_1 |  |"),
    38: ("b/w a/v1 v2 w/a/v1/Mine w/a/v1/Mine_1 w/a/v1/Mine_2 w/b/w/Mine w/b/w/Mine_1 "
         "w/b/w/Mine_2 w/v2/Mine w/v2/Mine_1 w/v2/Mine_2 a/v2/Momentum a/b/w/Momentum "
         "a/a/v1/Momentum",
         "w/a/v1/Mine w/a/v1/Mine_1 w/a/v1/Mine_2 w/b/w/Mine w/b/w/Mine_1 w/b/w/Mine_2 w/v2/Mine "
         "w/v2/Mine_1 w/v2/Mine_2 | a/a/v1/Momentum a/b/w/Momentum a/v2/Momentum |"),
    44: ("w v1 w/Adam w/Adam_1 v1/Mine v1/Mine_1 v1/Mine_2 w/Mine w/Mine_1 w/Mine_2",
         "w/Adam w/Adam_1 | v1/Mine v1/Mine_1 v1/Mine_2 w/Mine w/Mine_1 w/Mine_2"),
    56: ("w w_1/w v2 beta1_power beta2_power w_1/w/Adam w_1/w/Adam_1 w/Adam w/Adam_1 v2/Adam "
         "v2/Adam_1",
         "beta1_power beta2_power v2/Adam v2/Adam_1 w/Adam w/Adam_1 w_1/w/Adam w_1/w/Adam_1"),
    58: ("w v1 b/b/w beta1_power beta2_power w/Adam w/Adam_1 b/b/w/Adam b/b/w/Adam_1 v1/Adam "
         "v1/Adam_1 w/Mine w/Mine_1 w/Mine_2",
         "b/b/w/Adam b/b/w/Adam_1 beta1_power beta2_power v1/Adam v1/Adam_1 w/Adam w/Adam_1 |  | "
         "w/Mine w/Mine_1 w/Mine_2"),
    59: "ValueError",
}

KINDS = {
    "Adam": lambda tf: tf.train.AdamOptimizer(0.1),
    "Momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "RMSProp": lambda tf: tf.train.RMSPropOptimizer(0.1),
    "Centered": lambda tf: tf.train.RMSPropOptimizer(0.1, centered=True, name="Mine"),
    "Adagrad": lambda tf: tf.train.AdagradOptimizer(0.1),
    "Adadelta": lambda tf: tf.train.AdadeltaOptimizer(name="Adam"),
    "Ftrl": lambda tf: tf.train.FtrlOptimizer(0.1),
}


def scopes(tf, draw):
    """Some open scopes."""
    stack = contextlib.ExitStack()
    for _ in range(draw.choice([0, 0, 1, 2])):
        name = draw.choice(["a", "b", "w"])
        stack.enter_context(draw.choice([tf.variable_scope, tf.name_scope])(name))
    return stack


def names_made(tf, number):
    """The names of a program's variables, in the graph's order, and of what its optimizers keep."""
    draw, variables, optimizers = random.Random(number), [], []
    for k in range(draw.randint(1, 3)):
        with scopes(tf, draw):
            variables.append(tf.get_variable("w" if not k else f"v{k}", [k + 1])
                             if draw.random() < 0.7 else tf.Variable([1.0] * (k + 1), name="w"))
    for _ in range(draw.randint(1, 4)):
        if not optimizers or draw.random() < 0.7:
            optimizers.append(KINDS[draw.choice(sorted(KINDS))](tf))
        trained = draw.sample(variables, draw.randint(1, len(variables)))
        loss = tf.add_n([tf.reduce_sum(tf.square(v)) for v in trained])
        with scopes(tf, draw):
            draw.choice(optimizers).minimize(loss, var_list=trained)
    return (" ".join(v.op.name for v in tf.global_variables()),
            " | ".join(" ".join(v.op.name for v in optimizer.variables())
                       for optimizer in optimizers).rstrip())
