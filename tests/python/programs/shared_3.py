"""Program 3 in a second process: it gets what the first one made."""
import varscope.compat.v1 as tf

with tf.variable_scope('variable_scope_y', reuse=True):
    var1_reuse = tf.get_variable(name='var1')
