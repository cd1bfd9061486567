"""tf.contrib.seq2seq: what makes sequences, one step after the other."""
