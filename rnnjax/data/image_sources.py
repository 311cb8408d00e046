"""Where MNIST and Fashion-MNIST are published."""

from __future__ import annotations

from dataclasses import dataclass

from rnnjax.data.source import RemoteFile, Source

DIGITS = tuple("0123456789")


@dataclass(frozen=True, kw_only=True)
class ImageSource(Source):
    """A data set that is published like MNIST: four IDX files, splits ``train`` and ``test``."""

    class_names: tuple[str, ...]
    supervised_keys: tuple[str, str] | None = ("image", "label")


MNIST = ImageSource(
    name="mnist",
    version="3.0.1",
    splits=(("train", 60_000), ("test", 10_000)),
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    # Sizes and checksums as TFDS records them.
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    description="The MNIST database of handwritten digits.",
    homepage="http://yann.lecun.com/exdb/mnist/",
    citation="LeCun, Cortes, Burges: MNIST handwritten digit database, 2010.",
    class_names=DIGITS,
)
FASHION_MNIST = ImageSource(
    name="fashion_mnist",
    version="3.0.1",
    splits=(("train", 60_000), ("test", 10_000)),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    description="Zalando's images of articles of clothing, in the format of MNIST.",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    citation="Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv:1708.07747, 2017.",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
