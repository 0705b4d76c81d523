#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Microseconds of one training window in Python PyTorch, for every network of networks.json.

The same training as plain_torch_network.cc, written as a user of Python writes it: torch.nn modules, straight-through
estimators composed of tensor operations, autograd, torch.optim.Adam; batches of 64, one thread. Prints a JSON object,
name -> thread CPU microseconds a window. Needs PyTorch 1.13 or later (Debian: python3-torch).

  train_speed.py [--networks networks.json] [--filter NAME]
"""

import argparse
import json
import pathlib
import sys
import time

import torch
from torch import nn
from torch.nn import functional

BATCH, BATCHES, EPOCHS = 64, 8, 5  # as train_bench.cc: the first epoch warms up


def code_range(name):
    """Smallest and largest code of a format (core/format.h)."""
    if name in ("binary", "ternary"):
        return -1, 1
    bits = int(name.lstrip("uint"))
    return (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def is_quantized(name):
    return name not in ("float32", "none")


def straight_through(latent, quantized):
    return latent + (quantized - latent).detach()


def binary_codes(x):
    return torch.where(x >= 0, torch.ones_like(x), -torch.ones_like(x))


def quantize_weights(w, name, dims):
    """core/quantize.h in real units; dims: those a scale is shared over."""
    mean = w.abs().mean(dims, keepdim=True)
    if name == "binary":
        return binary_codes(w) * mean
    if name == "ternary":
        kept = (w.abs() > 0.7 * mean).float()
        return w.sign() * kept * (w.abs() * kept).sum(dims, True) / kept.sum(dims, True).clamp_min(1)
    high = code_range(name)[1]
    low = -2 if name == "int2" else -high
    scale = mean if name == "int2" else w.abs().amax(dims, keepdim=True) / high
    return torch.clamp(torch.round(w / scale), low, high) * scale


def padding_sides(n, window, stride, mode):
    """Positions before and behind n, as padding_before of core/network.h."""
    if mode == "valid":
        return 0, 0
    total = max((-(-n // stride) - 1) * stride + window - n, 0)
    return total // 2, total - total // 2


class Layer(nn.Module):
    """One layer of the network. Maps are N x C x L for signals, N x C x H x W for images."""

    def __init__(self, spec, in_shape, signal, with_one_scale):
        super().__init__()
        self.spec, self.signal, self.with_one_scale = spec, signal, with_one_scale
        self.in_shape, op = in_shape, spec["op"]
        self.channels = spec.get("channels", spec.get("units", in_shape[2]))
        if op == "flatten":
            self.channels = in_shape[0] * in_shape[1] * in_shape[2]
        if self.has_weights():
            fan = [in_shape[2] if op != "depthwise" else 1] + (self.sides(*spec["kernel"][:2]) if op != "dense" else [])
            self.weight = nn.Parameter(torch.empty(self.channels, *fan).uniform_(-0.1, 0.1))
        if spec["bias"]:
            self.bias = nn.Parameter(torch.zeros(self.channels))
        if spec["batch_norm"]:
            self.norm = (nn.BatchNorm1d if signal else nn.BatchNorm2d)(self.channels)

    def has_weights(self):
        return self.spec["op"] in ("conv", "depthwise", "dense")

    def has_clipped_latents(self):
        return self.has_weights() and self.spec["weights"] in ("binary", "ternary")

    def sides(self, h, w):
        return [h] if self.signal else [h, w]

    def quantized_weight(self):
        if self.spec["weights"] == "float32":
            return self.weight
        dims = list(range(0 if self.with_one_scale else 1, self.weight.dim()))
        w = self.weight.clamp(-1, 1) if self.has_clipped_latents() else self.weight
        return straight_through(w, quantize_weights(w, self.spec["weights"], dims))

    def convolve(self, x):
        h, w, stride_h, stride_w = self.spec["kernel"]
        mode = self.spec["padding"]
        top, bottom = padding_sides(self.in_shape[0], h, stride_h, mode)
        left, right = padding_sides(self.in_shape[1], w, stride_w, mode)
        sides = self.sides(top, left)
        if top != bottom or left != right or mode in ("minus_one", "plus_one"):
            code = {"minus_one": -1.0, "plus_one": 1.0}.get(mode, 0.0)
            x = functional.pad(x, [top, bottom] if self.signal else [left, right, top, bottom], value=code)
            sides = self.sides(0, 0)
        groups = self.in_shape[2] if self.spec["op"] == "depthwise" else 1
        convolution = functional.conv1d if self.signal else functional.conv2d
        return convolution(x, self.quantized_weight(), None, self.sides(stride_h, stride_w), sides, 1, groups)

    def pool(self, x, window, pool1d, pool2d):
        size, stride = self.sides(*window[:2]), self.sides(*window[2:])
        return (pool1d if self.signal else pool2d)(x, size, stride)

    def accumulate(self, x, added):
        op = self.spec["op"]
        if op == "add":
            return x + added
        if op == "global_avg_pool":
            return x.mean([2] if self.signal else [2, 3], keepdim=True)
        if op == "avg_pool":
            return self.pool(x, self.spec["window"], functional.avg_pool1d, functional.avg_pool2d)
        if op == "dense":
            y = functional.linear(x.flatten(1), self.quantized_weight())
            return y.view(*y.shape, *self.sides(1, 1))
        return self.convolve(x)

    def activate(self, y):
        name = self.spec["activations"]
        if self.spec["relu"]:
            return torch.relu(y)
        if not is_quantized(name):
            return y
        if name == "binary":
            return straight_through(y.clamp(-1, 1), binary_codes(y))
        low, high = code_range(name)
        step = 2.0 ** self.spec["range_log2"] / (high + 1)
        level = (y / step).clamp(low, high)
        return straight_through(level, torch.floor(level + 0.5)) * step

    def forward(self, x, added):
        op = self.spec["op"]
        if op == "max_pool":
            return self.pool(x, self.spec["window"], functional.max_pool1d, functional.max_pool2d)
        if op == "flatten":  # in HWC order
            flat = x.movedim(1, -1).flatten(1)
            return flat.view(*flat.shape, *self.sides(1, 1))
        y = self.accumulate(x, added)
        if "pool" in self.spec:
            y = self.pool(y, self.spec["pool"], functional.max_pool1d, functional.max_pool2d)
        if self.spec["bias"]:
            y = y + self.bias.view(1, -1, *self.sides(1, 1))
        if self.spec["batch_norm"]:
            y = self.norm(y)
        return self.activate(y)


class Network(nn.Module):
    def __init__(self, description):
        super().__init__()
        self.layers, shapes = nn.ModuleList(), []
        signal = description["input"]["shape"][1] == 1
        for spec in description["layers"]:
            in_shape = description["input"]["shape"] if spec["from"] < 0 else shapes[spec["from"]]
            # The accumulator of an integer layer is handed on as it is, so one scale has to do.
            with_one_scale = spec["activations"] == "none"
            layer = Layer(spec, in_shape, signal, with_one_scale)
            self.layers.append(layer)
            with torch.no_grad():  # the map's size, by running an empty one of a single example
                examples = [torch.zeros(1, s[2], *layer.sides(s[0], s[1])) for s in [in_shape]]
                layer.eval()
                out = layer(examples[0], examples[0])
                layer.train()
            shapes.append([out.shape[2], 1 if signal else out.shape[3], out.shape[1]])

    def forward(self, x):
        outputs = []
        for layer in self.layers:
            read = lambda i: x if i < 0 else outputs[i]
            outputs.append(layer(read(layer.spec["from"]), read(layer.spec.get("with", -1))))
        return outputs[-1].flatten(1)


def noise_for(description, classes, generator):
    h, w, c = description["input"]["shape"]
    low, high = code_range(description["input"]["format"])
    sides = [h] if w == 1 else [h, w]
    codes = torch.randint(low, high + 1, (BATCH * BATCHES, c, *sides), generator=generator)
    return codes.float() * (2.0 / high), torch.arange(BATCH * BATCHES) % classes


def microseconds_per_window(description):
    generator = torch.Generator().manual_seed(1)
    network = Network(description)
    inputs, labels = noise_for(description, network.layers[-1].channels, generator)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    clipped = [layer.weight for layer in network.layers if layer.has_clipped_latents()]
    for epoch in range(EPOCHS):
        if epoch == 1:
            start = time.thread_time()
        for batch in torch.randperm(BATCH * BATCHES, generator=generator).split(BATCH):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(inputs[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for latent in clipped:
                    latent.clamp_(-1, 1)
            loss.item()
    return (time.thread_time() - start) / (BATCH * BATCHES * (EPOCHS - 1)) * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = pathlib.Path(__file__).with_name("networks.json")
    parser.add_argument("--networks", default=default, help="default: networks.json beside this file")
    parser.add_argument("--filter", default="", help="only networks whose name contains this")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    networks = json.loads(pathlib.Path(arguments.networks).read_text())
    chosen = [n for n in networks if arguments.filter in n["name"]]
    json.dump({n["name"]: microseconds_per_window(n) for n in chosen}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
