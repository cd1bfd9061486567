"""cnn_torch.py DIGITS: trains the classifier of client/examples/classifier.cc in PyTorch, until the
store's variable `stop` is not 0. Says so by joined/torch, and prints how many steps it made."""

import sys

import torch

import classifier_torch
import digits
import varscope
import varscope.torch

torch.set_num_threads(1)
model, store = classifier_torch.Classifier(), varscope.connect()
varscope.torch.share(model, store, "classifier")
joined = store.get_variable("joined/torch", initializer=0, trainable=False)
optimizer = varscope.torch.Adam(model.parameters(), lr=0.001)
data, steps = digits.Digits(sys.argv[1]), 0
while not steps or store.read("stop") == 0:
    for images, labels in data.batches(2 + steps, 20):
        optimizer.zero_grad()
        logits = model(torch.from_numpy(images))
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)).backward()
        optimizer.step()
        steps += 1
    store.assign({joined: 1})
print(steps)
