"""What scripts use of tf.contrib.learn: data sets and words."""
