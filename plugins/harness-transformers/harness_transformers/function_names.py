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
