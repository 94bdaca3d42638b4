"""Mend how moto reads state machine definitions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from antlr4 import CommonTokenStream, InputStream
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadbinding import payload_binding
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor


def patch() -> None:
    """Read `"RoleArn.$"` in parameters as the path it is, and parse each definition once."""
    original = Preprocessor.visitPayload_binding_value

    def visit(self: Preprocessor, context: Any) -> payload_binding.PayloadBinding:
        binding: payload_binding.PayloadBinding = original(self, context)
        if not binding.field.endswith(".$"):
            return binding
        # "RoleArn.$" is a word of its own in moto's grammar, for a task's Credentials; as a parameter it
        # comes here, as if it were a plain key. Under a key that is no word, its value is read as a path.
        text = f'"path.$":{context.payload_value_decl().getText()}'
        parser = ASLParser(CommonTokenStream(ASLLexer(InputStream(text))))
        path: Any = self.visit(parser.payload_binding())  # type: ignore[no-untyped-call]
        return payload_binding.PayloadBindingStringExpressionSimple(
            field=binding.field.removesuffix(".$"), string_expression_simple=path.string_expression_simple
        )

    Preprocessor.visitPayload_binding_value = visit  # type: ignore[method-assign, assignment]
    # Programs keep no state between evaluations, and parsing one takes longer than running it.
    AmazonStateLanguageParser.parse = staticmethod(  # type: ignore[method-assign]
        lru_cache(maxsize=128)(AmazonStateLanguageParser.parse)
    )
