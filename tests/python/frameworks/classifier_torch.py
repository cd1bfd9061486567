"""The classifier of client/examples/classifier.cc in PyTorch."""

import torch


class Layer(torch.nn.Module):
    """A kernel and a bias, as TensorFlow has them: PyTorch's own layers have other shapes."""

    def __init__(self, *shape):
        super().__init__()
        self.kernel = torch.nn.Parameter(torch.empty(shape))
        self.bias = torch.nn.Parameter(torch.zeros(shape[-1]))
        inputs, outputs = self.kernel[..., 0].numel(), self.kernel[..., 0, :].numel()
        limit = (6 / (inputs + outputs)) ** 0.5
        torch.nn.init.uniform_(self.kernel, -limit, limit)

    def convolve(self, images):
        kernel = self.kernel.permute(3, 2, 0, 1)
        return torch.relu(torch.nn.functional.conv2d(images, kernel, self.bias, padding="same"))


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = Layer(3, 3, 1, 12), Layer(3, 3, 12, 24)
        self.logits = Layer(4 * 4 * 24, 10)

    def forward(self, images):
        first = self.first.convolve(images.reshape(-1, 1, 8, 8))
        second = self.second.convolve(torch.nn.functional.max_pool2d(first, 2))
        return second.permute(0, 2, 3, 1).flatten(1) @ self.logits.kernel + self.logits.bias
