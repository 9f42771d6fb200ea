"""x"""

PREFIX = "markllm/"


def entrant(*a):
    raise NotImplementedError
