"""Trains the digits classifier that ships with the project and writes it with its held-back images.

    python tools/train_digits.py [FOLDER]

Needs scikit-learn, for its digits (1797 images of 8x8 pixels); the training itself is NumPy. The same seed
gives the same files with the same NumPy. FOLDER is snowdialect/models when not given.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from snowdialect.frontends.torch7 import nn  # noqa: E402
from snowdialect.frontends.torch7.writer import save  # noqa: E402

SEED = 7
HELD_BACK = 300
EPOCHS = 40
BATCH = 32
WEIGHT_DECAY = 2e-4

Array = NDArray[np.float32]


def patches(maps: Array, size: int) -> Array:
    """(N, C, H, W) -> (N, H', W', C * size * size): what each output of a convolution sees."""
    windows = np.lib.stride_tricks.sliding_window_view(maps, (size, size), axis=(2, 3))
    batch, _, height, width = windows.shape[:4]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(batch, height, width, -1)


def pad(maps: Array) -> Array:
    """A border of one zero around each map."""
    return np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)))


class Classifier:
    """conv 3x3 pad 1 (16), ReLU, max-pool 2, conv 3x3 pad 1 (32), ReLU, linear (10)."""

    def __init__(self, rng: np.random.Generator) -> None:
        def layer(outputs: int, *inputs: int) -> Array:
            deviation = np.sqrt(2 / np.prod(inputs))
            return rng.normal(0, deviation, (outputs, *inputs)).astype(np.float32)

        self.parameters = {
            "w1": layer(16, 1, 3, 3),
            "b1": np.zeros(16, np.float32),
            "w2": layer(32, 16, 3, 3),
            "b2": np.zeros(32, np.float32),
            "w3": layer(10, 32 * 4 * 4),
            "b3": np.zeros(10, np.float32),
        }
        self._moments = {name: (np.zeros_like(w), np.zeros_like(w)) for name, w in self.parameters.items()}
        self._steps = 0

    def scores(self, images: Array) -> Array:
        """(N, 1, 8, 8) -> (N, 10); keeps what `gradients` needs."""
        p = self.parameters
        batch = len(images)
        self._seen1 = patches(pad(images), 3)
        self._maps1 = np.maximum(self._seen1 @ p["w1"].reshape(16, -1).T + p["b1"], 0)
        quarters = self._maps1.reshape(batch, 4, 2, 4, 2, 16).transpose(0, 1, 3, 5, 2, 4).reshape(batch, 4, 4, 16, 4)
        self._largest = quarters.argmax(-1)
        pooled = quarters.max(-1).transpose(0, 3, 1, 2)
        self._seen2 = patches(pad(pooled), 3)
        self._maps2 = np.maximum(self._seen2 @ p["w2"].reshape(32, -1).T + p["b2"], 0)
        self._features = self._maps2.transpose(0, 3, 1, 2).reshape(batch, -1)
        return self._features @ p["w3"].T + p["b3"]

    def gradients(self, scores: Array, labels: NDArray[np.int64]) -> dict[str, Array]:
        """Gradients of the mean cross entropy of the batch that `scores` came from."""
        p, batch = self.parameters, len(labels)
        error = np.exp(scores - scores.max(1, keepdims=True))
        error /= error.sum(1, keepdims=True)
        error[np.arange(batch), labels] -= 1
        error /= batch
        found = {"w3": error.T @ self._features, "b3": error.sum(0)}
        down = (error @ p["w3"]).reshape(batch, 32, 4, 4).transpose(0, 2, 3, 1) * (self._maps2 > 0)
        found["w2"] = np.tensordot(down, self._seen2, ((0, 1, 2), (0, 1, 2))).reshape(p["w2"].shape)
        found["b2"] = down.sum((0, 1, 2))
        turned = p["w2"][:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(16, -1)
        pooled = patches(pad(down.transpose(0, 3, 1, 2)), 3) @ turned.T
        chosen = np.eye(4, dtype=np.float32)[self._largest] * pooled[..., None]
        maps = chosen.reshape(batch, 4, 4, 16, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(batch, 8, 8, 16)
        maps = maps * (self._maps1 > 0)
        found["w1"] = np.tensordot(maps, self._seen1, ((0, 1, 2), (0, 1, 2))).reshape(p["w1"].shape)
        found["b1"] = maps.sum((0, 1, 2))
        return found

    def step(self, gradients: dict[str, Array], rate: float) -> None:
        """One step of Adam (Kingma and Ba, 2015) with decoupled weight decay."""
        self._steps += 1
        for name, gradient in gradients.items():
            mean, square = self._moments[name]
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            corrected = mean / (1 - 0.9**self._steps) / (np.sqrt(square / (1 - 0.999**self._steps)) + 1e-8)
            self.parameters[name] -= rate * (corrected + WEIGHT_DECAY * self.parameters[name])

    def network(self) -> nn.TorchObject:
        """The classifier as a Torch7 network."""
        p = self.parameters
        return nn.sequential(
            nn.convolution(p["w1"], p["b1"], padding=(1, 1)),
            nn.relu(),
            nn.max_pool((2, 2), (2, 2)),
            nn.convolution(p["w2"], p["b2"], padding=(1, 1)),
            nn.relu(),
            nn.view(32 * 4 * 4),
            nn.linear(p["w3"], p["b3"]),
            nn.simple("LogSoftMax"),
        )


def shifted(images: Array, rng: np.random.Generator) -> Array:
    """Each image moved by at most one pixel in each direction, zeros moving in."""
    padded = pad(images)
    rows, columns = rng.integers(0, 3, (2, len(images)))
    moved = [image[:, r : r + 8, c : c + 8] for image, r, c in zip(padded, rows, columns, strict=True)]
    return np.stack(moved)


def main(folder: Path) -> None:
    """Trains, prints the accuracy on the held-back images, writes the three files."""
    from sklearn.datasets import load_digits  # pyright: ignore[reportMissingImports]

    rng = np.random.default_rng(SEED)
    digits: Any = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    order = rng.permutation(len(images))
    test, train = order[:HELD_BACK], order[HELD_BACK:]
    classifier = Classifier(rng)
    for epoch in range(EPOCHS):
        rate = 0.002 * (1 + np.cos(np.pi * epoch / EPOCHS)) / 2
        train = rng.permutation(train)
        for start in range(0, len(train), BATCH):
            chosen = train[start : start + BATCH]
            scores = classifier.scores(shifted(images[chosen], rng))
            classifier.step(classifier.gradients(scores, labels[chosen]), rate)
    right = classifier.scores(images[test]).argmax(1) == labels[test]
    print(f"{right.sum()} of {len(test)} held-back images right ({right.mean():.1%})")
    save(folder / "digits.t7", classifier.network())
    np.save(folder / "digits_test_x.npy", images[test])
    np.save(folder / "digits_test_label.npy", labels[test].astype(np.uint8))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "snowdialect" / "models")
