"""``keras50`` in PyTorch.

python -m benchmarks.whole_runs.torch_run --data=images.npz
"""

from __future__ import annotations

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.machine import num_threads
from benchmarks.whole_runs.schedule import BATCH, pieces, read, tell


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(28, 50, batch_first=True)
        self.out = nn.Linear(50, 10)
        # Keras's initial distributions, which are part of this configuration.
        for name, weight in self.named_parameters():
            if "bias" in name:
                nn.init.zeros_(weight)
            elif name == "rnn.weight_hh_l0":
                nn.init.orthogonal_(weight)
            else:
                nn.init.xavier_uniform_(weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.rnn(x)[1][0])


def main() -> None:
    torch.set_num_threads(num_threads())
    arrays, steps = read()
    images, labels, test, test_labels = map(torch.from_numpy, arrays)
    labels, test_labels = labels.long(), test_labels.long()
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    history = []
    for piece in pieces(steps):
        for step in piece:
            first = step * BATCH % len(images)
            x, y = images[first : first + BATCH], labels[first : first + BATCH]
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.inference_mode():
            logits = model(test)
            loss = nn.functional.cross_entropy(logits, test_labels).item()
            accuracy = (logits.argmax(1) == test_labels).float().mean().item()
        history.append((piece[-1], loss, accuracy))
    tell(history)


if __name__ == "__main__":
    main()
