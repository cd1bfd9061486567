"""Networks of tf.contrib.slim.nets, with the names of their variables."""
