"""TorchScript models in nn~'s form, made here: small ones that behave as real ones do, and worse.

What a script is compiled from has to stand in a file, so each kind is a class of this one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

RATIO, DIMS = 512, 4


class Form(nn.Module):
    """What nn~ asks of a model: methods, and buffers that tell their channels and ratios."""

    def __init__(self, channels: int = 1, encodes: bool = True, rate: int = 44100):
        super().__init__()
        torch.manual_seed(3)
        self.sr = rate
        if encodes:
            self.register_buffer("encode_params", torch.tensor([1, 1, DIMS, RATIO]))
        self.register_buffer("decode_params", torch.tensor([DIMS, RATIO, channels, 1]))
        self.analysis = nn.Conv1d(1, DIMS, 3 * RATIO, RATIO, padding=RATIO)
        self.synthesis = nn.ConvTranspose1d(DIMS, channels, 3 * RATIO, RATIO, padding=RATIO)


class Plain(Form):
    """Convolutions that see one frame to either side."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        return torch.tanh(self.synthesis(z))


class Streaming(Form):
    """A causal convolution that keeps the end of its input, and so is late by a frame."""

    def __init__(self):
        super().__init__()
        self.register_buffer("cache", torch.zeros(1, DIMS, 2))

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        z = torch.cat([self.cache, z], 2)
        self.cache = z[:, :, -2:]
        return torch.tanh(self.synthesis(z)[:, :, 512:-512])


class Noisy(Form):
    """Noise inside, in encoder and decoder."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        z = self.analysis(x)
        return z + 0.1 * torch.randn_like(z)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        y = self.synthesis(z)
        return torch.tanh(y + 0.1 * torch.randn_like(y))


class Decoder(Form):
    """Two channels at 48 kHz, and nothing that encodes."""

    def __init__(self):
        super().__init__(channels=2, encodes=False, rate=48000)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        return torch.tanh(self.synthesis(z))


class Rateless(nn.Module):
    """A model that does not say its rate."""

    def __init__(self):
        super().__init__()
        self.register_buffer("decode_params", torch.tensor([DIMS, RATIO, 1, 1]))
        self.synthesis = nn.ConvTranspose1d(DIMS, 1, RATIO, RATIO)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        return self.synthesis(z)


class Recurrent(Form):
    """A sum over all the past: it forgets nothing."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        return self.synthesis(torch.cumsum(z, 2))


class Effect(nn.Module):
    """An effect: forward and nothing else."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x)


class Endless(Form):
    """A loop without an end."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        n = 1
        while n > 0:
            n = n % 7 + 1
        return z * n


class Trap(Form):
    """A loop without an end, once a latent is large: no probe meets it."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        n = 1
        while n > 0 and bool((z > 20.0).any()):
            n = n % 7 + 1
        return self.synthesis(z)


class Hungry(Form):
    """It wants ten gigabytes."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        return self.synthesis(z) + torch.ones([2500, 1000000]).sum() * 0.0


class Writing(Form):
    """It writes a file."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        torch.save(z, "written.pt")
        return self.synthesis(z)


class Broken(Form):
    """NaN for whatever it decodes."""

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.analysis(x)

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        return self.synthesis(z) / 0.0 - self.synthesis(z) / 0.0


def stored(kind, path):
    """Write a model's script; return the path."""
    torch.jit.save(torch.jit.script(kind().eval()), path)
    return path
