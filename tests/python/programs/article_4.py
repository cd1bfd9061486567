import varscope.compat.v1 as tf

with tf.variable_scope('foo') as foo_scope:
    v = tf.get_variable('v', [1])
with tf.variable_scope('foo', reuse=True):        # or: tf.variable_scope(foo_scope, reuse=True)
    v1 = tf.get_variable('v')
assert v1 == v
