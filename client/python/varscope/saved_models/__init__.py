"""Models in folders, with signatures: what tf.saved_model writes and loads."""
