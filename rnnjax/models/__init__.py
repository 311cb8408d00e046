"""The models that the experiments train, as flax.linen modules, one in each file."""

from rnnjax.models.adaptive_softmax import AdaptiveEmbedding, AdaptiveSoftmax
from rnnjax.models.classifier import SequenceClassifier
from rnnjax.models.encoder_decoder import EncoderDecoder
from rnnjax.models.language import LanguageModel
from rnnjax.models.pair_scorer import PairScorer
from rnnjax.models.piano_roll import PianoRollModel
from rnnjax.models.picture_describer import PictureDescriber
from rnnjax.models.plain import PlainClassifier
from rnnjax.models.residual_blocks import ResidualBlocks
from rnnjax.models.segment_forecaster import SegmentForecaster
from rnnjax.models.sketch import Sketcher
from rnnjax.models.tagger import SequenceTagger
from rnnjax.models.text import TextClassifier
from rnnjax.models.voices import VoicesModel
from rnnjax.models.window_forecaster import WindowForecaster
from rnnjax.models.word_weights import WordWeights

__all__ = [
    "AdaptiveEmbedding",
    "AdaptiveSoftmax",
    "EncoderDecoder",
    "LanguageModel",
    "PairScorer",
    "PianoRollModel",
    "PictureDescriber",
    "PlainClassifier",
    "ResidualBlocks",
    "SegmentForecaster",
    "SequenceClassifier",
    "SequenceTagger",
    "Sketcher",
    "TextClassifier",
    "VoicesModel",
    "WindowForecaster",
    "WordWeights",
]
