"""The input gradient of a network's first convolution, which on a CPU costs more than it should.

A convolution from three channels with a stride of 2 is one of the worst cases of the libraries' input gradients: in the
miniature's networks it took an eighth of an attack step, for a thirtieth of the operations. The same gradient is a
convolution with a stride of 1 from the gradient of the output to blocks of 2 x 2 pixels (the block's pixels as
channels), the transpose of what is known as a space-to-depth stem.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, pad

STRIDE = 2


class Stem(nn.Module):
    """A convolution of the kind that :func:`fits`, with frozen weights; the same numbers, a faster input gradient."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, channels, h, w] to [n, out, h / 2, w / 2], on a GPU and at odd sizes as the convolution does."""
        if x.device.type != "cpu" or x.shape[2] % STRIDE or x.shape[3] % STRIDE:
            out: Tensor = self.convolution(x)
            return out
        weight, bias = self.convolution.weight, self.convolution.bias
        applied: Tensor = _Convolution.apply(x, weight, bias)
        return applied


def fits(convolution: nn.Conv2d) -> bool:
    """Whether the convolution is a stem: few channels, a stride of 2, an odd kernel with its centre on a pixel."""
    size = convolution.kernel_size[0]
    return (
        convolution.in_channels <= 4
        and convolution.groups == 1
        and convolution.padding_mode == "zeros"
        and size % 2 == 1
        and convolution.kernel_size == (size, size)
        and convolution.stride == (STRIDE, STRIDE)
        and convolution.padding == (size // 2, size // 2)
        and convolution.dilation == (1, 1)
    )


class _Convolution(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return conv2d(x, weight, bias, STRIDE, weight.shape[-1] // 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        return input_gradient(gradient, weight.to(gradient.dtype)), None, None


def input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient [n, channels, 2 h, 2 w] of the input, given that of the output [n, out, h, w].

    ``weight`` is [out, channels, k, k], with k odd, of a convolution with stride 2 and padding k // 2.
    """
    n, out, height, width = gradient.shape
    channels, size = weight.shape[1:3]
    # Output pixel i sees the input pixels 2 i - k // 2 and on. Blocks begin at even pixels, so the kernel gets a row
    # and a column of zeros: before it where k // 2 is odd, else after it.
    early = size // 2 % 2
    blocks = (size + 1) // STRIDE
    before = (size // 2 + early) // STRIDE  # blocks before output pixel i's own
    whole = pad(weight, (early, 1 - early, early, 1 - early))
    kernel = (
        whole.view(out, channels, blocks, STRIDE, blocks, STRIDE)
        .permute(3, 5, 1, 0, 2, 4)
        .reshape(STRIDE * STRIDE * channels, out, blocks, blocks)
        .flip(2, 3)
        .contiguous(memory_format=torch.channels_last)
    )
    around = max(before, blocks - 1 - before)
    first = around - (blocks - 1 - before)
    found = conv2d(gradient, kernel, padding=around)[:, :, first : first + height, first : first + width]
    pixels = found.permute(0, 2, 3, 1).reshape(n, height, width, STRIDE, STRIDE, channels).transpose(2, 3)
    return pixels.reshape(n, STRIDE * height, STRIDE * width, channels).permute(0, 3, 1, 2)
