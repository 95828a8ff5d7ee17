"""One or two steps with a number that is said in words: a dozen, twice, half, weeks, hours."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TEMPLATES = (
    Template(
        "dozens less some",
        "- * a 12 b",
        {"a": (2, 20), "b": (2, 60)},
        (
            "{name} bakes {a} dozen {foods} and sells {b} of them.",
            "The {place} had {a} dozen {things}. {b} were broken.",
        ),
        ("How many are left?", "How many {things} remain?", "How many are still there?", "How many {foods} remain?"),
    ),
    Template(
        "seconds",
        "* a 60",
        {"a": (2, 90)},
        (
            "{name} holds {his} breath for {a} minutes.",
            "An egg boils for {a} minutes.",
            "A song is {a} minutes long.",
        ),
        ("How many seconds is that?", "What is that in seconds?", "How many seconds are these?"),
        distracted=False,
    ),
    Template(
        "minutes found",
        "/ a 60",
        {"a": (120, 1800, 60)},
        (
            "{name} counts {a} seconds.",
            "The song goes on for {a} seconds.",
            "A {vehicle} was late by {a} seconds.",
        ),
        ("How many minutes is that?", "How long is that in minutes?", "What is that in minutes?"),
        distracted=False,
    ),
    Template(
        "double price",
        "* a 2",
        {"a": (2, 200)},
        (
            "A {thing} costs {a} {dollars}. A {thing2} costs twice as much.",
            "Last year {name} paid {a} {dollars}. This year the price has doubled.",
            "{name} sells a {thing} for double of the {a} {dollars} that {he} paid.",
        ),
        ("What does it cost?", "What is the [second|new|higher] price?", "How much is that?"),
    ),
    Template(
        "double distance",
        "* a 2",
        {"a": (2, 200)},
        (
            "{name} walks {a} {miles}. {name2} walks twice as far.",
            "The {place} is {a} {miles} away and the {place2} is twice as far [away|].",
            "A rope measures {a} {metres}, and another is twice as long.",
        ),
        ("How far is that?", "How long is the [other|longer] one?", "What is the longer distance?"),
        distracted=False,
    ),
    Template(
        "doubled, then more",
        "+ * a 2 b",
        {"a": (2, 90), "b": (2, 40)},
        (
            "{name} has {a} {things}. {name2} has twice as many and {b} more.",
            "{name2} has {b} more than twice as many {things} as {name}, who has {a}.",
            "The number of {animals} on the farm was {a}. It doubled, and then {b} others came.",
        ),
        ("How many is that?", "How many does {name2} have?", "How many are there [now|then]?"),
    ),
    Template(
        "doubled, then less",
        "- * a 2 b",
        {"a": (6, 90), "b": (2, 40)},
        (
            "{name} has {a} {things}. {name2} has twice as many, but gives {b} away.",
            "{name2} has {b} fewer than twice as many {things} as {name}. {name} has {a}.",
            "The number of {animals} in a pond was {a} and doubled. Then {b} left.",
        ),
        ("How many is that?", "How many does {name2} have [left|now|]?", "How many are there [now|then]?"),
    ),
    Template(
        "twice, the difference",
        "- * a b a",
        {"a": (2, 60), "b": (3, 9)},
        (
            "{name} has {a} {things}. {name2} has {b} times as many.",
            "A {thing} costs {a} {dollars}, a {thing2} {b} times as much.",
        ),
        (
            "How many more does {name2} have [than {name}|]?",
            "How much more does the {thing2} cost?",
            "What is the difference?",
        ),
    ),
    Template(
        "triple",
        "* a 3",
        {"a": (2, 120)},
        (
            "{name} has {a} {things}. {name2} has triple that number.",
            "Last year {a} {plants} grew here. Now there are three times as many.",
            "A small {box} holds {a} {things}, a large one three times as many.",
            "{name} saved {a} {dollars}, {name2} three times that sum.",
        ),
        (
            "How many does {name2} have?",
            "How many [are there now|is that]?",
            "How many does the large one hold?",
            "How much did {name2} save?",
        ),
    ),
    Template(
        "half a price",
        "/ a 2",
        {"a": (4, 400)},
        (
            "A {thing} costs {a} {dollars}. In the sale it is sold for half the price.",
            "The price of {a} {dollars} was cut in half.",
            "{name} pays only half of the {a} {dollars} for a ticket.",
            "{name} and {name2} each pay half of a fee of {a} {dollars}.",
        ),
        ("What does it cost [now|]?", "How much [is that|does {name} pay]?", "What must be paid?"),
    ),
    Template(
        "half the time",
        "/ a 2",
        {"a": (4, 240)},
        (
            "{name} needs {a} minutes. {name2} needs half the time.",
            "Half of a trip of {a} {miles} is done.",
            "A rope of {a} {metres} is cut in the middle.",
        ),
        ("How [long|many|far] is that?", "How much is done?", "What is half of it?"),
        distracted=False,
    ),
    Template(
        "half left, then bought",
        "+ / a 2 b",
        {"a": (4, 200), "b": (2, 60)},
        (
            "{name} has {a} {things}, gives half away and [gets|buys] {b} new ones.",
            "Half of the {a} people on a {vehicle} get off, and {b} get on.",
            "{name2} has half as many {things} as {name}, who has {a}. Then {he2} finds {b} more.",
        ),
        ("How many are there then?", "How many is that [now|]?", "How many does {name2} have [now|]?"),
    ),
    Template(
        "half of the rest",
        "/ - a b 2",
        {"a": (10, 200), "b": (2, 90)},
        (
            "{name} has {a} {things}. {He} keeps {b} and gives half of the rest to {name2}.",
            "Of {a} {friends} {b} went home, and half of the others sang.",
            "{name} had {a} {dollars}, paid {b}, and then gave half of what was left to {name2}.",
        ),
        ("How many is that?", "How [many|much] does {name2} get?", "How [many|much] was that?"),
    ),
    Template(
        "half of both",
        "/ + a b 2",
        {"a": (2, 99), "b": (2, 99)},
        (
            "{name} has {a} {things} and finds {b} more. {He} gives half of them all to {name2}.",
            "{name} and {name2} put {a} and {b} {foods} together and share them equally.",
            "A {worker} earned {a} {dollars} on {day} and {b} on {day2}, and saved half of it.",
        ),
        ("How many [does {name2} get|are there for each]?", "How [many|much] is that?"),
    ),
    Template(
        "pairs of socks",
        "/ a 2",
        {"a": (4, 120, 2)},
        (
            "{name} has {a} single socks.",
            "{a} dancers form pairs.",
            "{name} sorts {a} shoes into pairs.",
        ),
        ("How many pairs [is that|are there|does it make]?",),
    ),
)
