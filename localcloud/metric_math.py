"""Work out metric math: the part of CloudWatch's expressions that alarms on a few metrics need.

A value is a number or one number per period (None where nothing was reported). Arithmetic on a gap is a gap,
`FILL` closes gaps, `SUM`, `MIN`, `MAX` and `AVG` over a list of metrics leave gaps out.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Vector = list[float | None]
Value = float | Vector

ARITHMETIC: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Gt: lambda left, right: float(left > right),
    ast.GtE: lambda left, right: float(left >= right),
    ast.Lt: lambda left, right: float(left < right),
    ast.LtE: lambda left, right: float(left <= right),
    ast.Eq: lambda left, right: float(left == right),
    ast.NotEq: lambda left, right: float(left != right),
    ast.And: lambda left, right: float(bool(left) and bool(right)),
    ast.Or: lambda left, right: float(bool(left) or bool(right)),
}
EACH: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
ACROSS: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": math.fsum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda values: math.fsum(values) / len(values),
}


class Unsupported(ValueError):
    """The expression uses a part of metric math that the local cloud does not have."""


class Expression:
    """Hold one parsed expression."""

    def __init__(self, text: str) -> None:
        """Parse an expression; raise Unsupported when it cannot be worked out here."""
        self.text = text
        python = re.sub(r"\bAND\b|&&", " and ", re.sub(r"\bOR\b|\|\|", " or ", text))
        try:
            self._tree = ast.parse(python.strip(), mode="eval").body
        except SyntaxError as error:
            raise Unsupported(f"cannot read the metric math expression {text!r}") from error
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and _name(node.func) not in {
                *EACH,
                *ACROSS,
                "FILL",
                "IF",
                "METRICS",
            }:
                raise Unsupported(f"the local cloud has no metric math function {ast.unparse(node.func)!r}")

    def evaluate(self, metrics: Mapping[str, Vector], periods: int) -> Vector:
        """Return one value per period, None where the expression has none."""
        result = self._value(self._tree, metrics)
        return [result] * periods if isinstance(result, float) else result

    def _value(self, node: ast.AST, metrics: Mapping[str, Vector]) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                result: Value = float(number)
            case ast.Name(id=name) if name in metrics:
                result = metrics[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                result = _apply(operator.neg, self._value(operand, metrics))
            case ast.BinOp(left=left, op=kind, right=right):
                result = self._operate(type(kind), [left, right], metrics)
            case ast.Compare(left=left, ops=[compared], comparators=[right]):
                result = self._operate(type(compared), [left, right], metrics)
            case ast.BoolOp(op=either, values=values):
                result = self._operate(type(either), values, metrics)
            case ast.Call(func=function, args=arguments):
                result = self._call(_name(function), arguments, metrics)
            case _:
                raise Unsupported(f"cannot work out {ast.unparse(node)!r} in {self.text!r}")
        return result

    def _operate(self, kind: type[ast.AST], nodes: Sequence[ast.AST], metrics: Mapping[str, Vector]) -> Value:
        if kind not in ARITHMETIC:
            raise Unsupported(f"the local cloud has no metric math operator {kind.__name__} ({self.text!r})")
        result = self._value(nodes[0], metrics)
        for node in nodes[1:]:
            result = _apply(ARITHMETIC[kind], result, self._value(node, metrics))
        return result

    def _call(self, name: str, arguments: Sequence[ast.AST], metrics: Mapping[str, Vector]) -> Value:
        if name in EACH:
            return _apply(EACH[name], self._value(arguments[0], metrics))
        if name in ACROSS:
            return self._across(ACROSS[name], arguments[0], metrics)
        if name == "FILL":
            return self._fill(self._value(arguments[0], metrics), arguments[1], metrics)
        if name == "IF":
            return _choose(*(self._value(argument, metrics) for argument in arguments))
        raise Unsupported(f"{name} must stand inside SUM, MIN, MAX or AVG ({self.text!r})")

    def _across(
        self, function: Callable[[Sequence[float]], float], node: ast.AST, metrics: Mapping[str, Vector]
    ) -> Value:
        series = self._listed(node, metrics)
        if series is None:
            single = self._value(node, metrics)
            if isinstance(single, float):
                return single
            real = [value for value in single if value is not None]
            return function(real) if real else [None] * len(single)
        columns = zip(*series, strict=True)
        gapless = ([value for value in column if value is not None] for column in columns)
        return [function(values) if values else None for values in gapless]

    def _listed(self, node: ast.AST, metrics: Mapping[str, Vector]) -> list[Vector] | None:
        if isinstance(node, ast.List):
            values = [self._value(element, metrics) for element in node.elts]
            return [value for value in values if isinstance(value, list)]
        if isinstance(node, ast.Call) and _name(node.func) == "METRICS":
            part = str(node.args[0].value) if node.args and isinstance(node.args[0], ast.Constant) else ""
            return [vector for identity, vector in metrics.items() if part in identity]
        if isinstance(node, ast.Call) and _name(node.func) == "FILL":
            inner = self._listed(node.args[0], metrics)
            if inner is not None:
                filled = [self._fill(vector, node.args[1], metrics) for vector in inner]
                return [vector for vector in filled if isinstance(vector, list)]
        return None

    def _fill(self, value: Value, filler: ast.AST, metrics: Mapping[str, Vector]) -> Value:
        if isinstance(value, float):
            return value
        if isinstance(filler, ast.Name) and filler.id == "REPEAT":
            repeated: Vector = []
            for item in value:
                repeated.append(item if item is not None or not repeated else repeated[-1])
            return repeated
        with_what = self._value(filler, metrics)
        others = with_what if isinstance(with_what, list) else [with_what] * len(value)
        return [other if item is None else item for item, other in zip(value, others, strict=True)]


def _choose(condition: Value, then: Value, otherwise: Value) -> Value:
    """Take one branch per period; a gap in the branch not taken does not matter."""
    lengths = [len(value) for value in (condition, then, otherwise) if isinstance(value, list)]
    if not lengths:
        return then if condition else otherwise
    tests, yes, no = (
        value if isinstance(value, list) else [value] * lengths[0] for value in (condition, then, otherwise)
    )
    rows = zip(tests, yes, no, strict=True)
    return [None if test is None else taken if test else other for test, taken, other in rows]


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _apply(function: Callable[..., float], *values: Value) -> Value:
    lengths = [len(value) for value in values if isinstance(value, list)]
    if not lengths:
        return float(function(*values))
    columns = [value if isinstance(value, list) else [value] * lengths[0] for value in values]
    return [_one(function, row) for row in zip(*columns, strict=True)]


def _one(function: Callable[..., float], row: tuple[Any, ...]) -> float | None:
    if any(value is None for value in row):
        return None
    try:
        return float(function(*row))
    except ZeroDivisionError:
        return None  # CloudWatch leaves the period out
