"""digits_torch.py DIGITS WORKER STEPS [--plain]: one of several processes that train a digit classifier
in the store at VARSCOPE_TARGET; with --plain alone, by PyTorch only. Prints the test accuracy."""

import sys

import torch

import classifier_torch
import digits
import varscope
import varscope.torch

torch.set_num_threads(1)
data, worker, steps = digits.Digits(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(worker)
model = classifier_torch.Classifier()
if "--plain" in sys.argv:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.006)
else:
    varscope.torch.share(model, varscope.connect(), "classifier")
    optimizer = varscope.torch.Adam(model.parameters(), lr=0.006)
schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
for images, labels in data.batches(worker, steps):
    optimizer.zero_grad()
    logits = model(torch.from_numpy(images))
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)).backward()
    optimizer.step()
    schedule.step()
with torch.no_grad():
    print(data.accuracy(lambda images: model(torch.from_numpy(images))))
