"""tf.keras.layers."""

from typing import TYPE_CHECKING

from varscope.keras.base import Layer
from varscope.keras.core_layers import (
    Activation, BatchNormalization, Dense, Dropout, ELU, Embedding, Flatten, GaussianNoise,
    InputLayer, Lambda, LeakyReLU, PReLU, Permute, ReLU, RepeatVector, Reshape, Softmax,
    SpatialDropout1D, SpatialDropout2D)
from varscope.keras.image_layers import (
    AveragePooling1D, AveragePooling2D, Conv1D, Conv2D, Conv2DTranspose, Conv3D, Cropping2D,
    GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D, GlobalMaxPooling2D,
    MaxPooling1D, MaxPooling2D, SeparableConv2D, UpSampling1D, UpSampling2D, ZeroPadding1D,
    ZeroPadding2D)
from varscope.keras.merging import (
    Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract, add, average,
    concatenate, dot, maximum, multiply, subtract)
from varscope.keras.recurrent import (
    Bidirectional, CuDNNGRU, CuDNNLSTM, GRU, GRUCell, LSTM, LSTMCell, RNN, SimpleRNN,
    SimpleRNNCell, TimeDistributed)
from varscope.keras.models import Input
from varscope.compat.v1._missing import missing_of

Convolution1D = Conv1D
Convolution2D = Conv2D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
Deconvolution2D = Conv2DTranspose
SeparableConvolution2D = SeparableConv2D
Convolution2DTranspose = Conv2DTranspose

__all__ = [
    "Activation", "Add", "Average", "AveragePooling1D", "AveragePooling2D", "AvgPool1D",
    "AvgPool2D", "BatchNormalization", "Bidirectional", "Concatenate", "Conv1D", "Conv2D",
    "Conv2DTranspose", "Conv3D", "Convolution1D", "Convolution2D",
    "Convolution2DTranspose", "Cropping2D", "CuDNNGRU", "CuDNNLSTM", "Deconvolution2D", "Dense",
    "Dot", "Dropout", "ELU", "Embedding", "Flatten", "GRU", "GRUCell", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAvgPool1D", "GlobalAvgPool2D",
    "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Input",
    "InputLayer", "LSTM", "LSTMCell", "Lambda", "Layer", "LeakyReLU", "MaxPool1D", "MaxPool2D",
    "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum", "Multiply", "PReLU", "Permute", "RNN",
    "ReLU", "RepeatVector", "Reshape", "SeparableConv2D", "SeparableConvolution2D", "SimpleRNN",
    "SimpleRNNCell", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "Subtract",
    "TimeDistributed", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D", "add",
    "average", "concatenate", "dot", "maximum", "multiply", "subtract"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
