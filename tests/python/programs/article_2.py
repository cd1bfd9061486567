import varscope.compat.v1 as tf

with tf.name_scope('name_scope_1'):
    var1 = tf.get_variable(name='var1', shape=[1], dtype=tf.float32)
    var2 = tf.get_variable(name='var1', shape=[1], dtype=tf.float32)
# ValueError: Variable var1 already exists, disallowed. Did you mean to set reuse=True in VarScope? Originally defined at:
#   var1 = tf.get_variable(name='var1', shape=[1], dtype=tf.float32)
