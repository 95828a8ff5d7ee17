"""Two steps of which one is a half, a double or a dozen; and parts of a hundred."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TEMPLATES = (
    Template(
        "twice as many, then more",
        "+ * a 2 b",
        {"a": (3, 90), "b": (2, 60)},
        (
            "{name} has {a} {things}. {name2} has twice as many and {b} more. How many does {name2} have?",
            "A {thing} costs {a} {dollars}. {name} buys two of them and pays {b} {dollars} for the bus. What does "
            "{he} spend?",
            "{name} walks {a} {miles} to the {place} and the same way back. Then {he} walks {b} {miles} more. How far "
            "does {he} walk in all?",
            "The number of {animals} on a farm doubled from {a}, and then {b} more were bought. How many {animals} "
            "are there now?",
        ),
    ),
    Template(
        "twice as many, then less",
        "- * a 2 b",
        {"a": (8, 90), "b": (2, 60)},
        (
            "{name} has {a} {things}. {name2} had twice as many, but lost {b}. How many does {name2} have now?",
            "{name} makes {a} pairs of socks and gives {b} single socks away. How many single socks does {he} keep?",
            "The older of two sisters is twice as old as the younger one, who is {a}. How old was the older sister "
            "{b} years ago?",
            "{name} got two {boxes} of {a} {things} each. {b} {things} were broken. How many were not?",
        ),
        distracted=False,
    ),
    Template(
        "half used, then more came",
        "+ / a 2 b",
        {"a": (6, 200), "b": (2, 90)},
        (
            "{name} had {a} {things} and gave half of them to {name2}. Later {he} found {b} more. How many {things} "
            "does {he} have now?",
            "Half of the {a} people in the {place} went home. Then {b} others came in. How many people were in the "
            "{place} then?",
            "{name2} is half as old as {name}, who is {a}. How old will {name2} be in {b} years?",
            "A {thing} used to cost {a} {dollars}. Now it costs half of that, and sending it costs {b} {dollars}. How "
            "much is it in all?",
        ),
        distracted=False,
    ),
    Template(
        "half of it, less some",
        "- / a 2 b",
        {"a": (20, 200), "b": (2, 60)},
        (
            "{name} gave half of {his} {a} {things} away and then lost {b}. How many {things} are left?",
            "A {box} of {a} {foods} is shared by {name} and {name2}, half each. {name} eats {b}. How many {foods} does "
            "{name} still have?",
            "Half of the {a} seats in the {place} were taken. Then {b} people stood up and left. How many people were "
            "still sitting?",
            "A {thing} of {a} {dollars} is sold at half the price, and {name} gets {b} {dollars} off that. What does "
            "{he} pay?",
        ),
    ),
    Template(
        "the rest in two halves",
        "/ - a b 2",
        {"a": (10, 200), "b": (2, 90)},
        (
            "{name} had {a} {foods}. {He} ate {b}, and gave half of the rest to {name2}. How many did {name2} get?",
            "Of {a} pupils {b} are ill. The others make two equal teams. How many are in one team?",
            "From {a} {dollars} {name} pays a bill of {b}. Half of what remains goes to {his} sister. How much does "
            "the sister get?",
            "{name} must read {a} pages and has read {b}. {He} wants to read the rest in two days, as many on each. "
            "How many pages is that a day?",
        ),
    ),
    Template(
        "together, then halved",
        "/ + a b 2",
        {"a": (4, 120), "b": (4, 120)},
        (
            "{name} has {a} {things} and {name2} has {b}. They put them together and take half each. How many does "
            "each of them have then?",
            "{name} and {name2} buy a {thing} for {a} {dollars} and a {thing2} for {b}. Each pays half of it all. What "
            "is that for one of them?",
            "There are {a} boys and {b} girls. Half of all the children can swim. How many children can swim?",
        ),
        distracted=False,
    ),
    Template(
        "one and its double",
        "+ a * a 2",
        {"a": (3, 120)},
        (
            "{name} sold {a} {foods} on {day}, and on {day2} twice that number. How many {foods} were sold on "
            "these days?",
            "{a} is the age of {name}, and {name2} has twice that age. What is the sum of their ages?",
            "A small {box} holds {a} {things}, and a big one holds double that. How many {things} fit into both?",
            "There are {a} boys in a club and twice as many girls. How many children are in the club?",
        ),
        distracted=False,
    ),
    Template(
        "one and its half",
        "+ a / a 2",
        {"a": (4, 200)},
        (
            "{name} has {a} {things}, and {name2} has half that many. How many do they have together?",
            "It took {name} {a} minutes to get to the {place}. The way back took half as long. How long was {he} on "
            "the way in all?",
            "On {day} {a} people came, on {day2} only half as many. How many people came on the two days?",
            "A {thing} is {a} {dollars}. The second one is sold at half the price. How much are two?",
        ),
        distracted=False,
    ),
    Template(
        "eggs in dozens",
        "- * a 12 b",
        {"a": (2, 15), "b": (2, 20)},
        (
            "{name} bought {a} dozen eggs. {b} of the eggs broke. How many eggs are whole?",
            "{name} made {a} dozen {foods}, and {his} guests ate {b}. How many {foods} are left?",
            "There are {a} dozen {things} in a {box}. {name} takes out {b}. How many are still in it?",
        ),
    ),
    Template(
        "dozens and some",
        "+ * a 12 b",
        {"a": (2, 15), "b": (2, 30)},
        (
            "{name} has {a} dozen {things} and {b} single ones. How many {things} does {he} have?",
            "The hens laid {a} dozen eggs on {day} and {b} eggs on {day2}. How many eggs is that?",
            "A shop sold {a} dozen {foods} in the morning and {b} {foods} later. How many {foods} did it sell?",
        ),
        distracted=False,
    ),
    Template(
        "dozens shared",
        "/ * a 12 b",
        {"a": (2, 15), "b": (2, 12)},
        (
            "{b} {friends} share {a} dozen {foods} equally. How many {foods} does each of them get?",
            "{name} has {a} dozen {things} and puts {b} of them into every {box}. How many {boxes} does {he} fill?",
            "A cook has {a} dozen eggs and needs {b} for one cake. How many cakes can be made?",
        ),
    ),
    Template(
        "percent of a crowd",
        "/ * a b 100",
        {"a": (20, 800), "b": (5, 95, 5)},
        (
            "There are {a} people in the {place}, and {b} percent of them are women. How many women are there?",
            "{name} has {a} {things}. {b} % of them are red. How many red {things} does {he} have?",
            "{b} percent of {a} pupils come by bus. How many pupils is that?",
            "A {thing} costs {a} {dollars}. {name} pays {b} % of it today. How much does {he} pay today?",
        ),
        distracted=False,
    ),
    Template(
        "three times as many, then more",
        "+ * a 3 b",
        {"a": (3, 60), "b": (2, 60)},
        (
            "{name} has {a} {things}. {name2} has three times as many and {b} more. How many does {name2} have?",
            "{name} swims {a} {metres} on each of three days and {b} {metres} on {day}. How many {metres} is that?",
            "Three {boxes} hold {a} {things} each, and {b} {things} lie on the table. How many {things} are there?",
        ),
    ),
    Template(
        "three of them, less some",
        "- * a 3 b",
        {"a": (6, 60), "b": (2, 60)},
        (
            "{name} bought three {boxes} of {a} {things} and gave {b} {things} to {name2}. How many does {he} have?",
            "{name2} had three times as many {things} as {name}, who has {a}. Then {name2} lost {b}. How many does "
            "{name2} have now?",
            "Three {workers} each carried {a} {boxes} into the {place}, and {b} were taken out again. How many "
            "{boxes} are in the {place}?",
        ),
    ),
    Template(
        "in three parts",
        "/ a 3",
        {"a": (6, 300)},
        (
            "{name} cuts {a} {metres} of rope into three equal pieces. How long is one piece?",
            "Three {friends} share {a} {things} equally. How many does each of them get?",
            "One third of the {a} pupils are ill. How many pupils are ill?",
            "{name} has {a} {things}. {name2} has only a third of that. How many does {name2} have?",
        ),
    ),
    Template(
        "a third as many",
        "/ a 3",
        {"a": (6, 240)},
        (
            "A {vehicle} took {a} minutes. A faster one needs only a third of the time. How long does it take?",
            "A meal of {a} {dollars} is paid by {name} and two {friends} in equal parts. What does {name} pay?",
            "{name} planted {a} {plants} in three rows of the same length. How many {plants} are in one row?",
        ),
    ),
    Template(
        "a quarter of it",
        "/ a 4",
        {"a": (8, 400)},
        (
            "A quarter of {a} {foods} were bad. How many {foods} were bad?",
            "Four {friends} share {a} {things} equally. How many does one of them get?",
            "{name} cuts a ribbon of {a} {metres} into four equal pieces. How long is each?",
        ),
    ),
    Template(
        "one of four",
        "/ a 4",
        {"a": (8, 400)},
        (
            "A song has {a} lines. {name} learns it in four days, equally many lines on each. How many is that a day?",
            "{a} pupils are put into four classes of the same size. How many pupils are in one class?",
            "A square garden has a fence of {a} {metres} around it. How long is one side?",
            "{name} spends a quarter of {his} {a} {dollars} on a {thing}. What does the {thing} cost?",
        ),
    ),
)
