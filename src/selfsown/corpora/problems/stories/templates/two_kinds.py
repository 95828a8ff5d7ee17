"""Two persons or two kinds, one or two steps: what they have together."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TWO = {"a": (2, 99), "b": (2, 99)}

TEMPLATES = (
    Template(
        "two kinds",
        "+ a b",
        TWO,
        (
            "{name} has {a} {things} and {b} {things2}.",
            "There are {a} {animals} and {b} {animals2} [on the farm|in the zoo|in the field].",
            "A {place} has {a} old and {b} new {things}.",
            "In the garden grow {a} {plants} and {b} {plants2}.",
        ),
        (
            "How many are there [in all|altogether|in total|together]?",
            "How many is that [together|in all|in total]?",
            "What is the total?",
        ),
        distracted=False,
    ),
    Template(
        "two persons",
        "+ a b",
        TWO,
        (
            "{name} [has|made|found|saw] {a} {things} and {name2} [has|made|found|saw] {b}.",
            "{name} [picked|ate|sold] {a} {foods}. {name2} [picked|ate|sold] {b} [of them|].",
            "{name} scored {a} points and {name2} scored {b}.",
            "Together with {name}, who has {a} {things}, {name2} puts {b} on the table.",
        ),
        (
            "How many [{things} |]do they have [together|in all|altogether|in total]?",
            "How many [was that|is that|are these] [together|altogether]?",
            "What is their total?",
        ),
        distracted=False,
    ),
    Template(
        "of two colours",
        "- a b",
        {"a": (8, 120), "b": (2, 99)},
        (
            (
                "There are {a} [pupils|people|children] in the {place}. {b} [of them|] are [girls|women|old]. "
                "The others are [boys|men|young]."
            ),
            "{name} has {a} {things}, red and blue ones. {b} are red.",
            "{b} of the {a} {animals} on a farm are {animals2}, the others {animals3}.",
            "A {box} holds {a} {foods}. {b} are {foods2}, the rest are {foods3}.",
        ),
        ("How many are the others?", "How many [others|of the other kind] are there?", "How many are not?"),
    ),
    Template(
        "of two parts",
        "- a b",
        {"a": (8, 200), "b": (2, 150)},
        (
            "{name} and {name2} have {a} {things} together. {name} has {b} [of them|].",
            "Two {boxes} hold {a} {things} together. One holds {b}.",
            "{name} and {name2} [paid|earned] {a} {dollars} in all. {name2} [paid|earned] {b} [of it|].",
            "{name} walked {a} {miles} in two days, {b} of them on the first [day|].",
        ),
        (
            "How many [does|is it for] the other [have|one|]?",
            "How many [are|is] the other part?",
            "What about the other?",
            "How [much|many] on the other side?",
        ),
    ),
    Template(
        "two lengths",
        "+ a b",
        {"a": (3, 300), "b": (3, 300)},
        (
            "A [rope|pipe|ribbon] of {a} {metres} is tied to one of {b} {metres}.",
            "{name} [drives|rides|walks] {a} {miles} to the {place} and then {b} {miles} to the {place2}.",
            "{name} [works|sleeps|reads] {a} minutes, rests, and then [works|sleeps|reads] {b} minutes.",
            "Two {boxes} weigh {a} kg and {b} kg.",
        ),
        (
            "How [long|far|much] is [that|it] [in all|together|altogether]?",
            "What is [the whole|the total|both together]?",
        ),
        distracted=False,
    ),
    Template(
        "more, then both",
        "+ a + a b",
        {"a": (2, 80), "b": (2, 40)},
        (
            "{name} has {a} {things}. {name2} has {b} more [than {name}|].",
            "{name} [found|sold] {a} {things}. {name2} [found|sold] {b} more than {he} did.",
            "On {day} {a} people came to the {place}. On {day2} there were {b} more.",
            "{name2} [read|drew|wrote] {b} more pages than {name}, who [read|drew|wrote] {a}.",
        ),
        (
            "How many [do they have|were there|are there|is that] [together|in all|altogether|on both days|in total]?",
            "What is the total of both?",
        ),
    ),
    Template(
        "fewer, then both",
        "+ a - a b",
        {"a": (10, 120), "b": (2, 60)},
        (
            "{name} has {a} {things}. {name2} has {b} [fewer|less] [than {name}|].",
            "On {day} the {place} sold {a} {foods}, and on {day2} {b} fewer [than that|].",
            "{name2} [picked|made] {b} fewer {foods} than {name}, who [picked|made] {a}.",
        ),
        (
            "How many [do they have|were they|are there|is that] [together|in all|altogether|in total]?",
            "What do both have together?",
        ),
    ),
    Template(
        "times, then both",
        "+ a * a b",
        {"a": (2, 60), "b": (3, 9)},
        (
            "{name} has {a} {things}. {name2} has {b} times as many.",
            "There are {a} {animals} and {b} times as many {animals2} [on the farm|in the zoo].",
            "{name2} [saved|earned] {b} times as many {dollars} as {name}, who [saved|earned] {a}.",
        ),
        (
            "How many [do they have|are there|is that] [together|in all|altogether]?",
            "What is the number of both together?",
        ),
    ),
    Template(
        "twice, then both",
        "+ a * a 2",
        {"a": (2, 150)},
        (
            "{name} has {a} {things}. {name2} has double that number.",
            "{name} [ran|walked] {a} {miles} on {day} and twice as far on {day2}.",
            "A {thing} costs {a} {dollars}, a {thing2} twice as much.",
        ),
        ("How [many|much] [is that|are that|is it] [together|in all|altogether]?", "What are both together?"),
    ),
    Template(
        "half, then both",
        "+ a / a 2",
        {"a": (4, 200)},
        (
            "{name} has {a} {things}. {name2} has half as many.",
            "{name} [picked|sold] {a} {foods} on {day} and half as many on {day2}.",
            "{name} spent {a} {dollars}, and {name2} half [of it|of that].",
        ),
        (
            "How [many|much] [is that|are that|is it] [together|in all|altogether]?",
            "How many did both days or both persons have together?",
        ),
    ),
    Template(
        "half, then some",
        "- / a 2 b",
        {"a": (10, 200), "b": (2, 50)},
        (
            "{name} has {a} {things}. {He} gives half of them to {name2} and then {b} to {name3}.",
            "Half of {a} {foods} were [bad|sold], and {b} of the others were eaten.",
            "{name} [read|did] half of {a} [pages|tasks] on {day} and {b} more on {day2}.",
        ),
        ("How many are left?", "How many [remain|are still left] [in the end|]?"),
    ),
    Template(
        "sum of groups",
        "* a + b c",
        {"a": (2, 15), "b": (2, 20), "c": (2, 20)},
        (
            "Each of {a} {friends} has {b} {things} and {c} {things2}.",
            "{a} {boxes} each hold {b} red and {c} blue {things}.",
            "{name} eats {b} {foods} and {c} {foods2} a day, for {a} days.",
            "[Every|Each] day {name} walks {b} minutes to the {place} and {c} minutes back. {He} does so on {a} days.",
        ),
        ("How many [is|are] that [in all|altogether|together|]?", "What does that come to?"),
        distracted=False,
    ),
    Template(
        "product of three",
        "* * a b c",
        {"a": (2, 12), "b": (2, 12), "c": (2, 12)},
        (
            "There are {a} {vehicles} with {b} {boxes} each. In each {box} are {c} {things}.",
            "A {place} has {a} floors with {b} rooms each, and every room has {c} windows.",
            "{a} {friends} each [buy|bring] {b} {boxes} of {c} {things}.",
            "{name} does {a} tasks a day, {b} days a week, for {c} weeks.",
        ),
        ("How many [{things} |]are there [in all|altogether]?", "How many [is|does] that [make|] [in total|in all]?"),
        distracted=False,
    ),
)
