"""One step at home, at school, on the farm and on the road."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TAKEN = {"a": (8, 99), "b": (2, 60)}

TEMPLATES = (
    Template(
        "lend",
        "- a b",
        TAKEN,
        (
            "{name} lends {b} of {his} {a} {things} to {name2}.",
            "In {name}'s room there are {a} {things}. {name2} borrows {b}.",
            "{name2} borrowed {b} {things} from {name}, who owned {a}.",
        ),
        (
            "How many {things} are still with {name}?",
            "How many {things} stay in the room of {name}?",
            "How many has {name} then?",
        ),
    ),
    Template(
        "wilt",
        "- a b",
        TAKEN,
        (
            "{name} planted {a} {plants}. {b} of them [died|dried up|did not grow].",
            "In a garden {a} {plants} grew until a storm broke {b} [of them|].",
            "A {worker} cut down {b} of the {a} {plants} in the park.",
        ),
        ("How many {plants} [live|are alive|still grow]?", "How many {plants} are there after that?"),
    ),
    Template(
        "use up",
        "- a b",
        {"a": (10, 300), "b": (2, 250)},
        (
            "{name} had {a} [sheets of paper|nails|screws|eggs|stamps] and used {b}.",
            "To bake, {name} takes {b} of {a} eggs out of the fridge.",
            "A {worker} used {b} of {a} nails.",
        ),
        (
            "How many did {he} not use?",
            "How many are there to use later?",
            "How many are left for later?",
            "How many were not needed?",
        ),
    ),
    Template(
        "points lost",
        "- a b",
        {"a": (20, 200), "b": (5, 150)},
        (
            "{name} had {a} points in a game and [lost|dropped] {b} [in the last round|].",
            "In the last round {name} lost {b} points. Until then the score was {a}.",
        ),
        (
            "How many points did {he} end with?",
            "What is {his} score [now|]?",
            "With how many points does {name} finish?",
        ),
    ),
    Template(
        "points won",
        "+ a b",
        {"a": (5, 200), "b": (5, 150)},
        (
            "{name} had {a} points in a game and won {b} [in the last round|more].",
            "{name} scored {a} points in the first half and {b} in the second.",
            "In the second round {name} won {b} points. Until then the score was {a}.",
        ),
        (
            "How many points did {he} end with?",
            "What is {his} score [now|at the end]?",
            "With how many points does {name} finish?",
        ),
    ),
    Template(
        "floors",
        "+ a b",
        {"a": (2, 40), "b": (2, 30)},
        (
            "{name} lives on floor {a}. {His} {friend} lives {b} floors higher.",
            "A lift stands at floor {a} and goes up {b} floors.",
            "{name} is on step {a} of the stairs and climbs {b} steps.",
        ),
        ("On which [floor|one] is that?", "Which number is that?", "At which number does it end?"),
        distracted=False,
    ),
    Template(
        "floors down",
        "- a b",
        {"a": (10, 60), "b": (2, 40)},
        (
            "{name} works on floor {a} and goes down {b} floors.",
            "A lift at floor {a} goes down {b} floors.",
            "{name} stands on step {a} and walks {b} steps down.",
        ),
        ("On which [floor|one] is that?", "Which number is that?", "Where does it end?"),
        distracted=False,
    ),
    Template(
        "fill",
        "+ a b",
        {"a": (2, 90), "b": (2, 60)},
        (
            "In a [tank|pool|barrel] are {a} {litres} of water. {name} pours in {b} {litres} [more|].",
            "A {vehicle} has {a} {litres} of fuel, and {name} fills up {b} more.",
            "It rained {a} {metres} in spring and {b} {metres} in autumn.",
        ),
        (
            "How much is [in it|there] [then|now]?",
            "How many {litres} are [there|in it] [now|then]?",
            "How much was that in all?",
        ),
        distracted=False,
    ),
    Template(
        "shelf",
        "+ a b",
        {"a": (3, 120), "b": (3, 120)},
        (
            "On the upper shelf stand {a} {things} and on the lower one {b}.",
            "{a} {things} lie in the left drawer and {b} in the right [drawer|one].",
            "One {box} has {a} {things} in it, the other {b}.",
            "At the front sit {a} {friends}, at the back {b}.",
        ),
        (
            "How many {things} are there [in all|together|altogether]?",
            "How many [{friends} |]are there [in all|in total]?",
            "How many is that [together|]?",
        ),
        distracted=False,
    ),
    Template(
        "morning and evening",
        "+ a b",
        {"a": (3, 120), "b": (3, 120)},
        (
            "The {place} sold {a} {foods} in the morning and {b} in the evening.",
            "{a} {vehicles} passed {name} before lunch and {b} after it.",
            "A {worker} baked {a} {foods} before noon and {b} after noon.",
            "A {animal} laid {a} eggs in spring and {b} in summer.",
        ),
        (
            "How many [{foods} |]was that in the whole day?",
            "How many [were there|was it] [in all|in total|altogether]?",
            "How many [did it come to|were they]?",
        ),
        distracted=False,
    ),
    Template(
        "grown",
        "- a b",
        {"a": (20, 200), "b": (5, 190)},
        (
            "A {plant} was {b} {metres} high last year and is {a} now.",
            "{name} was {b} cm tall at the age of ten. Today {he} is {a} cm tall.",
            "The {place} had {b} visitors on {day} and {a} on {day2}.",
        ),
        (
            "By how much did it grow?",
            "How much [taller|more] is that?",
            "How much has {he} grown?",
            "What is the increase?",
        ),
        distracted=False,
    ),
    Template(
        "pages between",
        "- a b",
        {"a": (30, 400), "b": (5, 380)},
        (
            "{name} is on page {b} and wants to stop at page {a}.",
            "{name} was on page {b} this morning. Now {he} is on page {a}.",
            "House {b} and house {a} stand in one street.",
        ),
        ("How many pages are that?", "How many lie between?", "How far apart are the numbers?"),
        distracted=False,
    ),
    Template(
        "years between",
        "- a b",
        {"a": (1950, 2030), "b": (1800, 2020)},
        (
            "{name} was born in {b}, and now it is {a}.",
            "The {place} was built in {b}. In {a} it got a new roof.",
            "The old {place} opened in {b} and closed in {a}.",
        ),
        (
            "How many years [are|were] that?",
            "How many years lie between?",
            "How old was it then?",
            "How long was that?",
        ),
        distracted=False,
    ),
    Template(
        "wheels",
        "* a b",
        {"a": (2, 60), "b": (2, 8)},
        (
            "{a} {vehicles} stand in a row. Each has {b} doors.",
            "A {animal} drawn by {name} has {b} spots, and {name} draws {a} such {animals}.",
            "A flower has {b} petals. {name} picks {a} flowers.",
            "{name} cuts each of {a} {foods} into {b} pieces.",
            "There are {b} slices in one pizza. {name} orders {a} pizzas.",
        ),
        (
            "How many doors are there?",
            "How many [is|are] that [in all|altogether|]?",
            "How many are there [in all|together|in total]?",
        ),
    ),
    Template(
        "packs bought",
        "* a b",
        {"a": (2, 25), "b": (2, 40)},
        (
            "{things} come in {boxes} of {b}. {name} buys {a} {boxes}.",
            "{name} opens {a} {boxes} and finds {b} {things} in every one.",
            "A {box} has {b} {things}. The {place} orders {a} {boxes}.",
            "{name} fills {a} {boxes}, {b} {things} in each.",
        ),
        (
            "How many {things} does {he} have?",
            "How many {things} [are|is] that?",
            "How many {things} is that in total?",
        ),
    ),
    Template(
        "lessons",
        "* a b",
        {"a": (2, 20), "b": (5, 90, 5)},
        (
            "{name} has {a} lessons of {b} minutes [each|].",
            "One lap takes {name} {b} seconds. {He} runs {a} laps.",
            "{name} practises {b} minutes a day, {a} days in a row.",
            "It takes {b} minutes to wash one {vehicle}. {name} washes {a}.",
        ),
        (
            "How long does [that|it all] take?",
            "How long is that [in all|altogether|together]?",
            "What time does {he} need?",
        ),
        distracted=False,
    ),
    Template(
        "weights",
        "* a b",
        {"a": (2, 40), "b": (2, 60)},
        (
            "One {box} weighs {b} {grams}. {name} carries {a} {boxes}.",
            "A {thing} weighs {b} grams. {a} such {things} lie on the scales.",
            "Each of the {a} bags of flour weighs {b} {grams}.",
        ),
        ("How much do they weigh together?", "What is the whole weight?", "How heavy [is that|are they] in all?"),
    ),
    Template(
        "photos on pages",
        "/ a b",
        {"a": (12, 300), "b": (2, 12)},
        (
            "{name} sticks {a} photos into an album, {b} on each page.",
            "{name} plants {a} {plants} in rows of {b}.",
            "{name} makes bunches of {b} flowers. {He} has {a} flowers.",
            "{a} {things} are laid in piles of {b}.",
        ),
        (
            "How many [pages|rows|bunches|piles] does that make?",
            "How many [pages|rows|bunches|piles] are there?",
            "How many does {he} need for that?",
        ),
    ),
    Template(
        "weight of one",
        "/ a b",
        {"a": (12, 600), "b": (2, 15)},
        (
            "{b} equal {boxes} weigh {a} {grams} [together|].",
            "{a} {grams} is what {b} {things} weigh, all the same.",
            "{name} divides {a} {grams} of flour into {b} equal parts.",
        ),
        ("How much does one weigh?", "What is the weight of one [part|]?", "How many {grams} is one?"),
    ),
    Template(
        "minutes for one",
        "/ a b",
        {"a": (12, 300), "b": (2, 15)},
        (
            "{name} needs {a} minutes for {b} [laps|tasks|songs|letters], the same for each.",
            "{b} [laps|tasks|rounds] took {name} {a} minutes.",
            "A {worker} washes {b} {vehicles} in {a} minutes.",
        ),
        (
            "How long does one take?",
            "How many minutes [is that for|does {he} need for] one?",
            "What time is that for a single one?",
        ),
        distracted=False,
    ),
    Template(
        "seats at tables",
        "/ a b",
        {"a": (16, 400), "b": (2, 12)},
        (
            "{a} guests sit at tables with {b} seats [each|].",
            "{b} {friends} fit into a {vehicle}. {a} of them want to travel.",
            "Tents for {b} people are put up for {a} people.",
            "One {vehicle} carries {b} {boxes}. {a} {boxes} are to be moved.",
        ),
        (
            "How many tables [are needed|are there]?",
            "How many {vehicles} are needed?",
            "How many of them must there be?",
        ),
    ),
)
