"""Two steps at home, at school, on the farm and on the road."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

THREE = {"a": (12, 120), "b": (2, 40), "c": (2, 40)}

TEMPLATES = (
    Template(
        "twice used",
        "- - a b c",
        THREE,
        (
            "From a roll of {a} {metres} {name} cuts {b} and then {c} {metres}.",
            "A tank of {a} {litres} loses {b} {litres} on {day} and {c} on {day2}.",
            "{name} had {a} minutes. {He} read for {b} and drew for {c}.",
            "{name} has {a} {dollars} and pays {b} for a {thing} and {c} for a {thing2}.",
        ),
        ("How [many|much] is left?", "How [many|much] is still there?", "How much [time|] does {he} have left?"),
    ),
    Template(
        "colours left",
        "- - a b c",
        THREE,
        (
            "A {box} has {a} {things}. {b} are red, {c} are green and the rest are yellow.",
            "Of {a} {friends} {b} play chess and {c} play cards. The rest read.",
            "There are {a} {animals}. {b} sleep, {c} eat and the rest run about.",
            "A book has {a} pages. {name} reads {b} on {day}, {c} on {day2} and the rest on {day3}.",
        ),
        ("How many are the rest?", "How many belong to the rest?"),
        distracted=False,
    ),
    Template(
        "birds come and go",
        "+ - a b c",
        THREE,
        (
            "{a} {animals} sit in a tree. {b} fly off, and {c} others come.",
            "{name} had {a} {dollars}, spent {b} and then earned {c}.",
            "From a {box} of {a} {things} {name} takes {b}, and later puts {c} into it.",
            "A tank holds {a} {litres}. {b} run out, and {name} pours in {c}.",
        ),
        ("How [many|much] is there now?", "How [many|much] are there in the end?", "How many does that leave?"),
    ),
    Template(
        "earn and spend",
        "- + a b c",
        {"a": (5, 90), "b": (5, 90), "c": (2, 90)},
        (
            "{name} had {a} {dollars}, earned {b} and spent {c}.",
            "{name} earned {a} {dollars} on {day} and {b} on {day2}. {He} paid {c} for a {thing}.",
            (
                "{name} has {a} red and {b} blue {things}. {c} [of them|] are broken. How many {things} [are "
                "whole|are not broken|can be used]?"
            ),
            (
                "{a} [boys|men] and {b} [girls|women] were at the {place}. {c} went home early. How many "
                "[people |][stayed|were left]?"
            ),
        ),
        (
            "How [many|much] is left?",
            "How [many|much] does {he} have [now|left]?",
        ),
    ),
    Template(
        "class trip",
        "+ * a b c",
        {"a": (2, 12), "b": (4, 40), "c": (2, 30)},
        (
            "{a} {vehicles} take {b} {friends} each, and {c} {friends} walk.",
            "{name} packs {a} {boxes} with {b} {things} each and has {c} {things} left over.",
            (
                "Each of {a} tables has {b} chairs, and {c} chairs stand along the wall. How many chairs are "
                "there [in all|]?"
            ),
            "{name} runs {b} {miles} on each of {a} days and {c} {miles} on {day}.",
        ),
        (
            "How many {friends} are there?",
            "How many {things} did {he} have?",
            "How many is that [in all|altogether]?",
        ),
        distracted=False,
    ),
    Template(
        "plan and done",
        "- a * b c",
        {"a": (40, 400), "b": (2, 12), "c": (2, 30)},
        (
            "{name} must [learn|write] {a} words and [learns|writes] {c} a day. {b} days have passed.",
            "A {worker} has to pack {a} {boxes} and packs {c} an hour, for {b} hours.",
            "{name} wants to ride {a} {miles}. {He} rides {c} {miles} an hour and has been on the way for {b} hours.",
            "{b} {friends} each take {c} of the {a} {foods} on the table.",
        ),
        ("How many are still to do?", "How many are left [then|]?"),
    ),
    Template(
        "each after eating",
        "- / a b c",
        {"a": (12, 200), "b": (2, 10), "c": (1, 15)},
        (
            (
                "{name} and {his} friends, {b} in all, share {a} {foods} equally. {name} eats {c} of {his} "
                "[share|own]. How many does {he} have [then|left]?"
            ),
            (
                "{a} {things} are put evenly on {b} tables. From each table {c} are taken away. How many "
                "{things} are on [each|one] table now?"
            ),
            (
                "{b} {friends} equally split a cost of {a} {dollars}. Each has a voucher of {c} {dollars}. How "
                "much must each pay in money?"
            ),
        ),
        (
            "How [many|much] is that for each?",
            "How [many|much] has each [then|now]?",
        ),
    ),
    Template(
        "each with a gift",
        "+ / a b c",
        {"a": (12, 200), "b": (2, 10), "c": (1, 30)},
        (
            "{name} and {his} friends, {b} in all, share {a} {foods} equally. {name} finds {c} more.",
            "{a} {things} are put evenly into {b} {boxes}. Then {c} {things2} go into each {box}.",
            "{b} {friends} split {a} {dollars} equally, and each gets {c} {dollars} as a gift.",
        ),
        (
            "How many are in one {box}?",
            "How [many|much] does each have?",
            "How [many|much] is that for each?",
        ),
    ),
    Template(
        "boxes for both",
        "/ + a b c",
        {"a": (4, 120), "b": (4, 120), "c": (2, 12)},
        (
            "{name} baked {a} {foods} and {b} {foods2} and puts {c} in each {box}.",
            "{name} has {a} old and {b} new photos. {c} fit on one page. How many pages [does {he} need|are filled]?",
            "{a} {friends} and {b} {workers} go to the {place}. {c} fit into one {vehicle}.",
            "{name} picked {a} {plants} on {day} and {b} on {day2}, and binds them in bunches of {c}.",
        ),
        (
            "How many {boxes} does {he} need?",
            "How many {vehicles} are needed?",
            "How many does that make?",
        ),
    ),
    Template(
        "days for the rest",
        "/ - a b c",
        {"a": (30, 400), "b": (5, 200), "c": (2, 30)},
        (
            "A book has {a} pages. {name} has read {b} and now reads {c} a day.",
            "{name} needs {a} {things}, has {b}, and makes {c} a day.",
            "A {worker} must plant {a} {plants}. {b} are planted, and {c} a day follow.",
            "A trip is {a} {miles} long. {b} are done, and each day {name} does {c} more.",
        ),
        ("How many days does the rest take?", "In how many days is it done?", "How many more days are needed?"),
        distracted=False,
    ),
    Template(
        "price of many",
        "* / a b c",
        {"a": (4, 120), "b": (2, 12), "c": (2, 20)},
        (
            "{b} {foods} cost {a} {dollars}. {name} needs {c} {foods}. [What do they cost|How much does {he} pay]?",
            "{b} {boxes} weigh {a} {grams}. {name} carries {c} [of these|] {boxes}.",
            "{name} needs {a} minutes for {b} [laps|letters] and now does {c}. How [long|many minutes] will it take?",
            "{b} {workers} plant {a} {plants} in a day. {c} {workers} come.",
        ),
        ("How much is that?", "How [many|much] does that make?"),
        distracted=False,
    ),
    Template(
        "less each, sold",
        "* b - a c",
        {"a": (8, 90), "b": (2, 15), "c": (2, 40)},
        (
            (
                "{name} buys {things} for {c} {dollars} each and sells them for {a} each. {He} sells {b}. [How "
                "much does {he} gain|What is {his} gain|How much does {he} earn by it] [in all|]?"
            ),
            (
                "Of {a} {friends} in each class {c} are ill. There are {b} classes. How many {friends} are [not "
                "ill|well] [in all|]?"
            ),
            (
                "A tray holds {a} {foods}, but {c} of each tray are burnt. {name} made {b} trays. How many "
                "[good {foods}|{foods} that are not burnt] are there?"
            ),
        ),
        ("How [many|much] is that in all?",),
        distracted=False,
    ),
    Template(
        "and one for each",
        "* a + b c",
        {"a": (2, 15), "b": (2, 30), "c": (2, 30)},
        (
            "For a ticket {b} {dollars} are asked and for a meal {c}. {a} people go and eat. What does it cost in all?",
            (
                "For each of {a} {friends} {name} buys a {thing} for {b} {dollars} and a {thing2} for {c}. How "
                "much does {he} [pay|spend] [in all|altogether]?"
            ),
            "{name} jogs {b} minutes in the morning and {c} in the evening, on {a} days.",
            "A bus seats {b} people below and {c} above. {a} such buses leave.",
        ),
        ("How [many|much] is that in all?", "What does that come to?"),
        distracted=False,
    ),
    Template(
        "spent on two",
        "- c + a b",
        {"a": (2, 40), "b": (2, 40), "c": (20, 200)},
        (
            "{name} has {c} minutes. {He} needs {a} for the way and {b} for lunch.",
            "{name} cuts {a} {metres} and {b} {metres} from a rope of {c} {metres}.",
            "A {box} of {c} {things} gives {a} to {name} and {b} to {name2}.",
            "{a} boys and {b} girls are among the {c} people in the {place}. The others are old.",
        ),
        ("How [many|much] [is|are] left?", "How many are the others?", "How much [time|] does {he} have left?"),
    ),
    Template(
        "goal of two days",
        "- c + a b",
        {"a": (5, 60), "b": (5, 60), "c": (40, 300)},
        (
            "{name} wants to sell {c} {things}. {He} sold {a} on {day} and {b} on {day2}.",
            "{name} got {a} points in one game and {b} in the next. To win, {he} needs {c} in all.",
            "{c} {friends} are invited. {a} came by {vehicle} and {b} on foot so far.",
        ),
        ("How many are missing [still|]?", "How many more must there be?", "How many more does {he} need?"),
    ),
    Template(
        "rows with gaps",
        "- * a b c",
        {"a": (3, 20), "b": (3, 25), "c": (2, 50)},
        (
            (
                "A {place} has {a} rows of {b} seats, and {c} seats are empty. How many [people sit there|seats "
                "are taken]?"
            ),
            (
                "{name} planted {a} rows with {b} {plants} each. {c} [of them|] died. How many {plants} "
                "[grow|are alive|are left]?"
            ),
            "{a} {workers} pack {b} {boxes} each, and {c} {boxes} are sent back.",
            "In {a} weeks {name} saved {b} {dollars} a week. Then {he} bought a {thing} for {c}.",
        ),
        ("How [many|much] is left [over|in the end|]?", "How many are left?"),
    ),
    Template(
        "wages less cost",
        "- * a b c",
        {"a": (3, 30), "b": (4, 30), "c": (2, 80)},
        (
            "{name} works {a} hours at {b} {dollars} an hour and pays {c} {dollars} for [the bus|food].",
            "{name} sells {a} {foods} at {b} {dollars} each. {c} {dollars} went into making them.",
            "A {worker} earns {b} {dollars} a day. In {a} days of work {c} are spent [in all|].",
        ),
        ("How much [is left|remains]?", "How much does {he} have in the end?", "What is left of it?"),
    ),
    Template(
        "two, one more",
        "+ a + a b",
        {"a": (2, 80), "b": (2, 40)},
        (
            "One {box} holds {a} {things}, and the other holds {b} more [than that|].",
            "{name} ran {a} minutes on {day} and {b} minutes longer on {day2}.",
            (
                "A {thing} costs {a} {dollars}. A {thing2} costs {b} {dollars} more, and {name} buys both. "
                "[What|How much] does {he} pay [in all|]?"
            ),
            "There are {a} boys in the class and {b} more girls than boys.",
        ),
        (
            "How [many|much] is that [together|in all|altogether]?",
            "What is that for both [together|]?",
        ),
    ),
    Template(
        "two, one fewer",
        "+ a - a b",
        {"a": (10, 120), "b": (2, 60)},
        (
            "One {box} holds {a} {things}, and the other holds {b} fewer [than that|].",
            "{name} ran {a} minutes on {day} and {b} minutes less on {day2}.",
            (
                "A {thing} costs {a} {dollars}. A {thing2} is {b} {dollars} cheaper, and {name} buys both. "
                "[What|How much] does {he} pay [in all|]?"
            ),
            "There are {a} boys in the class and {b} fewer girls than boys.",
        ),
        (
            "How [many|much] is that [together|in all|altogether]?",
            "What is that for both [together|]?",
        ),
    ),
    Template(
        "three prices",
        "+ + a b c",
        {"a": (2, 60), "b": (2, 60), "c": (2, 60)},
        (
            "{name} buys a {thing} for {a} {dollars}, a {thing2} for {b} and a {thing3} for {c}.",
            "A trip takes {a} minutes by bus, {b} by train and {c} on foot.",
            "{name} had {a} {things}, found {b} and got {c} from {name2}.",
            "A {vehicle} with {a} people takes on {b} at one stop and {c} at the next.",
        ),
        ("How [many|much] is that [in all|altogether|in total]?",),
        distracted=False,
    ),
    Template(
        "three parts",
        "+ + a b c",
        {"a": (2, 60), "b": (2, 60), "c": (2, 60)},
        (
            "In a {box} lie {a} {things}, {b} {things2} and {c} {things3}.",
            "{name} is in the {place} with {a} {friends}, {b} {workers} and {c} guests.",
            "{name} wrote {a} lines before lunch, {b} after it and {c} at night.",
        ),
        ("How many are these [together|in all|altogether]?", "How many [was|is] that in total?"),
        distracted=False,
    ),
    Template(
        "shared boxes",
        "/ * a b c",
        {"a": (2, 20), "b": (2, 30), "c": (2, 15)},
        (
            "{c} {friends} share {a} {boxes} with {b} {things} in each, all getting the same number.",
            "{name} reads {b} pages a day for {a} days. {name2} wants to read as many in {c} days.",
            "{a} rows of {b} {plants} are to be put into {c} rows of the same length.",
        ),
        ("How many [is|are] that for each [|one]?",),
        distracted=False,
    ),
    Template(
        "crates of boxes",
        "* * a b c",
        {"a": (2, 12), "b": (2, 12), "c": (2, 12)},
        (
            "{name} buys {a} {boxes} with {b} {things} in each, and each {thing} costs {c} {dollars}.",
            "{a} {friends} work {b} hours each and get {c} {dollars} an hour.",
            "{name} walks {a} {miles} a day, {b} days a week, {c} weeks long.",
        ),
        ("How [many|much] is that [in all|altogether|in total]?", "What does it come to [in all|]?"),
        distracted=False,
    ),
)
