"""cnn_torch.py DIGITS: trains the classifier of client/examples/classifier.cc in PyTorch, until the
store's variable `stop` is not 0. Prints how many steps it made."""

import sys

import torch

import digits
import varscope
import varscope.torch

functional = torch.nn.functional
torch.set_num_threads(1)


class Layer(torch.nn.Module):
    """A kernel and a bias, as TensorFlow has them: PyTorch's own layers have other shapes."""

    def __init__(self, *shape):
        super().__init__()
        self.kernel = torch.nn.Parameter(torch.empty(shape))
        self.bias = torch.nn.Parameter(torch.zeros(shape[-1]))
        torch.nn.init.xavier_uniform_(self.kernel)

    def convolve(self, images):
        kernel = self.kernel.permute(3, 2, 0, 1)
        return torch.relu(functional.conv2d(images, kernel, self.bias, padding="same"))


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = Layer(3, 3, 1, 12), Layer(3, 3, 12, 24)
        self.logits = Layer(4 * 4 * 24, 10)

    def forward(self, images):
        first = self.first.convolve(images.reshape(-1, 1, 8, 8))
        second = self.second.convolve(functional.max_pool2d(first, 2))
        return second.permute(0, 2, 3, 1).flatten(1) @ self.logits.kernel + self.logits.bias


model, store = Classifier(), varscope.connect()
varscope.torch.share(model, store, "classifier")
optimizer = varscope.torch.Adam(model.parameters(), lr=0.001)
data, steps = digits.Digits(sys.argv[1]), 0
while store.read("stop") == 0:
    for images, labels in data.batches(2 + steps, 20):
        optimizer.zero_grad()
        logits = model(torch.from_numpy(images))
        functional.cross_entropy(logits, torch.from_numpy(labels)).backward()
        optimizer.step()
        steps += 1
print(steps)
