"""tf.keras in a graph: layers, models that train, and what they are told."""
