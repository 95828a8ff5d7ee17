"""Arithmetic that is read, never executed: expressions with exact values, in every format the pipelines meet."""

from selfsown.arithmetic.annotations import Annotation, find_annotations, parse_annotations, print_annotations
from selfsown.arithmetic.expression import (
    OPERATORS,
    Constant,
    Expression,
    Number,
    Operation,
    Operator,
    Refused,
    apply,
    canonical,
    evaluate,
    operators,
    parse_decimal,
    parse_value,
    print_value,
    walk,
)
from selfsown.arithmetic.notations import (
    parse_infix,
    parse_postfix,
    parse_prefix,
    print_infix,
    print_postfix,
    print_prefix,
)
from selfsown.arithmetic.problem import PROBLEM
from selfsown.arithmetic.questions import Question, read_questions
from selfsown.arithmetic.sets import QUESTIONS, ProblemSet, members, parse_set, set_rows
from selfsown.arithmetic.steps import (
    DEDUCTIVE_OPERATORS,
    Intermediate,
    Operand,
    Program,
    Step,
    deductive_steps,
    from_steps,
    operand_rank,
    parse_code,
    parse_deductive,
    parse_program,
    print_code,
    print_deductive,
    to_steps,
)

__all__ = [
    "DEDUCTIVE_OPERATORS", "OPERATORS", "PROBLEM", "QUESTIONS", "Annotation", "Constant", "Expression",
    "Intermediate", "Number", "Operand", "Operation", "Operator", "ProblemSet", "Program", "Question",
    "Refused", "Step", "apply", "canonical", "deductive_steps", "evaluate", "find_annotations", "from_steps",
    "members", "operand_rank", "operators", "parse_annotations", "parse_code", "parse_decimal", "parse_deductive",
    "parse_infix", "parse_postfix", "parse_prefix", "parse_program", "parse_set", "parse_value", "print_annotations",
    "print_code", "print_deductive", "print_infix", "print_postfix", "print_prefix", "print_value",
    "read_questions", "set_rows", "to_steps", "walk"
]  # fmt: skip
