"""The article's GAN, whose discriminator judges generated and real images with one set of variables.

gan.py DIGITS STEPS: trains it on the digits in the file, together with other processes.
"""
import sys

import numpy as np
import tensorflow as tf

BATCH, NOISE, HIDDEN, PIXELS = 64, 24, 128, 64


def dense(x, units, scope):
    with tf.variable_scope(scope):
        kernel = tf.get_variable('kernel', [x.shape[-1], units])
        bias = tf.get_variable('bias', [units], initializer=tf.zeros_initializer())
    return tf.nn.bias_add(tf.matmul(x, kernel), bias)


def generator(noise):
    with tf.variable_scope('generator'):
        first = tf.nn.leaky_relu(dense(noise, HIDDEN, 'first'))
        second = tf.nn.leaky_relu(dense(first, HIDDEN, 'second'))
        return tf.nn.sigmoid(dense(second, PIXELS, 'pixels'))


def discriminator(images, reuse=None):
    with tf.variable_scope('discriminator', reuse=reuse):
        return dense(tf.nn.leaky_relu(dense(images, HIDDEN, 'first')), 1, 'logit')


def loss(logits, label):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.ones_like(logits) * label, logits=logits))


real = tf.placeholder(tf.float32, [None, PIXELS])
noise = tf.placeholder(tf.float32, [None, NOISE])
on_fake = discriminator(generator(noise))
on_real = discriminator(real, reuse=True)


def minimize(what, scope):
    variables = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope)
    return tf.train.AdamOptimizer(0.001, beta1=0.5).minimize(what, var_list=variables)


train = [minimize(loss(on_real, 0.9) + loss(on_fake, 0.0), 'discriminator/'),
         minimize(loss(on_fake, 1.0), 'generator/')]

if __name__ == '__main__':
    digits = np.loadtxt(sys.argv[1], delimiter=',', dtype=np.float32)[:, :PIXELS] / 16
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(int(sys.argv[2])):
            batch = digits[np.random.randint(len(digits), size=BATCH)]
            sess.run(train, {real: batch, noise: np.random.randn(BATCH, NOISE)})
    print(' '.join(v.name for v in tf.trainable_variables()))
