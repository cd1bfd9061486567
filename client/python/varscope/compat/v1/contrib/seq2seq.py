"""tf.contrib.seq2seq."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.rnn.sequence_loss import sequence_loss
from varscope.seq2seq.attention import (AttentionMechanism, BahdanauAttention, LuongAttention,
                                        hardmax)
from varscope.seq2seq.beams import (BeamSearchDecoder, BeamSearchDecoderOutput,
                                    BeamSearchDecoderState, FinalBeamSearchDecoderOutput,
                                    gather_tree)
from varscope.seq2seq.decoder import BasicDecoder, BasicDecoderOutput, Decoder, dynamic_decode
from varscope.seq2seq.helpers import (CustomHelper, GreedyEmbeddingHelper, Helper,
                                      SampleEmbeddingHelper, ScheduledEmbeddingTrainingHelper,
                                      TrainingHelper)
from varscope.seq2seq.wrapper import AttentionWrapper, AttentionWrapperState, tile_batch

__all__ = [
    "AttentionMechanism", "AttentionWrapper", "AttentionWrapperState", "BahdanauAttention",
    "BasicDecoder", "BasicDecoderOutput", "BeamSearchDecoder", "BeamSearchDecoderOutput",
    "BeamSearchDecoderState", "CustomHelper", "Decoder", "FinalBeamSearchDecoderOutput",
    "GreedyEmbeddingHelper", "Helper", "LuongAttention", "SampleEmbeddingHelper",
    "ScheduledEmbeddingTrainingHelper", "TrainingHelper", "dynamic_decode", "gather_tree",
    "hardmax", "sequence_loss", "tile_batch"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
