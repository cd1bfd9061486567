"""Program 4 in a second process."""
import varscope.compat.v1 as tf

with tf.variable_scope('foo', reuse=True):
    v1 = tf.get_variable('v')
