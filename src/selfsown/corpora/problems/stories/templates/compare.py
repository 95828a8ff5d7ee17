"""One step: two persons or things are compared."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

MORE = {"a": (3, 90), "b": (2, 40)}
FEWER = {"a": (8, 99), "b": (2, 50)}

TEMPLATES = (
    Template(
        "more than",
        "+ a b",
        MORE,
        (
            "{name} has {a} {things}. {name2} has {b} more [{things} |]than {name}.",
            "{name2} [has|owns|got] {b} {things} more than {name}, who has {a}.",
            "{name} [found|collected] {a} {things}, and {name2} [found|collected] {b} more than {he} did.",
        ),
        (
            "How many {things} does {name2} have?",
            "How many [are {name2}'s|did {name2} get]?",
            "What number of {things} does {name2} have?",
        ),
    ),
    Template(
        "fewer than",
        "- a b",
        FEWER,
        (
            "{name} has {a} {things}. {name2} has {b} [fewer|less] [{things} |]than {name}.",
            (
                "{name2} [picked|sold|made] {b} {foods} [less|fewer] than {name}. {name} [picked|sold|made] {a} "
                "[of them|]."
            ),
            "{name} [counted|saw] {a} {animals}, {b} more than {name2} [did|].",
        ),
        ("How many [was that for {name2}|did {name2} have|does {name2} have]?", "How many has {name2}?"),
    ),
    Template(
        "how many more",
        "- a b",
        {"a": (10, 99), "b": (2, 90)},
        (
            "{name} has {a} {things} and {name2} has {b} [of them|].",
            "{name2} has {b} {things}. {name} has {a}.",
            "There are {a} {animals} and {b} {animals2} on the farm.",
            "The red {box} holds {a} {things}, the blue one {b}.",
        ),
        (
            "How many more [{things} |]are there of the one than of the other?",
            "What is the difference?",
            "By how many do they differ?",
        ),
    ),
    Template(
        "how many more has",
        "- a b",
        {"a": (10, 99), "b": (2, 90)},
        (
            "{name} has {a} {things} and {name2} has {b}.",
            "{name2} [found|has|made] {b} {things}. {name} [found|has|made] {a}.",
            "{name} got {a} points in the game, {name2} got {b}.",
        ),
        (
            "How many more [{things} |]does {name} have than {name2}?",
            "How many fewer [{things} |]does {name2} have than {name}?",
            "How many must {name2} get to have as many as {name}?",
        ),
    ),
    Template(
        "older",
        "+ a b",
        {"a": (3, 60), "b": (2, 35)},
        (
            "{name} is {a}. A {friend} of {his} is {b} years older.",
            "{name2} is {b} years older than {name}, who is {a}.",
            "{name} is {a}. {name2} was born {b} years before {him}.",
            "{name} is {a} years old now, and {b} years will pass.",
        ),
        ("How old [is|will] the [other|older] one [be|]?", "What age is that?", "How old is that?"),
        distracted=False,
    ),
    Template(
        "younger",
        "- a b",
        {"a": (12, 80), "b": (2, 40)},
        (
            "{name} is {a}. A {friend} of {his} is {b} years younger.",
            "{name2} is younger than {name} by {b} years. {name} is {a}.",
            "{name} is {a} [years old|]. {He} came to [this town|this school] {b} years ago.",
        ),
        ("How old is {name2}?", "How old was {he} then?", "What is the age of the younger one?"),
        distracted=False,
    ),
    Template(
        "age difference",
        "- a b",
        {"a": (15, 90), "b": (2, 60)},
        (
            "{name} is {a} and {name2} {b} years old.",
            "{name2} is {b} [years old|]. {name} is {a}.",
            "The {place} is {a} years old, the {place2} beside it {b}.",
        ),
        (
            "How many years lie between them?",
            "How much older is the older one?",
            "What is the difference in age?",
            "By how many years is one older?",
        ),
        distracted=False,
    ),
    Template(
        "taller",
        "+ a b",
        {"a": (40, 190), "b": (2, 60)},
        (
            "{name} is {a} cm tall. {name2} is {b} cm taller.",
            "A {plant} is {a} cm high. [In a year|In summer|Since then] it [grows|grew] {b} cm.",
            "The {place} is {a} metres high and the tower [beside it|next to it] is {b} metres higher.",
        ),
        ("How [tall|high] is [the other|the taller one|it then]?", "What is the height [then|of the taller one|]?"),
        distracted=False,
    ),
    Template(
        "shorter",
        "- a b",
        {"a": (40, 300), "b": (2, 90)},
        (
            "The first [rope|stick|ribbon|pipe] is {a} cm long. The second is {b} cm shorter.",
            "{name}'s [hair|scarf|candle] was {a} {metres} long. It is {b} {metres} shorter now.",
            "One table is {b} cm lower than another, which is {a} cm high.",
        ),
        ("How [long|much] is [the shorter one|it]?", "What is its [length|size]?", "How many {metres} is that?"),
        distracted=False,
    ),
    Template(
        "heavier",
        "+ a b",
        {"a": (2, 300), "b": (1, 90)},
        (
            "A {animal} weighs {a} {grams}. A {animal2} weighs {b} {grams} more.",
            "{name}'s [bag|case] weighs {a} kg and {name2}'s is {b} kg heavier.",
            "The {box} weighs {b} {grams} more than the {box2}, which weighs {a}.",
        ),
        (
            "How much does [the heavier one|the other one|that one] weigh?",
            "What is the weight of the heavier one?",
            "How heavy is it?",
        ),
    ),
    Template(
        "warmer",
        "- a b",
        {"a": (12, 40), "b": (2, 30)},
        (
            "It was {a} degrees at noon. By [night|evening] it [fell|had dropped|became colder] by {b} degrees.",
            "[Yesterday|On {day}] it was {a} degrees. Today it is {b} degrees colder.",
            "At night it is {b} degrees cooler than by day, when it is {a} degrees.",
        ),
        (
            "How [warm|cold|many degrees] is it [then|]?",
            "What is the temperature [then|]?",
            "What does the thermometer show then?",
        ),
        distracted=False,
    ),
    Template(
        "times as many",
        "* a b",
        {"a": (3, 60), "b": (3, 12)},
        (
            "{name} has {a} {things}. {name2} has {b} times as many.",
            "{name2} [found|collected|has] {b} times as many {things} as {name}, who [found|collected|has] {a}.",
            "There are {a} {animals} and {b} times as many {animals2}.",
            "A {thing} costs {a} {dollars}. A {thing2} costs {b} times as much.",
        ),
        ("How many [has|are|is] that?", "How many does {name2} have?", "How much is the larger number?"),
    ),
    Template(
        "twice",
        "* a 2",
        {"a": (3, 300)},
        (
            "{name} has {a} {things}. {name2} has [double that number|two times as many].",
            "{name2} [has|sold|made] twice as many {things} as {name}, who [has|sold|made] {a}.",
            "A {box} holds {a} {things}. A large {box} holds double that [number|].",
            "{name} [paid|had|saved] {a} {dollars}, and {name2} [paid|had|saved] twice as much.",
        ),
        ("How many does {name2} have?", "How many [are|is] that?", "How much is it for the other?"),
    ),
    Template(
        "three times",
        "* a 3",
        {"a": (3, 200)},
        (
            "{name} has {a} {things}. {name2} has [three times|thrice] as many.",
            "{name2} ran three times as far as {name}, who ran {a} {miles}.",
            "{name} needed {a} minutes. It took {name2} three times as long.",
            "{name} jumped {a} metres in all, {name2} three times as much.",
        ),
        ("How [many|much] [are|is] [that|it]?", "What is that for {name2}?", "What number is that?"),
    ),
    Template(
        "half",
        "/ a 2",
        {"a": (6, 300)},
        (
            "{name} has {a} {things}. {name2} has half as many.",
            "{name} [ate|sold|gave away|used] half of {his} {a} {things}.",
            "There are {a} [children|pupils|people] in the {place}. Half of them are [girls|boys|old].",
            "Half of the {a} {foods} [are|were] [ripe|bad|eaten].",
            "A {thing} costs {a} {dollars} [and is now sold at half price|, today half of that].",
        ),
        ("How many is that?", "How many [are|were] [they|those]?", "How much is that?"),
    ),
)
