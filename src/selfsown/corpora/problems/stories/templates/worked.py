"""Two steps over rates, times and shapes."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TEMPLATES = (
    Template(
        "unit price",
        "* / a b c",
        {"a": (4, 120), "b": (2, 12), "c": (2, 20)},
        (
            "{b} {things} cost {a} {dollars}. {name} wants {c}.",
            "For {b} tickets {name} pays {a} {dollars}. [A {friend}|{name2}] needs {c} [tickets|of them].",
            "In {b} hours a machine makes {a} {things}. It runs for {c} hours.",
            "{name} [reads|types] {a} pages in {b} hours and goes on like that for {c} hours.",
            "In {b} hours a {vehicle} gets {a} {miles} far. It drives {c} hours at this speed.",
        ),
        ("How [many|much|far] is that?", "What is [the result|that in all]?", "How much [will|does] that [be|make]?"),
        distracted=False,
    ),
    Template(
        "boxes into others",
        "/ * a b c",
        {"a": (2, 20), "b": (2, 30), "c": (2, 15)},
        (
            "{name} has {a} {boxes} of {b} {things}. {He} [shares|divides] all {things} equally among {c} {friends}.",
            "{a} {boxes} with {b} {foods} each are packed anew, {c} in each {box2}.",
            "{name} works {a} days for {b} {dollars} a day and buys {things} at {c} {dollars} each.",
        ),
        ("How many [does each get|is that for each|are that|does {he} get]?", "How many come out?"),
    ),
    Template(
        "both work",
        "* a + b c",
        {"a": (2, 12), "b": (2, 60), "c": (2, 50)},
        (
            "{name} [makes|picks|packs] {b} {things} an hour and {name2} {c}. Both work {a} hours.",
            "Two machines print {b} and {c} pages a minute. They run for {a} minutes.",
        ),
        ("How many [do they make|is that] [together|in all]?", "How many are done [by both|together]?"),
        distracted=False,
    ),
    Template(
        "mean of two",
        "/ + a b 2",
        {"a": (4, 100), "b": (4, 100)},
        (
            "{name} got {a} points in the first [test|game] and {b} in the second.",
            "It was {a} degrees on {day} and {b} on {day2}.",
            "{name} is {a} and {name2} {b} years old.",
        ),
        ("What is the [average|mean]?", "What is that on average?"),
        distracted=False,
    ),
    Template(
        "pairs",
        "* a 2",
        {"a": (2, 150)},
        (
            "{name} has {a} pairs of [shoes|socks|gloves].",
            "Each of {a} [birds|{friends}] has two [wings|hats|hands].",
            "The way to the {place} is {a} {miles} long. {name} goes there and back.",
        ),
        ("How many [single ones|] [are|is] that [in all|]?", "How [many|far] is that [altogether|in all]?"),
    ),
    Template(
        "in some years",
        "+ a b",
        {"a": (2, 70), "b": (2, 40)},
        (
            "{name} is {a} years old [today|now|].",
            "{name} [turned|became] {a} this year.",
            "{name2}'s [dog|house|{friend}] is {a} years old.",
        ),
        (
            "How old will that be in {b} years?",
            "How old [is {he}|will {he} be] [in|after] {b} years?",
            "What age [comes|is it] {b} years [from now|later]?",
        ),
        distracted=False,
    ),
    Template(
        "some years ago",
        "- a b",
        {"a": (15, 90), "b": (2, 60)},
        (
            "{name} is {a} years old [today|now|].",
            "{name2}'s [father|mother|aunt|uncle] is {a} [years old|].",
            "The old {plant} has stood there for {a} years.",
        ),
        ("How old was [{he}|that one|it] {b} years ago?", "What was the age {b} years [before|ago|earlier]?"),
        distracted=False,
    ),
    Template(
        "left in rows",
        "- a * b c",
        {"a": (40, 300), "b": (2, 12), "c": (2, 20)},
        (
            "{name} has {a} {things} and fills {b} {boxes} with {c} {things} each.",
            "A {worker} has {a} {plants} and plants {b} rows of {c}.",
            "Of {a} {foods} {name} gives {c} to each of {his} {b} {friends}.",
            "{name} takes {b} {boxes} of {c} from a store of {a} {things}.",
            "{name} has a book that has {a} pages and reads {c} pages a day for {b} days.",
        ),
        ("How many [{things} |]are left [over|]?", "How many [remain|are not used|are there still]?"),
    ),
    Template(
        "more each time",
        "* b - a c",
        {"a": (8, 90), "b": (2, 15), "c": (2, 40)},
        (
            "A {thing} costs {a} {dollars} and is now {c} {dollars} cheaper. {name} buys {b} [of them|].",
            "Each of {b} {boxes} held {a} {things}, and {c} were taken out of each.",
            "{name} earns {a} {dollars} a day and spends {c} a day. {b} days go by.",
        ),
        ("How [many|much] is that [in all|altogether|]?", "What [is|does] that [come to|in all]?"),
        distracted=False,
    ),
    Template(
        "more than, of groups",
        "+ c * a b",
        {"a": (2, 12), "b": (2, 20), "c": (2, 60)},
        (
            "{name} has {a} {boxes} of {b} {things}. {name2} has {c} more {things} than {name}.",
            "{name2} has {c} {things} more than are in {a} {boxes} of {b}.",
        ),
        ("How many {things} does {name2} have?", "How many is that for {name2}?"),
    ),
)
