"""Two steps on the road, in the garden and at home."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TEMPLATES = (
    Template(
        "seats in the train",
        "- c * a b",
        {"a": (2, 12), "b": (5, 60), "c": (100, 900)},
        (
            "{c} people want to go to the {place}. {a} {vehicles} take {b} people each. How many people must wait?",
            (
                "The way to the {place} is {c} {miles}. {name} has driven {a} hours at {b} {miles} an hour. How far "
                "is it still?"
            ),
            (
                "A tank holds {c} {litres} of water. Each day {b} {litres} are used. How many {litres} are left "
                "after {a} days?"
            ),
            "{name} has {c} {plants} and sets {a} rows of {b}. How many {plants} has {he} not set yet?",
        ),
    ),
    Template(
        "on the way for days",
        "+ c * a b",
        {"a": (2, 12), "b": (3, 60), "c": (3, 120)},
        (
            "{name} had ridden {c} {miles} when {he} began to ride {b} {miles} a day. How far had {he} ridden {a} days "
            "later?",
            "A {plant} was {c} {metres} tall and grows {b} {metres} a year. How tall is it after {a} years?",
            (
                "In a tank are {c} {litres}. {name} pours in {a} buckets of {b} {litres}. How many {litres} are in "
                "the tank now?"
            ),
            "There were {c} people in the {place} when {a} {vehicles} with {b} people each came. How many people are "
            "there now?",
        ),
    ),
    Template(
        "stops of a bus",
        "- + a b c",
        {"a": (5, 60), "b": (3, 40), "c": (3, 60)},
        (
            "A {vehicle} left with {a} people. On the way {b} got in and {c} got out. How many people were in it then?",
            (
                "{name} drove {a} {miles} to the {place} and {b} {miles} to the {place2}. {c} {miles} of this were on "
                "a bad road. How many were on a good one?"
            ),
            (
                "In the garden grew {a} {plants}. {name} planted {b} more, and in winter {c} died. How many {plants} "
                "are in the garden now?"
            ),
        ),
    ),
    Template(
        "stages of a trip",
        "- - a b c",
        {"a": (60, 600), "b": (5, 200), "c": (5, 200)},
        (
            "A trip is {a} {miles} long. {name} did {b} {miles} on {day} and {c} on {day2}. How many {miles} are still "
            "to go?",
            (
                "A {vehicle} had {a} {litres} of fuel. It used {b} on the way to the {place} and {c} on the way back. "
                "How much fuel is left?"
            ),
            (
                "Of {a} people on a ship {b} got off at the first harbour and {c} at the second. How many stayed on "
                "board?"
            ),
        ),
    ),
    Template(
        "legs of a trip",
        "+ + a b c",
        {"a": (3, 90), "b": (3, 90), "c": (3, 90)},
        (
            "{name} rode {a} minutes by train, walked {b} minutes and waited {c} minutes. How long did it take in all?",
            "From the {place} to the {place2} it is {a} {miles}, from there to the {place3} {b}, and {c} {miles} home. "
            "How far does {name} go?",
            "{name} put {a} {litres} of milk, {b} of water and {c} of juice into a pot. How many {litres} are in it?",
        ),
        distracted=False,
    ),
    Template(
        "as fast as before",
        "* / a b c",
        {"a": (10, 600), "b": (2, 12), "c": (2, 15)},
        (
            "A {vehicle} needs {b} hours for {a} {miles}. How many {miles} can it do in {c} hours?",
            "{b} {litres} of fuel take a {vehicle} {a} {miles} far. How many {miles} do {c} {litres} take it?",
            "{name} plants {a} {plants} in {b} equal rows. How many {plants} would be in {c} such rows?",
            "A cook needs {a} {grams} of flour for {b} cakes. How much flour is needed for {c} cakes?",
        ),
        distracted=False,
    ),
    Template(
        "the same way every day",
        "* + a b c",
        {"a": (2, 60), "b": (2, 60), "c": (2, 12)},
        (
            "{name} drives {a} {miles} to work and {b} {miles} home each day. How far does {he} drive in {c} days?",
            "In one row stand {a} {plants} and {b} {plants2}. There are {c} such rows. How many grow there in all?",
            "A lunch box has {a} {foods} and {b} {foods2} in it. {name} packs {c} of these boxes. How many pieces of "
            "food does {he} need?",
        ),
        distracted=False,
    ),
    Template(
        "what each day adds",
        "* - a b c",
        {"a": (8, 90), "b": (2, 60), "c": (2, 14)},
        (
            "Every day {a} {animals} come to the pond and {b} fly away. How many more are there after {c} days?",
            "A snail climbs {a} {metres} by day and slips back {b} {metres} by night. How high is it after {c} days?",
            "A tap gives {a} {litres} a minute, and {b} {litres} a minute run out again. How many {litres} are in the "
            "tank after {c} minutes?",
        ),
        distracted=False,
    ),
    Template(
        "beds with rows",
        "* * a b c",
        {"a": (2, 12), "b": (2, 12), "c": (2, 15)},
        (
            "In a garden are {a} beds of {b} rows, and {c} {plants} grow in every row. How many {plants} is that?",
            "{name} bakes {a} trays a day with {b} rows of {c} buns. How many buns is that for a day?",
            "{a} {vehicles} carry {b} {boxes} each. In every {box} are {c} {things}. How many {things} do they carry?",
        ),
        distracted=False,
    ),
    Template(
        "seeds for the beds",
        "/ a * b c",
        {"a": (24, 900), "b": (2, 10), "c": (2, 10)},
        (
            "{a} seeds are spread evenly over {b} beds with {c} rows each. How many seeds go into one row?",
            "{name} earned {a} {dollars} in {b} weeks, working {c} hours a week. How much did {he} earn an hour?",
            "{b} {friends} were on the road for {c} days and used {a} {litres} of water. How much did each of them use "
            "a day?",
        ),
    ),
    Template(
        "food for the animals",
        "/ a * b c",
        {"a": (24, 900), "b": (2, 12), "c": (2, 12)},
        (
            "A farmer has {a} {foods}, and {b} {animals} get {c} {foods} each a day. For how many days is that enough?",
            "A {box} holds {b} rows of {c} {foods}. How many of these {boxes} are needed for {a} {foods}?",
            "{b} {workers} lay {c} stones a minute each. How many minutes do they need for {a} stones?",
        ),
    ),
    Template(
        "packed again",
        "/ * a b c",
        {"a": (2, 20), "b": (2, 30), "c": (2, 15)},
        (
            "{name} opens {a} {boxes} of {b} {things} and packs all of them again, {c} to a {box2}. How many {boxes2} "
            "does {he} fill?",
            "{a} {workers} need {b} hours for a wall. How many hours would {c} {workers} need?",
            "The food lasts {a} {animals} for {b} days. For how many days does it last {c} {animals}?",
            "{name} saves {a} {dollars} a week for {b} weeks and spends it all on {things} of {c} {dollars}. How many "
            "can {he} buy?",
        ),
        distracted=False,
    ),
    Template(
        "one share is larger",
        "+ / a b c",
        {"a": (20, 300), "b": (2, 12), "c": (2, 40)},
        (
            "{name} shared {a} {foods} evenly among {b} {animals}. One of them then got {c} more. How many did that "
            "one get?",
            "{a} people came in {b} {vehicles}, the same number in each. {c} more got into the first one. How many "
            "people sit in the first one now?",
            "{name} laid {a} stones in {b} equal rows, and put {c} more at the end of the last row. How long is the "
            "last row?",
        ),
    ),
    Template(
        "one row is shorter",
        "- / a b c",
        {"a": (20, 300), "b": (2, 12), "c": (1, 20)},
        (
            "{name} planted {a} {plants} in {b} equal rows. In the first row {c} died. How many {plants} are alive in "
            "it?",
            "{a} people came in {b} {vehicles}, the same number in each. {c} people got out of the first. How many "
            "people are still in it?",
            "A rope of {a} {metres} is cut into {b} equal pieces, and {c} {metres} are cut off one of them. How long "
            "is that piece then?",
        ),
    ),
    Template(
        "what is missing of the whole",
        "- c + a b",
        {"a": (5, 90), "b": (5, 90), "c": (30, 300)},
        (
            "In a {vehicle} with {c} seats {a} men and {b} women sit. How many of the seats are empty?",
            "{name} needs {c} {litres} of paint. {He} has {a} {litres} of red paint and {b} of white. How much more "
            "does {he} need?",
            "On a path of {c} {miles} {name} walks {a} before lunch and {b} after it. How many {miles} are "
            "still ahead?",
            "To buy a {thing} {name} needs {c} {dollars}. {He} owns {a}, and {name2} lends {him} {b}. How much is "
            "missing?",
        ),
    ),
    Template(
        "the third of three",
        "- a + b c",
        {"a": (30, 300), "b": (5, 90), "c": (5, 90)},
        (
            "Three children have {a} {things} together. One has {b} and another has {c}. How many does the third one "
            "have?",
            "A day at the {place} was {a} minutes long, with breaks of {b} and {c} minutes. How long did {name} work?",
            "{name} weighed three {boxes} at {a} {grams} in all. Two of them weigh {b} and {c} {grams}. What does the "
            "third weigh?",
            "Around a field of three sides goes a path of {a} {metres}. Two sides are {b} and {c} {metres} long. How "
            "long is the third one?",
        ),
        distracted=False,
    ),
)
