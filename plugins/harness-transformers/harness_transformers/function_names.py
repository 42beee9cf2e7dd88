"""Names of torch's functions and operators, by what they do to relevance."""

PRODUCTS = frozenset({"matmul", "__matmul__", "__rmatmul__", "bmm", "baddbmm", "einsum"})
"""Those that multiply two matrices."""

SCALES = frozenset({"mul", "multiply", "__mul__", "__rmul__", "div", "divide", "true_divide", "__truediv__"})
"""Those that multiply or divide number by number."""

SUMS = frozenset({"add", "__add__", "__radd__", "__iadd__", "add_"})

ACTIVATIONS = frozenset(
    {
        *("relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish"),
        *("hardswish", "hardsigmoid", "hardtanh", "softplus", "tanh", "sigmoid"),
    }
)

MOVES = frozenset(
    {
        *("view", "view_as", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "expand", "expand_as"),
        *("transpose", "permute", "movedim", "swapaxes", "swapdims", "t", "roll", "contiguous", "clone", "to", "float", "dropout"),
        *("unbind", "chunk", "split", "tensor_split", "__getitem__", "__get__", "select", "narrow", "cat", "stack", "type_as"),
    }
)
"""Those that put numbers elsewhere and change none (dropout: in evaluation mode)."""

CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d", "conv_transpose2d"})

LINEAR = frozenset(
    {
        *("sub", "__sub__", "__rsub__", "__neg__", "neg", "mean", "sum", "batch_norm", "pad", "interpolate", "pixel_shuffle"),
        *("avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "max_pool2d", "adaptive_max_pool2d"),
        *("amax", "masked_fill"),
    }
)
"""Those that are linear, up to constants, in what they are given, at least where it is (the largest of several); `MOVES` are too."""

STATISTICS = frozenset({"rsqrt", "sqrt", "norm", "var", "std"})
"""Those that make what activations are divided by."""
