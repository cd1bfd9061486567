"""tf.estimator: a model as a function, which is trained, evaluated and asked."""
