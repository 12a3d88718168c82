"""Code as it must not be: no types, and a wrong one."""


def add(first, second):
    return first + second


total: int = "three"
