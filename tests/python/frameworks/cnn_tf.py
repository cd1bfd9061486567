"""cnn_tf.py DIGITS: trains the classifier of client/examples/classifier.cc, written for TensorFlow 1,
until the store's variable `stop` is not 0. Says so by joined/tf, and prints how many steps it made."""

import sys

import tensorflow.compat.v1 as tf

import digits


def convolution(images, filters, scope):
    with tf.variable_scope(scope):
        kernel = tf.get_variable("kernel", [3, 3, images.shape[-1], filters])
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
    return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(images, kernel, [1, 1, 1, 1], "SAME"), bias))


images = tf.placeholder(tf.float32, [None, 64])
labels = tf.placeholder(tf.int64, [None])
with tf.variable_scope("classifier", reuse=tf.AUTO_REUSE):
    first = convolution(tf.reshape(images, [-1, 8, 8, 1]), 12, "first")
    smaller = tf.nn.max_pool(first, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    flat = tf.reshape(convolution(smaller, 24, "second"), [-1, 4 * 4 * 24])
    with tf.variable_scope("logits"):
        kernel = tf.get_variable("kernel", [flat.shape[1], 10])
        bias = tf.get_variable("bias", [10], initializer=tf.zeros_initializer())
    logits = tf.nn.bias_add(tf.matmul(flat, kernel), bias)
with tf.variable_scope("", reuse=tf.AUTO_REUSE):
    stop = tf.get_variable("stop", initializer=0, trainable=False)
    joined = tf.get_variable("joined/tf", initializer=0, trainable=False)
join = joined.assign(1)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
train = tf.train.AdamOptimizer(0.001).minimize(loss)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    data, steps = digits.Digits(sys.argv[1]), 0
    while not steps or session.run(stop) == 0:
        for batch in data.batches(1 + steps, 20):
            session.run(train, dict(zip((images, labels), batch)))
            steps += 1
        session.run(join)
print(steps)
