"""Steps of TensorFlow's optimizers, for record.py."""
import numpy as np
import tensorflow as tf
from record_ops import tensor_json

v1 = tf.compat.v1

OPTIMIZERS = [
    ("GradientDescentOptimizer", ["learning_rate"], {}),
    ("MomentumOptimizer", ["learning_rate", "momentum"], {}),
    ("MomentumOptimizer", ["learning_rate", "momentum"], {"use_nesterov": True}),
    ("AdagradOptimizer", ["learning_rate", "initial_accumulator_value"], {}),
    ("AdadeltaOptimizer", ["learning_rate", "rho"], {"epsilon": 1e-6}),
    ("AdamOptimizer", ["learning_rate", "beta1", "beta2"], {"epsilon": 1e-8}),
    ("AdamOptimizer", ["learning_rate"], {"epsilon": 0.1}),
    ("RMSPropOptimizer", ["learning_rate", "decay", "momentum"], {"epsilon": 1e-6}),
    ("RMSPropOptimizer", ["learning_rate", "decay", "momentum"],
     {"epsilon": 1e-6, "centered": True}),
    ("FtrlOptimizer", ["learning_rate", "initial_accumulator_value", "l1_regularization_strength",
                       "l2_regularization_strength"], {}),
    ("FtrlOptimizer", ["learning_rate", "l2_shrinkage_regularization_strength"],
     {"learning_rate_power": -0.7}),
]


def record_optimizers(seed):
    rng = np.random.RandomState(seed)
    cases = []
    for name, drawn, fixed in OPTIMIZERS:
        hyperparameters = {h: round(float(rng.uniform(0.05, 0.95)), 4) for h in drawn} | fixed
        for sparse in [False, True]:
            shape = [int(d) for d in rng.randint(2, 6, 2)]
            start = np.round(rng.uniform(-1, 1, shape), 3).astype(np.float32)
            case = {"optimizer": name, "hyperparameters": hyperparameters, "sparse": sparse,
                    "start": start.ravel().tolist(), "shape": shape, "steps": []}
            with tf.Graph().as_default(), v1.Session() as session:
                with v1.variable_scope("model"):
                    w = v1.get_variable("w", initializer=start)
                values = v1.placeholder(tf.float32, [None, shape[1]])
                rows = v1.placeholder(tf.int64, [None])
                gradient = tf.IndexedSlices(values, rows, w.shape) if sparse else values
                train = getattr(v1.train, name)(**hyperparameters).apply_gradients([(gradient, w)])
                session.run(v1.global_variables_initializer())
                for _ in range(3):
                    count = int(rng.randint(1, 6)) if sparse else shape[0]
                    g = np.round(rng.uniform(-1, 1, [count, shape[1]]), 3).astype(np.float32)
                    step = {"gradient": g.ravel().tolist()}
                    feeds = {values: g}
                    if sparse:
                        step["rows"] = rng.randint(0, shape[0], count).tolist()
                        feeds[rows] = step["rows"]
                    session.run(train, feeds)
                    step["after"] = {
                        v.op.name: {k: x for k, x in tensor_json(session.run(v)).items()
                                    if k != "dtype"} | {"dtype": "float32"}
                        for v in v1.global_variables()}
                    case["steps"].append(step)
            cases.append(case)
    return cases
