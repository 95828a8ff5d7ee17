"""One step: equal groups; how much they are together."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

GROUPS = {"a": (2, 30), "b": (2, 40)}

TEMPLATES = (
    Template(
        "boxes of",
        "* a b",
        GROUPS,
        (
            (
                "{name} has {a} {boxes}. [There are {b} {things} in each|Each holds {b} {things}|In each {box} "
                "are {b} {things}]."
            ),
            "[Each|Every|One] {box} [holds|contains|has] {b} {things}. {name} [buys|has|fills|carries] {a} {boxes}.",
            "There are {b} {things} in [each|every one] of the {a} {boxes}.",
            "A {box} [contains|holds] {b} {things}. How many {things} [do {a} {boxes} hold|are in {a} {boxes}]?",
            "How many {things} [are in|fit into] {a} {boxes} if each [holds|has] {b} [{things}|of them|]?",
        ),
        (
            "How many {things} [are there|does {he} have] [in all|altogether|in total|]?",
            "What is the [total |]number of {things}?",
            "How many {things} is that?",
        ),
    ),
    Template(
        "rows",
        "* a b",
        GROUPS,
        (
            "A {place} has {a} rows of {b} [chairs|seats|{plants}].",
            "{b} [chairs|{plants}|pupils] stand in each row. There are {a} rows.",
            "{name} [plants|lays|puts] {things} in {a} rows with {b} in every row.",
            "The hall has {a} rows. Every row has {b} seats.",
        ),
        ("How many [are there|is that] [in all|altogether|]?", "How many [seats|of them] are there in total?"),
    ),
    Template(
        "each person",
        "* a b",
        GROUPS,
        (
            "{a} {friends} [each have|have each|bring|get] {b} {things} [each|].",
            "Each of {a} {friends} [gets|brings|has|eats] {b} {foods}.",
            "{name} wants to give {b} {foods} to each of {his} {a} {friends}.",
            "Every {worker} [carries|needs|uses] {b} {boxes}. There are {a} {workers}.",
            "A {worker} visits {a} families and [leaves|brings] {b} {things} with each.",
        ),
        (
            "How many [are needed|is that|are there] [in all|altogether|together|]?",
            "How many [do they have|must there be] in total?",
            "What do they have together?",
        ),
    ),
    Template(
        "per day",
        "* a b",
        {"a": (3, 60), "b": (2, 30)},
        (
            "{name} [reads|writes|learns|draws] {a} [pages|words|lines|pictures] [a|per|every|each] day.",
            "[Each|Every] day {name} [runs|walks|rides] {a} [{miles}|minutes|laps].",
            "A {animal} eats {a} {foods} [a|each|every] day.",
            "[Each morning|Every evening] the {place} sells {a} {foods}.",
        ),
        (
            "How [many|much] [is that|are that] in {b} days?",
            "How many [will there be|are they] after {b} days?",
            "What does that make [in|for|over] {b} days?",
        ),
    ),
    Template(
        "per hour",
        "* a b",
        {"a": (3, 120), "b": (2, 12)},
        (
            (
                "A {vehicle} [drives|goes|travels|runs] {a} {miles} [an|per|each|every] hour. It [drives|is "
                "under way] for {b} hours."
            ),
            "A machine [makes|fills|packs|prints] {a} {things} [per|an|every] hour. It [runs|works] for {b} hours.",
            "For {b} hours {name} [types|picks|packs] {a} [pages|{foods}|{boxes}] [per|an] hour.",
            "A {worker} [paints|repairs|cleans] {a} {things} in one hour and works {b} hours.",
        ),
        (
            "How [far|many|much] is that [in all|altogether|]?",
            "How many [is that|does that make] in this time?",
            "What is the result of all hours?",
        ),
    ),
    Template(
        "each costs",
        "* a b",
        {"a": (2, 24), "b": (2, 60)},
        (
            "{name} buys {a} {things}. [Each|One|Every one] [costs|is] {b} {dollars}.",
            "[One|A|Each] {thing} costs [${b}|{b} {dollars}]. {name} [buys|needs|takes] {a} [{things}|of them].",
            "A ticket [to|for] the {place} costs {b} {dollars}. {a} people go there.",
            "How much [do|must {name} pay for] {a} {things} [cost|] at {b} {dollars} each?",
        ),
        (
            "How much does {name} [pay|spend] [in all|altogether|]?",
            "What do they cost [together|in total|]?",
            "How much [money |]is [needed|that]?",
            "What must be paid?",
        ),
    ),
    Template(
        "price in cents",
        "* a b",
        {"a": (2, 12), "b": (0.25, 9.75, 0.25)},
        (
            "{name} buys {a} {foods} at ${b} each.",
            "One {thing} costs ${b}. {name} takes {a}.",
            "A [pound|kilo] of {foods} costs ${b}. {name} buys {a} [pounds|kilos].",
        ),
        ("What does {he} pay?", "How much [money does {he} need|is that|does that cost]?"),
    ),
    Template(
        "legs",
        "* a b",
        {"a": (2, 60), "b": (3, 12)},
        (
            "A [table|chair|spider|toy animal] has {b} legs. There are {a} of them.",
            "Every {plant} in the garden has {b} [flowers|branches|leaves]. The garden has {a} {plants}.",
            "Each {vehicle} has {b} seats, and {name} sees {a} {vehicles}.",
            "There are {a} teams with {b} players each.",
        ),
        ("How many [are there|is that] [in all|altogether]?", "How many do they have together?"),
    ),
    Template(
        "recipe",
        "* a b",
        {"a": (2, 15), "b": (2, 20)},
        (
            "A cake needs {b} [eggs|spoons of sugar|{foods}]. {name} bakes {a} cakes.",
            (
                "For one {thing} {name} needs {b} [sheets of paper|beads|minutes|grams of clay]. {He} makes {a} "
                "[{things}|of them]."
            ),
            "It takes {b} [minutes|screws|nails] to [build|mend|make] one {thing}, and {a} {things} are wanted.",
        ),
        (
            "How [many|much] [does {he} need|is needed|are needed] [in all|altogether|]?",
            "What is needed for all of them?",
        ),
    ),
    Template(
        "dozen",
        "* a 12",
        {"a": (2, 40)},
        (
            "{name} buys {a} dozen {foods}.",
            "A {place} ordered {a} dozen {things}.",
            "{name} has {a} {boxes} with a dozen {things} in each.",
        ),
        ("How many [{things}|pieces] is that?", "How many [are there|single ones are these]?"),
    ),
    Template(
        "weeks to days",
        "* a 7",
        {"a": (2, 60)},
        (
            "The holidays last {a} weeks.",
            "{name} stays with {his} {friend} for {a} weeks.",
            "The {place} is closed for {a} weeks.",
            "{name} sees one film a day, for {a} weeks.",
        ),
        ("How many days [is that|are these|does it last]?", "What is that in days?"),
    ),
    Template(
        "per day for a week",
        "* a 7",
        {"a": (2, 90)},
        (
            "{name} [reads|writes|solves] {a} [pages|letters|puzzles] [a|every|each] day.",
            "The {place} [sells|needs|uses] {a} {boxes} [a day|per day|daily].",
            "[Each|Every] day a {worker} [drives {a} {miles}|earns {a} {dollars}|paints {a} {things}].",
        ),
        (
            "How many is that in [a|one] week?",
            "How much does that make [in|for] a week?",
            "How many [a week|in seven days]?",
        ),
    ),
    Template(
        "hours to minutes",
        "* a 60",
        {"a": (2, 24)},
        (
            "[A|The] [film|trip|lesson|meeting|flight] [lasts|takes] {a} hours.",
            "{name} [slept|worked|played|was out] for {a} hours.",
        ),
        ("How many minutes [is|are] that?", "How long is that in minutes?", "What is that in minutes?"),
        distracted=False,
    ),
    Template(
        "area",
        "* a b",
        {"a": (2, 60), "b": (2, 50)},
        (
            "A [garden|room|field|carpet|wall] is {a} {metres} long and {b} {metres} wide.",
            "The sides of a rectangle are {a} cm and {b} cm.",
            "{name} [paints|covers|mows] a [wall|floor|lawn] of {a} by {b} {metres}.",
        ),
        ("What is its area?", "How large is [it|the area]?", "How many square {metres} [are|is] [that|to be done]?"),
        distracted=False,
    ),
    Template(
        "speed",
        "* a b",
        {"a": (4, 100), "b": (2, 15)},
        (
            "{name} [rides|drives|runs|walks] at {a} {miles} per hour for {b} hours.",
            "A {vehicle} moves at a speed of {a} [km/h|{miles} an hour]. It is on the road for {b} hours.",
            "{b} hours long a {vehicle} goes at {a} kilometres an hour.",
        ),
        (
            "What distance does {he} cover?",
            "How many {miles} are covered?",
            "What distance is that?",
            "How far is that?",
        ),
        distracted=False,
    ),
)
