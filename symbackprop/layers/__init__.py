"""Layers and losses as definitions: each function declares the parameters it is not given, defines nodes, returns the output
node.

There is no gradient here: a layer is nothing but its formulas, and the reverse sweep differentiates those. Names start with the
given prefix: `dense(net, "h", X, (n, i), j, activation=tanh)` declares `h_W` and `h_b`, and defines `h_net` and `h`.
`indices` are the input's own, the features last; the axes before are samples (and whatever else is treated alike), and a
whole number in place of an index takes one entry of that axis. Every parameter can be given instead (`weight=W`), so that
layers share it. Everything is checked by `Network.define`, so a wrong index or rank raises `DefinitionError`.

    shared → dense · softmax · matrices · convolution · pooling · normalisation · attention · recurrent → losses → scalar
"""

from symbackprop.layers.attention import attention, multi_head_attention
from symbackprop.layers.convolution import conv1d, conv2d, transposed_conv1d, transposed_conv2d, zero_padded
from symbackprop.layers.dense import dense, dropout, embedding, flatten, residual
from symbackprop.layers.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    contrastive_loss,
    cross_entropy,
    cross_entropy_of_labels,
    focal_loss,
    gaussian_kl_divergence,
    hinge_loss,
    huber_loss,
    kl_divergence,
    l1_penalty,
    l2_penalty,
    mean_absolute_error,
    mean_squared_error,
    multiclass_hinge_loss,
    triplet_loss,
)
from symbackprop.layers.matrices import inverse, log_det
from symbackprop.layers.normalisation import batch_norm, batch_norm_at_test_time, group_norm, layer_norm, rms_norm
from symbackprop.layers.pooling import average_pool1d, average_pool2d, max_pool1d, max_pool2d
from symbackprop.layers.recurrent import bidirectional, gru, gru_cell, lstm, lstm_cell, rnn, rnn_cell
from symbackprop.layers.scalar import scalar_mlp
from symbackprop.layers.softmax import log_softmax, softmax

__all__ = [
    "attention",
    "average_pool1d",
    "average_pool2d",
    "batch_norm",
    "batch_norm_at_test_time",
    "bidirectional",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "contrastive_loss",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "cross_entropy_of_labels",
    "dense",
    "dropout",
    "embedding",
    "flatten",
    "focal_loss",
    "gaussian_kl_divergence",
    "group_norm",
    "gru",
    "gru_cell",
    "hinge_loss",
    "huber_loss",
    "inverse",
    "kl_divergence",
    "l1_penalty",
    "l2_penalty",
    "layer_norm",
    "log_det",
    "log_softmax",
    "lstm",
    "lstm_cell",
    "max_pool1d",
    "max_pool2d",
    "mean_absolute_error",
    "mean_squared_error",
    "multi_head_attention",
    "multiclass_hinge_loss",
    "residual",
    "rms_norm",
    "rnn",
    "rnn_cell",
    "scalar_mlp",
    "softmax",
    "transposed_conv1d",
    "transposed_conv2d",
    "triplet_loss",
    "zero_padded",
]
