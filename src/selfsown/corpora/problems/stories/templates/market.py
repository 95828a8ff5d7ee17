"""Two steps at the market, in shops and with money."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TEMPLATES = (
    Template(
        "crates at the market",
        "- * a b c",
        {"a": (3, 20), "b": (4, 40), "c": (3, 100)},
        (
            (
                "A {worker} came to the market with {a} {boxes}, each full of {b} {foods}. In the evening {c} "
                "{foods} were still there. How many {foods} were sold?"
            ),
            (
                "{name} sold {a} {things} for {b} {dollars} each. {He} had paid {c} {dollars} for all of them. How "
                "much did {he} gain?"
            ),
            (
                "A {thing} costs {b} {dollars}. {name} takes {a} and gets {c} {dollars} off because {he} buys so "
                "many. How much does {he} pay?"
            ),
            (
                "For {a} hours of work {name} was paid {b} {dollars} an hour. {He} used {c} {dollars} of it to pay "
                "a bill. How much money is left?"
            ),
        ),
    ),
    Template(
        "delivery is extra",
        "+ * a b c",
        {"a": (2, 20), "b": (2, 40), "c": (2, 60)},
        (
            (
                "{name} orders {a} {things} at {b} {dollars} each. Sending them costs {c} {dollars} more. How much "
                "[is it|does {he} pay] in all?"
            ),
            (
                "To rent a {vehicle} costs {c} {dollars} and {b} {dollars} more for every hour. {name} rents it "
                "for {a} hours. How much does {he} pay?"
            ),
            (
                "{name} owns {c} {dollars} and makes {b} {dollars} more on every day of work. What does {he} own "
                "when {a} days are over?"
            ),
            ("{name} bought {a} {foods} for {b} {dollars} each and a {thing} for {c} {dollars}. What did {he} spend?"),
        ),
        distracted=False,
    ),
    Template(
        "what a note leaves",
        "- c * a b",
        {"a": (2, 12), "b": (2, 15), "c": (20, 200)},
        (
            (
                "{name} buys {a} {foods}. Each costs {b} {dollars}, and {he} pays with {c} {dollars}. How much "
                "does {he} get back?"
            ),
            (
                "{name} takes {a} {friends} to the {place}, and each ticket is {b} {dollars}. {He} had {c} "
                "{dollars}. How much is left?"
            ),
            (
                "{a} {workers} carry {b} {boxes} each out of a {place} with {c} {boxes}. How many {boxes} are "
                "still in it?"
            ),
            (
                "{name} fills {a} {boxes} with {b} {things} each. {He} has {c} {things}. How many {things} "
                "[do not fit|stay outside|are left over]?"
            ),
        ),
    ),
    Template(
        "two things from a purse",
        "- - a b c",
        {"a": (30, 200), "b": (3, 60), "c": (3, 60)},
        (
            (
                "{name} went to the {place} with {a} {dollars}. A {thing} cost {b} {dollars} and a {thing2} cost "
                "{c}. How much money did {he} [have left|bring home]?"
            ),
            (
                "At noon a shop had {a} {things}. It sold {b} by three and {c} more before it closed. How many "
                "were not sold?"
            ),
            (
                "A price of {a} {dollars} was lowered by {b} {dollars}, and a week later by {c} {dollars} more. "
                "What is the price now?"
            ),
            (
                "{name} earns {a} {dollars} a week. {b} {dollars} go for rent and {c} {dollars} for food. How much "
                "can {he} save each week?"
            ),
        ),
    ),
    Template(
        "stock of a shop",
        "+ - a b c",
        {"a": (20, 200), "b": (3, 90), "c": (3, 90)},
        (
            (
                "In the morning a shop had {a} {things}. {b} were sold, and then a {vehicle} brought {c}. How many "
                "{things} does the shop have now?"
            ),
            (
                "{name} had {a} {dollars}, used {b} of them for a {thing}, and was then given {c} by {name2}. How many "
                "{dollars} does that make?"
            ),
            (
                "The price of a {thing} was {a} {dollars}. It fell by {b} {dollars} and later rose by {c}. What "
                "does the {thing} cost now?"
            ),
        ),
    ),
    Template(
        "coins and a purchase",
        "- + a b c",
        {"a": (10, 90), "b": (10, 90), "c": (3, 100)},
        (
            (
                "{name} has {a} {dollars} in one pocket and {b} in the other. {He} buys a {thing} for {c} "
                "{dollars}. How much does {he} have left?"
            ),
            (
                "A shop took in {a} {dollars} on {day} and {b} on {day2}. {c} {dollars} of this were spent on new "
                "goods. How much remains?"
            ),
            (
                "{name} saved {a} {dollars} and got {b} as a present. A {thing} costs {c} {dollars}. How much is "
                "left when {he} has bought it?"
            ),
        ),
    ),
    Template(
        "three on the bill",
        "+ + a b c",
        {"a": (2, 80), "b": (2, 80), "c": (2, 80)},
        (
            (
                "A {thing} costs {a} {dollars}, a {thing2} {b} and a {thing3} {c}. {name} takes all of them. How "
                "much does {he} pay?"
            ),
            "The shop sold {a} {foods} on {day}, {b} on {day2} and {c} on {day3}. How many did it sell in all?",
            (
                "{name} owes {a} {dollars} to {name2}, {b} to {name3} and {c} to {name4}. How much does {he} owe "
                "altogether?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "per piece, then more",
        "* / a b c",
        {"a": (6, 200), "b": (2, 12), "c": (2, 20)},
        (
            "{b} {foods} cost {a} {dollars}. How much do {c} {foods} cost?",
            "{name} earns {a} {dollars} in {b} hours. How much does {he} earn in {c} hours?",
            "{a} {dollars} is the price of a {box} of {b} {things}. What would {c} single {things} cost?",
            "In {b} weeks a shop sells {a} {things}, every week the same. How many does it sell in {c} weeks?",
        ),
        distracted=False,
    ),
    Template(
        "gain on each",
        "* - a b c",
        {"a": (6, 90), "b": (2, 60), "c": (2, 40)},
        (
            (
                "A {thing} is sold for {a} {dollars}. To make one costs {b} {dollars}. How much is gained on {c} "
                "{things}?"
            ),
            ("{name} buys a {thing} for {b} {dollars} and sells it for {a}. How much does {he} gain on {c} of them?"),
            ("Every day {a} {foods} are baked and {b} are sold. How many {foods} are left over in {c} days?"),
            (
                "A ticket for a grown person costs {a} {dollars}, and children pay {b} {dollars} less. How much do "
                "{c} children pay?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "two prices for a group",
        "* + a b c",
        {"a": (2, 30), "b": (2, 30), "c": (2, 30)},
        (
            "{name} buys {c} {things}, which are {a} {dollars} each, and as many {things2} for {b} each. What is "
            "the bill?",
            ("A meal is {a} {dollars}, and something to drink is {b}. What do {c} people pay if each takes both?"),
            (
                "In a week {name} earns {a} {dollars} at the {place} and {b} at the {place2}. How much does {he} "
                "earn in {c} weeks?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "price of one after a discount",
        "/ - a b c",
        {"a": (20, 300), "b": (2, 150), "c": (2, 15)},
        (
            (
                "{name} had {a} {dollars}. {He} bought {c} {things}, all at the same price, and had {b} {dollars} "
                "left. What did one {thing} cost?"
            ),
            (
                "{c} {things} cost {a} {dollars}, but {name} gets {b} {dollars} off. How much does {he} pay for "
                "each {thing}?"
            ),
            (
                "A shop ordered {a} {things}. {b} are there already, and the others come in {c} equal {boxes}. How "
                "many {things} are in each {box}?"
            ),
            (
                "{name} wants a {thing} that costs {a} {dollars}. {He} has {b} {dollars} and saves {c} {dollars} "
                "each week. How many weeks must {he} save?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "money put together",
        "/ + a b c",
        {"a": (5, 120), "b": (5, 120), "c": (2, 15)},
        (
            (
                "{name} has {a} {dollars} and {name2} has {b}. How many {foods} can they buy together if one costs "
                "{c} {dollars}?"
            ),
            (
                "For a {thing} of {a} {dollars} and a {thing2} of {b} {dollars}, {c} {friends} pay equal parts. What "
                "is it for one of them?"
            ),
            (
                "{name} sold {a} {foods} on {day} and {b} on {day2}, always in {boxes} of {c}. How many {boxes} "
                "did {he} sell?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "share with a tip",
        "+ / a b c",
        {"a": (12, 240), "b": (2, 12), "c": (1, 20)},
        (
            (
                "A meal for {b} {friends} comes to {a} {dollars}, and all pay the same. {name}, one of them, also "
                "leaves {c} {dollars} for the waiter. What does {he} spend?"
            ),
            (
                "{name} makes {a} {dollars} in {b} equal weeks. This week {he} makes {c} {dollars} more than in one "
                "of those. How much does {he} make this week?"
            ),
            (
                "A set of {b} {things} costs {a} {dollars}. A single {thing} costs {c} {dollars} more than one of "
                "the set. How much is a single {thing}?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "share with a discount",
        "- / a b c",
        {"a": (12, 300), "b": (2, 12), "c": (1, 20)},
        (
            (
                "{b} {friends} rent a {vehicle} for {a} {dollars} and split it equally. {name} has already paid {c} "
                "{dollars}. How much must {he} still pay?"
            ),
            (
                "{name} divides {a} {foods} evenly into {b} {boxes}. From one {box} {c} {foods} are eaten. How many "
                "{foods} are left in that {box}?"
            ),
            (
                "A set of {b} {things} costs {a} {dollars}. The shop next door asks {c} {dollars} less for one. "
                "What does one {thing} cost there?"
            ),
        ),
        distracted=False,
    ),
)
