"""One step in the kitchen, the garden, the class and the workshop."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TWO = {"a": (2, 99), "b": (2, 99)}
LARGER = {"a": (10, 99), "b": (2, 90)}

TEMPLATES = (
    Template(
        "kitchen",
        "+ a b",
        TWO,
        (
            "{name} puts {a} {foods} and {b} {foods2} into a pot.",
            "For a salad {name} takes {a} {foods}, and for the soup {b}.",
            "On the table lie {a} {foods} and {b} {foods2}.",
            "{name} bakes {a} {foods} on {day} and another {b} on {day2}.",
        ),
        (
            "How many are these in all?",
            "How many does {he} need in total?",
            "How many is that altogether?",
            "What do they add up to?",
        ),
        distracted=False,
    ),
    Template(
        "class of two",
        "+ a b",
        TWO,
        (
            "In a class there are {a} girls and {b} boys.",
            "{a} children came by bus and {b} came on foot.",
            "A team has {a} old members and {b} new ones.",
            "One class has {a} pupils, the class next door has {b}.",
        ),
        (
            "How many children are there?",
            "How many are there in total?",
            "How many pupils is that?",
            "How many are they together?",
        ),
        distracted=False,
    ),
    Template(
        "joined later",
        "+ a b",
        TWO,
        (
            "{a} {friends} were playing. {b} more joined the game.",
            "{name} had written {a} lines and then wrote {b} more.",
            "A tree had {a} leaves in April and got {b} new ones in May.",
            "{name}'s collection of {a} {toys} grew by {b}.",
        ),
        (
            "How many were there then?",
            "How many is that now?",
            "What is the number after that?",
            "How many did it become?",
        ),
    ),
    Template(
        "who has more",
        "- a b",
        LARGER,
        (
            "{name} picked {a} {foods}. {name2} picked {b}.",
            "{name2} read {b} pages and {name} read {a}.",
            "In one hour {name} wrote {a} lines, {name2} wrote {b}.",
            "{name} needs {a} minutes to school and {name2} needs {b}.",
        ),
        (
            "How many more was that for {name} than for {name2}?",
            "By how many is {name} above {name2}?",
            "How many fewer is it for {name2}?",
        ),
    ),
    Template(
        "more of one kind",
        "- a b",
        LARGER,
        (
            "There are {a} {animals} and {b} {animals2} in the barn.",
            "A garden has {b} {plants} and {a} {plants2}.",
            "{name} owns {a} red and {b} green {things}.",
            "The first {box} holds {a} {things} and the second {b}.",
        ),
        (
            "How many more are there of the larger group?",
            "How large is the difference between the two?",
            "How many more of one kind than of the other are there?",
        ),
    ),
    Template(
        "longer than",
        "- a b",
        {"a": (20, 300), "b": (5, 280)},
        (
            "One {vehicle} is {a} {metres} long and another {b}.",
            "The way to the {place} is {a} {miles}, the way to the {place2} {b}.",
            "A red rope measures {a} {metres} and a blue one {b}.",
        ),
        (
            "How much longer is the first [one|]?",
            "How much shorter is the second [one|]?",
            "By how much is one longer?",
        ),
        distracted=False,
    ),
    Template(
        "kept for later",
        "- a b",
        {"a": (8, 120), "b": (2, 100)},
        (
            "Out of {a} {foods} {name} cooks {b}.",
            "{name} reads {b} of {a} letters today.",
            "A {worker} has {a} {things} to repair and has repaired {b}.",
            "{name} answered {b} of {a} questions.",
        ),
        ("How many are there for tomorrow?", "How many has {he} not done [yet|]?", "How many are still to come?"),
    ),
    Template(
        "sets of",
        "* a b",
        {"a": (2, 25), "b": (2, 25)},
        (
            "{name} sets {a} tables with {b} plates each.",
            "{a} teams of {b} players come to the {place}.",
            "Each of {a} trees bears {b} {foods}.",
            "{name} writes {b} letters to each of {a} {friends}.",
            "On each of {a} days {name} draws {b} pictures.",
        ),
        (
            "How many plates are that?",
            "How many is that in total?",
            "How many are there in all?",
            "How many does that make together?",
        ),
    ),
    Template(
        "times a length",
        "* a b",
        {"a": (2, 20), "b": (2, 60)},
        (
            "{name} lays {a} planks of {b} {metres} in one line.",
            "{a} ribbons of {b} {metres} each are sewn together.",
            "One round is {b} {metres} long. {name} runs {a} rounds.",
            "A worm crawls {b} {metres} an hour, for {a} hours.",
        ),
        ("How long is that in all?", "What is the whole length?", "How far is that?", "How many {metres} is that?"),
        distracted=False,
    ),
    Template(
        "bunches",
        "/ a b",
        {"a": (10, 300), "b": (2, 15)},
        (
            "{name} ties {a} {plants} into bunches of {b}.",
            "{name} cuts a string of {a} {metres} into pieces of {b} {metres}.",
            "{a} pupils work in groups of {b}.",
            "{a} {litres} of juice are filled into jugs of {b} {litres}.",
            "A teacher hands out {a} cards, {b} to each pupil, until none is left.",
        ),
        (
            "How many bunches or groups are there?",
            "How many does that make?",
            "How many is that?",
            "How many come out of it?",
        ),
    ),
    Template(
        "equal parts",
        "/ a b",
        {"a": (10, 300), "b": (2, 15)},
        (
            "{name} spreads {a} {foods} over {b} plates, all with the same number.",
            "A farmer divides {a} {animals} into {b} equal herds.",
            "{a} {dollars} are paid in {b} equal parts.",
            "{name} does {a} exercises in {b} days, the same number each day.",
        ),
        (
            "How many come on each?",
            "How [many|much] is one part?",
            "How many are in one [part|of them]?",
            "How [many|much] is it each time?",
        ),
    ),
    Template(
        "half as an amount",
        "/ a 2",
        {"a": (4, 300)},
        (
            "Half of the {a} {plants} in the garden bloom.",
            "{name} has done half of {his} {a} exercises.",
            "{name2} is half as old as {name}, who is {a} years old.",
            "{name} uses half of {a} {litres} of milk.",
        ),
        ("How many is that?", "How much is it?", "What number is that?"),
    ),
)
