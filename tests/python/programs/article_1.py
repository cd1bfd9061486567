import varscope.compat.v1 as tf

with tf.name_scope('name_scope_x'):
    var1 = tf.get_variable(name='var1', shape=[1], dtype=tf.float32)
    var3 = tf.Variable(name='var2', initial_value=[2], dtype=tf.float32)
    var4 = tf.Variable(name='var2', initial_value=[2], dtype=tf.float32)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print(var1.name, sess.run(var1))   # var1:0 [-0.30036557]
    print(var3.name, sess.run(var3))   # name_scope_x/var2:0 [ 2.]
    print(var4.name, sess.run(var4))   # name_scope_x/var2_1:0 [ 2.]
