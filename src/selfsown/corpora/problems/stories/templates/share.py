"""One step: something is parted into equal groups; their size or their number is asked for."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

PARTED = {"a": (6, 200), "b": (2, 15)}

TEMPLATES = (
    Template(
        "share",
        "/ a b",
        PARTED,
        (
            "{name} [shares|divides|splits] {a} {things} [equally|evenly] [among|between] {b} {friends}.",
            "{b} {friends} [share|divide|split] {a} {foods} [equally|evenly|fairly].",
            "{a} {things} [are shared|are given] [equally|in equal parts] [among|to] {b} {friends}.",
            "{name} has {a} {foods} for {b} {friends}, and all get the same number.",
        ),
        (
            "How many does each [get|receive|have]?",
            "How many [{things} |]are there for each?",
            "What does each one get?",
            "How many [does one {friend} get|per {friend}]?",
        ),
    ),
    Template(
        "into boxes",
        "/ a b",
        PARTED,
        (
            "{name} puts {a} {things} into {b} {boxes}, [the same number in each|equally many in each].",
            "{a} {things} are packed [evenly|equally] into {b} {boxes}.",
            "{b} {boxes} [hold|contain] {a} {things} [together|in all], and each has as many as the others.",
        ),
        (
            "How many [{things} |]are in [each|one] {box}?",
            "How many does [each|one] {box} hold?",
            "How many [are there|come] in [each|every] one?",
        ),
    ),
    Template(
        "how many boxes",
        "/ a b",
        {"a": (10, 300), "b": (2, 20)},
        (
            "{name} has {a} {things} and puts {b} [in|into] each {box}.",
            "[Each|Every|One] {box} holds {b} {things}. {name} has {a} {things} [to pack|].",
            "A {worker} packs {a} {things} in {boxes} of {b}.",
            "{name} needs {a} {things}. They are sold in {boxes} of {b}.",
        ),
        (
            "How many {boxes} [does {he} need|are needed|are filled|can {he} fill]?",
            "How many {boxes} [is|are] that?",
            "What number of {boxes} is needed?",
        ),
    ),
    Template(
        "teams",
        "/ a b",
        {"a": (12, 240), "b": (2, 12)},
        (
            "{a} [pupils|children|players|people] form [groups|rows|lines] of {b}.",
            "A [teacher|trainer] puts {a} [pupils|players] into groups, {b} in each.",
            "There is room for {b} [people|children] in each {vehicle}. {a} want to go.",
            "{b} people sit at one table. {a} guests come.",
        ),
        (
            "How many [groups|of them|tables] [are there|are needed|is that]?",
            "How many does that make?",
            "Into how many parts are they put?",
        ),
    ),
    Template(
        "days needed",
        "/ a b",
        {"a": (12, 400), "b": (2, 30)},
        (
            (
                "{name} [reads|learns|writes|solves] {b} [pages|words|lines|puzzles] [a|per|each|every] day. "
                "[The book|The list|The whole work] has {a}."
            ),
            "A {animal} eats {b} {foods} a day. There are {a} [{foods}|of them].",
            "{name} has {a} {foods} and eats {b} every day.",
            "A book has {a} pages, and {name} reads {b} of them each day.",
        ),
        (
            "[How many days does it take|For how many days is that enough]?",
            "How many days [will it take|do they last|does it last]?",
            "After how many days is [it|everything] done?",
        ),
    ),
    Template(
        "daily share",
        "/ a b",
        {"a": (12, 400), "b": (2, 14)},
        (
            (
                "{name} [read|wrote|solved] {a} [pages|lines|puzzles] in {b} days, [every day the same "
                "number|equally many each day]."
            ),
            "In {b} days a {worker} [painted|sold|mended] {a} {things}, the same number [each|every] day.",
            "A {animal} ate {a} {foods} in {b} days and [each|every] day as many as on the others.",
        ),
        (
            "How many [was that|were it] [per|a] day?",
            "How many did [{he}|it] do [each|every] day?",
            "How many on one day?",
        ),
    ),
    Template(
        "per hour found",
        "/ a b",
        {"a": (20, 600), "b": (2, 12)},
        (
            "A {vehicle} [drove|went|travelled] {b} hours and {a} {miles}.",
            "{name} [rode|ran|walked] for {b} hours and got {a} {miles} far.",
            "In {b} hours a machine made {a} {things}.",
            "It took a {vehicle} {b} hours to go {a} kilometres.",
        ),
        (
            "How many was that [per|in one|each] hour?",
            "What was the speed [per|an] hour?",
            "How [many|much] in [one|an] hour?",
        ),
        distracted=False,
    ),
    Template(
        "hours needed",
        "/ a b",
        {"a": (20, 900), "b": (3, 90)},
        (
            "A {vehicle} goes {b} {miles} an hour. The next town is {a} {miles} away.",
            "A machine makes {b} {things} per hour. {a} are ordered.",
            "{name} must [drive|ride] {a} {miles} and [drives|rides] {b} {miles} each hour.",
        ),
        (
            "How [long|many hours] does it take?",
            "How many hours [is that|are needed]?",
            "After how many hours is it done?",
        ),
        distracted=False,
    ),
    Template(
        "cost of one",
        "/ a b",
        {"a": (6, 300), "b": (2, 15)},
        (
            "{b} {things} cost {a} {dollars}.",
            "{name} [paid|spent] [${a}|{a} {dollars}] for {b} {things}.",
            "For {b} tickets to the {place} {name} pays {a} {dollars}.",
            "{b} {things} are priced at {a} {dollars}.",
        ),
        ("What does [one|a single one] cost?", "How much [is|does] [one|each] [cost|]?", "How much was each?"),
    ),
    Template(
        "how many can be bought",
        "/ a b",
        {"a": (6, 200), "b": (2, 20)},
        (
            "{name} has {a} {dollars}. [One|A|Each] {thing} costs {b}.",
            "A {thing} costs [${b}|{b} {dollars}]. {name} has [${a}|{a} {dollars}] [to spend|].",
            "{name} spent {a} {dollars} on {things} at {b} each.",
        ),
        (
            "How many {things} [can {he} buy|did {he} get|are that]?",
            "For how many is that enough?",
            "How many does {he} get [for the money|]?",
        ),
    ),
    Template(
        "bill shared",
        "/ a b",
        {"a": (10, 300), "b": (2, 12)},
        (
            (
                "A [meal|present|trip|taxi] costs [${a}|{a} {dollars}]. {b} {friends} [share|split] [the "
                "cost|the bill|it] [equally|]."
            ),
            "{name} and {his} friends, {b} in all, pay {a} {dollars} together, all the same.",
            "{b} people earn {a} {dollars} together and [share|divide] them equally.",
        ),
        ("How much [must|does] each [pay|get|give] [|]?", "What is [one|each] share?", "How much [is|comes to] each?"),
    ),
    Template(
        "cut in pieces",
        "/ a b",
        {"a": (10, 300), "b": (2, 15)},
        (
            "A [rope|ribbon|board|pipe|string] of {a} {metres} is cut into {b} equal [pieces|parts].",
            "{name} cuts a [rope|ribbon|stick] into {b} pieces of the same length. It was {a} cm long.",
            "{name} saws {b} equal pieces from a board of {a} {metres}.",
        ),
        (
            "How long is each [piece|one]?",
            "What is the length of [one|a] piece?",
            "How many [cm|units] does each measure?",
        ),
        distracted=False,
    ),
    Template(
        "number of pieces",
        "/ a b",
        {"a": (10, 300), "b": (2, 20)},
        (
            "A [rope|ribbon|wire] is {a} {metres} long. {name} cuts it into pieces of {b}.",
            "From {a} metres of cloth {name} makes [flags|skirts|bags]. Each takes {b} metres.",
            "A jug of {a} {litres} fills glasses of {b} {litres} each.",
            "One {thing} needs {b} [grams|sheets|beads]. {name} has {a}.",
        ),
        ("How many [are there|does {he} get|can be made]?", "How many [of them |]is that?"),
        distracted=False,
    ),
    Template(
        "rows found",
        "/ a b",
        {"a": (12, 400), "b": (2, 25)},
        (
            "{a} [chairs|{plants}|pupils] stand in {b} [equal |]rows.",
            "{name} plants {a} {plants} in {b} rows [of the same length|with equally many in each].",
            "The {place} has {a} seats in {b} rows, all rows alike.",
        ),
        ("How many are in [each|one|a] row?", "How many does [each|one] row have?", "How many stand in one row?"),
    ),
    Template(
        "shared by two",
        "/ a 2",
        {"a": (4, 400)},
        (
            "{name} and {name2} share {a} {things} equally.",
            "{name} shares {his} {a} {foods} [fairly|equally] with {his} {friend}.",
            "{a} [{dollars}|{things}] are [divided|split] between two {friends}.",
        ),
        ("How many does each get?", "What does [{name}|each] get?", "How [many|much] is that for each?"),
    ),
    Template(
        "times back",
        "/ a b",
        {"a": (10, 200), "b": (3, 10)},
        (
            "{name} has {a} {things}. That is {b} times as many as {name2} has.",
            "{name} [found|has] {b} times as many {things} as {name2}. {name} [found|has] {a}.",
            "A {thing} costs {a} {dollars}, {b} times as much as a {thing2}.",
        ),
        ("How many does {name2} have?", "How [many|much] is the smaller number?", "How [many|much] [is|are] that?"),
    ),
    Template(
        "minutes to hours",
        "/ a 60",
        {"a": (120, 1440, 60)},
        (
            "The [trip|film|work|concert] [lasts|takes] {a} minutes.",
            "{name} [worked|slept|waited|drove] {a} minutes.",
        ),
        ("How many hours [is|are] that?", "What is that in hours?", "How long is that in hours?"),
        distracted=False,
    ),
)
